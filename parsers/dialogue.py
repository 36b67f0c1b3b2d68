"""Door 4: what was typed into a USSD session so far -> the next screen. Pure; a session's state is one small value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from parsers.form import Form


@dataclass(frozen=True, slots=True)
class Place:
    """A facility that may be reported for. `code` is what a message names it by after the keyword."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Month:
    """A month that may be reported, with what is known of it.

    Shape: `before` holds the numbers of the month before it, by `measure` or `measure.item`; empty without any.
    """

    period: str
    is_reported: bool = False
    is_closed: bool = False
    before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a session stands on: asked of the database at every hop, never kept with the session.

    Shape: `months` are those offered for a form and a place's code, the due one first.
    """

    forms: tuple[Form, ...]
    places: tuple[Place, ...]
    months: Mapping[tuple[str, str], tuple[Month, ...]]
    language: str
    today: date


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Where a session stands: what was chosen and typed so far, and which screen waits for an input.

    Shape: `values` by measure or `measure.item`; `step` names the screen, `page` its page where it is long.
    """

    step: str = ""
    form: str = ""
    place: str = ""
    period: str = ""
    values: Mapping[str, int] = field(default_factory=dict)
    page: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes of a hop: the state to keep, the screen to show, whether the session ends with it.

    Shape: `sends` is empty, or a whole message (`KB 0925 BARU 12 AKTIF 40`) that the sender has confirmed: it is to be
    handled as if it had come by SMS, and its answer shown by `show_answer`.
    """

    dialogue: Dialogue
    text: str
    ends: bool = False
    sends: str = ""


def next_screen(dialogue: Dialogue, inputs: Sequence[str], ground: Ground) -> Turn:
    """Take what was typed, in order, and return the next screen; without any input, the screen that waits.

    What is wrong is said on the screen and moves nothing. No screen is longer than 160 GSM-7 characters.
    """
    raise NotImplementedError


def show_answer(dialogue: Dialogue, answer: str, ground: Ground, *, asks: bool) -> Turn:
    """Return the screen with the answer to the message that was sent; one that asks waits for YA or a change."""
    raise NotImplementedError
