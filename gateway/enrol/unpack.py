"""Take a workbook apart in a process of its own, which may use little memory and little time: a file can be a trap.

Run as `python -m gateway.enrol.unpack ROWS COLUMNS MEGABYTES SHEETS`: a workbook comes in, its sheets go out as JSON.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook

UNREADABLE, TOO_TALL, TOO_MUCH = 3, 4, 5  # exit: cannot be read; more rows than asked for; a trap
MOST_CHARACTERS = 64 << 20  # that go out: one long text can stand in a million cells, and take no place in the file
SECONDS = 20  # of work; the parent waits a little longer


def unpack(workbook: bytes, rows: int, columns: int, sheets: int = 1) -> dict[str, list[list[str]]]:
    """Return the first sheets that hold anything, by name, as text; with one column more than asked for, to tell of it.

    Errors: CalamineError where it is no workbook; OverflowError where a sheet has more rows than these.
    """
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
    found: dict[str, list[list[str]]] = {}
    for name in book.sheet_names:
        if len(found) == sheets:
            break
        sheet = book.get_sheet_by_name(name)
        if sheet.height > rows:
            raise OverflowError(f"{sheet.height} rows")
        table = [[as_text(cell) for cell in row[: columns + 1]] for row in sheet.to_python()]
        if any(any(row) for row in table):
            found[name] = table
    return found


def as_text(cell: object) -> str:
    """Return a cell as somebody would have typed it: a number without the point that a sheet adds.

    >>> as_text(140300101.0), as_text(81234567890.0), as_text(-0.89), as_text(True)
    ('140300101', '81234567890', '-0.89', 'ya')
    """
    if isinstance(cell, bool):
        return "ya" if cell else "tidak"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time | timedelta):
        return str(cell)
    return str(cell)


def main() -> int:
    """Read a workbook from standard input and write its rows to standard output."""
    rows, columns, megabytes, sheets = (int(word) for word in sys.argv[1:5])
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found = unpack(sys.stdin.buffer.read(), rows, columns, sheets)
    except OverflowError:
        return TOO_TALL
    except (CalamineError, ValueError, MemoryError):
        return UNREADABLE
    written = json.dumps(found)
    if len(written) > MOST_CHARACTERS:
        return TOO_MUCH
    sys.stdout.write(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
