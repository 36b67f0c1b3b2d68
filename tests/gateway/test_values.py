"""Numbers, texts and settings, as everything in the house takes them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.values import (
    INBOX_MOVES,
    LANES,
    OUTBOX_MOVES,
    REPORT_MOVES,
    HttpRequest,
    InboxState,
    OutboxState,
    ReportState,
    SenderKind,
    Setting,
    clean_text,
    find_phone,
    find_setting_faults,
    lane_of,
    read_sender,
)

NUMBER = "+6281234567890"
ANY_TEXT = st.text(st.characters())  # lone surrogates too


@pytest.mark.parametrize(
    "written",
    [
        "081234567890",
        "6281234567890",
        "+6281234567890",
        "0812-3456-7890",
        "+62 812 3456 7890",
        "0812.3456.7890",
        " 081234567890 ",
    ],
)
def test_one_number_is_one_sender_however_it_is_written(written: str) -> None:
    sender = read_sender(written)
    assert (sender.address, sender.kind) == (NUMBER, SenderKind.PHONE)


@pytest.mark.parametrize(
    "written",
    [
        "TELKOMSEL",
        "2345",
        "7600",
        "",
        "081",
        "０８１２３４５６７８９０",  # full-width digits
        "٠٨١٢٣٤٥٦٧٨٩٠",
        "+6281234567890\u202e",
        "\x00081234567890",
        "081234567890;ext=5",
        "tel:081234567890;phone-context=evil",
        "+1-800-FLOWERS",
        "+18004444444",  # toll-free: no phone that can text
        "0213456789",  # a land line in Jakarta
        "+881612345678",  # a satellite network
        "+62812345678901234",
    ],
)
def test_what_no_phone_can_have_is_kept_and_never_answered(written: str) -> None:
    sender = read_sender(written)
    assert sender.kind is SenderKind.OTHER
    assert find_phone(written) is None


def test_another_region_reads_its_own_numbers() -> None:
    assert find_phone("0612345678", region="NL") == "+31612345678"


@given(written=ANY_TEXT)
def test_any_sender_fits_its_column_and_reading_it_again_changes_nothing(written: str) -> None:
    sender = read_sender(written)
    assert len(sender.address) <= 64
    assert clean_text(sender.address) == sender.address
    assert read_sender(sender.address) == sender


@given(written=ANY_TEXT)
def test_a_cleaned_text_fits_every_database_and_is_as_long_as_before(written: str) -> None:
    cleaned = clean_text(written)
    assert len(cleaned) == len(written)
    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean_text(cleaned) == cleaned


@given(written=st.text())
def test_a_text_without_faults_is_left_alone(written: str) -> None:
    assert clean_text(written) == written.replace("\x00", "\ufffd")


@given(address=ANY_TEXT)
def test_a_sender_has_one_lane(address: str) -> None:
    assert lane_of(address) == lane_of(address)
    assert 0 <= lane_of(address) < LANES


def test_senders_are_spread_over_the_lanes() -> None:
    lanes = [lane_of(f"+62812{number:08}") for number in range(6400)]
    assert set(lanes) == set(range(LANES))
    assert max(lanes.count(lane) for lane in range(LANES)) < 200


@pytest.mark.parametrize(
    ("moves", "starts"),
    [
        (INBOX_MOVES, {InboxState.RECEIVED}),
        (OUTBOX_MOVES, {OutboxState.QUEUED}),
        (REPORT_MOVES, {ReportState.WAITING}),
    ],
    ids=["inbox", "outbox", "report"],
)
def test_every_state_can_be_reached_from_the_first_one(
    moves: Mapping[StrEnum, frozenset[StrEnum]], starts: set[StrEnum]
) -> None:
    reached, ahead = set(starts), list(starts)
    while ahead:
        fresh = moves[ahead.pop()] - reached
        reached |= fresh
        ahead += fresh
    assert reached == set(type(next(iter(starts)))) == set(moves)


def test_a_delivered_message_goes_nowhere_else() -> None:
    assert OUTBOX_MOVES[OutboxState.DELIVERED] == frozenset()


def test_a_header_is_found_by_any_spelling_of_its_name() -> None:
    request = HttpRequest("POST", "/", {"x-twilio-signature": "abc"})
    assert (request.header("X-Twilio-Signature"), request.header("Missing")) == ("abc", "")


SETTINGS = (
    Setting(
        "key",
        "what opens it",
        default=None,
        is_secret=True,
        find_fault=lambda value: "" if value == "open" else "must fit",
    ),
    Setting("number", "where to", default=None, unless=("group",)),
    Setting("group", "to whom"),
    Setting("speed", "how fast", default="7", find_fault=lambda value: "" if value.isdecimal() else "must be a number"),
)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"key": "open", "number": "1"}, {}),
        ({"key": "open", "group": "all"}, {}),
        ({"key": " open ", "number": "1", "speed": " "}, {}),
        ({"number": "1"}, {"key": "harus diisi / must be set: what opens it"}),
        ({"key": "open", "group": " "}, {"number": "harus diisi / must be set: where to"}),
        (
            {"key": "shut", "speed": "x", "sped": "1"},
            {
                "key": "must fit",
                "number": "harus diisi / must be set: where to",
                "speed": "must be a number",
                "sped": "bukan setelan / is not a setting",
            },
        ),
    ],
)
def test_all_faults_of_settings_are_found_at_once(given: dict[str, str], faults: dict[str, str]) -> None:
    assert find_setting_faults(SETTINGS, given) == faults
