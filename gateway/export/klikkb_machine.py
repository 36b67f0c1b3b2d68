"""Counts per midwife for Klik-KB, for programs: comma, UTF-8 without a mark, LF; a row for each figure."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from gateway.export.base import Format, Source, say_about
from gateway.export.midwife_counts import MOST_MONTHS, add_up, personal_fields, personal_of
from gateway.export.sharing import keys_shared
from gateway.store.agreements import KLIKKB

FORMAT = Format(
    names={"id": "Klik-KB, per bidan (CSV data)", "en": "Klik-KB, per midwife (CSV data)"},
    hints={
        "id": "Satu baris untuk tiap angka, koma, UTF-8; hanya yang diizinkan perjanjian dengan Klik-KB.",
        "en": "One row for each figure, comma, UTF-8; only what the agreement with Klik-KB allows.",
    },
    media_type="text/csv; charset=utf-8",
    suffix="csv",
    most_months=MOST_MONTHS,
    partner=KLIKKB,
)
COLUMNS = ("form", "period", "reports", "facilities", "measure", "item", "quantity")


def write(source: Source, target: BinaryIO) -> None:
    """Write every figure of every midwife and month; an empty id is nobody's. The fingerprint is the last line."""
    personal, keys = personal_fields(source), keys_shared(source)
    target.writelines(f"# {name}: {' '.join(value.split())}\n".encode() for name, value in say_about(source.about))
    target.write(_line("klikkb_id", *personal, *COLUMNS))
    for counts in add_up(source):
        her_id = counts.midwife.klikkb_id if counts.midwife else ""
        about = (her_id, *personal_of(personal, counts.midwife), source.form.code, counts.period)
        for at, key in enumerate(keys):
            measure, _, item = key.partition(".")
            if (quantity := counts.quantity(at)) is not None:
                target.write(_line(*about, counts.reports, len(counts.facilities), measure, item, quantity))
    target.write(f"# {source.digest.reports} laporan; sidik data (SHA-256): {source.digest.hexdigest()}\n".encode())


def _line(*cells: str | int) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue().encode()
