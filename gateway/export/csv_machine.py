"""CSV for machines: a row for each figure, comma, UTF-8 without a mark, LF; what it holds stands in lines with `#`.

Source: RFC 4180; W3C, Model for Tabular Data, section 5: lines that begin with # are comments.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from gateway.export.base import Format, Source, say_about
from gateway.store.settled import Settled

FORMAT = Format(
    names={"id": "CSV data", "en": "CSV data"},
    hints={
        "id": "Satu baris untuk tiap angka, koma, UTF-8. Untuk program, bukan untuk Excel: isinya tidak diberi tanda.",
        "en": "One row for each figure, comma, UTF-8. For programs, not for Excel: its cells are not marked.",
    },
    media_type="text/csv; charset=utf-8",
    suffix="csv",
    most_months=60,
)
COLUMNS = (
    *("form", "period", "area", "area_name", "facility_code", "facility", "facility_type", "state", "revision"),
    *("measure", "item", "quantity"),
)
_PART = 400  # reports between two writes


def write(source: Source, target: BinaryIO) -> None:
    """Write every figure of every settled report; the fingerprint is the last line, so a cut file is seen."""
    target.writelines(f"# {name}: {_one_line(value)}\n".encode() for name, value in say_about(source.about))
    part = io.StringIO()
    row = csv.writer(part, lineterminator="\n")
    row.writerow(COLUMNS)
    for number, report in enumerate(source.reports(), start=1):
        row.writerows(rows_of(source, report))
        if number % _PART == 0:
            target.write(part.getvalue().encode())
            part.seek(0)
            part.truncate()
    target.write(part.getvalue().encode())
    target.write(f"# {source.digest.reports} laporan; sidik data (SHA-256): {source.digest.hexdigest()}\n".encode())


def rows_of(source: Source, report: Settled) -> Iterator[tuple[str | int, ...]]:
    """Yield a report's figures in the order of its form."""
    place = report.place
    about = (source.form.code, report.period, place.area, place.area_name, place.code, place.name, place.type)
    for key in keys_in_order(source, report):
        measure, _, item = key.partition(".")
        yield (*about, report.state, report.revision, measure, item, report.values[key])


def keys_in_order(source: Source, report: Settled) -> list[str]:
    """Return a report's keys: by the form's measures, each total before its items; what the form no longer has last."""
    places = {measure: at for at, measure in enumerate(source.form.measures)}
    items = {item: at for at, item in enumerate(source.form.items, start=1)} | {"": 0}
    last = len(places) + len(items)

    def place(key: str) -> tuple[int, int, str]:
        measure, _, item = key.partition(".")
        return places.get(measure, last), items.get(item, last), key

    return sorted(report.values, key=place)


def _one_line(value: str) -> str:
    return " ".join(value.split())
