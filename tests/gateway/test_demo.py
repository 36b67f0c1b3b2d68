"""The demo data: there after one call and once only, plausible by the form's own rules, and open where it must be."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gateway import demo
from gateway.forms import load_forms
from gateway.store import areas, facilities, reporters, reports
from gateway.store.base import Database
from gateway.store.facilities import Facility
from gateway.store.reporters import Reporter
from gateway.store.reports import Report
from gateway.values import COUNTING, find_phone
from parsers.form import Check
from parsers.read import read_message

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
MONTHS = tuple(f"2025-{month:02}" for month in range(9, 13)) + tuple(f"2026-{month:02}" for month in range(1, 11))
(KB,) = (form for form in load_forms() if form.code == "kb")
STOCK_MONTHS = MONTHS[-7:]

Loaded = tuple[dict[int, Facility], dict[str, Reporter], tuple[Report, ...]]


def look(database: Database) -> Loaded:
    """Return what stands in the database: facilities, reporters by phone, and reports of users."""
    return look_at(database, KB.code)


def look_at(database: Database, form: str) -> Loaded:
    """Return the facilities, the reporters by phone, and the reports of a form."""
    with database.session(read_only=True) as session:
        found = reporters.find_by_channel(session, demo.CHANNEL)
        ids = {place.id for _, reporter in found for place in reporter.facilities}
        places = facilities.get_facilities(session, ids)
        rows = reports.latest_reports(session, limit=100_000)
        return places, dict(found), tuple(report for report, _ in rows if report.key.form == form)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: object) -> Loaded:
    """The demo data, loaded once for all tests that only look."""
    path = tmp_path_factory.mktemp("demo") / "kabar.db"
    path.write_bytes(migrated_sqlite.read_bytes())  # type: ignore[attr-defined]
    database = Database(f"sqlite:///{path}")
    with database.session() as session:
        assert demo.load(session, NOW)
        session.commit()
    found = look(database)
    database.dispose()
    return found


def test_the_demo_is_loaded_once_however_often_it_is_asked_for(database: Database) -> None:
    for is_first in (True, False, False):
        with database.session() as session:
            assert demo.load(session, NOW) is is_first
            session.commit()
    places, people, found = look(database)
    assert (len(places), len(people)) == (len({place.code for place in places.values()}), len(places))
    assert len(found) == len({report.key for report in found})
    with database.session(read_only=True) as session:
        assert areas.count_areas(session) == 7837


def test_areas_that_are_there_already_stay(database: Database) -> None:
    with database.session() as session:
        areas.add_areas(session, [areas.Area("72", None, "province", "Sulawesi Tengah", "Asia/Makassar")])
        assert demo.load(session, NOW)
        session.commit()
        assert areas.count_areas(session) == 7837


def test_every_number_is_a_mobile_one_and_stays_within_the_simulator(loaded: Loaded) -> None:
    _, people, _ = loaded
    assert all(find_phone(phone) == phone for phone in people)
    assert {reporter.only_channel for reporter in people.values()} == {"simulator"}


def test_facilities_have_codes_in_the_true_shape_and_names_that_a_text_can_hold(loaded: Loaded) -> None:
    places = loaded[0].values()
    for place in places:
        assert place.code.isdecimal()
        assert len(place.code) == 9
        assert place.code.startswith(place.area[:5].replace(".", ""))
    assert len({place.short_name for place in places}) == len(places)
    kinds = Counter(place.type for place in places)
    assert {"PUSKESMAS", "RS", "PMB", "PMB_JEJARING", "PUSTU", "POLINDES"} == set(kinds)
    by_regency = Counter(place.area[:5] for place in places if place.type in {"PUSKESMAS", "RS"})
    assert by_regency == {"14.03": 24, "72.71": 27}


def test_a_facility_can_be_named_in_a_report_by_its_short_name(loaded: Loaded) -> None:
    for place in loaded[0].values():
        (report,) = read_message(f"KB {place.short_name} 0925 BARU 12 AKTIF 40", NOW.date(), load_forms()).reports
        assert report.facility is not None, place.short_name
        assert report.facility.upper() == place.short_name
        assert report.is_clean


def test_the_printed_midwives_can_report_september_and_have_about_40_users(loaded: Loaded) -> None:
    places, people, found = loaded
    printed = demo.printed_midwives()
    assert len(printed) == 3
    for midwife in printed:
        reporter = people[midwife.phone]
        (place,) = reporter.facilities
        assert (reporter.name, place.name, place.type) == (midwife.name, midwife.facility, "PMB")
        hers = {report.key.period: report for report in found if report.key.facility_id == place.id}
        assert "2025-09" not in hers
        assert len(hers) >= 11
        assert all(36 <= report.values["aktif"] <= 45 for report in hers.values())
    assert len({places[people[midwife.phone].facilities[0].id].area for midwife in printed}) == 3


def test_there_are_14_months_before_this_one_and_the_last_are_not_complete(loaded: Loaded) -> None:
    places, _, found = loaded
    by_month = Counter(report.key.period for report in found)
    assert tuple(sorted(by_month)) == MONTHS
    assert all(by_month[month] > 0.9 * len(places) for month in MONTHS[:-2])
    assert 0.5 * len(places) < by_month[MONTHS[-1]] < 0.85 * len(places)
    assert all(report.state in COUNTING for report in found)
    assert all(report.sent_at < NOW and report.key.period < f"{report.sent_at:%Y-%m}" for report in found)


def test_early_in_a_month_nobody_has_reported_from_the_future(database: Database) -> None:
    early = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
    with database.session() as session:
        demo.load(session, early)
        session.commit()
    assert all(report.sent_at < early for report in look(database)[2])


def test_every_figure_keeps_the_rules_of_the_form(loaded: Loaded) -> None:
    places, _, found = loaded
    for report in found:
        values = report.values
        assert set(KB.required) <= set(values)
        by_measure: dict[str, int] = defaultdict(int)
        for key, quantity in values.items():
            measure, _, item = key.partition(".")
            if item:
                assert item in KB.measures[measure].items
                by_measure[measure] += quantity
            caps = KB.caps[places[report.key.facility_id].type]
            for code in (item or measure, KB.items[item].kind_of if item else None):
                assert quantity <= caps.get(code or "", quantity), (report.key, key, quantity)
        assert all(items <= values.get(measure, items) for measure, items in by_measure.items())
        assert values.get("pasca", 0) <= values["baru"] <= values["aktif"]
    unusual = next(rule for rule in KB.rules if rule.check is Check.UNUSUAL)
    for report in found:
        if places[report.key.facility_id].type in unusual.facility_types:
            assert not [key for key in report.values if key.partition(".")[2] in unusual.items]


def test_every_raw_text_says_what_was_kept_of_it(loaded: Loaded) -> None:
    for report in loaded[2]:
        (read,) = read_message(report.text, report.sent_at.date(), load_forms()).reports
        assert read.is_clean
        assert (read.form, read.period, dict(read.values)) == (report.key.form, report.key.period, dict(report.values))


def test_the_figures_move_from_month_to_month_but_never_jump(loaded: Loaded) -> None:
    by_place: dict[int, list[Report]] = defaultdict(list)
    for report in sorted(loaded[2], key=lambda one: one.key.period):
        by_place[report.key.facility_id].append(report)
    for history in by_place.values():
        users = [report.values["aktif"] for report in history]
        moves = [abs(now - before) for before, now in pairwise(users)]
        assert max(moves) <= max(20, min(users) / 4)
        assert all(one.values != other.values for one, other in pairwise(history))


def test_reports_came_by_day_on_the_clock_of_their_place(loaded: Loaded) -> None:
    offsets = {"Asia/Jakarta": timedelta(hours=7), "Asia/Makassar": timedelta(hours=8)}
    for report in loaded[2]:
        here = report.sent_at + offsets[loaded[0][report.key.facility_id].timezone]
        assert 8 <= here.hour < 18


def test_stock_goes_on_where_it_was_left_and_somebody_runs_out(database: Database) -> None:
    with database.session() as session:
        demo.load(session, NOW)
        session.commit()
    places, _, found = look_at(database, "alokon")
    assert set(Counter(report.key.period for report in found)) == set(STOCK_MONTHS)
    by_place: dict[int, dict[str, Report]] = defaultdict(dict)
    for report in found:
        by_place[report.key.facility_id][report.key.period] = report
        assert places[report.key.facility_id].type in {"PMB", "PUSKESMAS"}
        for item in ("pil", "suntik3", "kondom", "iud"):
            opening, received, given, left = (
                report.values[f"{measure}.{item}"] for measure in ("awal", "terima", "keluar", "akhir")
            )
            assert left == opening + received - given >= 0
        (read,) = read_message(report.text, report.sent_at.date(), load_forms()).reports
        assert read.is_clean
        assert dict(read.values) == dict(report.values)
    for history in by_place.values():
        for before, now in pairwise(STOCK_MONTHS):
            if before in history and now in history:
                assert history[now].values["awal.pil"] == history[before].values["akhir.pil"]
    assert any(report.values["akhir.pil"] == 0 for report in found)
