"""SIGA, Lampiran R/I/KB: a month's services of each facility, recapped. It is typed into SIGA by staff, never sent.

Source: BKKBN's form R/I/KB of 2020 to 2023 and its relabelled F/II/KB; the official workbook was not found, so the
layout is an area's to change (`siga_layout`).
"""

from __future__ import annotations

from typing import BinaryIO

from gateway.export.base import XLSX, Format, Source
from gateway.export.siga_sheets import write_sheets

FORMAT = Format(
    names={"id": "SIGA, Lamp. R/I/KB (pelayanan)", "en": "SIGA, Lamp. R/I/KB (services)"},
    hints={
        "id": "Buku kerja seperti formulir SIGA: tiap faskes, rekap kecamatan dan wilayah, Tabel 1; untuk dientri.",
        "en": "A workbook like SIGA's form: each facility, recaps of kecamatan and area, Tabel 1; to be typed in.",
    },
    media_type=XLSX,
    suffix="xlsx",
    forms=("kb",),
    most_months=1,
    most_reports=3000,
)


def write(source: Source, target: BinaryIO) -> None:
    """Write the workbook. Errors: errors.Permanent when the area's own layout is wrong."""
    write_sheets(source, "kb", target)
