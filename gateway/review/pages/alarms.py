"""What went wrong and waits for somebody, each with the page where it is mended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.review.pages.language import mark
from gateway.runtime import Runtime
from gateway.store import alarms, channels
from gateway.store.base import Session
from gateway.values import InboxState, OutboxState, Scope

RECENT = timedelta(days=7)  # what was not delivered longer ago is no news
SILENT_CLOCK = timedelta(seconds=60)  # it says that it lives every ten seconds
SILENT_CHANNEL = timedelta(days=2)  # in which somebody always writes


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to mend. `words` and `advice` are to be translated; `number` is how many, or None; `most` is 99+."""

    words: str
    tone: str
    endpoint: str = ""
    number: int | None = None
    name: str = ""
    tab: str = ""


def find_alarms(session: Session, runtime: Runtime, scope: Scope) -> tuple[Alarm, ...]:
    """Return what a visitor of this scope should know of, the worst first."""
    now = runtime.now()
    found = [*_machinery(session, runtime)]
    numbers = alarms.count_open(session, now - RECENT, scope=scope)
    for state, words, tone, tab in _MESSAGES:
        if numbers.get(state):
            found.append(Alarm(words, tone, "messages.show_messages", numbers[state], tab=tab))
    return tuple(found)


_MESSAGES = (
    (InboxState.DEAD, mark("messages could not be handled"), "bad", "unread"),
    (OutboxState.FAILED, mark("messages of the last days did not arrive"), "bad", "unsent"),
    (OutboxState.UNSURE, mark("messages of the last days may not have gone out"), "look", "unsent"),
    (InboxState.HELD, mark("messages are held, their numbers are not registered"), "look", "unread"),
)


def _machinery(session: Session, runtime: Runtime) -> list[Alarm]:
    found = []
    ticked_at = channels.last_tick(session, "clock")
    if ticked_at is not None and runtime.now() - ticked_at > SILENT_CLOCK:
        found.append(Alarm(mark("The clock stands still: nothing is swept up, no reminder goes out."), "bad"))
    if not runtime.bells.is_heard():
        found.append(Alarm(mark("Redis does not answer. What comes in is kept, and handled once it is back."), "bad"))
    return found
