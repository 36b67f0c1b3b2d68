"""The corpus files: `text => outcome`, one message a line, and what holds for the lines behind it.

    # a heading
    @on 2025-10-03                   the day that the messages were sent
    @asked KB 0925 BARU 12           the question that their sender has open: what that message was asked (or `nothing`)
    KB 0925 BARU 12 AKTIF 40 => kb 2025-09 baru=12 aktif=40

In a text, \\n is a new line, \\t a tab and \\u200b the character of that number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from parsers.form import Form, load_form

HERE = Path(__file__).parent
SHIPPED = Path(__file__).parents[2] / "parsers" / "forms"
_ESCAPE = re.compile(r"\\n|\\t|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


class Case(NamedTuple):
    """One line of a corpus file."""

    place: str
    text: str
    outcome: str
    sent_on: date
    asked: str | None


def unescape(text: str) -> str:
    """Put in the characters that a corpus file writes by name or number."""
    named = {"\\n": "\n", "\\t": "\t"}
    return _ESCAPE.sub(lambda match: named.get(match[0]) or chr(int(match[1] or match[2], base=16)), text)


def read_cases(path: Path) -> Iterator[Case]:
    """Read the cases of one file."""
    sent_on, asked = date(2025, 10, 3), None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("@on "):
            sent_on = date.fromisoformat(line.removeprefix("@on "))
        elif line.startswith("@asked "):
            question = line.removeprefix("@asked ")
            asked = None if question == "nothing" else unescape(question)
        elif line.strip() and not line.startswith("#"):
            text, arrow, outcome = line.partition(" => ")
            if not arrow:
                raise ValueError(f"{path.name}:{number}: no ' => ' between text and outcome")
            yield Case(f"{path.name}:{number}", unescape(text), outcome, sent_on, asked)


def corpus_files() -> list[Path]:
    """List the corpus files."""
    return sorted(HERE.glob("forms/*.txt"))


def forms_for(path: Path) -> tuple[Form, ...]:
    """Load the forms that ship, and the one beside a corpus file if the form is only a test's."""
    beside = path.with_suffix(".toml")
    files = [*sorted(SHIPPED.glob("*.toml")), *([beside] if beside.exists() else [])]
    return tuple(_load(file) for file in files)


_loaded: dict[Path, Form] = {}


def _load(path: Path) -> Form:
    if path not in _loaded:  # a form is cached by identity: load each file once
        _loaded[path] = load_form(path.read_text(encoding="utf-8"))
    return _loaded[path]
