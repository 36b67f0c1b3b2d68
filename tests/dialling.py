"""A phone that dials: sessions of the simulator's USSD mode, hop by hop, with whatever may befall them on the way."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from flask import Flask
from sqlalchemy import select

from gateway.app import create_app
from gateway.channels.simulator import read_secret
from gateway.channels.ussd.simulator import write_hop
from gateway.lines import UssdScreen
from gateway.store import dialogues, inbox, outbox, reports
from gateway.store.base import Database, Session
from gateway.store.dialogues import Standing
from gateway.store.reports import Report, ReportKey
from tests.district import PHONES, District, make_runtime

UMB = "umb"  # a USSD channel that no SMS goes out by; the simulator's own is one as well
_numbers = count(1)
_apps: WeakKeyDictionary[District, Flask] = WeakKeyDictionary()


def dial_district(database: Database, var: Path, **options: Any) -> District:
    """Return the district with a USSD channel beside its simulator."""
    return District(make_runtime(database, var, ussd=f"{UMB}=simulator", **({"answers_per_hour": 100} | options)))


def sessions_of(session: Session, sender: str) -> tuple[Standing, ...]:
    """Return every session of a number as it is kept, oldest first."""
    table = dialogues.dialogues
    rows = session.execute(select(*dialogues.COLUMNS).where(table.c.sender == sender).order_by(table.c.id))
    return tuple(dialogues._as_standing(row) for row in rows)


def _app_of(district: District) -> Flask:
    """Return the application of a district, made once."""
    if district not in _apps:
        _apps[district] = create_app(district.runtime)
    return _apps[district]


class Handset:
    """One phone of the district's, and the USSD channel that it dials."""

    def __init__(self, district: District, who: str = "ani", name: str = UMB) -> None:
        self.district = district
        self.phone = PHONES.get(who, who)
        self.name = name
        self.session_id = ""
        self.client = _app_of(district).test_client()
        self._hop = 0

    def dial(self, *inputs: str, session_id: str = "") -> UssdScreen:
        """Begin a session, with what stands behind the service code, and return its first screen."""
        self.session_id, self._hop = session_id or f"s{next(_numbers)}", 0
        return self._knock(inputs, is_first=True)

    def press(self, *inputs: str) -> UssdScreen:
        """Answer a screen and return the next one."""
        self._hop += 1
        return self._knock(inputs)

    def press_each(self, *inputs: str) -> UssdScreen:
        """Answer one screen after the other, and return the last one."""
        return [self.press(typed) for typed in inputs][-1]

    def again(self, *inputs: str) -> UssdScreen:
        """Let the gateway send the last hop once more, and return what is shown for it."""
        return self._knock(inputs, is_first=not self._hop)

    def hang_up(self) -> None:
        """Let the gateway say that the session is over."""
        self._post(is_over=True)

    def standings(self) -> tuple[Standing, ...]:
        """Return the phone's sessions as they are kept, oldest first."""
        with self.district.database.session(read_only=True) as session:
            return sessions_of(session, self.phone)

    def _knock(self, inputs: tuple[str, ...], *, is_first: bool = False) -> UssdScreen:
        self.district.pass_time(seconds=1)
        return UssdScreen(**self._post(inputs, is_first=is_first, key=f"{self.session_id}.{self._hop}"))

    def _post(self, inputs: tuple[str, ...] = (), **how: Any) -> dict[str, Any]:
        secret = read_secret(self.district.runtime.settings.var)
        hop = write_hop(secret, self.session_id, self.phone, inputs, name=self.name, **how)
        answer = self.client.post(hop.path, data=hop.body, headers=dict(hop.headers))
        assert answer.status_code == 200, answer.data
        found: dict[str, Any] = json.loads(answer.data) if answer.data else {}
        return found


def revisions(district: District, place: str = "PMB01", period: str = "2025-09") -> tuple[Report, ...]:
    """Return every revision of a facility's report."""
    with district.database.session(read_only=True) as session:
        return reports.revisions(session, ReportKey("kb", district.ids[place], period))


def figures(district: District, place: str = "PMB01") -> dict[str, int] | None:
    """Return what counts for September of a facility, None where nothing does."""
    with district.database.session(read_only=True) as session:
        found = reports.find_current(session, ReportKey("kb", district.ids[place], "2025-09"))
    return dict(found.values) if found else None


def received(district: District) -> tuple[inbox.InboxMessage, ...]:
    """Return every message that was kept, oldest first."""
    with district.database.session(read_only=True) as session:
        return inbox.latest_messages(session)[::-1]


def to_be_sent(district: District) -> tuple[outbox.OutboxMessage, ...]:
    """Return every answer, oldest first."""
    with district.database.session(read_only=True) as session:
        return outbox.latest_to(session)[::-1]
