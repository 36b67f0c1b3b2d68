"""Whatever arrives under a right secret: an answer that is no fault of ours, and nothing authentic is lost."""

from __future__ import annotations

import json
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.store.inbox import inbox
from gateway.values import clean_text
from tests.gateway.receive.conftest import Doors

any_text = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates and NUL too
any_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["id", "from", "text", "to", "sent_at", "ref", "status", "error"])
documents = st.dictionaries(fields | any_text, any_value, max_size=8) | any_value
bodies = st.binary(max_size=200) | documents.map(lambda value: json.dumps(value).encode())
bodies |= st.integers(1, 60_000).map(lambda depth: b"[" * depth)
types = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "", "é"]
)
relaxed = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
_numbers = count(1)


def find_raw(doors: Doors, body: bytes) -> bool:
    """Return whether a body is kept for staff, byte for byte."""
    with doors.runtime.database.session(read_only=True) as session:
        kept = session.execute(select(inbox.c.raw).where(inbox.c.raw.is_not(None))).scalars()
        return any(bytes(raw).partition(b"\n")[2] == body for raw in kept)


@relaxed
@given(body=bodies, kind=types, door=st.sampled_from(["sms", "status"]))
def test_what_is_authentic_is_never_answered_with_a_fault_of_ours_and_never_lost(
    doors: Doors, body: bytes, kind: str, door: str
) -> None:
    answer = doors.knock(body, f"/in/generic/{door}", headers={"Content-Type": kind.encode().decode("latin-1")})
    assert answer.status_code in {200, 400}, answer.data
    if answer.status_code == 400:
        assert find_raw(doors, body), "it is kept for staff, byte for byte"
    elif door == "sms":
        keys = json.loads(answer.data)["ids"]
        assert keys
        assert {one.provider_id for one in doors.kept()} >= set(keys)


@relaxed
@given(text=any_text, sender=any_text, recipient=any_text)
def test_any_text_of_anybody_is_kept_as_it_was_written_and_can_be_handled(
    doors: Doors, text: str, sender: str, recipient: str
) -> None:
    key = f"h{next(_numbers)}"
    answer = doors.knock(json.dumps({"id": key, "from": sender, "text": text, "to": recipient}).encode())
    if answer.status_code == 400:
        assert json.loads(answer.data)["field"] in {"from", "text", "to"}
        return
    assert answer.status_code == 200
    doors.district.handle()
    found = doors.district.message(key, "generic")
    assert found.text == clean_text(text)
    assert (found.attempts, found.state) == (0, found.state)
    assert found.state in {"held", "done", "for_staff"}, found.fault


@relaxed
@given(body=bodies, secret=any_text)
def test_what_is_not_authentic_is_refused_whatever_it_is(doors: Doors, body: bytes, secret: str) -> None:
    before = doors.count()
    given_secret = secret.encode("utf-8", "surrogatepass").decode("latin-1").translate({10: 32, 13: 32})
    assert doors.knock(body, secret=given_secret).status_code == 403
    assert doors.count() == before
