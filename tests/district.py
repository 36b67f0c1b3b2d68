"""A small district to try things in: who may report, on which phones, and a gateway whose clock the test holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import jobs
from gateway.forms import load_forms
from gateway.receive import keep
from gateway.reply.wordings import load_wordings
from gateway.runtime import Runtime, make_channels, make_ussd_channels
from gateway.settings import Settings
from gateway.store import areas, facilities, inbox, months, outbox, reporters
from gateway.store.areas import Area
from gateway.store.base import Database, Session
from gateway.store.facilities import NewFacility
from gateway.values import InboundSms, Scope, lane_of, read_sender
from workers import inbound, outbound

NOON = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)  # 12:00 in Bengkalis
PHONES = {
    "ani": "+6281230000001",
    "ani2": "+6281230000011",  # Ani's second phone
    "wati": "+6281230000002",  # two practices
    "budi": "+6281230000003",  # a puskesmas clerk
    "clinic": "+6281230000004",  # one phone, two midwives
    "noplace": "+6281230000005",  # registered, no facility yet
    "eve": "+6281230000006",  # reads English
    "stranger": "+6281230000099",
}
SILENT_REDIS = "unix:///nowhere/kabar.sock"  # a transcript needs no bell: the test itself drains the lanes


@dataclass(frozen=True)
class TestRuntime(Runtime):
    """A gateway whose clock stands where the test has put it."""

    __test__ = False
    clock: list[datetime] = None  # type: ignore[assignment]

    def now(self) -> datetime:
        """Return the test's clock."""
        return self.clock[0]


def make_district(database: Database) -> Mapping[str, int]:
    """Fill a database with the district and return its facilities' ids by short name."""
    with database.session() as session:
        ids = _fill(session)
        session.commit()
    return ids


def _fill(session: Session) -> Mapping[str, int]:
    areas.add_areas(
        session,
        [
            Area("14", None, "province", "Riau", "Asia/Jakarta"),
            Area("14.03", "14", "regency", "Kabupaten Bengkalis", "Asia/Jakarta"),
            Area("14.03.01", "14.03", "district", "Bengkalis", "Asia/Jakarta"),
        ],
    )
    places = [
        NewFacility("140300101", "PMB Ani", "PMB01", "PMB", "14.03.01"),
        NewFacility("140300102", "PMB Wati", "PMB02", "PMB", "14.03.01"),
        NewFacility("140300103", "Pustu Teluk", "PTK", "PUSTU", "14.03.01"),
        NewFacility("140300100", "Puskesmas Damon", "DAMON", "PUSKESMAS", "14.03.01"),
        NewFacility("140300104", "PMB Sari", "PMB04", "PMB", "14.03.01"),
        NewFacility("140300105", "PMB Dewi", "PMB05", "PMB", "14.03.01"),
        NewFacility("140300106", "PMB Eve", "PMB06", "PMB", "14.03.01"),
    ]
    ids = dict(zip((place.short_name for place in places), facilities.add_facilities(session, places), strict=True))
    reporters.add_reporter(session, "Ani", [PHONES["ani"], PHONES["ani2"]], [ids["PMB01"]])
    reporters.add_reporter(session, "Wati", [PHONES["wati"]], [ids["PMB02"], ids["PTK"]])
    reporters.add_reporter(session, "Budi", [PHONES["budi"]], [ids["DAMON"]])
    reporters.add_reporter(session, "Sari", [PHONES["clinic"]], [ids["PMB04"]])
    reporters.add_reporter(session, "Dewi", [PHONES["clinic"]], [ids["PMB05"]])
    reporters.add_reporter(session, "Noni", [PHONES["noplace"]], [])
    reporters.add_reporter(session, "Eve", [PHONES["eve"]], [ids["PMB06"]], language="en")
    return ids


def make_runtime(database: Database, var: Path, redis_url: str = SILENT_REDIS, **options: object) -> TestRuntime:
    """Return a gateway on this database, its clock at noon on 3 October 2025 in Bengkalis."""
    settings = Settings(var=var, **options)  # type: ignore[arg-type]
    return TestRuntime(
        settings=settings,
        database=database,
        bells=jobs.Bells(jobs.connect(redis_url)),
        channels=make_channels(settings),
        ussd=make_ussd_channels(settings),
        forms=load_forms(),
        wordings=load_wordings(),
        clock=[NOON],
    )


class District:
    """A gateway in its district, spoken to by phone and by hand."""

    def __init__(self, runtime: TestRuntime) -> None:
        self.runtime = runtime
        self.database = runtime.database
        self.ids = make_district(runtime.database)
        self._count = 0

    def pass_time(self, **span: float) -> None:
        """Move the clock, for example `hours=49`."""
        self.runtime.clock[0] += timedelta(**span)

    def set_clock(self, now: datetime) -> None:
        """Put the clock somewhere."""
        self.runtime.clock[0] = now

    def keep(
        self, sender: str, text: str, provider_id: str = "", sent_at: datetime | None = None, channel: str = "simulator"
    ) -> str:
        """Keep a message as received and return its provider id; nobody handles it yet."""
        self._count += 1
        provider_id = provider_id or f"m{self._count}"
        phone = PHONES.get(sender, sender)
        sms = InboundSms(provider_id, read_sender(phone), text, sent_at=sent_at or self.runtime.now())
        with self.database.session() as session:
            keep.keep_sms(session, channel, sms, self.runtime.now())
            session.commit()
        return provider_id

    def handle(self) -> int:
        """Handle whatever waits, in every lane, and return how many messages that was."""
        with self.database.session(read_only=True) as session:
            lanes = inbox.lanes_with_work(session, self.runtime.now())
        return sum(inbound.drain(self.runtime, lane) for lane in lanes)

    def send(self) -> int:
        """Send whatever waits, on every channel, and return how many messages that was."""
        return sum(outbound.drain(self.runtime, name) for name in self.runtime.channels)

    def say(self, sender: str, text: str, **how: object) -> str:
        """Send a message, have it handled, and return the answer: empty where none goes out."""
        self.pass_time(seconds=1)
        provider_id = self.keep(sender, text, **how)  # type: ignore[arg-type]
        self.handle()
        answer = self.answer(provider_id)
        return answer.text if answer and answer.state != "withheld" else ""

    def close_month(self, form: str, period: str, area: str = "14.03") -> None:
        """Let the regency's staff close a month."""
        with self.database.session() as session:
            now, scope = self.runtime.now(), Scope(area)
            months.close_month(session, form, period, area, "Bu Rina", now, "semua sudah masuk", scope=scope)
            session.commit()

    def reopen_month(self, form: str, period: str, area: str = "14.03") -> None:
        """Let the regency's staff open a closed month again."""
        with self.database.session() as session:
            now, scope = self.runtime.now(), Scope(area)
            for one in months.standing_closings(session, area, scope=scope):
                if (one.form, one.period) == (form, period):
                    months.reopen_month(session, one.id, "Bu Rina", now, "ada susulan", scope=scope)
            session.commit()

    def answer(self, provider_id: str, channel: str = "simulator") -> outbox.OutboxMessage | None:
        """Return the answer to a message, whatever became of it."""
        with self.database.session(read_only=True) as session:
            message = inbox.find_message(session, channel, provider_id)
            return outbox.find_answer(session, message.id) if message else None

    def message(self, provider_id: str, channel: str = "simulator") -> inbox.InboxMessage:
        """Return a received message."""
        with self.database.session(read_only=True) as session:
            message = inbox.find_message(session, channel, provider_id)
        assert message is not None, f"{provider_id} was not kept"
        return message


def lane_of_phone(name: str) -> int:
    """Return the lane of one of the district's phones."""
    return lane_of(PHONES[name])
