"""The servers of the tests are real, and the tests do not see each other in them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import create_engine, text

from tests.servers import PostgresServer, ValkeyServer


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_finds_a_migrated_and_clean_database(database_url: str, time: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id INTEGER PRIMARY KEY)"))  # fails where one is left
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
    engine.dispose()


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_finds_an_empty_queue_server(redis_url: str, time: str) -> None:
    with Redis.from_url(redis_url) as redis:
        assert redis.incr("left behind") == 1


def test_a_killed_queue_server_remembers_what_it_acknowledged(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    with Redis.from_url(server.url) as redis:
        redis.set("kept", 1)
    server.kill()
    server.start()
    with Redis.from_url(server.url) as redis:
        assert redis.get("kept") == b"1"
    server.stop()


def test_a_killed_postgresql_remembers_what_it_committed() -> None:
    server = PostgresServer(is_durable=True)
    server.start()
    server.execute("CREATE TABLE kept (id integer)")
    server.kill()
    server.start()
    server.execute("DROP TABLE kept")
    server.remove()


def test_no_test_can_reach_another_machine() -> None:
    with socket.socket() as line, pytest.raises(AssertionError, match=r"tried to reach 192\.0\.2\.1"):
        line.connect(("192.0.2.1", 80))
