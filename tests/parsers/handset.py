"""A telephone for the transcripts of USSD sessions in `dialogues/`: it plays one, and writes what its screen showed.

# a heading
@on 2025-10-03                               the day
@language en                                 the reporter's language
@places PMB01 PMB Ani | PST02 Pustu Cihideung
@months 2025-09, 2025-08 reported, 2025-07 closed
@before aktif=40 baru=10                     the numbers of the month before each of them
> *123#                                      a session is dialled; one that was dropped goes on, but for a blank line
> *123*0925*12*40#                           the same, with what is typed behind the code
> 12                                         an answer to the screen
< KB Sep 25 PMB Ani                          a line of the screen
= KB PMB01 0925 BARU 12 AKTIF 40             the message that is sent
! KB Sep 25 PMB Ani: BARU 12 AKTIF 40.       its answer; `?` one that asks
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from parsers.dialogue import (
    Dialogue,
    Ground,
    Month,
    Place,
    Turn,
    as_json,
    from_json,
    next_screen,
    show_answer,
)
from tests.parsers.corpus import forms_for

CODE = "*123"
FORMS = forms_for(Path("kb.txt"))
MONTHS = (Month("2025-09"), Month("2025-08", is_reported=True), Month("2025-07", is_reported=True, is_closed=True))
PLACE = Place("PMB01", "PMB Ani")


def make_ground(
    places: tuple[Place, ...] = (PLACE,), months: tuple[Month, ...] = MONTHS, language: str = "id"
) -> Ground:
    """Return a ground on which each form offers these months at each place."""
    offered = {(form.code, place.code): months for form in FORMS for place in places}
    return Ground(FORMS, places, offered, language, date(2025, 10, 3))


@dataclass
class Handset:
    """One telephone, and the session that the house keeps of it between two hops: as JSON, as a database does."""

    ground: Ground
    kept: str = "{}"

    def type(self, *inputs: str) -> Turn:
        """Type something, or dial with nothing."""
        return self._keep(next_screen(self._session(), inputs, self.ground))

    def hear(self, answer: str, *, asks: bool) -> Turn:
        """Show the answer to the message that was sent."""
        return self._keep(show_answer(self._session(), answer, self.ground, asks=asks))

    def _session(self) -> Dialogue:
        return from_json(json.loads(self.kept))

    def _keep(self, turn: Turn) -> Turn:
        self.kept = json.dumps(as_json(turn.dialogue))
        return turn


def play(transcript: str) -> str:
    """Play a transcript, and return it with what really was shown and sent."""
    handset = Handset(make_ground())
    written: list[str] = []
    for line in transcript.splitlines():
        if line[:1] in {"<", "="}:
            continue
        written.append(line)
        if not line:
            handset = Handset(handset.ground)
        elif line.startswith("@"):
            handset = Handset(_change(handset.ground, *line[1:].split(" ", 1)))
        elif line.startswith("> "):
            typed = line[2:]
            dialled = typed.removeprefix(CODE).removesuffix("#").split("*")[1:]
            turn = handset.type(*dialled) if typed.startswith(CODE) else handset.type(typed)
            written += [f"= {turn.sends}"] if turn.sends else [f"< {shown}" for shown in turn.text.split("\n")]
        elif line[:2] in {"! ", "? "}:
            turn = handset.hear(line[2:], asks=line[0] == "?")
            written += [f"< {shown}" for shown in turn.text.split("\n")]
    return "\n".join(written) + "\n"


def _change(ground: Ground, name: str, value: str) -> Ground:
    months = next(iter(ground.months.values()), MONTHS)
    places = ground.places
    if name == "on":
        return replace(ground, today=date.fromisoformat(value))
    if name == "language":
        return replace(ground, language=value)
    if name == "places":
        places = tuple(Place(*place.strip().split(" ", 1)) for place in value.split("|"))
    elif name == "months":
        told = [month.split() for month in value.split(",")]
        months = tuple(Month(period, "reported" in said, "closed" in said) for period, *said in told)
    elif name == "before":
        before = {key: int(count) for key, _, count in (pair.partition("=") for pair in value.split())}
        months = tuple(replace(month, before=before) for month in months)
    else:
        raise ValueError(f"@{name} is not known")
    changed = make_ground(places, months, ground.language)
    return replace(changed, today=ground.today)
