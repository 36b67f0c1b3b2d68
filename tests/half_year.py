"""A district that lives through months: its clock goes on, reminders go out, people answer, staff decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from gateway.calendar import DAY
from gateway.handle import batch
from gateway.ladder import Manners
from gateway.owing import Standing
from gateway.receive import keep
from gateway.remind import run
from gateway.remind.plan import Owed
from gateway.store import areas, channels, facilities, inbox, ladders, outbox, reporters, users
from gateway.store.areas import Area
from gateway.store.base import Database, Session
from gateway.store.facilities import NewFacility
from gateway.store.users import NewUser
from gateway.values import InboundSms, Role, Scope, lane_of, read_sender
from tests.district import TestRuntime, make_runtime
from tests.half_year_deeds import DEEDS, PRICE
from workers import inbound, outbound, reminders, sweep

ZONE = ZoneInfo("Asia/Jakarta")
COUNTRY = Scope("")
REGENCIES = ("14.03", "91.03")
HOURS = (6, 8, 9, 16)  # at which the clock rings: each rung that is used here begins at one of them, there or in Papua
REMINDERS = frozenset({"reminder", "reminder_staff", "thanks"})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the district: a reporter with her places, or one of the staff with an area."""

    name: str
    phone: str
    places: tuple[str, ...] = ()
    role: Role | None = None
    area: str = ""
    language: str = "id"
    is_responsible: bool = True


PLACES = (
    NewFacility("140301001", "PMB Ani", "PMB01", "PMB", "14.03.01"),
    NewFacility("140301002", "PMB Wati", "PMB02", "PMB", "14.03.01"),
    NewFacility("140301003", "Pustu Teluk", "PTK", "PUSTU", "14.03.01"),
    NewFacility("140301004", "Puskesmas Damon", "DAMON", "PUSKESMAS", "14.03.01"),
    NewFacility("140302001", "Puskesmas Bantan", "BANTAN", "PUSKESMAS", "14.03.02"),
    NewFacility("140302002", "PMB Eve", "PMB06", "PMB", "14.03.02"),
    NewFacility("910301001", "Puskesmas Sentani", "SENTANI", "PUSKESMAS", "91.03.01"),
)
PEOPLE = {
    "ani": Person("Ani", "+6281230000001", ("PMB01",)),
    "wati": Person("Wati", "+6281230000002", ("PMB02", "PTK")),
    "budi": Person("Budi", "+6281230000003", ("DAMON",)),
    "citra": Person("Citra", "+6281230000004", ("DAMON",), is_responsible=False),
    "dedi": Person("Dedi", "+6281230000005", ("DAMON",), is_responsible=False),
    "gita": Person("Gita", "+6281230000006", ("BANTAN",)),
    "eve": Person("Eve", "+6281230000007", ("PMB06",), language="en"),
    "yosi": Person("Yosi", "+6281230000008", ("SENTANI",)),
    "petugas": Person("Pak Hadi", "+6281230000011", role=Role.OFFICER, area="14.03.01"),
    "rina": Person("Bu Rina", "+6281230000012", role=Role.OFFICER, area="14.03.02"),
    "dinas": Person("Dinas", "+6281230000013", role=Role.DISTRICT, area="14.03"),
}
BY_PHONE = {one.phone: name for name, one in PEOPLE.items()}


@dataclass(frozen=True, slots=True)
class Sent:
    """One reminder that went out, when by the clock of Bengkalis, and to whom."""

    at: datetime
    who: str
    text: str


class HalfYear:
    """The district, its clock and its staff."""

    def __init__(self, database: Database, var: Path, patch: pytest.MonkeyPatch, begins: datetime) -> None:
        self.runtime: TestRuntime = make_runtime(
            database, var, answers_per_hour=1000, channels="simulator, modem=simulator"
        )
        self.database = database
        self.set_clock(begins)
        self.is_sending = True
        self.disagreements: list[str] = []
        self.compared = 0
        self._seen = 0
        self._count = 0
        for room in (outbox, sweep):  # leases go by the database's clock, which is the test's here
            patch.setattr(room, "database_now", lambda _session: self.runtime.now())
        patch.setattr(outbound, "time", self)  # a sender that waits for its channel's pace lets the test's clock go on
        with database.session() as session:
            self.ids, self.people, self.staff = _fill(session, begins)
            session.commit()

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        return self.runtime.clock[0].astimezone(ZONE)

    def set_clock(self, at: datetime) -> None:
        """Put the clock somewhere."""
        self.runtime.clock[0] = at.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        """Let some time pass."""
        self.set_clock(self.now + timedelta(seconds=seconds))

    def monotonic(self) -> float:
        """Return the seconds that a sender counts."""
        return self.now.timestamp()

    def go_on(self, until: datetime) -> None:
        """Let the clock go on, and everything happen that it brings."""
        for at in _ticks(self.now, until):
            self.set_clock(at)
            self.tick()
            if at.hour == HOURS[-1]:
                self.compare()

    def tick(self) -> None:
        """Let the clock ring once, and the workers do what is there to do."""
        sweep.sweep(self.runtime)
        reminders.drain(self.runtime)
        self.handle()
        if self.is_sending:
            for name in self.runtime.channels:
                outbound.drain(self.runtime, name)

    def handle(self) -> None:
        """Handle what has come in."""
        with self.database.session(read_only=True) as session:
            lanes = inbox.lanes_with_work(session, self.runtime.now())
        for lane in lanes:
            inbound.drain(self.runtime, lane)

    def say(self, who: str, text: str, channel: str = "simulator") -> str:
        """Let somebody send a message; return the answer."""
        self.sleep(1)
        self._count += 1
        sms = InboundSms(f"m{self._count}", read_sender(PEOPLE[who].phone), text, sent_at=self.runtime.now())
        with self.database.session() as session:
            keep.keep_sms(session, channel, sms, self.runtime.now())
            session.commit()
        self.handle()
        with self.database.session(read_only=True) as session:
            message = inbox.find_message(session, channel, f"m{self._count}")
            answer = outbox.find_answer(session, message.id) if message else None
        return answer.text if answer and answer.state != "withheld" else ""

    def compare(self) -> None:
        """Ask for the STATUS of every report that the plan of this moment is about, and note where the two disagree."""
        runtime = self.runtime
        with self.database.session() as session:  # nothing of it is kept: nobody has really asked
            for regency in REGENCIES:
                for line in run.plan_regency(session, regency, runtime.ways, runtime.now()).lines:
                    if isinstance(line.about, Owed) and line.about.is_asked_for:
                        self._compare(session, line.about)
            session.rollback()

    def _compare(self, session: Session, owed: Owed) -> None:
        who = next(one for one in PEOPLE.values() if owed.facility.short_name in one.places)
        wording = self.runtime.wordings[who.language]
        is_elsewhere = owed.standing is Standing.ASKED and owed.asked is not None and owed.asked.phone != who.phone
        expected = wording.fill(
            wording.answers["status_asked_elsewhere" if is_elsewhere else f"status_{owed.standing}"],
            form=owed.form.upper(),
            month=wording.month(owed.period),
            facility=owed.facility.name,
            due=wording.day(owed.due_on),
        )
        text = f"STATUS {owed.form} {owed.period[5:]}{owed.period[2:4]}"
        self._count += 1
        sms = InboundSms(f"m{self._count}", read_sender(who.phone), text, sent_at=self.runtime.now())
        keep.keep_sms(session, "simulator", sms, self.runtime.now())
        batch.handle_batch(session, lane_of(who.phone), self.runtime.rules, self.runtime.now(), size=100, tries=1)
        message = inbox.find_message(session, "simulator", sms.provider_id)
        answer = outbox.find_answer(session, message.id) if message else None
        self.compared += 1
        if answer is None or expected not in answer.text:
            self.disagreements.append(
                f"{self.now:%Y-%m-%d} {who.name} {text}: {answer and answer.text}; the plan: {expected}"
            )

    def new_reminders(self) -> list[Sent]:
        """Return the reminders that went out since this was asked last, in their order."""
        table = outbox.outbox
        statement = (
            select(table.c.id, table.c.sent_at, table.c.recipient, table.c.text)
            .where(table.c.kind.in_(REMINDERS), table.c.state.in_(("sent", "delivered")), table.c.id > 0)
            .order_by(table.c.sent_at, table.c.id)
        )
        with self.database.session(read_only=True) as session:
            rows = session.execute(statement).all()
        found = [Sent(row.sent_at.astimezone(ZONE), BY_PHONE[row.recipient], row.text) for row in rows[self._seen :]]
        self._seen = len(rows)
        return found

    def do(self, deed: str, *words: str) -> None:
        """Let staff do something, or the world: the deeds of a transcript."""
        with self.database.session() as session:
            DEEDS[deed](self, session, *words)
            session.commit()


def _ticks(begins: datetime, until: datetime) -> Iterator[datetime]:
    day = begins.date()
    while day <= until.date():
        for hour in HOURS:
            at = datetime.combine(day, time(hour), ZONE)
            if begins < at < until:
                yield at
        day += DAY
    yield until


def _fill(session: Session, now: datetime) -> tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]]:
    areas.add_areas(
        session,
        [
            Area("14", None, "province", "Riau", "Asia/Jakarta"),
            Area("14.03", "14", "regency", "Kabupaten Bengkalis", "Asia/Jakarta"),
            Area("14.03.01", "14.03", "district", "Bengkalis", "Asia/Jakarta"),
            Area("14.03.02", "14.03", "district", "Bantan", "Asia/Jakarta"),
            Area("91", None, "province", "Papua", "Asia/Jayapura"),
            Area("91.03", "91", "regency", "Kabupaten Jayapura", "Asia/Jayapura"),
            Area("91.03.01", "91.03", "district", "Sentani", "Asia/Jayapura"),
        ],
    )
    ids = dict(zip((one.short_name for one in PLACES), facilities.add_facilities(session, PLACES), strict=True))
    people, staff = {}, {}
    for code, one in PEOPLE.items():
        if one.role is None:
            places = [ids[place] for place in one.places]
            people[code] = reporters.add_reporter(session, one.name, [one.phone], places, language=one.language)
        else:
            new = NewUser(f"{code}@dinas.go.id", one.name, one.role, one.area, one.language, now)
            staff[code] = users.add_user(session, new)
            users.set_phone(session, staff[code], one.phone, scope=COUNTRY)
    table = reporters.reporter_facilities
    others = [people[code] for code, one in PEOPLE.items() if not one.is_responsible]
    session.execute(update(table).where(table.c.reporter_id.in_(others)).values(is_responsible=False))
    quick = Manners(spread_minutes=0)
    ladders.choose_manners(session, quick, scope=COUNTRY)
    channels.choose_channel(session, "simulator", None, PRICE, scope=COUNTRY)
    return ids, people, staff
