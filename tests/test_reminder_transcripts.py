"""Half a year of a district, as it stands in `reminders/`: who was reminded when, and what became of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.half_year import PLACES, ZONE, HalfYear, Sent

FOLDER = Path(__file__).parent / "reminders"
MONTHS = sorted(FOLDER.glob("*.txt"))
DAYS = 184
LINE = re.compile(r"(?:(?P<when>\d\d-\d\d \d\d:\d\d) )?(?:(?P<who>\w+(?:/\w+)?) )?(?P<mark><<|[<>@!]) (?P<text>.*)")
NOTHING = "(nothing)"
BEGINS = datetime(2025, 7, 1, 6, 0, tzinfo=ZONE)


class Line(NamedTuple):
    """One line of a transcript."""

    number: int
    when: str
    who: str
    mark: str
    text: str


def read_transcript(path: Path) -> Iterator[Line]:
    """Return the lines of a transcript.

    Shape: `@ 2025-07-05 12:00` lets the clock go on until then (in Bengkalis), and the lines behind it are all the
    reminders that went out meanwhile, as `05-07 08:00 ani << text`. `ani > text` is sent by her, `ani/modem > text` by
    another channel, and `ani < answer` comes back. `! deed words` is done by staff (`half_year_deeds.py`), or by fate:
    `! clock stops until 2025-10-07 09:00`, `! sending stops`, `! sending goes on`. `#` begins a remark, a line that
    begins with blanks goes on with the one before.
    """
    joined: list[tuple[int, str]] = []
    for number, written in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if written.startswith("    ") and joined:
            joined[-1] = joined[-1][0], f"{joined[-1][1]} {written.strip()}"
        elif written.strip() and not written.startswith("#"):
            joined.append((number, written))
    for number, written in joined:
        found = LINE.fullmatch(written)
        assert found, f"{path.name}:{number}: not a line of a transcript: {written}"
        yield Line(number, found["when"] or "", found["who"] or "", found["mark"], found["text"])


def read_time(text: str) -> datetime:
    """Return what a transcript calls a time, on the clock of Bengkalis."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def play(path: Path, world: HalfYear) -> Iterator[str]:
    """Live through a month and yield what it was really like, in the words of a transcript."""
    for line in read_transcript(path):
        if line.mark == "@":
            yield f"@ {line.text}"
            world.go_on(read_time(line.text))
            yield from map(_write, world.new_reminders())
        elif line.mark == "!":
            yield f"! {line.text}"
            _happen(world, line.text)
        elif line.mark == ">":
            yield f"{line.who} > {line.text}"
            who, _, channel = line.who.partition("/")
            answer = world.say(who, line.text, channel or "simulator") or NOTHING
            yield f"{who} < {re.sub(r'Ref [A-Z2-9]{3}$', 'Ref ...', answer)}"


def _happen(world: HalfYear, text: str) -> None:
    if text.startswith("clock stops until "):
        world.set_clock(read_time(text.removeprefix("clock stops until ")))
        world.tick()
    elif text.startswith("sending "):
        world.is_sending = text == "sending goes on"
    else:
        world.do(*text.split())


def _write(sent: Sent) -> str:
    return f"{sent.at:%d-%m %H:%M} {sent.who} << {sent.text}"


def _wanted(path: Path) -> list[str]:
    """Return the lines of a transcript, each in one piece."""
    return [
        " ".join(part for part in (line.when, line.who, line.mark, line.text) if part) for line in read_transcript(path)
    ]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_half_a_year_of_a_district_goes_as_it_is_written(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On every day of it, STATUS says of every report what the plan of reminders goes by."""
    database = request.getfixturevalue("open_database")(request.getfixturevalue(f"{kind}_url"))
    world = HalfYear(database, tmp_path, monkeypatch, BEGINS)
    lived = {path.stem: list(play(path, world)) for path in MONTHS}
    for path in MONTHS:
        assert lived[path.stem] == _wanted(path), path.name
    assert world.disagreements == []
    assert world.compared > DAYS * len(PLACES)


def _reminders() -> Iterator[tuple[str, int, str]]:
    """Yield day, hour and recipient of every reminder that is written down."""
    for path in MONTHS:
        for line in read_transcript(path):
            if line.mark == "<<":
                day, hour = line.when.split()
                yield day, int(hour[:2]), line.who


def test_nobody_in_it_is_reminded_twice_on_one_day() -> None:
    counted = Counter((day, who) for day, _, who in _reminders())
    assert counted.total() > 100
    assert max(counted.values()) == 1


def test_everybody_in_it_is_reminded_in_their_waking_hours() -> None:
    for day, hour, who in _reminders():
        first, last = (6, 18) if who == "yosi" else (8, 20)  # Papua's clock is two hours ahead of that of Bengkalis
        assert first <= hour < last, f"{day} {who}"
