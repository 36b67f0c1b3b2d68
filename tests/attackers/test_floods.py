"""Floods and loops: every message is kept, answers end, and nobody else waits for it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.store import inbox, outbox
from gateway.store.base import Database
from gateway.values import lane_of
from tests.district import PHONES, District, make_runtime
from tests.gateway.review.visits import sign_in
from workers import inbound

FLOOD = 150
OUT_OF_OFFICE = "Saya sedang cuti sampai Senin. Pesan Anda akan dibalas nanti."


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district with the limits that Kabar comes with."""
    return District(make_runtime(database, tmp_path))


def states_of(district: District, phone: str) -> Counter[str]:
    """Return how many messages to a phone are in which state."""
    with district.database.session(read_only=True) as session:
        return Counter(one.state for one in outbox.latest_to(session, [phone], limit=10_000))


def neighbour_of(phone: str) -> str:
    """Return a phone of the same lane."""
    return next(other for other in (f"+62813{n:08}" for n in range(9999)) if lane_of(other) == lane_of(phone))


@pytest.mark.parametrize("flood", [FLOOD, pytest.param(1000, marks=pytest.mark.long)])
def test_a_flood_from_one_number_is_kept_whole_and_answered_ten_times_an_hour(district: District, flood: int) -> None:
    for number in range(flood):
        district.keep("ani", f"KB 0925 BARU 12 AKTIF {100 + number % 17}")
    assert district.handle() == flood
    with district.database.session(read_only=True) as session:
        assert inbox.count_by_state(session) == {"done": flood}
    assert states_of(district, PHONES["ani"]) == {"queued": 10, "withheld": flood - 10}


def test_who_floods_a_lane_keeps_no_other_number_of_it_waiting(district: District) -> None:
    other = neighbour_of(PHONES["ani"])
    for number in range(FLOOD):
        district.keep("ani", f"KB 0925 BARU 12 AKTIF {100 + number % 17}")
    behind = district.keep(other, "DAFTAR Ratna PMB Ratna")
    with district.database.session() as session:
        batch = inbox.next_batch(session, lane_of(other), district.runtime.now(), 100)
    assert [one.provider_id for one in batch].index(behind) == len(batch) - 1
    assert len(batch) == 100
    hers = [int(one.provider_id[1:]) for one in batch if one.provider_id != behind]
    assert hers == sorted(hers) == list(range(1, 100)), "hers keep their order, and fill what the others leave"


def test_many_who_wait_behind_a_flood_come_before_the_rest_of_it(district: District) -> None:
    for number in range(FLOOD):
        district.keep("ani", f"KB 0925 BARU 12 AKTIF {100 + number % 17}")
    others = [phone for phone in (f"+62813{n:08}" for n in range(9999)) if lane_of(phone) == lane_of(PHONES["ani"])]
    for phone in others[:90]:
        district.keep(phone, "halo")
    with district.database.session() as session:
        batch = inbox.next_batch(session, lane_of(PHONES["ani"]), district.runtime.now(), 100)
    assert Counter(one.sender == PHONES["ani"] for one in batch) == {False: 80, True: 20}
    inbound.drain(district.runtime, lane_of(PHONES["ani"]))
    with district.database.session(read_only=True) as session:
        assert not inbox.lanes_with_work(session, district.runtime.now())


def test_two_gateways_that_answer_each_other_fall_silent(
    district: District, migrated_sqlite: Path, tmp_path: Path, open_database: Callable[[str], Database]
) -> None:
    far = District(
        make_runtime(open_database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'far.db')}"), tmp_path)
    )
    sent, text = 0, "KB 0925 BARU 12 AKTIF 40"
    for _ in range(40):
        text = district.say("ani", text)
        sent += bool(text)
        text = far.say("ani", text) if text else ""
        if not text:
            break
    assert not text
    assert sent <= 10


@pytest.mark.parametrize("said", [OUT_OF_OFFICE, "ok", "Terima kasih", "YA", "Pesan Anda gagal terkirim", "?"])
@pytest.mark.parametrize("who", ["ani", "stranger"])
def test_an_automatic_answer_to_every_answer_ends(district: District, who: str, said: str) -> None:
    answered = 0
    district.say(who, "KB 0925 BARU 12")
    for _ in range(14):
        answered += bool(district.say(who, said))
    assert answered <= (10 if who == "ani" else 1)


def test_an_echo_of_every_answer_is_never_answered(district: District) -> None:
    text = district.say("ani", "KB 0925 BARU 12")
    assert district.say("ani", text) == ""


def test_unknown_numbers_together_get_only_so_many_answers_in_an_hour(database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path, answers_per_hour_unregistered=5))
    for number in range(9):
        text = "DAFTAR Ratna PMB Ratna" if number % 2 else "KB 0925 BARU 12 AKTIF 40"
        district.keep(f"+62813777700{number:02}", text)
    assert district.handle() == 9
    with district.database.session(read_only=True) as session:
        assert outbox.count_by_state(session) == {"queued": 5, "withheld": 4}
    visitor = create_app(district.runtime).test_client()
    sign_in(visitor, district.runtime, "administrator", "")
    assert "5 sudah dijawab dalam satu jam ini" in visitor.get("/month").text, "staff are told"
    assert district.say("ani", "STATUS"), "who is registered is answered as ever"
    assert district.say("+6281377770090", "halo") == ""
    district.pass_time(hours=1, seconds=1)
    assert "DAFTAR" in district.say("+6281377770091", "halo")
