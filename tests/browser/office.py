"""The running application for a browser: its server, its workers' hands, who is signed in, and a month at work."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Playwright, expect
from sqlalchemy import update
from werkzeug.serving import make_server

from gateway import demo
from gateway.app import create_app
from gateway.receive import keep
from gateway.remind import run
from gateway.review.pages import entrance
from gateway.runtime import Runtime
from gateway.store import channels, facilities, inbox, missing, outbox, reporters, reports, users, visits
from gateway.store.base import Database
from gateway.store.outbox import outbox as messages
from gateway.store.users import NewUser
from gateway.store.visits import NewVisit
from gateway.values import InboundSms, OutboxState, Role, Scope, read_sender
from tests.browser import deeds, receivers
from tests.district import TestRuntime, make_runtime
from workers import inbound, outbound, totals

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Without these Chromium asks its maker's servers for this and that, and as root it does not start at all.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)
MORNING = datetime(2025, 10, 6, 2, 30, tzinfo=UTC)  # 09:30 in Bengkalis, the day after reports were due
REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
STAFF = "Rahma Yulianti"
NOBODYS = "no password is hashed to this"  # who comes by a cookie needs none
FAR = {"X-Forwarded-For": "203.0.113.9"}  # as a proxy says it of somebody who does not sit at this computer

expect.set_options(timeout=15_000)


def start_chromium(playwright: Playwright) -> Browser:
    """Start a browser of this machine. Errors: AssertionError where there is none."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    assert program, f"no browser was found: looked for {', '.join(PROGRAMS)} (apt install chromium)"
    return playwright.chromium.launch(executable_path=program, args=FLAGS)


@dataclass(frozen=True, slots=True)
class House:
    """The running application: where it is seen, and its worker's hands."""

    url: str
    runtime: Runtime
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _tokens: dict[str, str] = field(default_factory=dict)

    def pass_time(self, **span: float) -> None:
        """Move a clock that stands still."""
        assert isinstance(self.runtime, TestRuntime)
        self.runtime.clock[0] += timedelta(**span)

    def work(self) -> None:
        """Handle everything that has come in, send every answer and sum up, as the worker processes do."""
        with self.runtime.database.session(read_only=True) as session:
            lanes = inbox.lanes_with_work(session, self.runtime.now())
        for lane in lanes:
            inbound.drain(self.runtime, lane)
        with self.runtime.database.session(read_only=True) as session:
            names = outbox.channels_with_work(session)
        for name in names:
            outbound.drain(self.runtime, name)
        totals.drain(self.runtime)

    def hear(self, phone: str, text: str) -> None:
        """Keep an SMS as if a provider had brought it, and work it off."""
        sms = InboundSms(f"office:{next(self._numbers)}", read_sender(phone), text, sent_at=self.runtime.now())
        with self.runtime.database.session() as session:
            keep.keep_sms(session, demo.CHANNEL, sms, self.runtime.now())
            session.commit()
        self.work()

    def begin_visit(self, role: str, area: str, name: str = "", language: str = "id") -> str:
        """Return the token of somebody with this role and area who is signed in; the same somebody each time."""
        login = f"{role}{area}".replace(".", "")
        if login in self._tokens:
            return self._tokens[login]
        now, token = self.runtime.now(), self._tokens.setdefault(login, entrance.new_token())
        with self.runtime.database.session() as session:
            user = users.find_by_login(session, login)
            new = NewUser(login, name or f"{role.title()} {area}", Role(role), area, language, now, NOBODYS)
            user_id = user.id if user else users.add_user(session, new)
            visits.begin_visit(session, NewVisit(entrance.hash_token(token), user_id, now))
            session.commit()
        return token

    def sign_in(self, context: BrowserContext, role: str, area: str, name: str = "", language: str = "id") -> None:
        """Let a browser be signed in as somebody with this role and area."""
        token = self.begin_visit(role, area, name, language)
        context.add_cookies([{"name": entrance.COOKIE, "value": token, "url": self.url}])

    def find_staff(self) -> FlaskClient:
        """Return the hands of an administrator of Bengkalis who needs no browser."""
        staff, token = create_app(self.runtime).test_client(), self.begin_visit("administrator", "14.03", STAFF)
        staff.set_cookie(entrance.COOKIE, token)
        staff.environ_base["HTTP_X_CSRF_TOKEN"] = entrance.seal(token, "form")
        return staff


@contextmanager
def serve(runtime: Runtime) -> Iterator[House]:
    """Serve the application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, create_app(runtime), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield House(f"http://127.0.0.1:{server.server_port}", runtime)
    server.shutdown()
    thread.join()
    server.server_close()
    runtime.database.dispose()


@contextmanager
def open_bare_office(folder: Path, migrated: Path, redis_url: str) -> Iterator[House]:
    """Serve a district on the morning after reports were due, its clock standing still."""
    url = f"sqlite:///{shutil.copy(migrated, folder / 'office.db')}"
    (folder / "var").mkdir(mode=0o700)
    runtime = make_runtime(Database(url), folder / "var", redis_url)
    chosen = runtime.settings.model_copy(update={"database_url": url, "redis_url": redis_url})
    runtime = replace(runtime, settings=chosen)
    runtime.clock[0] = MORNING
    with runtime.database.session() as session:
        demo.load(session, MORNING)
        channels.choose_channel(session, demo.CHANNEL, "14.03", 350, scope=Scope(""))
        session.commit()
    with serve(runtime) as house:
        totals.drain(runtime)
        yield house


@contextmanager
def open_office(folder: Path, migrated: Path, redis_url: str) -> Iterator[House]:
    """Serve a district with something to do on every screen."""
    with open_bare_office(folder, migrated, redis_url) as house:
        remind(house)
        fill(house)
        receivers.add_receivers(house.runtime)
        deeds.do_all(house.runtime, house.find_staff())
        receivers.hear(house.runtime)
        house.work()
        yield house


def remind(house: House) -> None:
    """Let the reminders before the due day and on it have gone out and arrived, and staff be told of who is missing."""
    runtime = house.runtime
    for now in (datetime(2025, 10, 2, 1, 10, tzinfo=UTC), datetime(2025, 10, 5, 1, 10, tzinfo=UTC)):
        with runtime.database.session() as session:
            run.run_round(session, "14.03", runtime.ways, now)
            arrived = {"state": OutboxState.DELIVERED, "sent_at": now, "delivered_at": now}
            theirs = messages.c.kind == missing.REMINDER, messages.c.state == OutboxState.QUEUED
            session.execute(update(messages).where(*theirs).values(arrived))
            session.commit()
    told = (("petugas", "Rahmat Hidayat", Role.OFFICER, "14.03.01"), ("dinas", "Yuni Safitri", Role.DISTRICT, "14.03"))
    with runtime.database.session() as session:
        for number, (login, name, role, area) in enumerate(told, start=1):
            new = NewUser(login, name, role, area, "id", runtime.now(), NOBODYS)
            users.set_phone(session, users.add_user(session, new), f"+628122220000{number}", scope=Scope(""))
        session.commit()


def fill(house: House) -> None:
    """Let a morning's messages come in: reports, doubts, repairs, corrections, stock, and what is no report at all."""

    def say(phone: str, text: str) -> None:
        house.pass_time(seconds=40)
        house.hear(phone, text)

    ani, sari, _ = (midwife.phone for midwife in demo.printed_midwives())
    say(ani, "KB 0925 BARU 12 AKTIF 400 PIL 30")  # a digit too many: she is asked
    say(sari, "kb sep25 baru12 aktiff 4O,pil30")  # in a hurry: repaired, and accepted
    owing = who_owes(house)
    for number, (phone, new, users_now) in enumerate(owing[:12]):
        kinds = (
            f"KB 0925 BARU {new} AKTIF {users_now}",  # as the month before, to the last number: flagged
            f"KB 0925 BARU {new + 1} AKTIF {users_now + 3}",
            f"KB 0925 BARU {new + 2} AKTIF {users_now * 10}",  # asked about
            f"kb sep25 baruu {new + 1}, aktif{users_now - 2}",
        )
        say(phone, kinds[number % 4])
    say(owing[1][0], f"RALAT KB 0925 BARU {owing[1][1] + 2} AKTIF {owing[1][2] + 3}")
    for number, (phone, *_) in enumerate(owing[3:10]):
        start, out = 120 - 9 * number, 36 + 12 * number
        rest = max(start + 20 - out, 0)
        say(phone, f"ALOKON 0925 PIL AWAL {start} TERIMA 20 KELUAR {start + 20 - rest} AKHIR {rest}")
    say("+6281299990001", "DAFTAR Rina PMB Rina Mandau")
    say("+6281299990002", "DAFTAR Bidan Wulandari Puskesmas Duri")
    say("+6281299990003", "selamat pagi bu, saya bidan baru di Pinggir, bagaimana caranya?")
    say(owing[12][0], "bu maaf, besok saya cuti melahirkan sampai Desember, siapa yang mengganti saya?")
    phone, new, users_now = owing[13]
    say(phone, f"KB 0925 BARU {new} AKTIF {users_now + 1} KALENDER 3")  # a method that nobody taught the reader


def who_owes(house: House) -> list[tuple[str, int, int]]:
    """Return who in Bengkalis has not reported September 2025: her number, and last month's new and present users."""
    with house.runtime.database.session(read_only=True) as session:
        people = reporters.find_by_channel(session, demo.CHANNEL)
        places = facilities.get_facilities(session, {one.facilities[0].id for _, one in people if one.facilities})
        latest = [report for report, _ in reports.latest_reports(session, limit=2000) if report.key.form == "kb"]
    done = {report.key.facility_id for report in latest if report.key.period == demo.FREE_PERIOD}
    before = {report.key.facility_id: report.values for report in latest if report.key.period == "2025-08"}
    printed = {midwife.phone for midwife in demo.printed_midwives()}
    found = []
    for phone, one in people:
        place = one.facilities[0].id if one.facilities else 0
        is_here = place in before and places[place].area.startswith("14.03")
        if is_here and place not in done and phone not in printed:
            found.append((phone, before[place]["baru"], before[place]["aktif"]))
    return found
