"""The values of a USSD session: what it stands on, where it stands, and what comes of a hop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from parsers.form import Form
from parsers.numbers import MOST


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

    Shape: `values` by measure or `measure.item`; `step` names the screen, `page` its page where it is long; `answer` is
    empty, or the question that the sent report was answered with.
    """

    step: str = ""
    form: str = ""
    place: str = ""
    period: str = ""
    values: Mapping[str, int] = field(default_factory=dict)
    page: int = 0
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes of a hop: the state to keep, the screen to show, whether the session ends with it.

    Shape: `sends` is empty, or a whole message (`KB 0925 BARU 12 AKTIF 40`) that the sender has confirmed: it is to be
    handled as if it had come by SMS, and its answer shown by `show_answer`. Its own `text` only says that it was sent:
    for when there is no answer yet.
    """

    dialogue: Dialogue
    text: str
    ends: bool = False
    sends: str = ""


def as_json(dialogue: Dialogue) -> dict[str, Any]:
    """Return a session's state as what `json.dumps` takes; what is empty is left out.

    >>> as_json(Dialogue("number baru", "kb", values={"baru": 12}))
    {'step': 'number baru', 'form': 'kb', 'values': {'baru': 12}}
    """
    state = {
        "step": dialogue.step,
        "form": dialogue.form,
        "place": dialogue.place,
        "period": dialogue.period,
        "values": dict(dialogue.values),
        "page": dialogue.page,
        "answer": dialogue.answer,
    }
    return {key: value for key, value in state.items() if value}


def from_json(state: object) -> Dialogue:
    """Return the session of a kept state; one that is broken, or older than this, starts over.

    >>> from_json({"step": 7}), from_json(None) == Dialogue()
    (Dialogue(step='', form='', place='', period='', values={}, page=0, answer=''), True)
    """
    if not isinstance(state, Mapping):
        return Dialogue()
    texts = {key: state.get(key, "") for key in ("step", "form", "place", "period", "answer")}
    values, page = state.get("values", {}), state.get("page", 0)
    is_whole = (
        all(isinstance(text, str) for text in texts.values())
        and isinstance(values, Mapping)
        and all(isinstance(key, str) and _is_count(value) for key, value in values.items())
        and _is_count(page)
    )
    return Dialogue(**texts, values=dict(values), page=page) if is_whole else Dialogue()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
