"""A captured request that comes again, however late, is the same message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.store import inbox, outbox
from gateway.store.base import Database
from tests.district import PHONES, District, make_runtime

SECRET = "replayed-secret-canary-0123456789"
REPORT = {"id": "g-1", "from": PHONES["ani"], "text": "KB 0925 BARU 12 AKTIF 40"}


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district with a gateway of its own."""
    options = {"generic": {"secrets": SECRET, "send_url": "http://127.0.0.1:1/"}}
    return District(make_runtime(database, tmp_path, channels="generic", channel_options=options))


def post(client: FlaskClient, secret: str = SECRET, path: str = "/in/generic/sms") -> tuple[int, bytes]:
    """Hand in the same request once more."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    answer = client.post(path, data=json.dumps(REPORT), headers=headers)
    return answer.status_code, answer.data


def counts(district: District) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many messages are kept and answered, by state."""
    with district.database.session(read_only=True) as session:
        return inbox.count_by_state(session), outbox.count_by_state(session)


@pytest.mark.parametrize("later", [{"seconds": 1}, {"days": 40}, {"days": 4000}], ids=str)
def test_a_request_that_is_replayed_is_acknowledged_and_does_nothing(
    district: District, later: dict[str, float]
) -> None:
    client = create_app(district.runtime).test_client()
    first = post(client)
    district.handle()
    before = counts(district)
    district.pass_time(**later)
    assert post(client) == first
    assert first[0] == 200
    assert district.handle() == 0
    assert counts(district) == before == ({"done": 1}, {"queued": 1})


def test_a_forged_one_is_answered_the_same_whatever_is_wrong_with_it(district: District) -> None:
    client = create_app(district.runtime).test_client()
    answers = {post(client, secret) for secret in ("", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), "é" * 28)}
    assert len(answers) == 1
    assert answers.pop()[0] == 403
    assert counts(district) == ({}, {})
