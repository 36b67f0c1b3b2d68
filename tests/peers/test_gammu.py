"""Gammu's own daemon with a modem on loopback: a report in, an answer out, its receipt back, whatever breaks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import delete, func, select

from gateway.channels import gammu
from gateway.channels.base import Adapter, PollingChannel, Surroundings, make_channel
from gateway.channels.gammu_tables import SmsdDatabase, inbox, outbox, outbox_multipart, sentitems
from gateway.lines import ChannelHealth, Polled
from gateway.receive import keep
from gateway.segments import split
from gateway.store.base import Database
from gateway.store.inbox import inbox as kept_inbox
from gateway.values import DeliveryStatus, HttpRequest, OutboundSms, OutboxState
from tests.chaos.harness import wait_until
from tests.district import NOON, PHONES, District, make_runtime
from tests.docs.pages import page
from tests.gateway.channels.standin import Reply, Seen, StandIn
from tests.peers.at_modem import AtModem
from tests.peers.smsd import (
    ZONE,
    MariaDbServer,
    Smsd,
    Store,
    make_mariadb_store,
    make_postgresql_store,
    make_sqlite_store,
)
from tests.servers import PostgresServer
from workers import poll

pytestmark = pytest.mark.gammu

CENTRE = timezone(timedelta(hours=7))  # the operator's centre stands in Jakarta, the office in Makassar
REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
CHANNEL = "modem1"
SECRET = "nudge-secret-canary"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running SMSD, its modem and its database."""

    store: Store
    smsd: Smsd
    modem: AtModem


@dataclass(slots=True)
class Office:
    """A district whose phones reach it by a modem."""

    district: District
    daemon: Daemon

    @property
    def modem(self) -> AtModem:
        """The modem."""
        return self.daemon.modem

    @property
    def channel(self) -> PollingChannel:
        """The modem's channel."""
        found = self.district.runtime.channels[CHANNEL]
        assert isinstance(found, PollingChannel)
        return found

    def write(self, name: str, text: str, at: datetime = NOON) -> None:
        """Send a text from one of the district's phones, in as many SMS as it takes."""
        self.modem.receive_long(PHONES[name], text, at.astimezone(CENTRE), ref=77)

    def work(self) -> None:
        """Let each worker do what waits."""
        poll.drain(self.district.runtime, CHANNEL)
        self.district.handle()
        self.district.send()

    def kept(self) -> list[tuple[str, str, datetime]]:
        """Return who wrote what, and when, as it was kept."""
        columns = kept_inbox.c.sender, kept_inbox.c.text, kept_inbox.c.sent_at
        with self.district.database.session(read_only=True) as session:
            return [(row.sender, row.text, row.sent_at) for row in session.execute(select(*columns))]

    def going_out(self) -> list[tuple[str, str, str]]:
        """Return the state, the fault's code and the text of each message that goes out."""
        with self.district.database.session(read_only=True) as session:
            rows = session.exec_driver_sql("SELECT state, fault_code, text FROM outbox ORDER BY id")
            return [(state, code or "", text) for state, code, text in rows]

    def states(self) -> list[str]:
        """Return the state of each message that goes out."""
        return [state for state, _, _ in self.going_out()]

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Work until something holds."""
        wait_until(holds, f"{what}; {self.daemon.smsd.last_words()}", self.work)

    def look(self) -> ChannelHealth:
        """Ask how the modem does."""
        found = self.channel.look(datetime.now(UTC))
        assert found is not None
        return found

    def count_rows(self) -> int:
        """Return how many rows SMSD has made of what came in."""
        with SmsdDatabase(self.daemon.store.url).session() as session:
            return int(session.execute(select(func.count()).select_from(inbox)).scalar_one())


def options_of(url: str, phone_id: str) -> dict[str, str]:
    """Return the options of a modem's channel, in haste."""
    zone = {"timezone": ZONE, "per_second": "10", "nudge_secrets": SECRET}
    return {"database_url": url, "phone_id": phone_id, **zone}


def make_gammu(url: str, phone_id: str, folder: Path) -> PollingChannel:
    """Return a channel of its own."""
    made = make_channel(cast(Adapter, gammu), phone_id, options_of(url, phone_id), Surroundings("", folder))
    assert isinstance(made, PollingChannel)
    return made


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDbServer]:
    """A MariaDB server."""
    server = MariaDbServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module", params=["postgresql", "sqlite", "mariadb"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon on each kind of database."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgresql")
            store = stack.enter_context(make_postgresql_store(server))
        elif request.param == "mariadb":
            store = make_mariadb_store(request.getfixturevalue("mariadb"), "smsd")
        else:
            store = make_sqlite_store(folder)
        modem = stack.enter_context(AtModem())
        smsd = Smsd(store, modem, CHANNEL, folder)
        smsd.start()
        stack.callback(smsd.kill)
        yield Daemon(store, smsd, modem)


@pytest.fixture
def office(daemon: Daemon, sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path) -> Office:
    """An office with a daemon of its own, whose database and SIM card are empty."""
    daemon.modem.forget()
    with SmsdDatabase(daemon.store.url).session(writes=True) as session:
        for table in (inbox, outbox, outbox_multipart, sentitems):
            session.execute(delete(table))
    options = options_of(daemon.store.url, CHANNEL)
    runtime = make_runtime(
        open_database(sqlite_url),
        tmp_path,
        channels=f"{CHANNEL}=gammu",
        channel_options={CHANNEL: options},
        answers_per_hour=1000,
    )
    return Office(District(runtime), daemon)


def only_on(kind: str) -> pytest.MarkDecorator:
    """Run a test on one kind of database only: what it shows is the modem's or Kabar's doing."""
    return pytest.mark.parametrize("daemon", [kind], indirect=True)


def test_a_report_comes_in_its_answer_goes_out_and_the_receipt_comes_back(office: Office) -> None:
    office.write("ani", REPORT)
    office.wait_for(lambda: office.states() == ["delivered"], "the receipt")
    assert office.kept() == [(PHONES["ani"], REPORT, NOON)]
    [sent], [(_, _, text)] = office.modem.sent, office.going_out()
    assert (sent.to, sent.text, sent.wants_report) == (PHONES["ani"], text, True)
    health = office.look()
    assert (health.is_well, health.signal, health.heard_at is not None) == (True, 60, True), health.words


def test_a_long_message_is_one_and_a_long_answer_arrives_whole(office: Office) -> None:
    long = REPORT + " dan salam dari desa" * 10
    office.write("ani", long)
    office.wait_for(lambda: bool(office.kept()), "both parts")
    assert office.kept() == [(PHONES["ani"], long, NOON)]
    text = "Laporan [September] “lengkap” 😀 " * 5
    office.channel.send(OutboundSms("ref1", PHONES["wati"], text))
    parts = split(text)
    wait_until(lambda: len([one for one in office.modem.sent if one.to == PHONES["wati"]]) == len(parts), "the parts")
    sent = [one for one in office.modem.sent if one.to == PHONES["wati"]]
    assert [one.text for one in sent] == [part.text for part in parts]
    assert [one.header[-4:] for one in sent] == [f"{len(parts):02d}{number:02d}" for number in range(1, len(parts) + 1)]
    assert all(one.is_unicode for one in sent)
    wait_until(lambda: DeliveryStatus(OutboxState.DELIVERED, ref="ref1") in told(office), "the last part's receipt")


def told(office: Office) -> list[DeliveryStatus]:
    """Return what a look tells of sent messages, without SMSD's own numbers."""
    return [replace(status, provider_id="") for status in office.channel.poll(NOON).statuses]


@only_on("postgresql")
def test_a_modem_that_hung_answers_late_but_once(office: Office) -> None:
    office.modem.fault = "hang"
    office.write("ani", REPORT)
    office.wait_for(lambda: office.modem.tries == 1, "the first try")
    wait_until(lambda: "Error getting send status" in office.daemon.smsd.last_words(), "the end of SMSD's patience")
    office.modem.fault = ""
    office.daemon.smsd.kill()  # by itself it goes on after a minute
    office.daemon.smsd.start()
    office.wait_for(lambda: office.states() == ["delivered"], "the receipt of the second try")
    assert len(office.modem.sent) == 1


@only_on("postgresql")
def test_what_the_modem_refuses_has_failed_with_its_code(office: Office) -> None:
    office.modem.fault = "38"  # network out of order
    office.write("ani", REPORT)
    office.wait_for(lambda: office.states() == ["failed"], "the failure")
    [(_, code, _)] = office.going_out()
    assert code == "38"


@only_on("postgresql")
def test_what_never_reached_the_phone_has_failed(office: Office) -> None:
    office.modem.report = 0x46  # validity period expired
    office.write("ani", REPORT)
    office.wait_for(lambda: office.states() == ["failed"], "the receipt")
    assert len(office.modem.sent) == 1


@only_on("sqlite")
def test_an_sms_that_the_modem_cannot_delete_is_one_message_with_one_answer(office: Office) -> None:
    before = office.count_rows()
    office.modem.keeps_deleted = True
    office.write("ani", REPORT)
    office.wait_for(lambda: office.count_rows() >= before + 4, "four rows of one SMS")
    office.work()
    assert (len(office.kept()), len(office.going_out())) == (1, 1)
    assert "tidak bisa menghapus" in office.look().words


@only_on("postgresql")
def test_killing_the_daemon_between_keeping_and_deleting_keeps_one_message(office: Office) -> None:
    before = office.count_rows()
    office.modem.keeps_deleted = True  # the SMS lies on the card still, as after a kill
    office.write("ani", REPORT)
    wait_until(lambda: office.count_rows() > before, "the row")
    office.daemon.smsd.kill()
    office.modem.keeps_deleted = False
    office.work()
    assert office.states() == ["sent"]
    office.daemon.smsd.start()
    office.wait_for(lambda: office.states() == ["delivered"], "the receipt")
    wait_until(lambda: office.modem.stored == 0, "an empty card")
    office.work()
    assert (len(office.kept()), len(office.modem.sent)) == (1, 1)


@only_on("postgresql")
def test_a_poller_that_dies_before_it_ticked_off_leaves_it_to_the_next(office: Office) -> None:
    office.write("ani", REPORT)
    runtime, polled = office.district.runtime, Polled()
    while not polled.messages:
        polled = office.channel.poll(NOON)
    keep.receive_polled(runtime.database, runtime.bells, CHANNEL, polled, NOON)
    office.district.handle()
    assert len(office.channel.poll(NOON).messages) == 1, "nobody has ticked it off"
    office.wait_for(lambda: office.states() == ["delivered"], "the receipt")
    assert (len(office.kept()), len(office.modem.sent)) == (1, 1)


@only_on("postgresql")
def test_two_modems_over_one_database_are_two_channels(office: Office, tmp_path: Path) -> None:
    with AtModem(imei="351234567890124") as modem:
        smsd = Smsd(office.daemon.store, modem, "modem2", tmp_path)
        smsd.start()
        other = make_gammu(office.daemon.store.url, "modem2", tmp_path)
        modem.receive(PHONES["wati"], REPORT, NOON.astimezone(CENTRE))
        wait_until(lambda: bool(other.poll(NOON).messages), "the second modem's message")
        assert office.channel.poll(NOON).messages == ()
        other.send(OutboundSms("ref2", PHONES["wati"], "terima kasih"))
        wait_until(lambda: len(modem.sent) == 1, "the second modem's answer")
        assert office.modem.sent == []
        smsd.kill()


@only_on("sqlite")
def test_the_credit_that_the_operator_told_is_shown_and_is_no_message(office: Office) -> None:
    asked = ["gammu-smsd-inject", "-c", str(office.daemon.smsd.file), "USSD", "*888#"]
    subprocess.run(asked, check=True, capture_output=True)
    office.wait_for(lambda: office.look().credit == "Pulsa Rp 12.500", "the operator's answer")
    office.work()
    assert office.kept() == []


class Door(StandIn):
    """Kabar's own door, which hands each nudge to the channel."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office

    def answer(self, seen: Seen) -> Reply:
        """Answer as its address does."""
        runtime = self.office.district.runtime
        request = HttpRequest(seen.method, seen.path, seen.headers, seen.body, "127.0.0.1")
        return Reply(keep.receive_sms(runtime.database, runtime.bells, self.office.channel, request, NOON).status)


@only_on("sqlite")
def test_the_pages_nudge_says_that_something_came_and_nothing_of_it(office: Office, tmp_path: Path) -> None:
    office.daemon.smsd.kill()
    [script] = [block for block in page("docs/gammu.md").blocks("sh") if block.startswith("#!/bin/sh")]
    with Door(office) as door:
        nudge = tmp_path / "nudge"
        nudge.write_text(script.replace("http://127.0.0.1:8000", door.url).replace("SECRET", SECRET))
        nudge.chmod(0o700)
        smsd = Smsd(office.daemon.store, office.modem, CHANNEL, tmp_path, runonreceive=str(nudge))
        smsd.start()
        office.write("ani", "$(touch pwned)")
        wait_until(lambda: bool(door.seen), "the nudge")
        smsd.kill()
    assert [(seen.path, seen.body) for seen in door.seen] == [("/in/gammu/sms", b"")]
    office.daemon.smsd.start()
    office.wait_for(lambda: bool(office.kept()), "the message")
    assert not list(tmp_path.glob("pwned"))
