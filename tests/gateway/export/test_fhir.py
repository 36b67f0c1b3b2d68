"""FHIR: what is written is what FHIR's own model takes, and what its model lets pass is found by ours."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from gateway.errors import Permanent
from gateway.export import fhir
from gateway.export.base import About, Source
from gateway.export.fhir_checks import find_faults
from gateway.forms import load_forms
from gateway.settling import Choices
from gateway.store.settled import Place, Reach, Settled

GOLDEN = Path(__file__).parent / "golden" / "fhir"
NOON = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)
FORM = next(form for form in load_forms() if form.code == "kb")
DAMON = Place(
    *(1, "140300100", "Puskesmas Damon", "PUSKESMAS", "pemerintah", "14.03.01", "Bengkalis", "Asia/Jakarta"),
    *("P1403010201", None, 1.5, 102.1, True),
)
ANI = Place(
    *(2, "140300101", "PMB “Ani” Ŝari", "PMB", None, "14.03.01", "Bengkalis", "Asia/Jakarta"),
    *(None, None, None, None, True),
)
REPORTS = (
    Settled(
        11,
        1,
        "approved",
        "2025-09",
        NOON,
        DAMON,
        {"baru": 12, "baru.pil": 5, "baru.suntik3": 7, "aktif": 40, "ulang": 0},
    ),
    Settled(12, 2, "accepted", "2025-09", NOON, ANI, {"baru.iud": 2, "baru.mal": 3, "aktif": 9, "cabut.iud": 1}),
    Settled(13, 1, "approved", "2025-10", NOON, ANI, {"baru": 0, "aktif": 9}),
)


def write(reports: Sequence[Settled] = REPORTS) -> bytes:
    """Return the file that holds these reports."""
    periods = ("2025-09", "2025-10")
    about = About(
        ref="a1b2c3d4e5f6",
        format="fhir",
        form="Laporan bulanan KB",
        periods=periods,
        area="14.03",
        area_name="Kabupaten Bengkalis",
        reach=dict.fromkeys(periods, Reach(2, 2, 2)),
        choices=Choices(),
        made_at=NOON,
        made_by="Bu Rina",
        timezone="Asia/Jakarta",
    )

    def stream() -> Iterator[Settled]:
        return iter(reports)

    target = io.BytesIO()
    fhir.write(Source(about, FORM, {}, stream, lambda _: (), lambda _: {}), target)
    return target.getvalue()


def resources(written: bytes) -> list[dict[str, Any]]:
    """Return the reports of a file."""
    return [one["resource"] for one in json.loads(written).get("entry", ())]


def test_a_file_is_written_to_the_byte_as_it_always_was() -> None:
    assert write() == (GOLDEN / "kb.fhir.json").read_bytes()


@pytest.mark.parametrize("reports", [REPORTS, ()], ids=["some", "none"])
def test_the_model_of_fhir_takes_every_file(reports: Sequence[Settled]) -> None:
    bundle = Bundle.model_validate_json(write(reports))
    assert bundle.type == "collection"
    assert len(bundle.entry or ()) == len(reports)


def test_each_report_says_what_its_facility_reported() -> None:
    damon, ani, _ = resources(write())
    groups = {group["code"]["coding"][0]["code"]: group for group in damon["group"]}
    assert {code: group["population"][0]["count"] for code, group in groups.items()} == {
        "baru": 12,
        "ulang": 0,
        "aktif": 40,
    }
    strata = groups["baru"]["stratifier"][0]["stratum"]
    scores = {one["component"][0]["value"]["coding"][0]["code"]: one["measureScore"]["value"] for one in strata}
    assert scores == {"pil": 5, "suntik3": 7}
    assert (damon["period"], damon["date"]) == (
        {"start": "2025-09-01", "end": "2025-09-30"},
        "2025-10-03T12:00:00+07:00",
    )
    assert {one["value"] for one in damon["contained"][0]["identifier"]} == {"140300100", "P1403010201"}
    assert ani["contained"][0]["name"] == ANI.name


def test_a_method_outside_of_all_totals_stands_beside_them() -> None:
    ani = resources(write())[1]
    counts = {one["code"]["coding"][0]["code"]: one["population"][0]["count"] for one in ani["group"]}
    assert counts == {"baru": 2, "baru.mal": 3, "aktif": 9, "cabut": 1}


def test_a_report_that_nobody_could_read_stops_the_file_and_is_named() -> None:
    with pytest.raises(Permanent, match="Puskesmas Damon 2025-09: 10: the strata add up to 12, more than 3"):
        write([Settled(11, 1, "approved", "2025-09", NOON, DAMON, {"baru": 3, "baru.pil": 12, "aktif": 1})])


def test_nothing_is_wrong_with_what_we_write() -> None:
    assert [find_faults(one) for one in resources(write())] == [[], [], []]


Change = Callable[[dict[str, Any]], object]


def _first(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first group of a report, which has strata."""
    group: dict[str, Any] = report["group"][0]
    return group


def _stratum(report: Mapping[str, Any]) -> dict[str, Any]:
    stratum: dict[str, Any] = _first(report)["stratifier"][0]["stratum"][0]
    return stratum


FAULTS: Sequence[tuple[int, Change]] = (
    (1, lambda one: one.update(status="final")),
    (2, lambda one: one.update(type="individual")),
    (3, lambda one: one.update(measure="urn:kabar:kb")),
    (4, lambda one: one.update(subject={"reference": "#elsewhere"})),
    (4, lambda one: one.pop("subject")),
    (5, lambda one: one["period"].update(end="2025-08-31")),
    (5, lambda one: one["period"].pop("end")),
    (6, lambda one: one.update(date="2025-10-03T12:00:00")),
    (7, lambda one: one.update(group=[])),
    (7, lambda one: _first(one).pop("code")),
    (7, lambda one: one["group"].append(deepcopy(_first(one)))),
    (8, lambda one: _first(one)["population"][0].update(count=-1)),
    (8, lambda one: _first(one)["population"][0].update(count=1.5)),
    (8, lambda one: _first(one).pop("population")),
    (9, lambda one: _stratum(one).update(measureScore={"value": -2})),
    (9, lambda one: _stratum(one)["component"][0].pop("value")),
    (9, lambda one: _first(one)["stratifier"][0]["stratum"].append(deepcopy(_stratum(one)))),
    (10, lambda one: _stratum(one).update(measureScore={"value": 900})),
)


@pytest.mark.parametrize(("number", "spoil"), FAULTS)
def test_each_check_finds_its_fault(number: int, spoil: Change) -> None:
    report = resources(write())[0]
    spoil(report)
    assert [fault.partition(":")[0] for fault in find_faults(report)] == [str(number)]
