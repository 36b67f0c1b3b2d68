"""A mapping goes out as a workbook and comes back as it was; each slip in it is named with its row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.enrol.reading_files import read_book as read_file
from gateway.export.dhis2.mapping_book import write_mapping
from gateway.export.dhis2.mapping_rows import (
    CELL_COLUMNS,
    UNIT_COLUMNS,
    Written,
    Wrong,
    compare,
    list_keys,
    list_unmapped,
    read_book,
    suggest,
)
from gateway.forms import load_forms
from gateway.mapping import Cell, Mapping

FORM = next(form for form in load_forms() if form.code == "kb")
FACILITIES = [("140300101", "PMB Ani"), ("140300102", "=PMB Wati")]
KNOWN = {code for code, _ in FACILITIES}
AT = datetime(2025, 10, 3, tzinfo=UTC)
TARGET = (("data set", "KB_BULANAN"), ("skema kode", "CODE"), ("org unit dari", "kode faskes"))


def as_mapping(written: Written) -> Mapping:
    return Mapping(
        *(0, 0, FORM.code, written.data_set, written.scheme, written.cells, written.org_units),
        *(written.org_unit_by, frozenset(written.left_out)),
    )


def read(cells: object = (), units: object = (), target: object = TARGET) -> Written:
    """Read rows as they would stand in a workbook."""
    book = {
        "pemetaan": [CELL_COLUMNS, *cells],  # type: ignore[misc]
        "faskes": [UNIT_COLUMNS, *units],  # type: ignore[misc]
        "sasaran": target,
    }
    return read_book(book, FORM, KNOWN)  # type: ignore[arg-type]


def faults(written: Written) -> list[tuple[str, int, Wrong]]:
    return [(one.sheet, one.row, one.wrong) for one in written.faults]


@pytest.mark.parametrize("form", load_forms(), ids=lambda form: form.code)
def test_what_is_downloaded_can_be_uploaded_as_it_is(form: object) -> None:
    mapping = suggest(form)  # type: ignore[arg-type]
    mapping = Mapping(
        **{name: getattr(mapping, name) for name in Mapping.__slots__} | {"org_units": {"140300101": "OU.1"}}
    )
    content = write_mapping(mapping, form, FACILITIES, AT)  # type: ignore[arg-type]
    written = read_book(read_file(content, 6), form, KNOWN)  # type: ignore[arg-type]
    assert written.faults == []
    found = Mapping(
        *(0, 0, form.code, written.data_set, written.scheme, written.cells, written.org_units),  # type: ignore[attr-defined]
        *(written.org_unit_by, frozenset(written.left_out)),
    )
    assert found == mapping
    assert compare(mapping, found).is_empty


def test_the_same_mapping_makes_the_same_bytes() -> None:
    assert write_mapping(suggest(FORM), FORM, FACILITIES, AT) == write_mapping(suggest(FORM), FORM, FACILITIES, AT)


def test_the_workbook_to_begin_with_places_every_figure() -> None:
    mapping = suggest(FORM)
    assert list_unmapped(mapping, FORM) == ()
    assert {*mapping.cells, *mapping.left_out} == set(list_keys(FORM))
    assert "baru" in mapping.left_out  # a total beside its items would count twice
    assert mapping.cells["baru.pil"] == Cell("KB_BARU", "PIL")


SLIPS = [
    (("baru.pil", "", "", "PIL", "", ""), Wrong.NO_ELEMENT),
    (("baru.pill", "", "KB", "", "", ""), Wrong.UNKNOWN_KEY),
    (("baru.pil", "", "KB", "", "", "ya"), Wrong.BOTH),
    (("baru.pil", "", "KB", "", "", "mungkin"), Wrong.YES_OR_NO),
    (("baru.pil", "", "K" * 101, "", "", ""), Wrong.CODE),
]


@pytest.mark.parametrize(("row", "wrong"), SLIPS, ids=lambda one: str(one) if isinstance(one, Wrong) else "")
def test_each_slip_in_a_row_is_named_with_its_number(row: tuple[str, ...], wrong: Wrong) -> None:
    good = ("aktif.pil", "", "KB_AKTIF", "PIL", "", "")
    assert faults(read([good, row])) == [("pemetaan", 3, wrong)]


def test_a_total_and_its_part_in_one_cell_would_count_twice() -> None:
    total, part = ("baru", "", "KB_BARU", "", "", ""), ("baru.pil", "", "KB_BARU", "", "", "")
    assert faults(read([total, part])) == [("pemetaan", 3, Wrong.SHARED)]


def test_two_kinds_of_one_measure_may_be_added_up_in_a_cell() -> None:
    rows = [(f"baru.{item}", "", "KB_BARU", "SUNTIK", "", "") for item in ("suntik1", "suntik3")]
    assert faults(read(rows)) == []


def test_a_key_stands_in_one_row_only() -> None:
    row = ("aktif.pil", "", "KB_AKTIF", "PIL", "", "")
    assert faults(read([row, row])) == [("pemetaan", 3, Wrong.KEY_TWICE)]


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ([("140300199", "", "OU1")], Wrong.UNKNOWN_FACILITY),
        ([("140300101", "", "OU1"), ("140300101", "", "OU2")], Wrong.FACILITY_TWICE),
        ([("140300101", "", "OU1"), ("140300102", "", "OU1")], Wrong.UNIT_TWICE),
    ],
)
def test_facilities_are_ours_and_none_overwrites_another(rows: list[tuple[str, ...]], wrong: Wrong) -> None:
    assert [one.wrong for one in read(units=rows).faults] == [wrong]


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ((("data set", ""),), Wrong.NO_DATA_SET),
        ((("data set", "KB"), ("skema kode", "NAME")), Wrong.SCHEME),
        ((("data set", "KB"), ("org unit dari", "nama")), Wrong.UNIT_BY),
    ],
)
def test_where_it_all_goes_must_be_said(target: object, wrong: Wrong) -> None:
    assert [one.wrong for one in read(target=target).faults] == [wrong]


def test_uids_are_told_from_codes() -> None:
    target = (("data set", "dsKBBULAN01"), ("skema kode", "uid"))
    row = ("aktif.pil", "", "KB_AKTIF", "", "", "")
    assert [one.wrong for one in read([row], target=target).faults] == [Wrong.CODE]
    assert faults(read([("aktif.pil", "", "deKBAKTIF01", "", "", "")], target=target)) == []


def test_missing_sheets_and_columns_are_named() -> None:
    assert {one.wrong for one in read_book({}, FORM, KNOWN).faults} == {Wrong.NO_SHEET, Wrong.NO_DATA_SET}
    book: dict[str, Sequence[Sequence[str]]] = {
        "pemetaan": [("kunci", "nama")],
        "faskes": [UNIT_COLUMNS],
        "sasaran": TARGET,
    }
    [fault] = read_book(book, FORM, KNOWN).faults
    assert (fault.wrong, fault.about) == (
        Wrong.NO_COLUMN,
        "data element, category option combo, tidak dikirim",
    )


def test_what_a_mapping_changes_is_told_from_what_it_keeps() -> None:
    before = suggest(FORM)
    after = as_mapping(read([("aktif.pil", "", "NEW", "PIL", "", ""), ("baru.mal", "", "", "", "", "ya")]))
    found = compare(before, after)
    assert ("aktif.pil", "KB_AKTIF · PIL", "NEW · PIL") in found.cells
    assert ("aktif.iud", "KB_AKTIF · IUD", "") in found.cells
    assert found.target == ()


@given(
    st.dictionaries(
        st.sampled_from(["pemetaan", "faskes", "sasaran", "x"]),
        st.lists(
            st.lists(
                st.sampled_from([*CELL_COLUMNS, *UNIT_COLUMNS, "aktif.pil", "ya", "", "data set", "UID"]), max_size=8
            )
        ),
    )
)
def test_no_workbook_makes_the_reading_stumble(book: dict[str, list[list[str]]]) -> None:
    written = read_book(book, FORM, KNOWN)
    assert written.faults or written.data_set
