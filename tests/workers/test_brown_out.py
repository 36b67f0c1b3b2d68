"""A provider that refuses for an hour: everybody is answered in the end, nobody twice, and both are counted apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.store.base import database_now
from gateway.store.outbox import outbox
from tests.district import District
from tests.gateway.channels.provider import Provider
from tests.gateway.channels.standin import Reply

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIDWIVES = ("ani", "wati", "budi", "clinic", "eve")


def rows(district: District) -> list[Any]:
    """Return the messages to be sent."""
    with district.database.session(read_only=True) as session:
        return list(session.execute(select(outbox).order_by(outbox.c.id)).all())


def wait_for_next_try(district: District) -> timedelta:
    """Let the time pass until the next try of any message, and return how long that is."""
    waiting = [row for row in rows(district) if row.state == "queued" and row.next_try_at]
    with district.database.session() as session:
        ahead = max(timedelta(), min((row.next_try_at for row in waiting), default=EPOCH) - database_now(session))
        for row in waiting:
            session.execute(update(outbox).where(outbox.c.id == row.id).values(next_try_at=row.next_try_at - ahead))
        session.commit()
    return ahead


@pytest.mark.parametrize(
    ("is_idempotent", "codes"), [("yes", (500, 502, 503, 429)), ("no", (503, 429))], ids=["takes-one-id-once", "plain"]
)
def test_an_hour_of_refusals_leaves_nobody_without_an_answer_and_nobody_with_two(
    make_sending: Callable[..., tuple[District, Provider]], is_idempotent: str, codes: tuple[int, ...]
) -> None:
    district, provider = make_sending(send_idempotent=is_idempotent)
    for number, name in enumerate(MIDWIVES):
        district.keep(name, f"KB 0925 BARU {number} AKTIF {40 + number}", channel="generic")
    district.handle()
    asked = len(rows(district))
    passed = timedelta()
    while passed < timedelta(hours=1):
        code = codes[len(provider.requests) % len(codes)]
        provider.replies = [Reply.of_json({"error": "overloaded"}, code)] * asked
        district.send()
        passed += wait_for_next_try(district)
    refused = len(provider.requests)
    assert not provider.ledger
    assert {(row.state, row.attempts) for row in rows(district)} == {("queued", 0)}
    assert sum(row.refusals for row in rows(district)) == refused
    assert min(row.refusals for row in rows(district)) >= 5, "tried again and again"
    assert max(row.refusals for row in rows(district)) <= 20, "with waits that grow"
    provider.replies = []
    while any(row.state == "queued" for row in rows(district)):
        wait_for_next_try(district)
        district.send()
    assert sorted(one.ref for one in provider.ledger) == sorted(row.ref for row in rows(district))
    assert {(row.state, row.attempts) for row in rows(district)} == {("sent", 1)}
    assert sum(row.refusals for row in rows(district)) == refused


def test_a_lost_answer_in_a_brown_out_is_one_possible_send_and_never_a_second(
    make_sending: Callable[..., tuple[District, Provider]],
) -> None:
    district, provider = make_sending()
    district.keep("ani", "KB 0925 BARU 1 AKTIF 40", channel="generic")
    district.handle()
    provider.replies = [Reply.of_json({"error": "overloaded"}, 503)]
    district.send()
    provider.lost_answers = 1
    for _ in range(3):
        wait_for_next_try(district)
        district.send()
    [row] = rows(district)
    assert (row.state, row.attempts, row.refusals) == ("unsure", 1, 1)
    assert len(provider.ledger) == 1
