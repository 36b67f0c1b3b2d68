"""The registry files that come with Kabar are whole, and name where they come from."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from gateway.enrol.areas import FOLDER, read_areas, read_sample_facilities

AREAS = read_areas()


def test_the_whole_country_is_there() -> None:
    assert Counter(area.level for area in AREAS) == {"province": 38, "regency": 514, "district": 7285}
    assert len({area.code for area in AREAS}) == len(AREAS)


def test_every_area_comes_after_its_parent() -> None:
    seen: set[str | None] = {None}
    for area in AREAS:
        assert area.parent in seen, area
        assert area.parent is None or area.code.startswith(f"{area.parent}."), area
        seen.add(area.code)


def test_every_area_lives_by_one_of_the_countrys_clocks() -> None:
    zones = {area.timezone for area in AREAS}
    assert {ZoneInfo(zone).key for zone in zones} == zones
    by_code = {area.code: area for area in AREAS}
    assert (by_code["14.03"].name, by_code["14.03"].timezone) == ("Kabupaten Bengkalis", "Asia/Jakarta")
    assert (by_code["72.71"].name, by_code["72.71"].timezone) == ("Kota Palu", "Asia/Makassar")


def test_the_sample_holds_real_facilities_of_two_regencies() -> None:
    sample = read_sample_facilities()
    assert {one.regency for one in sample} == {"14.03", "72.71"}
    assert {one.type for one in sample} == {"PUSKESMAS", "RS"}
    assert len({one.kemenkes_code for one in sample}) == len(sample)


def test_every_registry_file_names_its_licence() -> None:
    files = {path.stem.partition("-")[0] for path in FOLDER.glob("*.csv")}
    assert files == {path.name.partition("-")[0] for path in FOLDER.glob("*-LICENSE.txt")}
