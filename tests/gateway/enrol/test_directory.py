"""The Klik-KB directory from its files: the last one stands, who is missing is gone and kept, nobody is lost."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gateway.enrol import directory
from gateway.enrol.directory import keep_needed, propose_columns
from gateway.enrol.plan import Act, Plan
from gateway.enrol.reading_files import Sheet, read_sheet
from gateway.errors import Raced
from gateway.store import klikkb
from gateway.store.base import Database, Session
from gateway.store.klikkb import ChosenColumns, klikkb_imports, klikkb_midwives
from gateway.values import Scope
from tests.district import make_district

NOW = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)
HEADS = "id klik-kb;nama bidan;no hp;kode faskes;nama faskes;kecamatan\n"
FIELDS = ("klikkb_id", "name", "phones", "facility_code", "facility_name", "area")
REGENCY = "14.03"


def plan(session: Session, text: str, area: str = REGENCY) -> tuple[Plan, directory.KnownDirectory]:
    """Return what a file would do, and what it was held against."""
    return plan_sheet(session, read_sheet((HEADS + text).encode(), directory.LIMITS), area)


def plan_sheet(session: Session, sheet: Sheet, area: str = REGENCY) -> tuple[Plan, directory.KnownDirectory]:
    """Return what a file that was read would do."""
    known = directory.find_known(session, sheet, FIELDS, area, scope=Scope(area), region="ID")
    return directory.plan_directory(sheet, FIELDS, known), known


def take_over(session: Session, planned: tuple[Plan, directory.KnownDirectory]) -> Mapping[str, int]:
    """Apply a plan and return how many rows became what."""
    scope = Scope(planned[1].area)
    done = directory.apply_directory(session, *planned, ("daftar.csv", "0" * 64), (1, "Rina"), NOW, scope=scope)
    return done.counts


@pytest.fixture
def district(database: Database) -> Database:
    """A database with the district in it."""
    make_district(database)
    return database


def test_new_changed_gone_and_unchanged_are_told_before_anything_is_done(district: Database) -> None:
    with district.session() as session:
        first = "K1;Ani;0812-3000-0001;140300101;;\nK2;Wati;;;PMB Wati;Bengkalis\nK3;Sari;;;;\n"
        assert take_over(session, plan(session, first))["new"] == 3
        session.commit()
    with district.session(read_only=True) as session:
        second, _ = plan(session, "K1;Ani Lestari;81230000001;140300101;;\nK2;Wati;;;PMB Wati;Bengkalis\nK4;Eka;;;;\n")
        told = {row.key: (row.act, dict(row.values), dict(row.before)) for row in second.rows}
        assert told["K1"] == (Act.CHANGED, {"name": "Ani Lestari"}, {"name": "Ani"})
        assert [told[key][0] for key in ("K2", "K3", "K4")] == [Act.SAME, Act.GONE, Act.NEW]
        assert {one.name for one in klikkb.list_all(session, REGENCY, scope=Scope("")).values()} == {
            "Ani",
            "Wati",
            "Sari",
        }


def test_a_midwife_is_put_where_her_facility_is_or_her_kecamatan(district: Database) -> None:
    with district.session() as session:
        text = (
            "K1;Ani;;140300101;;\nK2;Wati;;;PMB Wati;Bengkalis\nK3;Eka;;999999999;Tempat Lain;14.03.01\nK4;Fitri;;;;\n"
        )
        take_over(session, plan(session, text))
        found = klikkb.list_all(session, REGENCY, scope=Scope(REGENCY))
    places = {key: (one.area, one.facility_id is not None, one.facility) for key, one in found.items()}
    assert places == {
        "K1": ("14.03.01", True, "140300101"),
        "K2": ("14.03.01", True, "PMB Wati"),
        "K3": ("14.03.01", False, "Tempat Lain"),
        "K4": (REGENCY, False, ""),
    }


def test_a_row_that_is_wrong_changes_nothing_and_its_midwife_is_not_gone(district: Database) -> None:
    with district.session() as session:
        take_over(session, plan(session, "K1;Ani;0812-3000-0001;;;\nK2;Wati;;;;\n"))
        bad = "K1;Ani Baru;8,1E+11;;;\nK2;Wati;;;;72.71\nK2;Wati;;;;\n;Tanpa Id;;;;\nK5;Eka;12;;;\n"
        counts = take_over(session, plan(session, bad))
        found = klikkb.list_all(session, REGENCY, scope=Scope(REGENCY))
    assert (counts["wrong"], counts["gone"], counts["new"]) == (5, 0, 0)
    assert {key: (one.name, one.gone_at) for key, one in found.items()} == {"K1": ("Ani", None), "K2": ("Wati", None)}


def test_who_is_gone_and_comes_back_is_the_same_midwife(district: Database) -> None:
    with district.session() as session:
        take_over(session, plan(session, "K1;Ani;;;;\n"))
        before = klikkb.list_all(session, REGENCY, scope=Scope(REGENCY))["K1"]
        take_over(session, plan(session, "K2;Wati;;;;\n"))
        assert klikkb.list_all(session, REGENCY, scope=Scope(REGENCY))["K1"].gone_at == NOW
        take_over(session, plan(session, "K1;Ani;;;;\nK2;Wati;;;;\n"))
        assert klikkb.list_all(session, REGENCY, scope=Scope(REGENCY))["K1"] == before


def test_another_area_s_midwife_is_taken_over_only_once_she_is_gone_from_there(district: Database) -> None:
    with district.session() as session:
        take_over(session, plan(session, "K1;Ani;;;;\nK2;Wati;;;;\n"))
        there, _ = plan(session, "K1;Ani;;;;\n", "72.71")
        assert [(row.act, row.faults[0].code.value) for row in there.rows] == [(Act.WRONG, "id_elsewhere")]
        take_over(session, plan(session, "K2;Wati;;;;\n"))
        take_over(session, plan(session, "K1;Ani;;;;\n", "72.71"))
        found = klikkb.list_all(session, "", scope=Scope(""))
    assert {key: (one.area, one.gone_at) for key, one in found.items()} == {
        "K1": ("72.71", None),
        "K2": (REGENCY, None),
    }


def test_a_file_that_was_looked_at_before_another_was_taken_over_does_nothing(district: Database) -> None:
    with district.session() as session:
        early = plan(session, "K1;Ani;;;;\n")
        take_over(session, plan(session, "K2;Wati;;;;\n"))
        session.commit()
    with pytest.raises(Raced), district.session() as session:
        take_over(session, early)


def test_only_one_phone_is_kept_and_only_as_a_number_that_can_be_dialled(district: Database) -> None:
    with district.session() as session:
        take_over(session, plan(session, "K1;Ani;salah / 0812-3000-0001 / 0813-1111-2222;;;\n"))
        assert klikkb.list_all(session, REGENCY, scope=Scope(""))["K1"].phone == "+6281230000001"


def test_columns_are_asked_about_once_and_again_when_a_heading_changes() -> None:
    headings = ("Kode Anggota", "Nama", "NIK", "No HP")
    proposed, is_known = propose_columns(headings, None)
    assert (proposed, is_known) == (("", "name", "", "phones"), False)
    chosen = ChosenColumns("14.03", ("kode anggota", "nama", "nik", "no hp"), ("klikkb_id", "name", "", ""), "R", NOW)
    assert propose_columns(headings, chosen) == (("klikkb_id", "name", "", ""), True)
    assert propose_columns((*headings, "Kecamatan"), chosen) == (("klikkb_id", "name", "", "", "area"), False)


def test_cells_of_columns_that_are_taken_for_nothing_are_thrown_away() -> None:
    sheet = Sheet(("id", "nik"), ((2, ("K1", "1403010101900001")),))
    assert keep_needed(sheet, ("klikkb_id", "")).rows == ((2, ("K1", "")),)


def test_a_file_in_which_most_are_missing_is_called_strange(district: Database) -> None:
    with district.session() as session:
        many = "".join(f"K{number};Bidan {number};;;;\n" for number in range(40))
        take_over(session, plan(session, many))
        few = "".join(f"K{number};Bidan {number};;;;\n" for number in range(35))
        assert not directory.is_strange(*plan(session, few))
        assert directory.is_strange(*plan(session, "K1;Bidan 1;;;;\n"))


NAMES = st.text(string.ascii_letters + " '-,.", min_size=1, max_size=12).filter(lambda text: text.strip(" '"))
ROWS = st.dictionaries(
    st.sampled_from([f"K{number}" for number in range(9)]),
    st.tuples(NAMES, st.sampled_from(["", "0812-3000-0001", "0812-3000-0002"]), st.sampled_from(["", "14.03.01"])),
    max_size=9,
)


def as_sheet(rows: Mapping[str, tuple[str, str, str]]) -> Sheet:
    """Return midwives as a file that was read."""
    found: Sequence[tuple[int, tuple[str, ...]]] = [
        (number, (key, name, phone, "", "", area)) for number, (key, (name, phone, area)) in enumerate(rows.items(), 2)
    ]
    return Sheet(FIELDS, tuple(found))


def test_after_any_two_files_the_directory_is_the_last_one_and_nobody_is_lost(
    sqlite_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(sqlite_url)
    make_district(database)

    @settings(max_examples=60)
    @given(ROWS, ROWS)
    def check(first: Mapping[str, tuple[str, str, str]], second: Mapping[str, tuple[str, str, str]]) -> None:
        with database.session() as session:
            for rows in (first, second):
                take_over(session, plan_sheet(session, as_sheet(rows)))
            found = klikkb.list_all(session, REGENCY, scope=Scope(REGENCY))
            again, _ = plan_sheet(session, as_sheet(second))
            session.execute(delete(klikkb_midwives))
            session.execute(delete(klikkb_imports))
        there = {key for key, one in found.items() if one.gone_at is None}
        assert there == set(second)
        assert set(found) == set(first) | set(second)
        for key, (name, phone, area) in second.items():
            wanted = (
                " ".join(name.split()),
                phone.replace("-", "").replace("0812", "+62812", 1) or None,
                area or REGENCY,
            )
            assert (found[key].name, found[key].phone, found[key].area) == wanted
        assert {row.act for row in again.rows} <= {Act.SAME}  # the same file again changes nothing

    check()
