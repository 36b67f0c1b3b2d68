"""What handling a message comes to: the sentence to answer with, and where the message stands then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.handle.facts import Rules
from gateway.reply import compose
from gateway.store.reporters import Reporter
from gateway.values import InboxState
from parsers.form import Form
from parsers.period import assumed_period

ASKING = frozenset({"asked", "asked_again", "waits"})  # kinds of replies that hold a question


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one message and the state it ends in. An empty text is never sent. `kind` is for the log.

    `is_due`: it goes out although an unknown number has had its answer of the day: we asked for what it answers.
    """

    text: str
    state: InboxState
    kind: str = ""
    is_due: bool = False

    @property
    def asks(self) -> bool:
        """Whether it asks its reader something: then it must be read, whatever staff wanted."""
        return self.kind in ASKING


def say(rules: Rules, language: str, answer: str, state: InboxState, **slots: str | int) -> Reply:
    """Return one of the standing answers in a language."""
    wording = rules.wordings[language]
    return Reply(wording.fill(wording.answers[answer], **slots), state, answer)


def example_for(rules: Rules, language: str, people: Sequence[Reporter], day: date, form: Form | None = None) -> str:
    """Return a report that this sender could send on this day: for the month that is due, and for one of her places."""
    period = assumed_period(day)
    facilities = [facility for person in people for facility in person.facilities_in(period)]
    place = facilities[0].short_name if len(facilities) > 1 else ""
    return compose.example(form or rules.form(rules.main_form), rules.wordings[language], period, place)
