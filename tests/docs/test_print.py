"""The pages to print, one a form: what they show is what is read and answered, and they need nothing but themselves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.forms import load_forms
from gateway.store.base import Database
from parsers.read import read_message
from parsers.reading import Kind
from tests.district import District, make_runtime
from tests.docs.saying import SENT_ON
from tests.docs.test_examples import without_ref
from tests.house.source import ROOT

FOLDER = ROOT / "docs" / "print"
PATHS = sorted(FOLDER.glob("*.html"))
FORMS = load_forms()
Opener = Callable[[str], Database]


@dataclass
class Printed(HTMLParser):
    """A printed page, taken apart. `tables` are the rows of each table by its class; `codes` what is set as code."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    _part: str = ""
    _text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a part begins, and what the page would fetch."""
        given = dict(attrs)
        self.outside += [str(given[name]) for name in ("src", "href", "action", "data") if name in given]
        if tag in {"table", "p", "footer", "dl"}:
            self._part = given.get("class") or tag
        if tag == "tr":
            self.tables.setdefault(self._part, []).append([])
        if tag == "td" or (tag == "code" and not self._is_in_cell()):
            self._text = []

    def _is_in_cell(self) -> bool:
        return self._part in self.tables

    def handle_data(self, data: str) -> None:
        """Gather the text of a cell or a piece of code."""
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Keep the cell or the code that ends here."""
        text = " ".join("".join(self._text).split())
        if tag == "td":
            self.tables[self._part][-1].append(text)
        elif tag == "code" and not self._is_in_cell():
            self.codes.setdefault(self._part, []).append(text)
            self._text = []
        elif tag == "table":
            self._part = ""


def read_printed(path: Path) -> Printed:
    """Return a printed page, taken apart."""
    printed = Printed()
    printed.feed(path.read_text(encoding="utf-8"))
    return printed


def rows_of(path: Path, kind: str) -> list[tuple[str, str]]:
    """Return (message, answer) of each row of a table, without its heading."""
    return [(row[0], row[1]) for row in read_printed(path).tables[kind] if row]


def make_district(migrated_sqlite: Path, open_database: Opener, tmp_path: Path) -> District:
    """Return a district that has heard nothing yet."""
    return District(make_runtime(open_database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path)}"), tmp_path))


def test_every_form_that_ships_has_its_page() -> None:
    assert [path.stem for path in PATHS] == sorted(form.code for form in FORMS)


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [(path.stem, *row) for path in PATHS for row in rows_of(path, "alone")],
    ids=lambda value: str(value)[:40],
)
def test_each_example_is_answered_as_its_page_says(
    name: str, text: str, answer: str, migrated_sqlite: Path, open_database: Opener, tmp_path: Path
) -> None:
    district = make_district(migrated_sqlite, open_database, tmp_path)
    assert without_ref(district.say("ani", text)) == without_ref(answer), name


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_conversation_goes_as_its_page_says(
    path: Path, migrated_sqlite: Path, open_database: Opener, tmp_path: Path
) -> None:
    district = make_district(migrated_sqlite, open_database, tmp_path)
    for text, answer in rows_of(path, "together"):
        assert without_ref(district.say("ani", text)) == without_ref(answer), text


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_page_gives_five_examples_of_its_own_form_and_one_is_asked_about(path: Path) -> None:
    readings = [read_message(text, SENT_ON, FORMS) for text, _ in rows_of(path, "alone")]
    assert [report.form for reading in readings for report in reading.reports] == [path.stem] * 5
    assert any("Terima kasih" not in answer for _, answer in rows_of(path, "alone"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_the_page_calls_the_same_is_read_the_same(path: Path) -> None:
    written = read_printed(path).codes["same"]
    assert len(written) == 3
    readings = [read_message(text, SENT_ON, FORMS) for text in written]
    assert all(reading.is_clean for reading in readings)
    found = {(report.form, report.period, *report.values.items()) for one in readings for report in one.reports}
    assert len(found) == 1


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_word_of_the_page_is_the_forms_own(path: Path) -> None:
    form = next(form for form in FORMS if form.code == path.stem)
    known = {item.word for item in form.items.values()} | {measure.word for measure in form.measures.values()}
    assert not set(read_printed(path).codes["words"]) - known


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_command_of_the_page_is_obeyed_and_its_report_is_clean(path: Path) -> None:
    readings = [read_message(text, SENT_ON, FORMS) for text in read_printed(path).codes["footer"]]
    assert [reading.kind for reading in readings] == [Kind.COMMAND] * (len(readings) - 1) + [Kind.REPORT]
    assert readings[-1].is_clean


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_page_is_one_of_a5_and_fetches_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "@page { size: A5;" in text
    assert read_printed(path).outside == []
    assert not re.search(r"https?:|@import|url\(", text)
