"""Every message on the pages is read as its page says, and every conversation goes as it is written."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from gateway.cli import kabar
from gateway.demo import printed_midwives
from gateway.forms import load_forms
from gateway.reply.wordings import load_wordings
from gateway.review.pages.phone import EXAMPLES
from gateway.store.base import Database
from parsers.read import read_message
from parsers.reading import Kind
from tests.district import District, make_runtime
from tests.docs.pages import Page, code_in, codes_in, page, read_pages
from tests.docs.saying import SENT_ON, say_reading
from tests.house.source import ROOT

READING_TABLES = {("Pesan", "Terbaca sebagai"): "id", ("Message", "Read as"): "en"}
ALONE = ("Contoh", "Jawaban Kabar")  # each row is a first message
TOGETHER = ("Ibu menulis", "Jawaban Kabar")  # the rows are one conversation
GUIDE = "docs/panduan-bidan.md"
Opener = Callable[[str], Database]


class Turn(NamedTuple):
    """What somebody wrote, and what came back."""

    who: str
    text: str
    answer: str


def readings() -> Iterator[tuple[str, str, str, str]]:
    """Return (page, language, message, what it is read as) of every row."""
    for one in read_pages():
        for header, language in READING_TABLES.items():
            for table in one.tables(*header):
                yield from ((one.name, language, code_in(row[0]), code_in(row[1])) for row in table)


def conversations() -> Iterator[tuple[str, list[Turn]]]:
    """Return every conversation of the pages, each with the page it stands on."""
    for one in read_pages():
        for table in one.tables(*TOGETHER):
            yield one.name, [Turn("ani", code_in(row[0]), code_in(row[1])) for row in table]
        for table in one.tables(*ALONE):
            yield from ((one.name, [Turn("ani", code_in(row[0]), code_in(row[1]))]) for row in table)
        yield from ((one.name, read_block(block)) for block in one.blocks("conversation"))


def read_block(block: str) -> list[Turn]:
    """Return the turns of a block of `Ani > text` and `Ani < answer`."""
    lines = [re.fullmatch(r"(\w+) ([<>]) (.*)", line) for line in block.splitlines()]
    turns = []
    for asked, answered in zip(lines[::2], lines[1::2], strict=True):
        assert asked, block
        assert answered, block
        assert (asked[2], answered[2], asked[1]) == (">", "<", answered[1]), block
        turns.append(Turn(asked[1].lower(), asked[3], answered[3]))
    return turns


def without_ref(answer: str) -> str:
    """Return an answer without its reference, which differs from run to run."""
    return re.sub(r"Ref (?:[A-Z2-9]{3}|\.\.\.)$", "Ref ...", answer)


READINGS = list(readings())
CONVERSATIONS = list(conversations())


@pytest.mark.parametrize(("name", "language", "text", "said"), READINGS, ids=[f"{r[1]}:{r[2][:40]}" for r in READINGS])
def test_a_message_on_a_page_is_read_as_the_page_says(name: str, language: str, text: str, said: str) -> None:
    assert say_reading(text, load_forms(), load_wordings()[language]) == said, name


@pytest.mark.parametrize(
    ("name", "turns"), CONVERSATIONS, ids=[f"{name}:{turns[0].text[:40]}" for name, turns in CONVERSATIONS]
)
def test_a_conversation_on_a_page_goes_as_it_is_written(
    name: str, turns: list[Turn], migrated_sqlite: Path, open_database: Opener, tmp_path: Path
) -> None:
    database = open_database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'kabar.db')}")
    district = District(make_runtime(database, tmp_path))
    for turn in turns:
        assert without_ref(district.say(turn.who, turn.text)) == without_ref(turn.answer), f"{name}: {turn.text}"


def test_the_pages_show_readings_and_conversations_in_both_languages() -> None:
    assert {language for _, language, _, _ in READINGS} == {"id", "en"}
    assert {name for name, _ in CONVERSATIONS} == {"README.md", GUIDE}


def test_the_conversation_of_the_readme_stands_in_a_transcript() -> None:
    transcripts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "transcripts").glob("*.txt")]
    turns = [turn for name, found in CONVERSATIONS if name == "README.md" for turn in found]
    for turn in turns:
        said = f"{turn.who} > {turn.text}\n{turn.who} < {without_ref(turn.answer)}\n"
        assert any(said in transcript for transcript in transcripts), f"in no transcript: {said}"


def test_each_word_and_command_of_the_guide_is_known_to_the_reader() -> None:
    [words], [commands] = page(GUIDE).tables("Kata", "Artinya"), page(GUIDE).tables("Perintah", "Gunanya")
    kb = next(form for form in load_forms() if form.code == "kb")
    known = {item.word for item in kb.items.values()} | {measure.word for measure in kb.measures.values()}
    assert not {word for row in words for word in codes_in(row[0])} - known
    for row in commands:
        assert read_message(code_in(row[0]), SENT_ON, load_forms()).kind is Kind.COMMAND, row[0]


def test_a_message_quoted_in_the_text_of_a_page_is_a_clean_report() -> None:
    quoted = [
        (one.name, code)
        for one in read_pages()
        for code in codes_in(prose_of(one))
        if re.match(r"(?:KB|ALOKON) (?:\w+ )?\d{4} ", code)
    ]
    assert quoted
    for name, code in quoted:
        assert read_message(code, SENT_ON, load_forms()).is_clean, f"{name}: {code}"


def test_the_readme_shows_the_very_command_that_the_demo_prints() -> None:
    [*_, sms] = page("README.md").blocks("sh")[1].splitlines()
    assert shlex.split(sms) == ["./kabar", "sms", "--from", printed_midwives()[0].phone, EXAMPLES[0][0]]


def prose_of(one: Page) -> str:
    """Return a page without its tables and blocks."""
    text = re.sub(r"^```.*?^```$", "", one.text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.startswith("|"))


@pytest.mark.parametrize("block", [block for one in read_pages() for block in one.blocks("console")])
def test_what_a_console_shows_on_a_page_is_what_the_command_says(block: str) -> None:
    command, _, shown = block.partition("\n")
    given = shlex.split(command.removeprefix("$ ./kabar "))
    result = CliRunner().invoke(kabar, given)
    assert result.output == shown
