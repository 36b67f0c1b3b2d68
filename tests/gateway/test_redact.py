"""Phone numbers and secrets stand in no log; what is needed to follow a message does."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redact import HIDDEN, Secret, mask_phone, mask_phones, redact

NUMBERS = st.from_regex(r"(\+|0|62|\+62|%2B)[1-9][0-9]{8,11}", fullmatch=True)
TRACES = st.text("0123456789abcdef", min_size=16, max_size=32).filter(lambda trace: not trace.isdecimal())


def digits(text: str) -> str:
    return "".join(mark for mark in text if mark in "0123456789")


@given(
    number=NUMBERS,
    before=st.sampled_from(["", "from ", '{"from": "', "to=", "tel:", "("]),
    after=st.sampled_from(["", " ", '"}', ")", ",", "."]),
)
def test_a_number_in_a_sentence_is_masked(number: str, before: str, after: str) -> None:
    masked = mask_phones(f"{before}{number}{after}")
    assert masked.startswith(before)
    assert HIDDEN in masked
    assert len(digits(masked)) <= len(digits(number)) - 4


@pytest.mark.parametrize(
    "written",
    [
        "+62 812 3456 7890",
        "0812-3456-7890",
        "0812.3456.7890",
        "(0812) 3456 7890",
        "62 812 34567890",
        "+1 (415) 555-2345",
        "628123456789012",
    ],
)
def test_a_number_is_masked_however_it_is_written(written: str) -> None:
    masked = mask_phones(f"SMS dari {written}: KB")
    assert HIDDEN in masked
    assert len(digits(masked)) <= len(digits(written)) - 4


@given(trace=TRACES)
def test_a_trace_id_stays_whole(trace: str) -> None:
    assert mask_phones(f"trace {trace} done") == f"trace {trace} done"


@given(seconds=st.floats(0, 7e9))
def test_a_time_stays_whole(seconds: float) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert mask_phones(moment.isoformat()) == moment.isoformat()
    assert mask_phones(str(moment)) == str(moment)


@pytest.mark.parametrize(
    "text",
    [
        "KB 0925 BARU 12 AKTIF 40 PIL 30",
        "lane 63",
        "1795286109.25",
        "SM0123456789abcdef0123456789abcdef",
        "7600",
        "1.500",
        "127.0.0.1:8000",
    ],
)
def test_what_is_no_number_stays_whole(text: str) -> None:
    assert mask_phones(text) == text


@given(number=NUMBERS)
def test_masking_twice_masks_no_more(number: str) -> None:
    once = mask_phones(f"from {number}")
    assert mask_phones(once) == once


@pytest.mark.parametrize("written", ["", "1", "7600", "08123456", "+6281234"])
def test_a_short_number_is_hidden_whole(written: str) -> None:
    assert mask_phone(written) == HIDDEN


def test_an_event_is_redacted_however_deep() -> None:
    event = {
        "event": "sent to +6281234567890",
        "message": {
            "to": ["081234567890", {"number": 6281234567890}],
            "attempts": 2,
            "is_repeat": False,
            "fault": None,
        },
        "headers": OrderedDict(Authorization="Bearer abc", Host="kabar.example.org"),
        "081234567890": Decimal(1),
        "error": ValueError("081234567890 refused by key-of-ours"),
        "wait_seconds": 1.5,
    }
    assert redact(event, secrets=["key-of-ours", ""]) == {
        "event": "sent to +62812•••7890",
        "message": {
            "to": ["0812•••7890", {"number": "62812•••7890"}],
            "attempts": 2,
            "is_repeat": False,
            "fault": None,
        },
        "headers": {"Authorization": HIDDEN, "Host": "kabar.example.org"},
        "0812•••7890": "1",
        "error": "0812•••7890 refused by •••",
        "wait_seconds": 1.5,
    }


@pytest.mark.parametrize(
    "name",
    ["auth_token", "KABAR_SECRET_KEY", "password", "Authorization", "x-twilio-signature", "Set-Cookie", "api_key"],
)
def test_what_is_named_like_a_secret_is_hidden_whole(name: str) -> None:
    assert redact({name: {"deep": ["value"]}}) == {name: HIDDEN}


def test_an_event_that_holds_itself_is_redacted_all_the_same() -> None:
    event: dict[str, object] = {"number": "081234567890"}
    event["again"] = event
    assert "081234567890" not in str(redact(event))


def test_the_longer_of_two_secrets_is_hidden_first() -> None:
    assert redact({"event": "abc-123"}, secrets=["abc", "abc-123"]) == {"event": HIDDEN}


def test_a_secret_is_never_written() -> None:
    secret = Secret("tell-nobody")
    written = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        ",".join(map(str, [secret])),
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not any("tell-nobody" in text for text in written)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "tell-nobody"


@given(given=st.text(st.characters()))
def test_only_who_knows_a_secret_matches_it(given: str) -> None:
    assert Secret("tell-nobody").matches(given) == (given == "tell-nobody")


def test_an_empty_secret_matches_nothing() -> None:
    assert not Secret("").matches("")
    assert not Secret("")
