"""The inventory: of every table and column what it holds, why it is kept, and for how long (`inventory.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table

from gateway.store.base import metadata

PERSONAL = ("phone", "name", "text")  # classes of columns that may tell of whoever reports
CLASSES = (*PERSONAL, "staff", "figure", "secret", "none")
_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data with a time of its own.

    Units: `days`, and between which numbers an office may choose; all 0 where `fixed` says how long.
    """

    code: str
    english: str
    indonesian: str
    fixed: str = ""
    days: int = 0
    least: int = 0
    most: int = 0

    @property
    def span(self) -> timedelta:
        """How long it is kept, unless the office chose otherwise."""
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class KeptTable:
    """One table: why it is kept, as which kind, and of each class its columns."""

    name: str
    why: str
    kept: str
    columns: Mapping[str, tuple[str, ...]]

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that may tell of whoever reports."""
        return tuple(column for one in PERSONAL for column in self.columns.get(one, ()))


@cache
def kinds() -> Mapping[str, Kind]:
    """Return the kinds of data by their code, in the order of the file."""
    return {code: Kind(code, **about) for code, about in _read()["kinds"].items()}


@cache
def tables() -> Mapping[str, KeptTable]:
    """Return what is kept, by the table's name."""
    found = {}
    for name, about in _read()["tables"].items():
        columns = {one: tuple(about[one]) for one in CLASSES if one in about}
        found[name] = KeptTable(name, about["why"], about["kept"], columns)
    return found


def text_columns() -> Iterator[tuple[Table, Column[object]]]:
    """Yield every column of the database that holds what somebody wrote, or what may quote it."""
    for kept in tables().values():
        table = metadata.tables[kept.name]
        yield from ((table, table.c[column]) for column in kept.columns.get("text", ()))


def _read() -> dict[str, Any]:
    with _FILE.open("rb") as file:
        return tomllib.load(file)
