"""Counts per midwife for Klik-KB, for Excel: a row for each midwife and month, under the agreement with it."""

from __future__ import annotations

from typing import BinaryIO

from gateway.export.base import Format, Source, say_about
from gateway.export.midwife_counts import MOST_MONTHS, NOBODY, add_up, personal_fields, personal_of
from gateway.export.sharing import keys_shared
from gateway.spreadsheet import BYTE_ORDER_MARK, write_row
from gateway.store.agreements import KLIKKB

FORMAT = Format(
    names={"id": "Klik-KB, per bidan (CSV untuk Excel)", "en": "Klik-KB, per midwife (CSV for Excel)"},
    hints={
        "id": "Satu baris untuk tiap bidan dan bulan; hanya yang diizinkan perjanjian dengan Klik-KB.",
        "en": "One row for each midwife and month; only what the agreement with Klik-KB allows.",
    },
    media_type="text/csv; charset=utf-8",
    suffix="csv",
    most_months=MOST_MONTHS,
    partner=KLIKKB,
)
_PERSONAL = {"name": "Nama", "phone": "Nomor HP"}


def write(source: Source, target: BinaryIO) -> None:
    """Write what the file holds, an empty row, the heads, a row for each midwife and month, and the fingerprint."""
    personal = personal_fields(source)
    target.write(BYTE_ORDER_MARK.encode())
    target.writelines(write_row(pair).encode() for pair in say_about(source.about))
    target.write(write_row([]).encode())
    words = (source.form.word_for(key) for key in keys_shared(source))
    heads = ["ID Klik-KB", *(_PERSONAL[name] for name in personal), "Bulan", "Laporan", "Faskes", *words]
    target.write(write_row(heads).encode())
    for counts in add_up(source):
        row: list[str | int | None] = [counts.midwife.klikkb_id if counts.midwife else NOBODY]
        row += [*personal_of(personal, counts.midwife), counts.period, counts.reports, len(counts.facilities)]
        row += [counts.quantity(at) for at in range(len(counts.quantities))]
        target.write(write_row(row).encode())
    target.write(write_row([]).encode())
    target.write(write_row(["Sidik data (SHA-256)", source.digest.hexdigest()]).encode())
