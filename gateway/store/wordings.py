"""Wordings: the sentences of answers that an area has put in its own words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, Text, bindparam, delete, insert, select

from gateway.calendar import areas_around
from gateway.store.base import Session, UtcDateTime, metadata, within
from gateway.values import Scope

wordings = Table(
    "wordings",
    metadata,
    Column("area", String(13), primary_key=True),
    Column("language", String(2), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("sentence", Text, nullable=False),
    Column("chosen_by", String(100), nullable=False),
    Column("chosen_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ChosenSentence:
    """A sentence that counts in an area instead of the file's; an empty area is the whole country.

    Shape: `name` is the group and the sentence's own name in the file: `answers.text`.
    """

    area: str
    language: str
    name: str
    sentence: str
    chosen_by: str
    chosen_at: datetime


_AROUND = select(wordings).where(wordings.c.area.in_(bindparam("areas", expanding=True)))


def sentences_around(session: Session, areas: Collection[str]) -> tuple[ChosenSentence, ...]:
    """Return what was chosen for these areas and the ones around them: once for a batch of messages."""
    around = {code for area in (*areas, "") for code in areas_around(area)}
    return tuple(ChosenSentence(*row) for row in session.execute(_AROUND, {"areas": sorted(around)}))


def choose_sentence(session: Session, chosen: ChosenSentence, *, scope: Scope) -> bool:
    """Say it in these words from now on; False where the area is not in the scope."""
    if not scope.covers(chosen.area):
        return False
    drop_sentence(session, chosen.area, chosen.language, chosen.name, scope=scope)
    session.execute(insert(wordings), {name: getattr(chosen, name) for name in ChosenSentence.__slots__})
    return True


def drop_sentence(session: Session, area: str, language: str, name: str, *, scope: Scope) -> bool:
    """Say it in the words of the area around, or of the file, again; False when none were chosen here."""
    here = wordings.c.area == area, wordings.c.language == language, wordings.c.name == name
    return bool(session.execute(delete(wordings).where(*here, within(wordings.c.area, scope))).rowcount)


def sentences_within(session: Session, area: str, *, scope: Scope) -> tuple[ChosenSentence, ...]:
    """Return what was chosen for an area of the scope, or for one around it, which counts there too."""
    return sentences_around(session, [area]) if scope.covers(area) else ()
