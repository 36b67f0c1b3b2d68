"""A district that is reminded: its clock is the database's too, and what went to whom is read as it lies there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from gateway.calendar import Calendar
from gateway.ladder import Ladder, Manners
from gateway.remind import by_hand, run
from gateway.remind.by_hand import Outcome
from gateway.remind.plan import Verdict
from gateway.runtime import Runtime
from gateway.store import broadcasts, claimed, ladders, leaves, months, reporters, users
from gateway.store import outbox as outbox_store
from gateway.store.audience import Audience
from gateway.store.outbox import outbox
from gateway.store.reminders import KINDS, reminders
from gateway.store.reporters import reporter_facilities
from gateway.store.users import NewUser
from gateway.values import Role, Scope
from tests.district import PHONES, District
from workers import broadcasts as queueing
from workers import outbound
from workers import reminders as worker
from workers import sweep as sweeping

REGENCY = "14.03"
COUNTRY = Scope("")
EVERYBODY = ["ani", "budi", "clinic", "eve", "wati"]
OFFICER, OFFICE = "+6281230000021", "+6281230000022"
NAMES = {phone: name for name, phone in PHONES.items()}


@dataclass(frozen=True)
class Letter:
    """One reminder as it lies in the outbox."""

    to: str
    text: str
    state: str
    reason: str | None
    kind: str
    channel: str
    created_at: datetime
    next_try_at: datetime | None
    sent_at: datetime | None


class Clock(Protocol):
    """A place whose clock stands still until it is moved."""

    @property
    def runtime(self) -> Runtime: ...

    def pass_time(self, **span: float) -> None: ...


def share_clock(place: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database's clock show what the test's does, and a sender's nap move it: nobody waits for anything."""
    nap = SimpleNamespace(sleep=lambda seconds: place.pass_time(seconds=seconds), monotonic=time.monotonic)
    monkeypatch.setattr(outbound, "time", nap)
    for module in (outbox_store, claimed, sweeping):
        monkeypatch.setattr(module, "database_now", lambda _session: place.runtime.now())


def at(
    day: int, hour: int = 8, minute: int = 0, *, month: int = 10, year: int = 2025, zone: str = "Asia/Jakarta"
) -> datetime:
    """Return an instant, by default of October 2025 on the clock of Bengkalis."""
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def look(district: District, *when: object, regency: str = REGENCY) -> int:
    """Look at a regency's reminders and return how many letters were queued."""
    if when:
        district.set_clock(at(*when))  # type: ignore[arg-type]
    with district.database.session() as session:
        done = run.run_round(session, regency, district.runtime.ways, district.runtime.now())
        session.commit()
    return done.letters


def letters(district: District, state: str = "") -> list[Letter]:
    """Return every reminder that there is, of one state if named, in the order in which they were queued."""
    columns = [outbox.c[name] for name in Letter.__dataclass_fields__ if name != "to"]
    statement = select(outbox.c.recipient, *columns).where(outbox.c.kind.in_(KINDS)).order_by(outbox.c.id)
    with district.database.session(read_only=True) as session:
        rows = [tuple(row) for row in session.execute(statement)]
    found = [Letter(NAMES.get(to, to), *rest) for to, *rest in rows]
    return [one for one in found if state in ("", one.state)]


def told(district: District, state: str = "") -> list[str]:
    """Return the names of who has a reminder, by name."""
    return sorted(one.to for one in letters(district, state))


def keys(district: District) -> list[tuple[object, ...]]:
    """Return the keys that were claimed."""
    columns = (reminders.c[name] for name in ("form", "period", "subject", "rung", "opening"))
    with district.database.session(read_only=True) as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(reminders.c.id))]


def rungs(district: District) -> list[str]:
    """Return which rungs have gone, each once."""
    return list(dict.fromkeys(str(key[3]) for key in keys(district)))


def write_to_all(district: District) -> None:
    """Let staff write to everybody; nothing is sent yet."""
    with district.database.session() as session:
        now = district.runtime.now()
        draft = broadcasts.add_draft(session, Audience(""), {"id": "Rapat."}, (1, "Rina"), now, scope=COUNTRY)
        assert draft
        broadcasts.confirm(session, draft, len(PHONES), now, scope=COUNTRY)
        session.commit()
    queueing.drain(district.runtime)


def send_day(district: District) -> int:
    """Send whatever goes out in the next hours, a quarter of an hour at a time, and return how many messages."""
    total = 0
    for _ in range(24):
        total += district.send()
        district.pass_time(minutes=15)
    return total


def days_through(district: District, first: datetime, last: datetime, step: timedelta) -> Iterator[datetime]:
    """Move the clock from one instant to another, looking and sending at each step as the workers would."""
    now = first
    while now < last:
        district.set_clock(now)
        sweeping.sweep(district.runtime)
        worker.drain(district.runtime)
        district.send()
        yield now
        now += step


def add_colleague(district: District, name: str, phone: str, place: str) -> int:
    """Let one more midwife report for a facility that another one answers for."""
    with district.database.session() as session:
        reporter_id = reporters.add_reporter(session, name, [phone], [])
        pair = {"reporter_id": reporter_id, "facility_id": district.ids[place], "is_responsible": False}
        session.execute(insert(reporter_facilities), pair)
        session.commit()
    return reporter_id


def send_on_leave(district: District, name: str, first: date, last: date) -> None:
    """Let a midwife be away; nobody stands in for her."""
    with district.database.session() as session:
        (her, *_) = reporters.find_by_phones(session, [PHONES[name]])[PHONES[name]]
        leaves.add_leave(session, her.id, first, last, None, scope=COUNTRY)
        session.commit()


def add_staff(district: District) -> None:
    """Add an officer of the kecamatan and somebody of the regency's office, each with a phone."""
    with district.database.session() as session:
        for login, role, area, phone in (
            ("officer", Role.OFFICER, "14.03.01", OFFICER),
            ("office", Role.DISTRICT, REGENCY, OFFICE),
        ):
            user_id = users.add_user(session, NewUser(login, login, role, area, "id", district.runtime.now()))
            users.set_phone(session, user_id, phone, scope=COUNTRY)
        session.commit()


def choose(district: District, *chosen: Ladder | Manners | Calendar) -> None:
    """Let areas choose ladders, manners and days."""
    with district.database.session() as session:
        for one in chosen:
            if isinstance(one, Ladder):
                ladders.choose_ladder(session, one, scope=COUNTRY)
            elif isinstance(one, Manners):
                ladders.choose_manners(session, one, scope=COUNTRY)
            else:
                months.choose_days(session, one, scope=COUNTRY)
        session.commit()


def by_the_hand_of_staff(district: District, place: str = "PMB01", *, is_urgent: bool = False) -> Outcome:
    """Have staff remind one facility of September, and return what became of it."""
    runtime = district.runtime
    form = runtime.rules.form("kb")
    with district.database.session() as session:
        done = by_hand.remind(
            *(session, form, "2025-09", district.ids[place], runtime.ways, runtime.now()),
            scope=COUNTRY,
            is_urgent=is_urgent,
        )
        session.commit()
    return done.outcome


def verdicts(district: District, *when: int) -> Counter[Verdict]:
    """Return what would come of the facilities of the regency at an instant."""
    runtime = district.runtime
    with district.database.session(read_only=True) as session:
        plan = run.plan_regency(session, REGENCY, runtime.ways, at(*when))
    return Counter(line.verdict for line in plan.lines)
