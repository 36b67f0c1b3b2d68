"""ADX: valid by its rules, in the codes of the mapping, one group for a facility and a month; or no file at all."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.export.dhis2.mapping_rows import suggest
from gateway.mapping import Mapping
from gateway.store import destinations, mappings
from gateway.store.destinations import LockedSecret, NewDestination
from gateway.store.exports import DONE, FAILED
from gateway.store.mappings import NewMapping
from gateway.values import Scope
from tests.district import District
from tests.gateway.export.adx_rules import find_faults
from tests.gateway.export.making import COUNTRY, make, read, settle

SAMPLES = Path(__file__).parent / "samples"
ANI = {"baru": 12, "baru.pil": 5, "baru.suntik3": 0, "aktif": 40, "aktif.pil": 30}
WATI = {"baru.iud": 3, "aktif.iud": 20}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: what is written does not hang on it."""
    return sqlite_url


def give_mapping(district: District, area: str = "14.03", form: str = "kb", **changes: object) -> Mapping:
    """Let an area have a destination with the mapping to begin with, changed as it is said."""
    chosen = next(one for one in district.runtime.forms if one.code == form)
    mapping = replace(suggest(chosen), **changes)  # type: ignore[arg-type]
    now = district.runtime.now()
    with district.database.session() as session:
        new = NewDestination(area, f"ASDK {area}", "https://dhis2.example.go.id", "token", "")
        one = destinations.add_destination(session, new, LockedSecret("x", "", now), now, scope=COUNTRY)
        assert one
        parts = {name: getattr(mapping, name) for name in Mapping.__slots__ if name not in {"id", "version"}}
        draft = NewMapping(
            destination_id=one, user_id=7, user_name="Rina", made_at=now, file_name="f", file_digest="d", **parts
        )
        draft_id = mappings.keep_draft(session, draft, scope=COUNTRY)
        assert draft_id
        mappings.use_draft(session, draft_id, 0, now, user_id=7, scope=COUNTRY)
        session.commit()
    return mapping


def cells(group: ET.Element) -> dict[tuple[str, str], str]:
    return {(one.get("dataElement", ""), one.get("categoryOptionCombo", "")): one.get("value", "") for one in group}


def test_a_month_of_two_facilities_is_valid_and_in_the_codes_of_the_mapping(district: District) -> None:
    give_mapping(district, org_units={"140300102": "OU<WATI>&"})
    settle(district, "PMB02", WATI)
    settle(district, "PMB01", ANI)
    export = make(district, "adx")
    content = read(district, export)
    assert export.state == DONE
    assert find_faults(content) == []
    first, second = ET.fromstring(content)
    assert first.attrib == {"dataSet": "KB_BULANAN", "orgUnit": "140300101", "period": "2025-09-01/P1M"}
    assert second.get("orgUnit") == "OU<WATI>&"
    assert cells(first) == {("KB_AKTIF", "PIL"): "30", ("KB_BARU", "PIL"): "5", ("KB_BARU", "SUNTIK3"): "0"}
    assert ET.fromstring(content).get("exported") == "2025-10-03T12:00:00+07:00"


def test_the_file_says_what_it_holds_and_its_bytes_are_always_the_same(district: District) -> None:
    give_mapping(district)
    settle(district, "PMB01", ANI)
    export = make(district, "adx")
    content = read(district, export)
    said = re.findall("<!-- (.*?) -->", content.decode())
    assert "Wilayah: Kabupaten Bengkalis (14.03)" in said
    assert "Kode: KB_BULANAN, idScheme=CODE, pemetaan versi 1" in said
    assert said[-1] == f"Sidik data (SHA-256): {export.digest}"
    other = make(district, "adx")
    assert read(district, other).replace(other.ref.encode(), export.ref.encode()) == content


def test_several_months_of_a_facility_are_a_group_each(district: District) -> None:
    give_mapping(district)
    for period in ("2025-08", "2025-09"):
        settle(district, "PMB01", ANI, period=period)
    content = read(district, make(district, "adx", first="2025-08"))
    assert find_faults(content) == []
    assert [one.get("period") for one in ET.fromstring(content)] == ["2025-08-01/P1M", "2025-09-01/P1M"]


def test_whatever_has_no_place_there_is_listed_whole_and_no_file_is_made(district: District) -> None:
    mapping = give_mapping(district, org_unit_by="kemenkes_code", cells={}, left_out=frozenset({"baru", "aktif"}))
    assert not mapping.cells
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", WATI)
    export = make(district, "adx")
    assert export.state == FAILED
    for named in ("aktif.iud", "aktif.pil", "baru.iud", "baru.pil", "baru.suntik3", "140300101", "140300102"):
        assert named in (export.fault or "")
    assert read(district, export) == b""


def test_without_a_mapping_the_way_to_one_is_told(district: District) -> None:
    settle(district, "PMB01", ANI)
    export = make(district, "adx")
    assert export.state == FAILED
    assert "Belum ada pemetaan" in (export.fault or "")


def test_the_mapping_of_the_area_around_counts_and_the_nearer_one_before_it(district: District) -> None:
    give_mapping(district, area="14", data_set="RIAU")
    settle(district, "PMB01", ANI)
    assert b'dataSet="RIAU"' in read(district, make(district, "adx"))
    give_mapping(district, area="14.03", data_set="BENGKALIS")
    assert b'dataSet="BENGKALIS"' in read(district, make(district, "adx"))


def test_a_destination_that_is_switched_off_gives_no_mapping(district: District) -> None:
    give_mapping(district)
    with district.database.session() as session:
        [kept] = destinations.list_destinations(session, scope=Scope("14"))
        destinations.set_on(session, kept.destination.id, is_on=False, scope=Scope("14"))
        session.commit()
    settle(district, "PMB01", ANI)
    assert make(district, "adx").state == FAILED


@pytest.mark.parametrize("name", ["one_facility", "two_facilities"])
def test_the_rules_accept_what_is_good(name: str) -> None:
    assert find_faults((SAMPLES / f"{name}.adx.xml").read_bytes()) == []


def test_the_rules_know_the_trap_that_the_schema_lets_pass() -> None:
    faults = find_faults((SAMPLES / "complete_date.adx.xml").read_bytes())
    assert len(faults) == 2
    assert all("completeDate" in fault for fault in faults)


SPOILT = [
    ('exported="2025-10-03T09:00:00+07:00"', ""),
    ('exported="2025-10-03T09:00:00+07:00"', 'exported="2025-10-03"'),
    ("urn:ihe:qrph:adx:2015", "urn:ihe:qrph:adx:2014"),
    ('period="2025-09-01/P1M"', 'period="202509"'),
    ('period="2025-09-01/P1M"', 'period="2025-13-01/P1M"'),
    (' orgUnit="3201010001"', ""),
    (' dataSet="KB_BULANAN"', ""),
    ('value="12"', 'value="1,12"'),
    ('value="12"', 'value=""'),
    ('METODE="IUD" value="12"/>', 'METODE="IUD" value="12"><annotation>x</annotation></dataValue>'),
    ('METODE="MOW" value="17"', 'METODE="IUD" value="17"'),
]


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda pair: pair[1] or f"no {pair[0]}")
def test_the_rules_refuse_what_is_spoilt(spoilt: tuple[str, str]) -> None:
    good = (SAMPLES / "one_facility.adx.xml").read_text()
    assert find_faults(good.replace(*spoilt, 1).encode()), spoilt
