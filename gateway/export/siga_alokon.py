"""SIGA, R/II/KB: a month's movements of contraceptives at each facility, recapped. Typed in by staff, never sent."""

from __future__ import annotations

from typing import BinaryIO

from gateway.export.base import XLSX, Format, Source
from gateway.export.siga_sheets import write_sheets

FORMAT = Format(
    names={"id": "SIGA, R/II/KB (alokon)", "en": "SIGA, R/II/KB (stock)"},
    hints={
        "id": "Buku kerja seperti formulir SIGA: gerak alokon tiap faskes dengan selisihnya, dan rekapnya.",
        "en": "A workbook like SIGA's form: movements of stock at each facility with differences, and recaps.",
    },
    media_type=XLSX,
    suffix="xlsx",
    forms=("alokon",),
    most_months=1,
    most_reports=3000,
)


def write(source: Source, target: BinaryIO) -> None:
    """Write the workbook. Errors: errors.Permanent when the area's own layout is wrong."""
    write_sheets(source, "alokon", target)
