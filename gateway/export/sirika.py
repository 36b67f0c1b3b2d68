"""SIRIKA: the stock of contraceptives as a workbook, by facility, batch, kecamatan and area.

Source: SIRIKA's own form of import is not published, so which columns there are is the area's to choose
(`sirika_columns`). Nothing here is ever sent to SIRIKA.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import BinaryIO
from zoneinfo import ZoneInfo

from gateway.export.base import XLSX, Format, Source, say_about
from gateway.export.sirika_book import Book, Value
from gateway.export.sirika_cards import (
    Card,
    Recap,
    fold,
    fold_item,
    given_before,
    make_card,
    remember,
)
from gateway.export.sirika_columns import ABOUT, Layout, read_layout
from gateway.stock import MONTHS_BACK, Expiry, Status, Stock, judge_expiry
from gateway.store.batches import Batch
from gateway.store.settled import Place

FORMAT = Format(
    names={"id": "SIRIKA, buku kerja", "en": "SIRIKA, workbook"},
    hints={
        "id": "Gerak dan sisa stok tiap faskes dengan sumber, batch, dan kedaluwarsa, serta rekapnya; untuk diisikan ke"
        " SIRIKA. Kolomnya dapat diatur.",
        "en": "Movements and stock of each facility with source, batch and expiry, and recaps; to be typed into SIRIKA."
        " Its columns can be chosen.",
    },
    media_type=XLSX,
    suffix="xlsx",
    forms=("alokon",),
    most_reports=15_000,
)
Row = dict[str, Value]
Held = Mapping[int, Mapping[str, Sequence[Batch]]]  # batches by facility id and item
STATUSES: Mapping[Status, str] = {
    Status.EMPTY: "KOSONG",
    Status.LOW: "KURANG",
    Status.ENOUGH: "CUKUP",
    Status.MUCH: "LEBIH",
    Status.UNKNOWN: "tidak diketahui",
}
COUNTED = {Status.EMPTY: "empty", Status.LOW: "low", Status.ENOUGH: "enough", Status.MUCH: "much"}
EXPIRIES: Mapping[Expiry, str] = {
    Expiry.EXPIRED: "lewat kedaluwarsa",
    Expiry.SOON: "segera kedaluwarsa",
    Expiry.LATER: "aman",
    Expiry.UNKNOWN: "tidak diketahui",
}
NOT_BROKEN_DOWN = "tidak dirinci"
MORE_THAN_REPORTED = "batch lebih banyak daripada laporan"
NOT_REPORTED = "tidak ada laporan untuk bulan ini"
NOTES = (
    "Satuan seperti pada laporan: pil siklus, suntik vial, kondom lusin, IUD buah, implan set.",
    "Saldo akhir dihitung = saldo awal + penerimaan - pengeluaran - rusak - kadaluarsa.",
    "Selisih = saldo akhir dilaporkan - dihitung. Sel kosong berarti tidak dilaporkan; itu bukan nol.",
    "Laporan SMS tidak memuat sumber dan batch. Yang dirinci: batch yang dicatat petugas, untuk bulan terakhir saja.",
    "Batch yang ikut: yang masih dalam stok saat ekspor dibuat. Minus berarti batch lebih banyak daripada laporan.",
    "Pemakaian sebulan: rata-rata tiga laporan terakhir dalam enam bulan. Saran kirim: sampai batas stok cukup.",
)


@dataclass
class _Seen:
    """What is gathered while the reports go by: the recaps, and of the last month who reported and what is left.

    Shape: `recaps` by sheet, month, area and item; `left` by facility id and item.
    """

    recaps: dict[tuple[str, str, str, str], Recap] = field(default_factory=lambda: defaultdict(Recap))
    places: dict[int, Place] = field(default_factory=dict)
    left: dict[int, dict[str, int | None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, card: Card, area: str, *, is_last: bool) -> None:
        """Take in one more card."""
        for sheet, code in (("districts", card.place.area), ("whole", area)):
            self.recaps[sheet, card.period, code, card.item].add(card)
        if is_last:
            self.places[card.place.id] = card.place
            self.left[card.place.id][card.item] = card.numbers["closing"]


def write(source: Source, target: BinaryIO) -> None:
    """Write the workbook. Errors: errors.Permanent when the area's own layout is wrong."""
    layout, seen, last = read_layout(source.about.choices.layout), _Seen(), source.about.periods[-1]
    book = Book(target, source.about)
    about = book.add_pairs(ABOUT)
    sheets = {code: book.add_table(sheet) for code, sheet in layout.sheets.items()}
    items = {item: at for at, item in enumerate(dict.fromkeys([*layout.items, *source.form.items]))}
    held = _fold_batches(source)
    for card in _cards(source, items, held):
        seen.add(card, source.about.area, is_last=card.period == last)
        sheets["stock"].write(_say_place(card.place, card.period) | _say_card(card, layout))
    for row in _batch_rows(source, seen, layout, items, held):
        sheets["batches"].write(row)
    for (sheet, period, area, item), recap in sorted(seen.recaps.items(), key=lambda one: _in_order(one[0], items)):
        sheets[sheet].write(_say_recap(source, layout, (period, area, item), recap))
    about.write([*say_about(source.about, source.digest.hexdigest()), *(("Catatan", note) for note in NOTES)])
    book.close()


def _in_order(key: tuple[str, str, str, str], items: Mapping[str, int]) -> tuple[str, str, str, int, str]:
    sheet, period, area, item = key
    return sheet, period, area, items.get(item, len(items)), item


def _fold_batches(source: Source) -> Held:
    """Return the batches in stock by facility and item, where an area wants what is not broken down."""
    found: dict[int, dict[str, list[Batch]]] = {}
    for facility_id, these in source.batches().items():
        by_item = found.setdefault(facility_id, defaultdict(list))
        for batch in these:
            by_item[fold_item(batch.item, source.about.choices)].append(batch)
    return found


def _cards(source: Source, items: Mapping[str, int], held: Held) -> Iterator[Card]:
    """Yield the cards of every report, facility by facility and month by month."""
    choices, last = source.about.choices, source.about.periods[-1]
    before = source.before(MONTHS_BACK - 1)
    for facility_id, reports in groupby(source.reports(), lambda report: report.place.id):
        given = given_before(before.get(facility_id, {}), choices)
        holds = held.get(facility_id, {})
        for report in reports:
            values = fold(report.values, choices)
            remember(given, report.period, values)
            limits = source.limits(report.place.area, report.place.type)
            reported = {item for _, item in values}
            for item in sorted(reported, key=lambda item: (items.get(item, len(items)), item)):
                theirs = holds.get(item, ()) if report.period == last else ()
                yield make_card(report, item, values, given, (limits.stock_least, limits.stock_most), theirs)


def _say_place(place: Place, period: str) -> Row:
    return {
        "period": period,
        "area_code": place.area,
        "area": place.area_name,
        "facility_code": place.code,
        "facility": place.name,
        "facility_type": place.type,
    }


def _say_item(item: str, layout: Layout) -> Row:
    name, unit = layout.items.get(item, (item, ""))
    return {"item": name, "unit": unit}


def _say_stock(stock: Stock) -> Row:
    return {
        "usual": None if stock.usual is None else round(stock.usual, 1),
        "months": None if stock.months is None else round(stock.months, 1),
        "status": STATUSES[stock.status],
        "resupply": stock.resupply,
    }


def _say_card(card: Card, layout: Layout) -> Row:
    return {**_say_item(card.item, layout), **card.numbers, **_say_stock(card.stock)}


def _say_recap(source: Source, layout: Layout, about: tuple[str, str, str], recap: Recap) -> Row:
    """Return the row of an area's recap. Shape: `about` is month, area and item."""
    period, area, item = about
    limits = source.limits(area, "")
    return {
        "period": period,
        "area_code": area,
        "area": source.area_names.get(area, area),
        **_say_item(item, layout),
        "facilities": recap.facilities,
        **recap.numbers,
        **_say_stock(recap.judge(limits.stock_least, limits.stock_most)),
        **{column: recap.statuses[status] for status, column in COUNTED.items()},
    }


def _batch_rows(source: Source, seen: _Seen, layout: Layout, items: Mapping[str, int], held: Held) -> Iterator[Row]:
    """Yield what is left at the end of the last month: a row for each batch, then what they leave open or exceed.

    So the rows of an item come to what the facility reported, where it did.
    """
    last, today = source.about.periods[-1], source.about.made_at.astimezone(ZoneInfo(source.about.timezone)).date()
    places = {place.id: place for place in source.places(last)} | seen.places
    for place in sorted(places.values(), key=lambda one: one.code):
        left, theirs = seen.left.get(place.id, {}), held.get(place.id, {})
        months = source.limits(place.area, place.type).expiring_months
        for item in sorted({*left, *theirs}, key=lambda item: (items.get(item, len(items)), item)):
            about = _say_place(place, last) | _say_item(item, layout)
            batches, closing = theirs.get(item, ()), left.get(item)
            for batch in batches:
                yield about | {
                    "source": layout.sources[batch.source],
                    "batch": batch.number,
                    "expires_on": batch.expires_on,
                    "expiry": EXPIRIES[judge_expiry(batch.expires_on, today, months)],
                    "quantity": batch.quantity,
                    "remark": NOT_REPORTED if closing is None else "",
                }
            rest = 0 if closing is None else closing - sum(batch.quantity for batch in batches)
            if rest:
                yield about | {
                    "source": layout.sources["unknown"],
                    "batch": NOT_BROKEN_DOWN,
                    "expiry": EXPIRIES[Expiry.UNKNOWN],
                    "quantity": rest,
                    "remark": MORE_THAN_REPORTED if rest < 0 else "",
                }
