"""The registry files that come with Kabar: the country's areas, and a sample of real facilities."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.store.areas import Area

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SampleFacility:
    """One real puskesmas or hospital. `kemenkes_code` is the health ministry's; KB register codes are not public."""

    regency: str
    kemenkes_code: str
    type: str
    name: str


def read_areas(path: Path = FOLDER / "areas.csv") -> tuple[Area, ...]:
    """Return every province, regency and district of a file, each after its parent.

    Source: Kemendagri's codes as cahyadsn/wilayah has them (areas-LICENSE.txt); the time zones were added.
    """
    rows = [Area(row["code"], row["parent"] or None, row["level"], row["name"], row["timezone"]) for row in _rows(path)]
    return tuple(sorted(rows, key=lambda area: (area.code.count("."), area.code)))


def read_sample_facilities(path: Path = FOLDER / "facilities-sample.csv") -> tuple[SampleFacility, ...]:
    """Return the real facilities of Kabupaten Bengkalis and Kota Palu.

    Source: ubunteroz/satu-data, CC0 1.0 (facilities-LICENSE.txt).
    """
    return tuple(
        SampleFacility(row["regency_code"], row["kemenkes_code"], row["type"], row["name"]) for row in _rows(path)
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
