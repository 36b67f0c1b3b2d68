"""The house as real processes while its database hangs: acknowledged from the spool, answered once afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.store import schema
from gateway.store.base import Database
from gateway.supervise import start_leashed
from tests.chaos.harness import ROOT, SECRET, House, make_practices, phone_of, wait_until
from tests.gateway.channels.provider import Provider
from tests.servers import PostgresServer

pytestmark = pytest.mark.long

HEADERS = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
# holds the turn to write, as a process does that was stopped in the middle of a transaction
WRITER = """
import sys, threading
from gateway.store.base import Database
with Database(sys.argv[1]).session() as session:
    session.begin()
    print("holding", flush=True)
    threading.Event().wait()
"""


def send(house: House, key: str) -> int:
    """Hand in a report and return the status of the answer."""
    sms = {"id": key, "from": phone_of(0), "text": f"KB 0925 BARU {key[1:]} AKTIF 40 PIL 30"}
    return house.call("POST", "/in/generic/sms", HEADERS, json.dumps(sms).encode())


def spooled(house: House) -> list[str]:
    """Return what waits in the house's spool."""
    folder = house.folder / "spool"
    return [path.name for path in folder.iterdir() if path.suffix == ".v1"] if folder.exists() else []


def family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Let a whole PostgreSQL hang, its backends too: it keeps its connections and answers nothing."""
    assert server._process is not None
    processes = family(server._process.pid)
    for number, order in ((signal.SIGSTOP, 1), (signal.SIGCONT, -1)):
        for pid in processes[::order]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGSTOP:
            yield


def check_once(house: House, database: Database, provider: Provider, keys: list[str]) -> None:
    """Wait until everything is answered, and hold that each message was kept once and answered once."""

    def is_settled() -> bool:
        return len(provider.ledger) >= len(keys) and not spooled(house)

    wait_until(is_settled, "what was spooled is answered", house.tend)
    with database.session(read_only=True) as session:
        kept = session.execute(text("SELECT provider_id FROM inbox WHERE state = 'done'")).scalars().all()
        sent = session.execute(text("SELECT ref FROM outbox")).scalars().all()
    assert sorted(kept) == sorted(keys)
    assert sorted(one.ref for one in provider.ledger) == sorted(sent)
    assert len(sent) == len(keys)


def test_while_postgresql_hangs_reports_are_acknowledged_and_answered_once_afterwards(tmp_path: Path) -> None:
    server = PostgresServer()
    server.start()
    schema.upgrade(server.url())
    database = Database(server.url())
    make_practices(database, 1)
    try:
        with Provider(is_idempotent=False) as provider, House(tmp_path, server.url(), provider) as house:
            assert send(house, "m1") == 200
            with frozen(server):
                statuses = [send(house, f"m{number}") for number in range(2, 12)]
                assert house.call("GET", "/readyz") == 503
                assert statuses == [200] * 10
                assert len(spooled(house)) == 10
            assert send(house, "m3") == 200, "the provider comes once more"
            check_once(house, database, provider, [f"m{number}" for number in range(1, 12)])
            assert house.restarts == 0, house.logs()
    finally:
        database.dispose()
        server.remove()


def test_while_a_writer_of_sqlite_hangs_reports_are_acknowledged_and_answered_once_afterwards(
    sqlite_url: str, tmp_path: Path
) -> None:
    database = Database(sqlite_url)
    make_practices(database, 1)
    with Provider(is_idempotent=False) as provider, House(tmp_path, sqlite_url, provider) as house:
        writer = start_leashed([sys.executable, "-c", WRITER, sqlite_url], house.environ, ROOT, subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"holding\n"
        writer.send_signal(signal.SIGSTOP)
        assert [send(house, f"m{number}") for number in range(1, 6)] == [200] * 5
        assert len(spooled(house)) == 5
        writer.kill()
        writer.wait()
        writer.stdout.close()
        check_once(house, database, provider, [f"m{number}" for number in range(1, 6)])
    database.dispose()
