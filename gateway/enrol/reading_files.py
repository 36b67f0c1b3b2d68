"""Read a register file, a workbook or a CSV, into rows of text: whatever it holds, it costs little and runs nothing."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.enrol import unpack
from gateway.spreadsheet import unguard

_ROOT = Path(__file__).resolve().parents[2]
_SEPARATORS = ";,\t|"
_MOST_PARTS = 500  # files inside a workbook
_LONGEST_CELL = 500  # characters that are kept of a cell
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"  # a compound file: .xls, or an .xlsx under a password


class FileFaultCode(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    MACROS = "macros"
    OLD_OR_LOCKED = "old_or_locked"
    TRAP = "trap"  # unpacked it would be far larger than a register can be
    UNREADABLE = "unreadable"


class FileFault(Exception):
    """A file that is not taken, and why: `code`, and `most` where it is a matter of size."""

    def __init__(self, code: FileFaultCode, most: int = 0) -> None:
        super().__init__(code.value)
        self.code = code
        self.most = most


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be. Units: bytes as it comes and unpacked, megabytes of memory for taking it apart."""

    bytes: int = 5 << 20
    rows: int = 20_000
    columns: int = 60
    unpacked: int = 100 << 20
    megabytes: int = 768


PAGE = Limits()
COMMAND_LINE = Limits(bytes=50 << 20, rows=200_000, unpacked=400 << 20, megabytes=2048)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text: the names of its columns, and its rows with their numbers as a spreadsheet counts them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_sheet(content: bytes, limits: Limits = PAGE) -> Sheet:
    """Return what a file holds. Its first row that holds more than one cell names the columns.

    Errors: FileFault tells why a file is not taken.
    """
    _look_at(content, limits)
    if not content.startswith(b"PK"):
        return _as_sheet(_read_csv(content, limits), limits)
    return _as_sheet(next(iter(_read_workbook(content, limits).values()), []), limits)


def read_book(content: bytes, sheets: int, limits: Limits = PAGE) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of a workbook's first sheets that hold anything, by name, each cell as text.

    Errors: FileFault tells why a file is not taken.
    """
    _look_at(content, limits)
    if not content.startswith(b"PK"):
        raise FileFault(FileFaultCode.UNREADABLE)
    book = _read_workbook(content, limits, sheets)
    return {_clean(name): [tuple(_clean(cell) for cell in row) for row in rows] for name, rows in book.items()}


def _look_at(content: bytes, limits: Limits) -> None:
    """Refuse a file by how it begins."""
    if not content.strip():
        raise FileFault(FileFaultCode.EMPTY)
    if len(content) > limits.bytes:
        raise FileFault(FileFaultCode.TOO_LARGE, limits.bytes >> 20)
    if content.startswith(_OLD_WORKBOOK):
        raise FileFault(FileFaultCode.OLD_OR_LOCKED)


def _as_sheet(rows: list[list[str]], limits: Limits) -> Sheet:
    cleaned = [tuple(_clean(cell) for cell in row) for row in rows]
    head = next((at for at, row in enumerate(cleaned) if sum(map(bool, row)) > 1), None)
    if head is None:
        raise FileFault(FileFaultCode.EMPTY)
    width = max((at + 1 for at, cell in enumerate(cleaned[head]) if cell), default=0)
    if width > limits.columns:
        raise FileFault(FileFaultCode.TOO_MANY_COLUMNS, limits.columns)
    found = tuple(
        (number, (*row, *[""] * width)[:width])
        for number, row in enumerate(cleaned[head + 1 :], start=head + 2)
        if any(row[:width])
    )
    if len(found) > limits.rows:
        raise FileFault(FileFaultCode.TOO_MANY_ROWS, limits.rows)
    if not found:
        raise FileFault(FileFaultCode.EMPTY)
    return Sheet(cleaned[head][:width], found)


def _clean(cell: str) -> str:
    """Return a cell without what cannot be seen, and without the mark against being taken for a formula."""
    text = "".join(mark if mark.isprintable() else " " for mark in cell[:_LONGEST_CELL])
    text = " ".join(text.replace("\N{REPLACEMENT CHARACTER}", " ").split())
    return unguard(text).strip()


def _read_workbook(content: bytes, limits: Limits, sheets: int = 1) -> dict[str, list[list[str]]]:
    _look_inside(content, limits)
    bounds = (limits.rows + 20, limits.columns, limits.megabytes, sheets)
    command = [sys.executable, "-m", unpack.__name__, *map(str, bounds)]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, cwd=_ROOT, timeout=unpack.SECONDS + 5, check=False
        )
    except subprocess.TimeoutExpired:
        raise FileFault(FileFaultCode.TRAP) from None
    if done.returncode == unpack.UNREADABLE:
        raise FileFault(FileFaultCode.UNREADABLE)
    if done.returncode == unpack.TOO_TALL:
        raise FileFault(FileFaultCode.TOO_MANY_ROWS, limits.rows)
    if done.returncode != 0:  # it ran into one of its limits
        raise FileFault(FileFaultCode.TRAP)
    book: dict[str, list[list[str]]] = json.loads(done.stdout)
    return book


def _look_inside(content: bytes, limits: Limits) -> None:
    """Refuse a workbook by its table of contents: macros, too many parts, too much of it once unpacked."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise FileFault(FileFaultCode.UNREADABLE) from None
    if any(part.filename.lower().endswith(("vbaproject.bin", ".bin.vba")) for part in parts):
        raise FileFault(FileFaultCode.MACROS)
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > limits.unpacked:
        raise FileFault(FileFaultCode.TRAP)
    if any(part.flag_bits & 1 for part in parts):
        raise FileFault(FileFaultCode.OLD_OR_LOCKED)


def _read_csv(content: bytes, limits: Limits) -> list[list[str]]:
    text = _decode(content)
    first, _, rest = text.partition("\n")
    separator = ""
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # what Excel writes to itself
        separator, text = first.strip()[4], rest
    separator = separator or max(_SEPARATORS, key=text.partition("\n")[0].count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if len(row) > limits.columns * 4:
                raise FileFault(FileFaultCode.TOO_MANY_COLUMNS, limits.columns)
            rows.append(row)
            if len(rows) > limits.rows + 20:
                raise FileFault(FileFaultCode.TOO_MANY_ROWS, limits.rows)
    except csv.Error:
        raise FileFault(FileFaultCode.UNREADABLE) from None
    return rows


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # what Excel calls Unicode text
        return _or_refuse(content, "utf-16")
    if b"\x00" in content:
        raise FileFault(FileFaultCode.UNREADABLE)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _or_refuse(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise FileFault(FileFaultCode.UNREADABLE) from None
