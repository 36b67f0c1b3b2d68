"""A status that comes before the provider's id is known here is kept, and told of its message as soon as it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from gateway.receive.keep import receive_status
from gateway.store import early
from gateway.store.early import early_statuses
from gateway.store.outbox import outbox
from gateway.values import HttpRequest
from tests.chaos.harness import wait_until
from tests.district import District
from tests.gateway.channels.provider import Provider
from workers.sweep import sweep

MakeSending = Callable[..., tuple[District, Provider]]


def ask(district: District, count: int = 1) -> None:
    """Let so many messages be answered; nothing is sent yet."""
    for number in range(count):
        district.keep("ani", f"KB 0925 BARU {number} AKTIF {40 + number}", channel="generic")
    district.handle()


def rows(district: District) -> list[Any]:
    """Return the messages to be sent."""
    with district.database.session(read_only=True) as session:
        return list(session.execute(select(outbox).order_by(outbox.c.id)).all())


def states(district: District) -> list[str]:
    """Return where the messages stand."""
    return [row.state for row in rows(district)]


def tell(district: District, provider_id: str, status: str = "delivered", secret: str = "s" * 32, **more: str) -> int:
    """Let the provider tell what became of a message by its own id alone; return what it is answered."""
    body = json.dumps({"id": provider_id, "status": status} | more).encode()
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    request = HttpRequest("POST", "/in/generic/status", headers, body)
    runtime = district.runtime
    channel = runtime.channels["generic"]
    return receive_status(runtime.database, runtime.bells, channel, request, runtime.now()).status


def count_kept(district: District) -> int:
    """Return how many statuses wait for a message."""
    with district.database.session(read_only=True) as session:
        return int(session.execute(select(func.count()).select_from(early_statuses)).scalar_one())


@pytest.mark.parametrize("send_idempotent", ["yes", "no"])
def test_a_status_that_comes_before_its_message_is_recorded_is_told_of_it(
    make_sending: MakeSending, send_idempotent: str
) -> None:
    district, provider = make_sending(send_idempotent=send_idempotent)
    ask(district, 3)
    provider.gate.clear()
    sender = threading.Thread(target=district.send)
    sender.start()
    wait_until(lambda: bool(provider.seen), "the request arrives")
    for number in range(3):
        assert [tell(district, f"g{number}") for _ in range(2)] == [200, 200]
    assert count_kept(district) == 3
    sweep(district.runtime)
    assert "delivered" not in states(district)  # whose they are is not known yet
    provider.gate.set()
    sender.join()
    assert states(district) == ["sent"] * 3
    sweep(district.runtime)
    assert states(district) == ["delivered"] * 3
    assert count_kept(district) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_status_is_told_of_a_message_that_is_recorded_while_the_status_is_looked_at(
    make_sending: MakeSending, monkeypatch: pytest.MonkeyPatch
) -> None:
    district, _ = make_sending()
    ask(district)
    keep = early.keep

    def keep_later(*given: Any) -> bool:
        assert district.send() == 1  # it commits between two statements of the other
        return keep(*given)

    monkeypatch.setattr(early, "keep", keep_later)
    with capture_logs() as logs:
        assert tell(district, "g0") == 200
    assert (states(district), count_kept(district)) == (["delivered"], 0)
    [status] = [line for line in logs if line["event"] == "status"]
    assert (status["has_moved"], status["is_early"]) == (True, False)


def test_all_that_was_said_of_a_message_is_told_in_its_order(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    for word, code in (("sent", ""), ("failed", "E17")):
        tell(district, "g0", word, error=code)
    district.send()
    sweep(district.runtime)
    [row] = rows(district)
    assert (row.state, row.fault_code, row.fault) == ("failed", "E17", "failed")
    assert count_kept(district) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_of_a_message_that_is_known_and_of_a_word_that_is_not_nothing_is_kept(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    district.send()
    for word in ("sent", "delivered", "delivered", "gone with the wind"):
        assert tell(district, "g0", word) == 200
    assert tell(district, "g7", "gone with the wind") == 200
    assert (states(district), count_kept(district)) == (["delivered"], 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_does_not_know_the_secret_leaves_nothing(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    assert tell(district, "g0", secret="x" * 32) == 403
    assert count_kept(district) == 0


def test_what_nobody_ever_asks_for_goes_after_a_day_and_fills_no_disk(
    make_sending: MakeSending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "MOST", 5)
    district, _ = make_sending()
    ask(district)
    for number in range(20):
        for _ in range(7):  # a repeat takes no other's place
            tell(district, f"strange{number}")
    assert count_kept(district) == 5
    tell(district, "g0")
    district.send()
    sweep(district.runtime)
    assert (states(district), count_kept(district)) == (["delivered"], 4)
    district.pass_time(hours=23)
    sweep(district.runtime)
    assert count_kept(district) == 4
    district.pass_time(hours=2)
    sweep(district.runtime)
    assert count_kept(district) == 0
    tell(district, "strange")
    district.pass_time(days=-9)  # a clock was wrong
    sweep(district.runtime)
    assert count_kept(district) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_status_of_an_earlier_message_says_nothing_of_one_that_bears_its_id_later(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    tell(district, "g0", "failed")
    district.pass_time(hours=1)
    ask(district)
    district.send()
    sweep(district.runtime)
    assert states(district) == ["sent"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_status_is_kept_though_an_old_message_bears_its_id_too(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    district.send()
    tell(district, "g0")
    old = update(outbox).values(provider_id="g1")  # the provider has begun to count anew
    with district.database.session() as session:
        session.execute(old)
        session.commit()
    district.pass_time(hours=25)
    district.keep("budi", "KB 0925 BARU 1 AKTIF 41", channel="generic")
    district.handle()
    tell(district, "g1")
    sweep(district.runtime)
    assert (states(district), count_kept(district)) == (["delivered", "queued"], 1)
    district.send()
    sweep(district.runtime)
    assert (states(district), count_kept(district)) == (["delivered"] * 2, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_one_channel_says_is_not_of_anothers_messages(make_sending: MakeSending) -> None:
    district, _ = make_sending()
    ask(district)
    now = district.runtime.now()
    with district.database.session() as session:
        row = {"channel": "other", "provider_id": "g0", "state": "delivered", "code": "", "words": "", "kept_at": now}
        session.execute(early_statuses.insert(), row)
        session.commit()
    district.send()
    sweep(district.runtime)
    assert states(district) == ["sent"]
