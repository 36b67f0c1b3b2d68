"""Whole conversations, as they stand in `transcripts/`: who wrote what, and what came back, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from gateway.store.base import Database
from tests.district import PHONES, District, make_runtime

FOLDER = Path(__file__).parent / "transcripts"
ZONE = ZoneInfo("Asia/Jakarta")
NOTHING = "(nothing)"


class Line(NamedTuple):
    """One line of a transcript: `>` to the gateway, `<` from it, `@` a time, `!` what staff do."""

    number: int
    who: str
    mark: str
    text: str


def read_transcript(path: Path) -> Iterator[Line]:
    """Return the lines of a transcript.

    Shape: `ani > text`, `ani < answer`, `@ 2025-10-03 12:00` sets the clock (in Bengkalis), `! close kb 2025-09` and
    `! reopen kb 2025-09` are done by the regency's staff, `#` begins a remark, a line that begins with blanks goes on
    with the one before.
    """
    joined: list[tuple[int, str]] = []
    for number, written in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if written.startswith("    ") and joined:
            joined[-1] = joined[-1][0], f"{joined[-1][1]} {written.strip()}"
        elif written.strip() and not written.startswith("#"):
            joined.append((number, written))
    for number, written in joined:
        found = re.fullmatch(r"(?:(\w+) )?([<>@!]) (.*)", written)
        assert found, f"{path.name}:{number}: not a line of a transcript: {written}"
        yield Line(number, found[1] or "", found[2], found[3])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_the_conversation_goes_as_it_is_written(path: Path, database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path, answers_per_hour=100))
    answers: list[str] = []
    for line in read_transcript(path):
        where = f"{path.name}:{line.number}"
        if line.mark == "@":
            district.set_clock(datetime.strptime(line.text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE))
        elif line.mark == "!":
            done, form, period = line.text.split()
            (district.close_month if done == "close" else district.reopen_month)(form, period)
        elif line.mark == ">":
            assert not answers, f"{where}: nobody was told that an answer came: {answers}"
            answers = [_without_ref(district.say(line.who, line.text)) or NOTHING]
            assert line.who in PHONES, f"{where}: there is no {line.who}"
        else:
            assert answers, f"{where}: no answer is left"
            assert answers.pop() == line.text, where
    assert not answers, "the transcript ends before the last answer"


def _without_ref(answer: str) -> str:
    """Return the answer with its reference, which differs from run to run, as `Ref ...`."""
    return re.sub(r"Ref [A-Z2-9]{3}$", "Ref ...", answer)
