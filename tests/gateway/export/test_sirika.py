"""The workbook for SIRIKA: what stands in its cells, what always holds of them, and what an area can choose of it."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from gateway.errors import Permanent
from gateway.export import run
from gateway.export.sirika_cards import MOVES, OUTGOING, SHARES, UNKNOWN_SHARE, Recap, fold, make_card
from gateway.export.sirika_columns import read_layout
from gateway.settling import Choices, SettlesAt
from gateway.store import batches, export_choices
from gateway.store.areas import Area, add_areas
from gateway.store.batches import Batch, NewBatch, Source
from gateway.store.exports import DONE, FAILED, Export
from gateway.store.facilities import NewFacility, add_facilities
from gateway.store.settled import Place, Settled
from gateway.store.thresholds import Threshold, choose
from tests.district import NOON, District
from tests.gateway.export.making import COUNTRY, make, read, settle

GOLDEN = Path(__file__).parent / "golden" / "sirika.txt"
AUGUST, SEPTEMBER = "2025-08", "2025-09"
PLACE = Place(
    1,
    "140300101",
    "PMB Ani",
    "PMB",
    None,
    "14.03.01",
    "Bengkalis",
    "Asia/Jakarta",
    None,
    None,
    None,
    None,
    is_active=True,
)

numbers = st.integers(0, 99_999)


def card_of(item: str, *written: int) -> dict[str, int]:
    """Return a report's values of one item: opening, received, given, passed on, damaged, expired, and what is left."""
    measures = ("awal", "terima", "keluar", "distribusi", "rusak", "kadaluarsa", "akhir")
    return {f"{measure}.{item}": number for measure, number in zip(measures, written, strict=False)}


def note(district: District, place: str, number: str, quantity: int, **about: Any) -> None:
    """Note a batch of a facility."""
    plain: dict[str, Any] = {"item": "pil", "source": Source.APBN, "expires_on": None}
    new = NewBatch(district.ids[place], number=number, quantity=quantity, **plain | about)
    with district.database.session() as session:
        assert batches.add_batch(session, new, "Rina", NOON, scope=COUNTRY)
        session.commit()


def choose_layout(district: District, layout: str = "", **choices: str) -> None:
    """Have the regency hand on in its own way."""
    with district.database.session() as session:
        export_choices.choose(session, Choices("14.03", SettlesAt.APPROVED, layout=layout, **choices), scope=COUNTRY)
        session.commit()


def export_stock(district: District, first: str = SEPTEMBER, area: str = "14.03") -> Export:
    """Have the stock exported up to September."""
    return make(district, "sirika", form="alokon", first=first, last=SEPTEMBER, area=area)


def open_book(district: District, export: Export) -> dict[str, list[list[Any]]]:
    """Return the cells of a workbook by sheet."""
    assert export.state == DONE, export.fault
    book = CalamineWorkbook.from_filelike(io.BytesIO(read(district, export)))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def as_rows(sheet: list[list[Any]]) -> list[dict[str, Any]]:
    """Return a table's rows by their headings."""
    return [dict(zip(sheet[0], row, strict=True)) for row in sheet[1:]]


def dump(book: Mapping[str, list[list[Any]]]) -> str:
    """Return a workbook as text: a line for each row; a row's last cells where nothing stands are left out."""
    lines = []
    for name, rows in book.items():
        lines.append(f"== {name}")
        lines += [" | ".join(map(_say, row)).rstrip(" |") for row in rows]
    return "\n".join(lines) + "\n"


def _say(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


@pytest.fixture
def stocked(district: District) -> District:
    """Stock of two kecamatan: with batches, without, expired, too many, and a count that does not add up."""
    with district.database.session() as session:
        add_areas(session, [Area("14.03.02", "14.03", "district", "Bantan", "Asia/Jakarta")])
        new = NewFacility("140350101", "PMB Tini", "PMB90", "PMB", "14.03.02")
        ids = {**district.ids, "TINI": add_facilities(session, [new])[0]}
        session.commit()
    object.__setattr__(district, "ids", ids)
    settle(district, "PMB01", card_of("pil", 80, 0, 40, 0, 0, 0, 40), period="2025-07", form="alokon")
    settle(district, "PMB01", card_of("pil", 40, 100, 40, 0, 0, 0, 100), period=AUGUST, form="alokon")
    ani = card_of("pil", 100, 50, 30, 5, 1, 4, 110) | card_of("kondom", 12, 0, 2, 0, 0, 0, 9)
    settle(district, "PMB01", ani, form="alokon")
    settle(district, "PMB02", card_of("suntik3", 30, 0, 30, 0, 0, 0, 0) | {"akhir.suntik": 4}, form="alokon")
    settle(district, "TINI", card_of("pil", 10, 0, 2, 0, 0, 0, 8), form="alokon")
    note(district, "PMB01", "P-01", 60, expires_on=date(2025, 9, 30))
    note(district, "PMB01", "P-02", 20, source=Source.APBD, expires_on=date(2026, 3, 31))
    note(district, "PMB01", "P-03", 5, state="withdrawn")
    note(district, "TINI", "P-09", 12, source=Source.OWN, expires_on=date(2027, 1, 31))
    note(district, "DAMON", "=1+1", 3, item="iud")
    return district


def test_the_workbook_reads_as_it_did(stocked: District) -> None:
    cells = dump(open_book(stocked, export_stock(stocked, AUGUST)))
    lines = [line for line in cells.splitlines() if not line.startswith("Ekspor |")]
    assert "\n".join(lines) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_the_same_stock_makes_the_same_bytes(stocked: District) -> None:
    export = export_stock(stocked)
    again = io.BytesIO()
    run.write_export(stocked.database, export, stocked.runtime.forms, again, stocked.runtime.now())
    assert again.getvalue() == read(stocked, export)


def test_the_rows_of_an_item_come_to_what_was_reported(stocked: District) -> None:
    book = open_book(stocked, export_stock(stocked))
    reported = {
        (row["Kode faskes"], row["Alokon"]): row["Saldo akhir dilaporkan"]
        for row in as_rows(book["Persediaan"])
        if row["Saldo akhir dilaporkan"] != ""
    }
    found: dict[tuple[str, str], float] = defaultdict(float)
    for row in as_rows(book["Batch"]):
        found[row["Kode faskes"], row["Alokon"]] += row["Jumlah"]
    iud = ("140300100", "IUD CuT 380A")
    assert found.pop(iud) == 3, "noted where nothing was reported"
    assert dict(found) == {key: number for key, number in reported.items() if number}


def test_what_an_area_wants_suntik_to_be_it_is_in_every_sheet(stocked: District) -> None:
    choose_layout(stocked, injectable_as="suntik3")
    book = open_book(stocked, export_stock(stocked))
    [wati] = [row for row in as_rows(book["Persediaan"]) if row["Kode faskes"] == "140300102"]
    assert (wati["Alokon"], wati["Saldo akhir dilaporkan"], wati["Selisih"]) == ("Suntik 3 bulan", 4, 4)
    assert "tidak dirinci (vial)" not in dump(book)
    assert "Suntik, tidak dirinci" not in dump(book)


def test_stock_is_judged_by_the_thresholds_of_the_kecamatan_and_the_type(stocked: District) -> None:
    with stocked.database.session() as session:
        choose(session, Threshold("14.03.02", "PMB", "alokon", "stock_least", 5))
        choose(session, Threshold("14.03.02", "", "alokon", "stock_most", 12))
        choose(session, Threshold("14.03.02", "", "alokon", "expiring_months", 24))
        session.commit()
    book = open_book(stocked, export_stock(stocked))
    status = {(row["Kode faskes"], row["Alokon"]): row["Status"] for row in as_rows(book["Persediaan"])}
    assert (status["140350101", "Pil"], status["140300101", "Pil"]) == ("KURANG", "CUKUP")
    assert {row["Nomor batch"]: row["Keadaan kedaluwarsa"] for row in as_rows(book["Batch"])}["P-09"] == (
        "segera kedaluwarsa"
    )


def test_a_district_renames_moves_and_leaves_out_columns(stocked: District) -> None:
    layout = """
    [sirika.items]
    pil = ["PIL KOMBINASI", "blister"]
    [sirika.sheets.stock]
    name = "Impor"
    columns = [["closing", "STOK"], ["facility_code", "KODE"], ["item", "BARANG"]]
    """
    choose_layout(stocked, layout)
    book = open_book(stocked, export_stock(stocked))
    assert list(book) == ["Keterangan", "Impor", "Batch", "Rekap kecamatan", "Rekap wilayah"]
    assert book["Impor"][:2] == [["STOK", "KODE", "BARANG"], [110, "140300101", "PIL KOMBINASI"]]
    assert [row["Satuan"] for row in as_rows(book["Batch"]) if row["Nomor batch"] == "P-01"] == ["blister"]


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ("[sirika", "bukan TOML"),
        ("[sirika.sheet]", "[sirika.sheet] tidak dikenal"),
        ("sirika = 3", "[sirika] harus tabel"),
        ("[sirika]\nitems = 1", "[sirika.items] harus tabel"),
        ("[sirika.items]\npil = 'Pil'", 'items.pil: tulis ["nama", "satuan"]'),
        ("[sirika.sources]\nhibah = 'Hibah'", "sources.hibah"),
        ("[sirika.sheets.stok]\nname = 'x'", "sheets.stok: stock"),
        ("[sirika.sheets.stock]\ncolumns = []", "sheets.stock.columns: tulis"),
        ("[sirika.sheets.stock]\ncolumns = [['stok', 'Stok']]", "'stok'"),
        ("[sirika.sheets.stock]\ncolumns = [['item', 'A'], ['item', 'B']]", "kolom dua kali / column twice: item"),
        ("[sirika.sheets.stock]\nname = ''", "sheets.stock.name"),
    ],
)
def test_a_layout_that_cannot_be_is_told_with_its_place(layout: str, told: str) -> None:
    with pytest.raises(Permanent) as refused:
        read_layout(layout)
    assert told in str(refused.value)


def test_an_export_with_a_wrong_layout_says_so_and_makes_no_file(stocked: District) -> None:
    choose_layout(stocked, "[sirika.sheets.stock]\ncolumns = [['stok', 'Stok']]")
    export = export_stock(stocked)
    assert export.state == FAILED
    assert export.fault
    assert "'stok'" in export.fault


@given(st.lists(numbers, min_size=7, max_size=7), st.lists(st.tuples(st.sampled_from(Source), numbers), max_size=4))
def test_the_books_of_a_card_balance(written: list[int], held: list[tuple[Source, int]]) -> None:
    card = make_card(
        report(card_of("pil", *written)), "pil", fold(card_of("pil", *written), Choices()), {}, (1, 3), hold(held)
    )
    opening, received, *out, closing = written
    assert card.numbers["computed"] == opening + received - sum(out)
    assert card.numbers["closing"] == closing == (card.numbers["computed"] or 0) + (card.numbers["difference"] or 0)
    assert closing == sum(card.numbers[name] or 0 for name in (*SHARES.values(), UNKNOWN_SHARE))


@given(st.lists(st.dictionaries(st.sampled_from([*MOVES.values(), "akhir"]), numbers, min_size=1), min_size=1))
def test_a_recap_is_the_sum_of_its_cards(written: list[dict[str, int]]) -> None:
    recap = Recap()
    cards = []
    for one in written:
        values = {f"{measure}.pil": number for measure, number in one.items()}
        cards.append(make_card(report(values), "pil", fold(values, Choices()), {}, (1, 3)))
        recap.add(cards[-1])
    for name in cards[0].numbers:
        given_numbers = [card.numbers[name] for card in cards if card.numbers[name] is not None]
        assert recap.numbers.get(name) == (sum(map(int, given_numbers)) if given_numbers else None)  # type: ignore[arg-type]
    assert recap.facilities == sum(recap.statuses.values()) == len(written)
    assert recap.judge(1, 3).resupply == sum(card.stock.resupply for card in cards)


def test_every_movement_of_the_form_stands_on_the_card(district: District) -> None:
    form = next(form for form in district.runtime.forms if form.code == "alokon")
    assert {*MOVES.values(), "akhir"} == set(form.measures)
    assert set(OUTGOING) < set(MOVES)
    assert [
        item for item in form.items if item in form.measures["akhir"].items if item not in read_layout().items
    ] == []


def report(values: Mapping[str, int]) -> Settled:
    """Return a settled report of a place."""
    return Settled(1, 1, "approved", SEPTEMBER, NOON, PLACE, values)


def hold(held: list[tuple[Source, int]]) -> list[Batch]:
    """Return batches in stock of these sources and quantities."""
    return [
        Batch(at, 1, "pil", source, f"B{at}", None, quantity, "in_stock", "Rina", NOON, 0)
        for at, (source, quantity) in enumerate(held)
    ]
