"""The phone on the pages dials: one USSD session, screen by screen, beside the gateway's simulator or in a sandbox."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from gateway import sandbox
from gateway.channels.simulator import read_secret
from gateway.channels.ussd.simulator import write_hop
from gateway.lines import UssdHop, UssdScreen
from gateway.receive import hops
from gateway.review.pages.stage import Stage
from gateway.runtime import Runtime
from gateway.values import read_sender

CODE = "*123#"
LONGEST = 182  # characters that one USSD answer carries
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Call:
    """A session as the page shows it. `session_id` is empty while none is open; `typed` was not sent yet."""

    session_id: str = ""
    screen: UssdScreen | None = None
    typed: str = ""


def dial(stage: Stage, runtime: Runtime, sender: str, form: Mapping[str, str]) -> Call:
    """Take what was typed, or dialled where no session is open, or that the phone is put down; return what is shown.

    The page's key names the hop, and a new session after it: whoever clicks twice, or goes back to a page that was
    answered, is shown where the session stands.
    """
    key, session_id = form.get("key", ""), form.get("session", "")
    if not _KEY.fullmatch(key):
        key = secrets.token_hex(16)
    is_first = not _KEY.fullmatch(session_id)
    if is_first:
        session_id = key
    typed = form.get("typed", "").strip()
    if is_first:
        typed = typed.strip("*#").partition("*")[2]
    hop = UssdHop(
        session_id=f"page:{session_id}",
        sender=read_sender(sender, runtime.settings.region),
        inputs=(typed,) if typed or not is_first else (),
        is_first=is_first,
        is_over="over" in form,
        key=key,
    )
    screen = _knock(stage, runtime, hop)
    return Call() if screen is None else Call("" if screen.ends else session_id, screen)


def _knock(stage: Stage, runtime: Runtime, hop: UssdHop) -> UssdScreen | None:
    """Hand a hop in the way of a gateway's webhook, or to the sandbox, which handles it at once."""
    now = runtime.now()
    if stage.is_sandbox:
        return sandbox.take_hop(stage.database, runtime.rules, hop, now)
    request = write_hop(
        read_secret(runtime.settings.var),
        hop.session_id,
        hop.sender.address,
        hop.inputs,
        is_first=hop.is_first,
        is_over=hop.is_over,
        key=hop.key,
        name=stage.channel,
    )
    channel, tries = runtime.ussd[stage.channel], runtime.settings.tries
    answer = hops.receive_hop(runtime.database, runtime.bells, channel, request, runtime.rules, now, tries=tries)
    return UssdScreen(**json.loads(answer.body)) if answer.body else None
