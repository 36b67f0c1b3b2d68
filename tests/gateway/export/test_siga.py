"""Workbooks for SIGA: what was reported stands where the entry form has it, adds up, and is never guessed.

`python -m tests.gateway.export.test_siga` writes the golden dumps anew; look at the difference before you commit it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Permanent
from gateway.export import siga_alokon, siga_kb
from gateway.export.base import Source
from gateway.export.siga_figures import Table, add_tables, left_out, make_table
from gateway.export.siga_layout import find_layout_fault, measures_of, read_layout
from gateway.settling import Choices
from parsers.rules import total_of_items
from tests.district import District
from tests.gateway.export import making
from tests.gateway.export.sources import FORMS, dump, find_formulas, make_source, place, read_cells, report, write
from tests.house.source import ROOT

GOLDEN = Path(__file__).parent / "golden"
ANI, WATI = place(101, "PMB Ani"), place(102, "=1+1")
DAMON = place(100, "Puskesmas Damon", "PUSKESMAS", ownership="pemerintah")
TELUK = place(201, "Pustu Teluk", "PUSTU", "14.03.02")


def services() -> Source:
    """Return a month with whole and half-told reports: kinds not given, a total alone, MAL and AKTIF."""
    whole = {"baru": 6, "baru.pil": 4, "baru.iud": 2, "pasca.iud": 1, "ulang.suntik3": 7, "aktif": 40, "gagal": 0}
    half = {"baru": 12, "baru.suntik": 5, "baru.implan": 2, "baru.mal": 3, "pasca": 2, "cabut.implan1": 1}
    return make_source("kb", [report(ANI, whole), report(WATI, half)], [DAMON, TELUK])


def stock() -> Source:
    """Return a month of stock: one that adds up, one that does not, one without its closing balance."""
    ani = {"awal.pil": 100, "terima.pil": 50, "keluar.pil": 30, "akhir.pil": 118, "awal.suntik": 4, "akhir.suntik": 4}
    wati = {"awal.kondom": 10, "keluar.kondom": 3, "rusak.kondom": 1, "akhir.kondom": 6, "awal.iud": 2}
    return make_source("alokon", [report(ANI, ani), report(WATI, wati)], [DAMON, TELUK])


def goldens() -> Mapping[Path, str]:
    """Return what each golden file has to say."""
    return {
        GOLDEN / "siga_kb" / "month.txt": dump(write(siga_kb, services())),
        GOLDEN / "siga_alokon" / "month.txt": dump(write(siga_alokon, stock())),
    }


@pytest.mark.parametrize("name", ["siga_kb", "siga_alokon"])
def test_every_cell_of_the_workbooks_is_as_it_was_looked_at(name: str) -> None:
    path = GOLDEN / name / "month.txt"
    assert goldens()[path] == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("make", [services, stock])
def test_the_same_reports_make_the_same_bytes_twice(make: Callable[[], Source]) -> None:
    chosen = siga_kb if make is services else siga_alokon
    assert write(chosen, make()) == write(chosen, make())


def test_a_facility_named_like_a_formula_stays_text() -> None:
    workbook = write(siga_kb, services())
    for formulas in find_formulas(workbook).values():
        assert all(formula.startswith("SUM(") for _, formula in formulas)
    with zipfile.ZipFile(BytesIO(workbook)) as parts:
        assert not [name for name in parts.namelist() if "externalLink" in name or "hyperlink" in name.lower()]
    assert any("=1+1 (PMB)" in row for row in read_cells(workbook)["Bengkalis"])


def test_a_register_code_stays_text_in_the_workbook() -> None:
    with zipfile.ZipFile(BytesIO(write(siga_kb, services()))) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/sheet" in name]
    assert any(">140300101<" in sheet for sheet in sheets)
    assert not any("<v>140300101</v>" in sheet for sheet in sheets)


def test_each_facility_is_printed_on_a_page_of_its_own() -> None:
    with zipfile.ZipFile(BytesIO(write(siga_kb, services()))) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/sheet" in name]
    broken = [sheet for sheet in sheets if "<rowBreaks" in sheet]
    assert broken
    assert not any("fitToPage" in sheet for sheet in broken), "Excel passes over breaks on sheets that it fits"
    assert all('orientation="landscape"' in sheet and 'paperSize="9"' in sheet for sheet in sheets)


def test_a_kecamatan_without_a_report_is_seen_with_nobody_in_it() -> None:
    cells = read_cells(write(siga_kb, services()))
    assert ["Faskes yang ikut", "0 dari 1"] in cells["Rekap kecamatan"]
    assert ["Bantan", "1", "0", "0"] in cells["Tabel 1"]
    assert ["140300201", "Pustu Teluk", "PUSTU", "Bantan"] in cells["Belum ikut"]
    assert cells["Bantan"] == [["Tidak ada faskes yang ikut; namanya di lembar Belum ikut."]]


def test_what_the_district_says_of_suntik_moves_it_out_of_the_rest() -> None:
    layout, form = read_layout("kb"), FORMS["kb"]
    plain = make_table({"baru": 5, "baru.suntik": 5}, form, layout, Choices())
    chosen = make_table({"baru": 5, "baru.suntik": 5}, form, layout, Choices(injectable_as="suntik3"))
    headings = [row.heading for row in layout.rows]
    assert (plain.rest[0], plain.cells[headings.index("Suntik 3 bulan")][0]) == (5, None)
    assert (chosen.rest[0], chosen.cells[headings.index("Suntik 3 bulan")][0]) == (0, 5)


def test_mal_and_aktif_are_in_no_cell_of_the_sheet() -> None:
    layout, form = read_layout("kb"), FORMS["kb"]
    values = {"baru": 5, "baru.mal": 777, "aktif": 888, "aktif.pil": 999}
    table = make_table(values, form, layout, Choices())
    assert {777, 888, 999}.isdisjoint(cell for row in (*table.cells, table.rest, table.total) for cell in row if cell)
    assert left_out(values, form, layout) == ("baru.mal", "aktif", "aktif.pil")


def test_births_without_a_method_leave_nobody_guessed_to_be_among_them() -> None:
    table = make_table({"baru": 9, "baru.pil": 9, "pasca": 2}, FORMS["kb"], read_layout("kb"), Choices())
    pil = [row.heading for row in read_layout("kb").rows].index("Pil")
    assert (table.cells[pil][0], table.cells[pil][1], table.cells[pil][3]) == (None, None, 9)
    assert (table.rest[0], table.rest[1], table.total[3]) == (7, 2, 9)


def test_nothing_reported_stays_empty_and_a_reported_zero_is_a_zero() -> None:
    layout = read_layout("kb")
    nothing = make_table({}, FORMS["kb"], layout, Choices())
    zero = make_table({"baru": 0, "aktif": 0}, FORMS["kb"], layout, Choices())
    assert set(nothing.total) == {None}
    assert (zero.total[3], zero.total[4]) == (0, None)


def test_the_difference_of_the_closing_balance_is_seen_and_never_made_up() -> None:
    layout, form = read_layout("alokon"), FORMS["alokon"]
    values = {"awal.pil": 10, "terima.pil": 5, "akhir.pil": 14, "awal.iud": 2, "akhir.kondom": 7}
    table = make_table(values, form, layout, Choices())
    by_row = dict(zip((row.heading for row in layout.rows), table.cells, strict=True))
    assert by_row["Pil (siklus)"][6:] == (15, 14, -1)
    assert by_row["IUD CuT 380A (buah)"][6:] == (2, None, None)
    assert by_row["Kondom (lusin)"][6:] == (None, 7, None)


def reports_of(form: str) -> st.SearchStrategy[dict[str, int]]:
    """Return any values that reports of a form can have, whether they agree with each other or not."""
    known = FORMS[form]
    keys = [key for code, measure in known.measures.items() for key in (code, *(f"{code}.{i}" for i in measure.items))]
    return st.dictionaries(st.sampled_from(sorted(keys)), st.integers(0, 99_999), max_size=25)


choices = st.builds(
    Choices,
    injectable_as=st.sampled_from(["", "suntik1", "suntik3"]),
    implant_as=st.sampled_from(["", "implan1", "implan2"]),
)


def reported(values: Mapping[str, int], form: str, measure: str) -> int | None:
    """Return a measure's total as it was reported: the one that was given, else its items'."""
    if not any(key.partition(".")[0] == measure for key in values):
        return None
    given_items = [key for key in values if key.startswith(f"{measure}.")]
    counted = [key for key in given_items if FORMS[form].items[key.partition(".")[2]].in_total]
    if measure not in values and not counted:
        return None
    return values.get(measure, total_of_items(values, measure, FORMS[form]))


@pytest.mark.parametrize("form", ["kb", "alokon"])
@given(drawn=st.data())
def test_in_every_column_rows_and_rest_come_to_what_was_reported(form: str, drawn: st.DataObject) -> None:
    layout = read_layout(form)
    values, chosen = drawn.draw(reports_of(form)), drawn.draw(choices)
    table = make_table(values, FORMS[form], layout, chosen)
    for at, column in enumerate(layout.columns):
        cells = [row[at] for row in table.cells] + [table.rest[at]]
        assert (table.total[at] or 0) == sum(cell or 0 for cell in cells)
        totals = [reported(values, form, code) for code in column.plus]
        if column.needs or not any(total is not None for total in totals):
            continue
        less = sum(reported(values, form, code) or 0 for code in column.minus)
        assert table.total[at] == sum(total or 0 for total in totals) - less
        assert all(cell is None or cell >= 0 for cell in (row[at] for row in table.cells))


@pytest.mark.parametrize("form", ["kb", "alokon"])
@given(drawn=st.data())
def test_no_reported_figure_is_lost_between_the_sheet_and_what_it_leaves_out(form: str, drawn: st.DataObject) -> None:
    layout, values = read_layout(form), drawn.draw(reports_of(form))
    aside = left_out(values, FORMS[form], layout)
    held = {key for key in values if key.partition(".")[0] in measures_of(layout.columns)}
    mal = {key for key in values if key.endswith(".mal")}
    assert set(values) == (held - mal) | set(aside)
    assert (held - mal).isdisjoint(aside)


@given(drawn=st.data())
def test_a_recap_is_the_sum_of_its_facilities_cell_by_cell(drawn: st.DataObject) -> None:
    layout = read_layout("kb")
    drawn_values = drawn.draw(st.lists(reports_of("kb"), max_size=4))
    tables = [make_table(values, FORMS["kb"], layout, Choices()) for values in drawn_values]
    recap = add_tables(tables, layout)

    def cells(table: Table) -> list[int | None]:
        return [cell for row in (*table.cells, table.rest, table.total) for cell in row]

    for at, cell in enumerate(cells(recap)):
        parts = [cells(table)[at] for table in tables]
        given_parts = [part for part in parts if part is not None]
        assert cell == (sum(given_parts) if given_parts else None)


def test_a_print_of_the_districts_own_takes_the_place_of_ours() -> None:
    own = """
        [siga.kb]
        title = "LAPORAN KB KABUPATEN"
        paper = "F4"
        rows = [{ heading = "Semua suntik", items = ["suntik", "suntik1", "suntik3"] }]
    """
    source = make_source("kb", [report(ANI, {"baru": 9, "baru.suntik": 4, "baru.pil": 5})], choices=Choices(layout=own))
    workbook = write(siga_kb, source)
    cells = read_cells(workbook)["Bengkalis"]
    assert cells[0] == ["LAPORAN KB KABUPATEN"]
    assert ["Semua suntik", "4", "", "", "4", "", "", "4"] in cells
    assert ["Tidak dirinci", "5", "", "", "5", "", "", "5"] in cells
    with zipfile.ZipFile(BytesIO(workbook)) as parts:
        assert any('paperSize="14"' in parts.read(one).decode() for one in parts.namelist() if "sheet" in one)


FAULTS = {
    "[siga.kb": "TOML",
    "[siga.anc]\ntitle='x'": "siga.anc",
    "[siga.kb]\ntitel='x'": "siga.kb.titel",
    "[siga.kb]\npaper='A5'": "siga.kb.paper: harus salah satu dari / must be one of A4, F4, Legal",
    "[siga.kb]\nnotes='x'": "siga.kb.notes",
    "[siga.kb]\ncolumns=[]": "siga.kb.columns",
    "[[siga.kb.columns]]\nnumber='1'": "siga.kb.columns[1]",
    "[[siga.kb.columns]]\nnumber='1'\nheading='A'\nplus=['bru']": "siga.kb.columns[1].plus: 'bru'",
    "[[siga.kb.rows]]\nheading='A'": "siga.kb.rows[1]",
    "[[siga.kb.rows]]\nheading='A'\nitems=['pil', 'pil']": "siga.kb.rows[1].items",
    "[[siga.kb.rows]]\nheading='A'\nitems=['pill']": "siga.kb.rows[1].items: 'pill'",
    "[[siga.kb.rows]]\nheading='MAL'\nitems=['mal']": "siga.kb.rows[1].items: 'mal'",
}


@pytest.mark.parametrize("written", FAULTS)
def test_a_fault_in_a_layout_is_told_with_its_place(written: str) -> None:
    fault = find_layout_fault(written)
    assert FAULTS[written] in fault
    with pytest.raises(Permanent, match="Tata letak"):
        write(siga_kb, make_source("kb", [report(ANI, {"baru": 1})], choices=Choices(layout=written)))


def test_what_we_ship_and_what_stands_for_others_has_no_fault() -> None:
    assert find_layout_fault("") == ""
    assert find_layout_fault("[sirika]\ntitle = 'x'") == ""


def test_the_layout_that_the_guide_shows_can_be_used() -> None:
    guide = (ROOT / "docs" / "siga.md").read_text(encoding="utf-8")
    own = guide.split("```toml\n")[1].split("```")[0]
    assert find_layout_fault(own) == ""
    assert read_layout("kb", own).rows[0].heading == "Suntikan"


def test_a_province_is_told_to_choose_a_regency() -> None:
    with pytest.raises(Permanent, match="Pilih satu kabupaten/kota"):
        write(siga_kb, make_source("kb", [report(ANI, {"baru": 1})], area="14"))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Which database it is makes no difference here."""
    return sqlite_url


def test_a_district_s_month_goes_from_its_reports_into_the_workbook(district: District) -> None:
    making.settle(district, "PMB01", {"baru": 12, "baru.pil": 5, "aktif": 40})
    making.settle(district, "PMB02", {"baru": 3, "baru.iud": 3, "aktif": 20})
    export = making.make(district, "siga_kb")
    assert export.fault is None
    cells = read_cells(making.read(district, export))
    assert ["Jumlah", "15", "", "", "15", "", "", "15"] in cells["Rekap wilayah"]
    assert ["Faskes yang ikut", "2 dari 7"] in cells["Rekap wilayah"]
    assert ["Sidik data (SHA-256)", export.digest] in cells["Keterangan"]
    assert len(cells["Belum ikut"]) == 2 + 5


if __name__ == "__main__":
    for path, text in goldens().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
