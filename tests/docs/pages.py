"""The project's pages, taken apart: their links, tables, blocks and the names that they drop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house.source import ROOT

_LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `name` is its path from the project's root."""

    name: str
    text: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return ROOT / self.name

    def links(self) -> list[str]:
        """Return where it points, but for what is written in blocks."""
        return _LINK.findall(_FENCE.sub("", self.text))

    def blocks(self, kind: str) -> list[str]:
        """Return the fenced blocks of a kind, such as `sh`."""
        return [body for found, body in _FENCE.findall(self.text) if found == kind]

    def codes(self) -> list[str]:
        """Return everything that is written as code: spans, and the lines of blocks."""
        spans = _CODE.findall(_FENCE.sub("", self.text))
        return spans + [line for _, body in _FENCE.findall(self.text) for line in body.splitlines()]

    def tables(self, *header: str) -> list[list[list[str]]]:
        """Return the tables that begin with these columns: the cells of each row, as they are written."""
        return [rows[2:] for rows in self._all_tables() if tuple(rows[0][: len(header)]) == header]

    def table_after(self, marker: str) -> list[list[str]]:
        """Return the rows of the table behind a marker such as `<!-- options: twilio -->`."""
        lines = self.text.partition(marker)[2].lstrip("\n").splitlines()
        return [_cells(line) for line in _leading_rows(lines)][2:]

    def _all_tables(self) -> Iterator[list[list[str]]]:
        lines = _FENCE.sub("", self.text).splitlines()
        for index, line in enumerate(lines):
            if line.startswith("|") and (index == 0 or not lines[index - 1].startswith("|")):
                yield [_cells(row) for row in _leading_rows(lines[index:])]


def _leading_rows(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield line


def _cells(line: str) -> list[str]:
    """Return the cells of a row; `\\|` is a bar within one."""
    parts = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [part.strip().replace("\\|", "|") for part in parts]


def code_in(cell: str) -> str:
    """Return what stands in a cell as code, or the cell itself."""
    found = _CODE.fullmatch(cell)
    return found[1] if found else cell


def codes_in(cell: str) -> list[str]:
    """Return every code span of a cell."""
    return _CODE.findall(cell)


@cache
def read_pages() -> tuple[Page, ...]:
    """Return the project's pages: those at its top, and all under docs/."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(Page(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths)


def page(name: str) -> Page:
    """Return one page by its path."""
    return next(one for one in read_pages() if one.name == name)
