"""A modem's database: rows in and messages out by Kabar, beside plain SQL on the same tables, and a modem's pace."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import insert, select, update

from bench import messages
from bench.channels import Row
from gateway.channels.base import PollingChannel
from gateway.channels.gammu_tables import SmsdDatabase, inbox, outbox
from gateway.runtime import Runtime, make_runtime
from gateway.settings import read_settings
from gateway.store import schema
from gateway.values import OutboundSms
from tests.gateway.channels.smsd import PHONE, FakeSmsd
from tests.peers.at_modem import AtModem
from tests.peers.smsd import Smsd, make_sqlite_store
from tests.servers import PostgresServer
from workers import poll

ADAPTER = "gammu"
TEXT = "KB Sep 25 PMB Ani: BARU 12 AKTIF 40 (PIL 30). Terima kasih."
BY_MODEM = 10  # messages: a modem is slow


def measure(count: int, tell: Callable[[str], None]) -> Iterator[Row]:
    """Measure both ways on PostgreSQL and on SQLite, Kabar's own database being SQLite; then the emulated modem."""
    server = PostgresServer(is_durable=True)
    server.start()
    try:
        with server.new_database() as url:
            host = quote(url.partition("?host=")[2], safe="%")
            yield from _measure_on("PostgreSQL", f"{url.partition('?')[0]}?host={host}", count, tell)
    finally:
        server.remove()
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as folder:
        path = Path(folder) / "smsd.db"
        path.touch()
        yield from _measure_on("SQLite", f"sqlite:///{path}", count, tell)
    if shutil.which("gammu-smsd") is None:
        tell("gammu-smsd is not installed: the modem's own pace is left out")
        return
    tell(f"the daemon with its emulated modem, {BY_MODEM} messages")
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as folder, _channel_by_modem(Path(folder)) as parts:
        channel, modem = parts
        yield Row(ADAPTER, "out", "messages, by SMSD and the modem", _send_by_modem(channel, modem), 0.2, "its pace")


def _measure_on(kind: str, url: str, count: int, tell: Callable[[str], None]) -> Iterator[Row]:
    url = url.replace("postgresql+psycopg", "postgresql")
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as written:
        smsd = FakeSmsd(url)
        runtime = _make_runtime(written, url)
        channel = runtime.channels["modem1"]
        tell(f"{count} rows by plain SQL, and by Kabar, on {kind}")
        _fill(smsd, count)
        alone_in = _read_plainly(smsd.database, count)
        _fill(smsd, count)
        began = time.monotonic()
        assert poll.drain(runtime, "modem1") == count
        ours_in = count / (time.monotonic() - began)
        alone_out = _write_plainly(smsd.database, count)
        began = time.monotonic()
        for number in range(count):
            channel.send(OutboundSms(f"r{number}", messages.phone_of(number % 1000), TEXT))
        ours_out = count / (time.monotonic() - began)
        runtime.database.dispose()
    yield Row(ADAPTER, "in", f"rows, kept, ticked off; {kind}", ours_in, alone_in, "SELECT and UPDATE, by hundreds")
    yield Row(ADAPTER, "out", f"messages into the outbox; {kind}", ours_out, alone_out, "INSERT, a connection each")


def _make_runtime(written: str, url: str) -> Runtime:
    options = {"DATABASE_URL": url, "PHONE_ID": PHONE, "TIMEZONE": "Asia/Jakarta", "PER_SECOND": "10"}
    ours = {"KABAR_VAR": written, "KABAR_CHANNELS": "modem1=gammu"}
    ours |= {f"KABAR_MODEM1_{name}": value for name, value in options.items()}
    runtime = make_runtime(read_settings(ours))
    schema.upgrade(runtime.settings.database)
    return runtime


def _fill(smsd: FakeSmsd, count: int) -> None:
    at = datetime(2025, 10, 3, 12, 0)  # noqa: DTZ001 - SMSD writes no zone
    same = {"ReceivingDateTime": at, "TextDecoded": TEXT, "Text": TEXT.encode("utf-16-be").hex(), "RecipientID": PHONE}
    rows = [same | {"SenderNumber": f"+62812{number:08d}"} for number in range(count)]
    with smsd.database.session(writes=True) as session:
        session.execute(insert(inbox), rows)


def _read_plainly(database: SmsdDatabase, count: int) -> float:
    """Return how many rows a second are read and ticked off, a hundred at a time."""
    began = time.monotonic()
    for _ in range(0, count, 100):
        with database.session() as session:
            waiting = select(inbox).where(inbox.c.Processed == False).order_by(inbox.c.ID)  # noqa: E712 - SQL
            keys = [row.ID for row in session.execute(waiting.limit(100))]
        with database.session(writes=True) as session:
            session.execute(update(inbox).where(inbox.c.ID.in_(keys)).values(Processed=True))
    return count / (time.monotonic() - began)


def _write_plainly(database: SmsdDatabase, count: int) -> float:
    row = {"DestinationNumber": "+62811", "TextDecoded": TEXT, "Coding": "Default_No_Compression", "MultiPart": False}
    began = time.monotonic()
    for _ in range(count):
        with database.session(writes=True) as session:
            session.execute(insert(outbox).values(**row, CreatorID="plain", SenderID="nobody"))
    return count / (time.monotonic() - began)


@contextmanager
def _channel_by_modem(folder: Path) -> Iterator[tuple[PollingChannel, AtModem]]:
    with AtModem() as modem:
        store = make_sqlite_store(folder)
        smsd = Smsd(store, modem, PHONE, folder)
        smsd.start()
        channel = _make_runtime(str(folder), store.url).channels["modem1"]
        assert isinstance(channel, PollingChannel)
        yield channel, modem
        smsd.kill()


def _send_by_modem(channel: PollingChannel, modem: AtModem) -> float:
    """Return how many messages a second leave the modem, and are told as delivered."""
    began, delivered = time.monotonic(), 0
    for number in range(BY_MODEM):
        channel.send(OutboundSms(f"m{number}", "+628110001", TEXT))
    while delivered < BY_MODEM:
        polled = channel.poll(datetime.now(UTC))
        channel.confirm(polled)
        delivered += sum(status.state == "delivered" for status in polled.statuses)
        time.sleep(0.05)
    assert len(modem.sent) == BY_MODEM
    return BY_MODEM / (time.monotonic() - began)
