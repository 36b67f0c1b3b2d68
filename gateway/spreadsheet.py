"""Rows as a spreadsheet in an Indonesian office opens them, without a cell that it would take for a formula. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}"  # stands first in a file, so that it is opened as UTF-8

# Source: OWASP, "CSV Injection": =+-@, full-width too, behind blanks or quotes; tab, line ends. ASVS 5.0, 1.2.10: NUL.
_FORMULA = re.compile(r"[\s']*[=+\-@\uff0b\uff0d\uff1d\uff20]|[ ']*[\t\r\n\0]")


def guard(text: str) -> str:
    """Return a cell's text marked so that no spreadsheet takes it for a formula; `unguard` takes the mark away.

    >>> guard("=1+1"), guard("'=1"), guard("'Aisyiyah"), guard("-2,5")
    ("'=1+1", "''=1", "'Aisyiyah", "'-2,5")
    >>> guard("\\0=1").startswith("'")
    True
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Return a cell's text without the mark that `guard` put before it.

    >>> unguard("'=1+1"), unguard("''=1"), unguard("'Aisyiyah")
    ('=1+1', "'=1", "'Aisyiyah")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def write_row(row: Sequence[str | int | None]) -> str:
    """Return a row of a CSV file, with semicolons; numbers stay numbers.

    >>> print(write_row(["=1+1", -3, "PMB; Ani", " @x", None]).strip())
    '=1+1;-3;"PMB; Ani";' @x;
    """
    written = io.StringIO()
    csv.writer(written, delimiter=";").writerow([guard(cell) if isinstance(cell, str) else cell for cell in row])
    return written.getvalue()
