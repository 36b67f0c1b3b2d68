"""Where the phone on the pages stands: beside the gateway's own simulator, or in the visitor's own sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import request

from gateway import sandbox
from gateway.channels.simulator import Simulator, read_secret, write_request
from gateway.receive import keep
from gateway.review.pages import frame, guard
from gateway.runtime import Runtime
from gateway.store import inbox
from gateway.store.base import Database


@dataclass(frozen=True, slots=True)
class Stage:
    """The database that the phone writes into, and the name of its channel; empty where there is no simulator."""

    database: Database
    channel: str
    is_sandbox: bool = False


def find_simulator(runtime: Runtime) -> Simulator | None:
    """Return the simulator among the channels, if it is one of them."""
    return next((channel for channel in runtime.channels.values() if isinstance(channel, Simulator)), None)


def is_open_to_visitor() -> bool:
    """Tell whether this visitor has a phone here at all: a sandbox of their own, or the simulator of this computer."""
    return frame.find_visitor() is not None or guard.may_see(request, frame.runtime_of_request().settings)


@contextmanager
def opened() -> Iterator[Stage]:
    """Open the visitor's stage.

    The simulator is for who sits at this computer and for demonstrations: it stands beside no real channel. Everybody
    else practises in a sandbox, and so does who is signed in where there is no simulator.
    """
    runtime = frame.runtime_of_request()
    simulator, visitor = find_simulator(runtime), frame.find_visitor()
    has_simulator = simulator is not None and guard.may_see(request, runtime.settings)
    if has_simulator or visitor is None:
        yield Stage(runtime.database, simulator.name if simulator else "")
        return
    with sandbox.opened(runtime.settings.var, visitor.id, runtime.now()) as database:
        yield Stage(database, sandbox.CHANNEL, is_sandbox=True)


def send(stage: Stage, runtime: Runtime, sender: str, text: str, provider_id: str) -> int | None:
    """Send what was typed and return its message's id; None when it could not be kept.

    By the simulator it goes the way of a provider's webhook, and a worker handles it. In a sandbox it is handled at
    once: no worker looks there.
    """
    now = runtime.now()
    if stage.is_sandbox:
        return sandbox.take(stage.database, runtime.rules, sender, text, provider_id, now)
    secret = read_secret(runtime.settings.var)
    message = write_request(secret, provider_id, sender, text, now, name=stage.channel)
    answered = keep.receive_sms(runtime.database, runtime.bells, runtime.channels[stage.channel], message, now)
    if answered.status != 200:
        return None
    with runtime.database.session(read_only=True) as session:
        found = inbox.find_message(session, stage.channel, provider_id)
    return found.id if found else None
