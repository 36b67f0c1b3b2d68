"""Whether the process lives, and whether the house can do its work: each part broken in turn is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway import jobs
from gateway.app import create_app
from gateway.store.base import Database
from tests.district import District, make_runtime
from workers.sweep import sweep


@pytest.fixture
def district(database: Database, tmp_path: Path, redis_url: str) -> District:
    """A district in which everything works."""
    district = District(make_runtime(database, tmp_path, redis_url))
    sweep(district.runtime)
    return district


def ask(district: District, path: str = "/readyz") -> tuple[int, Any]:
    """Return the status and the answer of a health page."""
    answer = create_app(district.runtime).test_client().get(path)
    return answer.status_code, answer.get_json(silent=True) or answer.text


def test_a_house_in_which_everything_works_is_ready(district: District) -> None:
    status, found = ask(district)
    assert status == 200
    assert found == {
        "ready": True,
        "parts": {"redis": "ok", "database": "ok", "migrations": "ok"},
        "oldest_waiting_seconds": None,
        "last_tick_seconds": 0.0,
    }


def test_a_queue_server_that_does_not_answer_is_named(district: District) -> None:
    object.__setattr__(district.runtime, "bells", jobs.Bells(jobs.connect("redis://127.0.0.1:1/0")))
    status, found = ask(district)
    assert (status, found["ready"]) == (503, False)
    assert found["parts"]["redis"] == "does not answer"
    assert found["parts"]["database"] == "ok"


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/kabar", "sqlite:////proc/nowhere/kabar.db"])
def test_a_database_that_cannot_be_reached_is_named_and_the_process_still_lives(
    district: District, open_database: Callable[[str], Database], url: str
) -> None:
    object.__setattr__(district.runtime, "database", open_database(url))
    status, found = ask(district)
    assert status == 503
    assert found["parts"]["database"] == "cannot be reached"
    assert found["parts"]["redis"] == "ok"
    assert ask(district, "/healthz") == (200, "ok\n")


def test_a_database_that_is_not_migrated_is_named_with_what_to_do(district: District) -> None:
    with district.database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        session.commit()
    status, found = ask(district)
    assert status == 503
    assert "./kabar migrate" in found["parts"]["migrations"]


def test_a_database_that_newer_code_has_migrated_already_is_well(district: District) -> None:
    with district.database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.commit()
    assert ask(district)[0] == 200


def test_a_database_that_was_never_migrated_is_named_too(
    district: District, empty_database_url: str, open_database: Callable[[str], Database]
) -> None:
    object.__setattr__(district.runtime, "database", open_database(empty_database_url))
    status, found = ask(district)
    assert status == 503
    assert "at nothing" in found["parts"]["migrations"]


def test_messages_that_nobody_handles_are_named_after_a_minute(district: District) -> None:
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    status, found = ask(district)
    assert (status, found["oldest_waiting_seconds"]) == (200, 0.0)
    district.pass_time(seconds=61)
    sweep(district.runtime)
    status, found = ask(district)
    assert (status, found["oldest_waiting_seconds"]) == (503, 61.0)
    assert "inbound worker" in found["parts"]["inbound"]
    district.handle()
    assert ask(district)[0] == 200


def test_a_clock_that_is_silent_is_named(district: District) -> None:
    district.pass_time(seconds=31)
    status, found = ask(district)
    assert (status, found["last_tick_seconds"]) == (503, 31.0)
    assert "clock" in found["parts"]["clock"]


def test_a_clock_that_never_ticked_is_named(district: District) -> None:
    with district.database.session() as session:
        session.execute(text("DELETE FROM ticks"))
        session.commit()
    status, found = ask(district)
    assert (status, found["last_tick_seconds"]) == (503, None)
    assert "clock" in found["parts"]["clock"]


def test_a_clock_that_is_ahead_of_ours_is_not_silent(district: District) -> None:
    district.pass_time(hours=-1)
    assert ask(district)[1]["last_tick_seconds"] == 0.0
