"""The sentences as an area wants them said: what it, or an area around it, chose is put over those of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.calendar import areas_around
from gateway.reply.wordings import Wording, put_over
from gateway.store.base import Session
from gateway.store.wordings import ChosenSentence, sentences_around


def find_wording(session: Session, wordings: Mapping[str, Wording], area: str, language: str) -> Wording:
    """Return a language as an area speaks it."""
    return speak(wordings, sentences_around(session, [area]), area)[language]


def speak(wordings: Mapping[str, Wording], chosen: Iterable[ChosenSentence], area: str) -> Mapping[str, Wording]:
    """Return the languages as an area speaks them; `chosen` may hold what other areas chose."""
    found = nearest(chosen, area)
    return put_over(wordings, {key: one.sentence for key, one in found.items()}) if found else wordings


def nearest(chosen: Iterable[ChosenSentence], area: str) -> dict[tuple[str, str], ChosenSentence]:
    """Return what counts in an area, by language and name: of each sentence what the smallest area around it chose."""
    around = areas_around(area)
    holding = sorted((one for one in chosen if one.area in around), key=lambda one: len(one.area))
    return {(one.language, one.name): one for one in holding}
