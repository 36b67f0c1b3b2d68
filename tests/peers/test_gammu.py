"""Gammu's own daemon with a modem on loopback: a report in, an answer out, its receipt back, whatever breaks between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.channels.base import PollingChannel
from gateway.lines import Polled
from gateway.store.base import Database
from gateway.store.outbox import OutboxMessage
from tests.chaos.harness import wait_until
from tests.district import NOON, PHONES, District, make_runtime
from tests.peers.at_modem import AtModem
from tests.peers.smsd import MariaDbServer, Smsd, Store, make_mariadb_store, make_postgresql_store, make_sqlite_store
from tests.servers import PostgresServer
from workers import poll

pytestmark = pytest.mark.gammu

CENTRE = timezone(timedelta(hours=7))  # the operator's centre stands in Jakarta, the office in Makassar
REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
CHANNEL = "modem1"


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

    def kept(self) -> list[tuple[str, str]]:
        """Return who wrote what, as it was kept."""
        with self.district.database.session(read_only=True) as session:
            return [tuple(row) for row in session.exec_driver_sql("SELECT sender, text FROM inbox ORDER BY id")]

    def answers(self) -> list[OutboxMessage]:
        """Return the messages that go out."""
        with self.district.database.session(read_only=True) as session:
            rows = session.exec_driver_sql("SELECT state, text, fault_code FROM outbox ORDER BY id").all()
        return [tuple(row) for row in rows]  # type: ignore[misc]

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Work until something holds."""
        wait_until(holds, f"{what}; {self.daemon.smsd.last_words()}", self.work)

    def states(self) -> list[str]:
        """Return the states of the messages that go out."""
        return [row[0] for row in self.answers()]  # type: ignore[index]


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
def office(
    daemon: Daemon, sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> Iterator[Office]:
    """An office with a daemon of its own."""
    daemon.modem.forget()
    options = {
        "database_url": daemon.store.url,
        "phone_id": CHANNEL,
        "timezone": "Asia/Makassar",
        "per_second": "10",
        "nudge_secrets": "n" * 16,
    }
    runtime = make_runtime(
        open_database(sqlite_url),
        tmp_path,
        channels=f"{CHANNEL}=gammu",
        channel_options={CHANNEL: options},
        answers_per_hour=1000,
    )
    yield Office(District(runtime), daemon)


def test_a_report_comes_in_its_answer_goes_out_and_the_receipt_comes_back(office: Office) -> None:
    office.write("ani", REPORT)
    office.wait_for(lambda: office.states() == ["delivered"], "the receipt")
    assert office.kept() == [(PHONES["ani"], REPORT)]
    [sent] = office.modem.sent
    [(_, text, _)] = office.answers()  # type: ignore[misc]
    assert (sent.to, sent.text, sent.wants_report) == (PHONES["ani"], text, True)
    print(office.channel.look(datetime.now(UTC)))
