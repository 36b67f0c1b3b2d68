"""Whatever is sent to the API: what cannot be read is told so in words, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.publish.bodies import LARGEST_BODY
from gateway.store import tokens
from tests.district import District
from tests.gateway.publish.conftest import System
from tests.gateway.publish.test_posting import revisions


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what is refused never comes to it."""
    return sqlite_url


BAD_BODIES: Mapping[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "no JSON": (b"{", 400),
    "a list": (b"[]", 422),
    "a key twice": (b'{"form": "kb", "form": "kb"}', 400),
    "NaN": (b'{"values": {"baru": NaN}}', 400),
    "Infinity": (b'{"values": {"baru": 1e999}}', 400),
    "a huge number": (b'{"values": {"baru": ' + b"9" * 5000 + b"}}", 400),
    "half a character": (b'{"form": "\\ud800"}', 422),
    "half a character in a name": (b'{"\\ud800": 1}', 422),
    "no UTF-8": (b'{"form": "\xff"}', 400),
    "deep": (b"[" * 5000 + b"]" * 5000, 400),
    "deeper": (b"[" * 30000 + b"]" * 30000, 400),
    "too large": (b" " * (LARGEST_BODY + 1), 413),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_cannot_be_read_is_told_so_in_words(system: System, name: str) -> None:
    body, status = BAD_BODIES[name]
    given = {"Authorization": f"Bearer {system.secret}", "Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = system.client.post("/api/v1/reports", data=body, headers=given)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    assert answer.get_json()["detail"]
    assert answer.get_json()["detail_id"]


def test_only_json_is_read(system: System) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        given = {"Authorization": f"Bearer {system.secret}", "Idempotency-Key": "k", "Content-Type": kind}
        assert system.client.post("/api/v1/reports", data=b"{}", headers=given).status_code == 415, kind


@pytest.mark.parametrize("value", [-1, 1.5, "12", True, None, 100_000, 10**10])
def test_a_value_that_is_no_count_is_refused(system: System, district: District, value: Any) -> None:
    assert system.report(values={"baru": value, "aktif": 40}).status_code == 422
    assert revisions(district) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
)
def test_whatever_json_is_sent_nothing_breaks_and_nothing_is_kept(
    system: System, district: District, sent: Any
) -> None:
    for path in ("/reports", "/messages"):
        district.pass_time(minutes=2)
        given = {"Authorization": f"Bearer {system.secret}", "Idempotency-Key": "k"}
        body = json.dumps(sent)
        answer = system.client.post(f"/api/v1{path}", data=body, content_type="application/json", headers=given)
        assert answer.status_code in {400, 422, 429}
    assert revisions(district) == []


def test_the_checksum_of_a_token_tells_slips_apart() -> None:
    secret = tokens.make_secret().reveal()
    assert tokens.is_well_formed(secret)
    assert not any(
        tokens.is_well_formed(secret[:at] + ("a" if secret[at] != "a" else "b") + secret[at + 1 :])
        for at in range(6, 42)
    )
