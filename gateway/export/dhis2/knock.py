"""Try a destination: can it be reached, is it a DHIS2, does it know us, and may we write there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.channels.http import Answer
from gateway.errors import KabarError, Permanent, Retryable, Unsure

WRITE = "F_DATAVALUE_ADD"
GOOD = "good"
# What can be wrong, beside `gateway.channels.reach`'s own: the page says each in words, with what to do.
NAME, CONNECT, CERTIFICATE, SILENT = "name", "connect", "certificate", "silent"
LOGIN, FORBIDDEN, MOVED, NOT_DHIS2, THEIRS = "login_refused", "forbidden", "moved", "not_dhis2", "theirs"
NO_RIGHT, NO_UNIT = "no_right", "no_unit"

Get = Callable[[str, Mapping[str, str]], Answer]


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of a try: `outcome` is `good` or what is wrong, the rest what they say of themselves and of us."""

    outcome: str
    status: int | None = None
    version: str = ""
    user: str = ""
    units: tuple[str, ...] = ()


class Unread(Exception):
    """An answer that is not what was asked for. `knock` says what it means."""

    def __init__(self, knock: Knock) -> None:
        super().__init__(knock.outcome)
        self.knock = knock


def try_destination(get: Get) -> Knock:
    """Return what comes of asking a destination who it is, and whom it takes us for."""
    try:
        system = read_answer(get, "/api/system/info", {"fields": "version,systemName"})
        me = read_answer(get, "/api/me", {"fields": "username,name,authorities,organisationUnits[id,name,path]"})
    except Unread as unread:
        return unread.knock
    version, user = str(system.get("version") or "")[:30], str(me.get("username") or me.get("name") or "")[:100]
    rights, units = me.get("authorities"), me.get("organisationUnits")
    names = tuple(str(one.get("name") or one.get("id"))[:100] for one in _objects(units))
    outcome = GOOD
    if not version:
        outcome = NOT_DHIS2
    elif isinstance(rights, list) and not {WRITE, "ALL"} & set(map(str, rights)):
        outcome = NO_RIGHT
    elif isinstance(units, list) and not units:
        outcome = NO_UNIT
    return Knock(outcome, 200, version, user, names[:5])


def read_answer(get: Get, path: str, params: Mapping[str, str]) -> dict[str, Any]:
    """Return what is answered as a JSON object. Errors: Unread, with what it means that it is none."""
    try:
        answer = get(path, params)
    except KabarError as fault:
        raise Unread(Knock(name_fault(fault))) from None
    if wrong := _name_status(answer):
        raise Unread(Knock(wrong, answer.status))
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):  # a page to sign in, of theirs or of the office's own network
        raise Unread(Knock(NOT_DHIS2, answer.status))
    return found


def name_fault(fault: KabarError) -> str:
    """Return what it means that no answer came, by name."""
    if isinstance(fault, Permanent):
        return fault.code or "address"
    if isinstance(fault, Retryable):
        return fault.code if fault.code in {NAME, CONNECT, CERTIFICATE} else CONNECT
    return SILENT if isinstance(fault, Unsure) else THEIRS


def _name_status(answer: Answer) -> str:
    if answer.status == 401:
        return LOGIN
    if answer.status == 403:
        return FORBIDDEN
    if 300 <= answer.status < 400:
        return MOVED
    if answer.status >= 500 or answer.status == 429:
        return THEIRS
    return NOT_DHIS2 if answer.status >= 400 else ""


def _objects(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
