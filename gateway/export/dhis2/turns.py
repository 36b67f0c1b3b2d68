"""A turn in the hand of the worker that sends it: its terms, its steps that are kept, and how it may be cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.export.dhis2.client import Call
from gateway.export.dhis2.payload import Target
from gateway.export.dhis2.results import Trouble
from gateway.mapping import Destination
from gateway.mapping import Mapping as CodeMapping
from gateway.redact import Secret
from gateway.store import push_queue
from gateway.store.base import Database, Session
from gateway.store.pushed import Spot
from gateway.store.pushes import NewCall, Push, Turn


@dataclass(frozen=True, slots=True)
class Terms:
    """What a push goes by. `secret` is None where it cannot be read any more."""

    destination: Destination
    mapping: CodeMapping
    secret: Secret | None


class Taken(Exception):
    """Somebody else has the turn by now: what was not kept yet is left to them."""


class Later(Exception):
    """To be tried again later, `most` times in all; `is_unsure` where nobody can tell what is there."""

    def __init__(
        self,
        trouble: Trouble,
        most: int = 99,
        after_seconds: float | None = None,
        is_unsure: bool = False,
        lines: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(trouble.reason.value)
        self.trouble, self.most, self.after_seconds = trouble, most, after_seconds
        self.is_unsure, self.lines = is_unsure, lines


class Halted(Exception):
    """No other facility of the push would fare better: nothing more of it is sent."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.reason.value)
        self.trouble = trouble


@dataclass
class Hand:
    """A claimed turn. The calls that were made for it are kept with its next step."""

    database: Database
    push: Push
    turn: Turn
    token: str
    now: Callable[[], datetime]
    calls: list[Call] = field(default_factory=list)

    def note(self, call: Call) -> None:
        """Take in a call, to be kept with the next step."""
        self.calls.append(call)

    def take_calls(self) -> list[NewCall]:
        """Return the calls that were not kept yet."""
        taken = [NewCall(one.method, one.path, one.status, one.request, one.answer) for one in self.calls]
        self.calls.clear()
        return taken

    def spot(self, target: Target) -> Spot:
        """Return where a target is, in the words of what was pushed."""
        return Spot(self.push.destination_id, target.data_set, target.period, target.org_unit)

    @contextmanager
    def kept(self) -> Iterator[Session]:
        """Do one step and keep it, while the turn is still ours. Errors: Taken when it is not."""
        with self.database.session() as session:
            if not push_queue.hold(session, self.turn, self.token):
                raise Taken
            yield session
            push_queue.keep_calls(session, self.turn.id, self.take_calls(), self.now())
            session.commit()
