"""The door for SMS: what is acknowledged is kept, what is kept is kept once, and nothing a peer sends breaks it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import update
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from gateway import jobs
from gateway.receive import keep, webhook
from gateway.store import inbox as inbox_store
from gateway.store import sqlite
from gateway.store.base import Database
from gateway.store.outbox import outbox
from gateway.values import InboundSms, read_sender
from tests.district import NOON
from tests.gateway.receive.conftest import SECRET, Doors
from tests.servers import PostgresServer, ValkeyServer
from workers.sweep import sweep


def test_a_repeated_webhook_keeps_one_row_and_one_answer_and_is_acknowledged_as_the_first(doors: Doors) -> None:
    first = doors.post("m1")
    doors.district.handle()
    again = doors.post("m1")
    doors.district.handle()
    assert (again.status_code, again.data) == (first.status_code, first.data) == (200, first.data)
    assert doors.count() == 1
    with doors.runtime.database.session(read_only=True) as session:
        assert inbox_store.count_by_state(session) == {"done": 1}
    assert doors.district.answer("m1", "generic") is not None


def test_repeats_that_arrive_at_the_same_moment_keep_one_row_and_are_all_acknowledged(doors: Doors) -> None:
    start, statuses = threading.Barrier(6), []

    def knock() -> None:
        start.wait()
        statuses.append(doors.post("m1").status_code)

    peers = [threading.Thread(target=knock) for _ in range(6)]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.join()
    assert statuses == [200] * 6
    assert doors.count() == 1


def test_two_messages_of_one_text_are_two_messages(doors: Doors) -> None:
    doors.post("m1")
    doors.post("m2")
    assert doors.count() == 2


def test_a_message_rings_for_its_lane_once(doors: Doors) -> None:
    doors.post("m1")
    doors.post("m2")
    doors.post("m1")
    queue = jobs.rq_queue(doors.runtime.bells.redis, jobs.INBOUND)
    assert [job.args for job in queue.jobs] == [[doors.kept()[0].lane]]


def test_without_a_spool_a_database_that_cannot_be_reached_is_503_and_acknowledges_nothing(
    database: Database, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    doors = Doors(database, tmp_path, "unix:///nowhere/kabar.sock", spool="none")
    object.__setattr__(doors.runtime, "database", open_database("postgresql://nobody@127.0.0.1:1/kabar"))
    assert doors.post("m1").status_code == 503
    assert doors.knock(b"nonsense").status_code == 503, "what cannot be read is lost as well"
    assert doors.knock(b'{"id": "g1", "status": "sent"}', "/in/generic/status").status_code == 503


def test_a_message_that_found_postgresql_closed_is_kept_when_it_comes_again(
    postgresql: PostgresServer, postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    database = open_database(postgresql_url)
    doors = Doors(database, tmp_path, "unix:///nowhere/kabar.sock", spool="none")
    name = database.engine.url.database
    assert doors.post("m0").status_code == 200
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    postgresql.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert doors.post("m1").status_code == 503
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert doors.post("m1").status_code == 200
    assert doors.count() == 2


def test_a_message_that_found_sqlite_locked_is_kept_when_it_comes_again(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(sqlite_url)
    doors = Doors(database, tmp_path, "unix:///nowhere/kabar.sock", spool="none")
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    with database.session() as another_writer:
        another_writer.begin()
        assert doors.post("m1").status_code == 503
    assert doors.post("m1").status_code == 200
    assert doors.count() == 1


def test_without_a_spool_a_database_file_that_is_no_database_is_503(
    tmp_path: Path, sqlite_url: str, open_database: Callable[[str], Database]
) -> None:
    doors = Doors(open_database(sqlite_url), tmp_path / "var", "unix:///nowhere/kabar.sock", spool="none")
    (tmp_path / "broken.db").write_bytes(b"this is no database " * 1000)
    object.__setattr__(doors.runtime, "database", open_database(f"sqlite:///{tmp_path / 'broken.db'}"))
    assert doors.post("m1").status_code == 503


def test_with_nobody_listening_for_bells_a_message_is_kept_and_the_sweep_finds_it(
    database: Database, tmp_path: Path
) -> None:
    doors = Doors(database, tmp_path, "redis://127.0.0.1:1/0")
    assert doors.post("m1").status_code == 200
    assert doors.kept()[0].state == "received"
    assert sweep(doors.runtime) == (1, 0)


def test_while_the_queue_server_hangs_messages_are_acknowledged_and_afterwards_found_by_the_sweep(
    database: Database, tmp_path: Path
) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    doors = Doors(database, tmp_path, server.url)
    assert doors.post("m0").status_code == 200  # the connection is made, and will hang
    doors.runtime.bells.redis.flushall()
    server.freeze()
    assert doors.post("m1").status_code == 200  # nothing thaws the server before this answer is here
    assert doors.post("m2", sender="+6281230000002").status_code == 200
    server.thaw()
    with Redis.from_url(server.url) as redis:
        redis.flushall()
    lanes = {one.lane for one in doors.kept()}
    assert sweep(doors.runtime) == (2, 0)
    assert {job.args[0] for job in jobs.rq_queue(doors.runtime.bells.redis, jobs.INBOUND).jobs} == lanes
    server.stop()


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_an_unknown_channel_is_404(doors: Doors, method: str) -> None:
    for path in ("/in/nobody/sms", "/in/nobody/status", "/in/nobody/answer", "/in/%00/sms", "/in/../sms"):
        assert doors.app.test_client().open(path, method=method).status_code in {404, 405}
    assert doors.count() == 0


def test_only_the_simulator_shows_its_answers(doors: Doors) -> None:
    doors.post("m1")
    client = doors.app.test_client()
    assert client.get("/in/generic/answer?id=m1", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 404


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], SECRET + "x", "é" * 28, "\xff\xfe"])
@pytest.mark.parametrize("door", ["sms", "status"])
def test_a_forged_request_is_403_and_keeps_nothing(doors: Doors, secret: str, door: str) -> None:
    for body in (b'{"id": "m1", "from": "+6281230000001", "text": "KB"}', b"nonsense", b""):
        assert doors.knock(body, f"/in/generic/{door}", secret=secret).status_code == 403
    assert doors.count() == 0


def test_a_body_over_64_kib_is_413_and_one_of_64_kib_is_kept(doors: Doors) -> None:
    frame = json.dumps({"id": "m1", "from": "+6281230000001", "text": ""})
    fitting = frame.replace('""', json.dumps("x" * (webhook.LARGEST_BODY - len(frame)))).encode()
    assert len(fitting) == webhook.LARGEST_BODY
    assert doors.knock(fitting + b" ").status_code == 413
    assert doors.count() == 0
    assert doors.knock(fitting).status_code == 200
    assert len(doors.kept()[0].text) > 65_000, "a long message is kept whole"


def test_a_body_that_does_not_say_its_length_is_not_read_for_ever(doors: Doors) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            return len(buffer)

    headers = Headers({"Authorization": f"Bearer {SECRET}"})
    environ = EnvironBuilder("/in/generic/sms", method="POST", headers=headers)
    unending: dict[str, Any] = {
        "wsgi.input": Endless(),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    built = environ.get_environ() | unending
    _, status, _ = run_wsgi_app(doors.app, built)
    assert status.startswith("413")


def test_a_message_that_cannot_be_read_is_kept_raw_for_staff_and_the_field_is_named(doors: Doors) -> None:
    body = b'{"id": "m1", "text": "KB"}'
    answer = doors.knock(body)
    assert answer.status_code == 400
    assert json.loads(answer.data)["field"] == "from"
    [kept] = doors.kept()
    assert (kept.state, kept.fault) == ("for_staff", json.loads(answer.data)["fault"])
    doors.knock(body)
    assert doors.count() == 1, "a repeat of it is the same"


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(days=40)])
def test_a_stamp_from_the_future_counts_as_now(doors: Doors, ahead: timedelta) -> None:
    doors.post("m1", sent_at=(NOON + ahead).isoformat())
    doors.post("m2", sent_at=(NOON - ahead).isoformat())
    doors.post("m3")
    assert {one.provider_id: one.sent_at for one in doors.kept()} == {"m1": NOON, "m2": NOON - ahead, "m3": NOON}


def test_provider_ids_that_are_too_long_do_not_make_one_message_of_two(doors: Doors) -> None:
    ids = ["x" * 300 + end for end in ("a", "b", "a")]
    with doors.runtime.database.session() as session:
        traces = [
            keep.keep_sms(session, "modem", InboundSms(key, read_sender("+6281230000001"), "KB"), NOON) for key in ids
        ]
        session.commit()
    assert [bool(trace) for trace in traces] == [True, True, False]
    assert doors.count() == 2


def test_one_request_with_many_messages_keeps_each_and_acknowledges_each(
    database: Database, tmp_path: Path, redis_url: str
) -> None:
    doors = Doors(database, tmp_path, redis_url, list_field="messages")
    many = [{"id": f"m{n}", "from": "+6281230000001", "text": "KB"} for n in (1, 2, 1)]
    answer = doors.knock(json.dumps({"messages": many}).encode())
    assert json.loads(answer.data)["ids"] == ["m1", "m2", "m1"]
    assert doors.count() == 2


def test_news_of_a_message_that_we_never_sent_changes_nothing(doors: Doors) -> None:
    answer = doors.knock(b'{"id": "g1", "ref": "nobody", "status": "delivered"}', "/in/generic/status")
    assert answer.status_code == 200
    assert doors.count() == 0


def test_news_of_a_message_moves_it_forward(doors: Doors) -> None:
    doors.post("m1")
    doors.district.handle()
    answer = doors.district.answer("m1", "generic")
    assert answer
    body = json.dumps({"ref": answer.ref, "id": "g1", "status": "delivered"}).encode()
    with doors.runtime.database.session() as session:
        session.execute(update(outbox).values(state="sent"))
        session.commit()
    assert doors.knock(body, "/in/generic/status").status_code == 200
    found = doors.district.answer("m1", "generic")
    assert found
    assert (found.state, found.provider_id) == ("delivered", "g1")
