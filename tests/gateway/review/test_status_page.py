"""The status page: what works and what does not in words, also while parts of the house are away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from rq.serializers import JSONSerializer

from gateway import jobs
from gateway.app import create_app
from gateway.lines import ChannelHealth
from gateway.store import channel_health
from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.review.visits import sign_in
from workers.process import Worker
from workers.sweep import sweep


@pytest.fixture
def district(database: Database, tmp_path: Path, redis_url: str) -> District:
    """A district whose clock runs."""
    district = District(make_runtime(database, tmp_path, redis_url))
    sweep(district.runtime)
    return district


@pytest.fixture
def budi(district: District) -> FlaskClient:
    """An administrator's browser."""
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, "administrator", "14.03")
    return client


def test_it_shows_what_came_and_went_and_who_works(district: District, budi: FlaskClient) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    district.send()
    page = budi.get("/status?lang=en")
    assert page.status_code == 200
    assert '<title id="hours-1">Received: 12–1</title>' in page.text
    assert '<title id="hours-2">Sent: 12–1</title>' in page.text
    assert "no worker, no message is read: ./kabar work inbound" in page.text
    assert len(page.data) < 60_000


def test_a_worker_that_lives_is_counted(district: District, budi: FlaskClient) -> None:
    bells = district.runtime.bells
    assert all(not crew.workers for crew in (bells.find_crews() or {}).values())
    for name in jobs.QUEUES:
        register_worker(bells, name)
    assert {name: crew.workers for name, crew in (bells.find_crews() or {}).items()} == dict.fromkeys(jobs.QUEUES, 1)
    page = budi.get("/status?lang=en").text
    assert "no worker" not in page


def test_messages_that_wait_and_a_channel_that_is_ill_are_to_be_mended(district: District, budi: FlaskClient) -> None:
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    ill = ChannelHealth(False, "modem mati / the modem is off")
    with district.database.session() as session:
        channel_health.save_health(session, "simulator", ill, district.runtime.now())
        session.commit()
    district.pass_time(minutes=5)
    page = budi.get("/status?lang=en").text
    assert "the oldest message has waited for 5 minutes" in page
    assert "simulator: modem mati / the modem is off" in page
    assert "the oldest for 5 min" in page
    assert "Everything works." not in page


def test_it_loads_while_redis_is_away(district: District, budi: FlaskClient) -> None:
    object.__setattr__(district.runtime, "bells", jobs.Bells(jobs.connect("redis://127.0.0.1:1/0")))
    page = budi.get("/status?lang=en")
    assert page.status_code == 200
    assert "Redis does not answer, so nobody can tell which workers run." in page.text


def test_while_the_database_is_away_it_says_so_in_words(district: District, budi: FlaskClient) -> None:
    runtime = replace(district.runtime, database=Database("postgresql://nobody@127.0.0.1:1/kabar"))
    client = create_app(runtime).test_client()
    client.set_cookie("kabar_session", "x" * 43)
    page = client.get("/status?lang=en")
    runtime.database.dispose()
    assert page.status_code == 503
    assert "./kabar doctor says what to mend" in page.text


def test_it_is_for_administrators(district: District) -> None:
    for role in ("district", "officer", "viewer"):
        client = create_app(district.runtime).test_client()
        sign_in(client, district.runtime, role, "14.03")
        assert client.get("/status").status_code == 403


def register_worker(bells: jobs.Bells, queue: str) -> None:
    """Let a worker of a queue say that it lives, as one does when it starts."""
    worker = Worker([jobs.rq_queue(bells.redis, queue)], connection=bells.redis, serializer=JSONSerializer)
    worker.register_birth()  # type: ignore[no-untyped-call]
