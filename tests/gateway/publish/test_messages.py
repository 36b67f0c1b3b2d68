"""A message that another gateway hands over: kept before it is acknowledged, once, and handled as any SMS."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gateway.store import inbox
from gateway.store.inbox import InboxMessage
from tests.district import PHONES, District
from tests.gateway.publish.conftest import WORDS, Answer, System, Systems


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: the inbox is tested on both elsewhere."""
    return sqlite_url


def hand_over(system: System, sender: str = "ani", words: str = WORDS, key: str = "m1") -> Answer:
    """Hand over a message of somebody's."""
    return system.post("/messages", {"id": key, "sender": PHONES.get(sender, sender), "text": words})


def kept(district: District) -> list[InboxMessage]:
    """Return what came in since the district was made, oldest first."""
    with district.database.session(read_only=True) as session:
        return list(inbox.latest_messages(session)[::-1][2:])


def test_a_message_is_kept_handled_and_answered_as_any_sms(system: System, district: District) -> None:
    assert (hand_over(system).status_code, hand_over(system).json["repeated"]) == (202, True)
    [message] = kept(district)
    assert (message.channel, message.sender, message.text) == ("simulator", PHONES["ani"], WORDS)
    assert district.handle() == 1
    answer = district.answer(message.provider_id)
    assert answer is not None
    assert "BARU 12 AKTIF 40" in answer.text
    assert system.get("/reports").json["items"][0]["source"] == "message"


def test_two_systems_may_use_the_same_id_for_different_messages(systems: Systems, district: District) -> None:
    first, second = systems.make(), systems.make()
    assert [hand_over(one).json["repeated"] for one in (first, second)] == [False, False]
    assert len(kept(district)) == 2


def test_who_reports_in_another_area_is_not_spoken_for_by_a_system_of_this_one(
    systems: Systems, district: District
) -> None:
    """The answer tells nothing; the message is kept, for staff."""
    own = systems.make("14.03")
    foreign, unknown = hand_over(own, "+6281250000001", key="a"), hand_over(own, "stranger", key="a2")
    assert foreign.status_code == unknown.status_code == 202
    assert foreign.json == {"id": "a", "repeated": False}
    assert [message.state for message in kept(district)] == ["for_staff", "received"]
    assert district.handle() == 1
    assert hand_over(systems.make("72.71"), "+6281250000001", key="b").status_code == 202
    assert hand_over(systems.make(""), "+6281250000001", key="c").status_code == 202
    assert district.handle() == 2


def test_a_message_that_cannot_be_kept_is_not_acknowledged(system: System, district: District) -> None:
    full = "CREATE TRIGGER full BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'full'); END"
    with district.database.session() as session:
        session.execute(text(full))
        session.commit()
    answer = hand_over(system)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]
    assert kept(district) == []


def test_what_no_database_takes_in_a_text_is_replaced_and_nothing_is_lost(system: System, district: District) -> None:
    assert hand_over(system, words="KB\x00 0925 \ud83d").status_code == 202
    assert kept(district)[0].text == "KB\N{REPLACEMENT CHARACTER} 0925 \N{REPLACEMENT CHARACTER}"


def test_an_unknown_channel_or_an_overlong_text_is_refused(system: System, district: District) -> None:
    sent = {"id": "1", "sender": PHONES["ani"], "text": "x"}
    for wrong in (
        {"channel": "twilio"},
        {"text": "x" * 10_001},
        {"id": ""},
        {"id": "x" * 121},
        {"sender": ""},
        {"to": "1"},
    ):
        assert system.post("/messages", sent | wrong).status_code == 422, wrong
    assert kept(district) == []
