"""The workbook for SIGA of one form: the facilities' forms by kecamatan, recaps, coverage, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from gateway.coverage import Group, group_of, percent
from gateway.errors import Permanent
from gateway.export.base import Source, name_period, say_about
from gateway.export.siga_book import Block, Book
from gateway.export.siga_figures import Table, add_tables, make_table
from gateway.export.siga_layout import Layout, read_layout
from gateway.store.settled import Place, Settled
from gateway.values import Scope

ABOUT, WHOLE, BY_DISTRICT, COVERAGE, MISSING = "Keterangan", "Rekap wilayah", "Rekap kecamatan", "Tabel 1", "Belum ikut"
REGENCY = 5  # characters of its code
GROUPS = {
    Group.HOSPITAL_STATE: "FKRTL pemerintah",
    Group.HOSPITAL_PRIVATE: "FKRTL swasta",
    Group.HOSPITAL: "FKRTL, pemilik belum diketahui",
    Group.PRIMARY_STATE: "FKTP pemerintah",
    Group.PRIMARY_PRIVATE: "FKTP swasta",
    Group.NETWORK: "Jaringan",
    Group.PARTNERS: "Jejaring",
    Group.OTHER: "Lainnya",
}


@dataclass
class _Sums:
    """What is gathered while the reports go by: each kecamatan's table, and who is in the workbook."""

    by_district: dict[str, Table]
    seen: dict[int, Place]

    def add(self, report: Settled, table: Table, layout: Layout) -> None:
        """Take in one more report."""
        area = report.place.area
        known = self.by_district.get(area)
        self.by_district[area] = add_tables([known, table] if known else [table], layout)
        self.seen[report.place.id] = report.place


def write_sheets(source: Source, form: str, target: BinaryIO) -> None:
    """Write the workbook of one month: a sheet for each kecamatan, its facilities one below the other, a page each.

    A sheet for each facility would hide hundreds of tabs behind each other. SIGA is typed regency by regency.
    Errors: Permanent for a larger area, and when the area's own layout is wrong.
    """
    if len(source.about.area) < REGENCY:
        raise Permanent(
            "Lembar SIGA dibuat per kabupaten/kota. Pilih satu kabupaten/kota atau kecamatan, atau pakai CSV. / "
            "Sheets for SIGA are made regency by regency. Choose a regency or a kecamatan, or take CSV."
        )
    layout, choices = read_layout(form, source.about.choices.layout), source.about.choices
    expected = source.places(source.about.periods[0])
    book, sums = Book(target, source.about), _Sums({}, {})
    about = book.add_sheet(ABOUT)
    whole, by_district = book.add_forms(WHOLE, layout), book.add_forms(BY_DISTRICT, layout)
    coverage, missing = book.add_sheet(COVERAGE), book.add_sheet(MISSING)
    names = {place.area: place.area_name for place in expected}
    sheets = {area: book.add_forms(names[area], layout) for area in sorted(names)}
    for report in source.reports():
        place = report.place
        table = make_table(report.values, source.form, layout, choices)
        if place.area not in sheets:
            sheets[place.area] = book.add_forms(place.area_name, layout)
        sheets[place.area].write(Block(_name_facility(source, report), table))
        sums.add(report, table, layout)
    there = {place.id: place for place in expected} | sums.seen
    for area in sorted({place.area for place in there.values()}):
        facts = _name_area(source, "Kecamatan", area, source.area_names.get(area, area), there, sums.seen)
        table = sums.by_district.get(area) or add_tables((), layout)
        by_district.write(Block(facts, table))
        if area not in sums.by_district:
            sheets[area].say(f"Tidak ada faskes yang ikut; namanya di lembar {MISSING}.")
    facts = _name_area(source, "Wilayah", source.about.area, source.about.area_name, there, sums.seen)
    whole.write(Block(facts, add_tables(sums.by_district.values(), layout)))
    _write_coverage(book, coverage, source, list(there.values()), set(sums.seen))
    _write_missing(book, missing, [place for place in there.values() if place.id not in sums.seen])
    _write_pairs(book, about, say_about(source.about, source.digest.hexdigest()))
    book.close()


def _name_facility(source: Source, report: Settled) -> tuple[tuple[str, str], ...]:
    place = report.place
    return (
        ("Faskes", f"{place.name} ({place.type})"),
        ("No. register KB", place.code),
        ("Kecamatan", f"{place.area_name} ({place.area})"),
        ("Bulan", name_period(report.period)),
        ("Laporan", f"revisi {report.revision}, {_say_state(report.state)}; ekspor {source.about.ref}"),
    )


def _name_area(
    source: Source, kind: str, code: str, name: str, there: Mapping[int, Place], seen: Mapping[int, Place]
) -> tuple[tuple[str, str], ...]:
    inside = [place.id for place in there.values() if Scope(code).covers(place.area)]
    return (
        (kind, f"{name} ({code})"),
        ("Bulan", name_period(source.about.periods[0])),
        ("Faskes yang ikut", f"{sum(one in seen for one in inside)} dari {len(inside)}"),
    )


def _say_state(state: str) -> str:
    return {"approved": "disetujui", "accepted": "diterima, belum disetujui"}.get(state, state)


def _write_coverage(book: Book, sheet: Any, source: Source, there: Sequence[Place], inside: set[int]) -> None:
    """Write SIGA's Tabel 1: how many facilities there are and how many are in the workbook, by group and kecamatan."""
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 3, 14)
    at = _line(sheet, 0, ("Tabel 1. Faskes yang ada dan yang lapor",), book.looks["title"])
    note = (
        "Yang lapor: laporannya disetujui atau, bila wilayah memilihnya, diterima, sehingga ikut dalam buku kerja ini."
    )
    at = _line(sheet, at, (note,), book.looks["note"])
    for heading, lines in (
        ("Kelompok faskes", _by_group(there, inside)),
        ("Kecamatan", _by_district(source, there, inside)),
    ):
        at = _line(sheet, at + 1, (heading, "Yang ada", "Yang lapor", "%"), book.looks["head"])
        for name, every, some in lines:
            at = _line(sheet, at, (name, every, some, percent(some, every)), book.looks["number"])
        at = _line(sheet, at, ("Jumlah", len(there), len(inside), percent(len(inside), len(there))), book.looks["sum"])


def _by_group(there: Sequence[Place], inside: set[int]) -> Iterator[tuple[str, int, int]]:
    for group, name in GROUPS.items():
        theirs = [place.id for place in there if group_of(place.type, place.ownership or "") is group]
        if theirs:
            yield name, len(theirs), len(inside.intersection(theirs))


def _by_district(source: Source, there: Sequence[Place], inside: set[int]) -> Iterator[tuple[str, int, int]]:
    for area in sorted({place.area for place in there}):
        theirs = [place.id for place in there if place.area == area]
        yield source.area_names.get(area, area), len(theirs), len(inside.intersection(theirs))


def _write_missing(book: Book, sheet: Any, missing: Sequence[Place]) -> None:
    """Write who is not in the workbook: not reported, or not settled yet."""
    sheet.set_column(0, 3, 24)
    at = _line(sheet, 0, ("Faskes yang belum ikut: belum lapor, atau laporannya belum disetujui",), book.looks["title"])
    at = _line(sheet, at, ("No. register KB", "Faskes", "Jenis", "Kecamatan"), book.looks["head"])
    for place in sorted(missing, key=lambda one: one.code):
        at = _line(sheet, at, (place.code, place.name, place.type, place.area_name), book.looks["row"])


def _write_pairs(book: Book, sheet: Any, pairs: Sequence[tuple[str, str]]) -> None:
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 90)
    for at, (name, value) in enumerate(pairs):
        sheet.write_string(at, 0, name, book.looks["name"])
        sheet.write_string(at, 1, value, book.looks["text"])


def _line(sheet: Any, at: int, cells: Sequence[str | int], look: Any) -> int:
    """Write a row and return where the next one goes."""
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(at, column, cell, look)
        else:
            sheet.write_number(at, column, cell, look)
    return at + 1
