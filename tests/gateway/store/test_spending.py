"""What a channel costs in a month: what was sent and what waits, by its own clock; answers stop for no budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from gateway.store import channels, outbox, spending
from gateway.store.areas import Area, add_areas
from gateway.store.base import Database
from gateway.store.outbox import NewOutboxMessage
from gateway.store.spending import Spending
from gateway.values import ChannelLimits, Scope
from tests.district import District

NOW = datetime(2025, 10, 20, 5, 0, tzinfo=UTC)
OCTOBER = datetime(2025, 9, 30, 17, 0, tzinfo=UTC)  # midnight in Jakarta
JAKARTA = "Asia/Jakarta"


def choose(
    database: Database, price: int | None, budget: int | None, name: str = "modem", area: str | None = None
) -> None:
    """Give a channel a price and a budget."""
    with database.session() as session:
        assert channels.choose_channel(session, name, area, price, budget, scope=Scope(""))
        session.commit()


def add(database: Database, state: str, *, name: str = "modem", count: int = 1, **columns: object) -> None:
    """Put messages into the outbox as they stand once something became of them."""
    with database.session() as session:
        for _ in range(count):
            ref = outbox.add(session, NewOutboxMessage(None, "answer", name, "+6281230000001", "x", "t", NOW))
            values = {"state": state} | columns
            session.execute(outbox.outbox.update().where(outbox.outbox.c.ref == ref).values(values))
        session.commit()


def spent(database: Database, name: str = "modem") -> Spending:
    """Return what a channel costs this month."""
    with database.session(read_only=True) as session:
        return spending.spending_of(session, [name], NOW, JAKARTA)[name]


def left(database: Database, *names: str) -> dict[str, int | None]:
    """Return how many reminders may go out."""
    with database.session(read_only=True) as session:
        return spending.left_for_reminders(session, names or ["modem"], NOW, JAKARTA)


def test_what_was_sent_what_may_have_been_and_what_waits_is_spent(database: Database) -> None:
    choose(database, 350, 10_000)
    add(database, "delivered", sent_at=NOW, segments=2)
    add(database, "sent", sent_at=OCTOBER)
    add(database, "failed", sent_at=NOW, segments=1)
    add(database, "unsure")
    add(database, "queued")
    add(database, "sending")
    assert spent(database).segments == 7
    add(database, "withheld", reason="stopped")
    add(database, "failed")
    add(database, "sent", sent_at=OCTOBER - timedelta(seconds=1), segments=3)
    add(database, "unsure", created_at=OCTOBER - timedelta(days=3))
    add(database, "sent", sent_at=NOW, name="other")
    assert (spent(database).segments, spent(database).spent) == (7, 7 * 350)


def test_a_month_begins_at_midnight_where_the_channel_is(database: Database) -> None:
    with database.session() as session:
        zone = "Asia/Jayapura"
        add_areas(session, [Area("91", None, "province", "Papua", zone), Area("91.01", "91", "regency", "x", zone)])
        session.commit()
    choose(database, 100, None, area="91.01")
    add(database, "sent", sent_at=OCTOBER - timedelta(hours=2))
    add(database, "sent", sent_at=OCTOBER - timedelta(hours=2, seconds=1))
    assert spent(database).segments == 1


def test_reminders_have_four_fifths_of_the_budget_less_what_is_spent(database: Database) -> None:
    choose(database, 350, 10_000)
    assert left(database) == {"modem": 22}  # 8,000 at 350
    add(database, "delivered", sent_at=NOW, count=20)
    assert left(database) == {"modem": 2}
    add(database, "queued", count=3)
    assert left(database) == {"modem": 0}


@pytest.mark.parametrize(("price", "budget", "found"), [(None, 1000, None), (350, None, None), (0, 0, None), (1, 0, 0)])
def test_without_a_price_or_a_budget_there_is_no_limit(
    database: Database, price: int | None, budget: int | None, found: int | None
) -> None:
    choose(database, price, budget)
    add(database, "queued", count=3)
    assert left(database, "modem", "unheard-of") == {"modem": found, "unheard-of": None}


def test_an_answer_goes_out_though_the_budget_is_spent_and_before_the_reminders_that_wait(district: District) -> None:
    choose(district.database, 350, 0, "simulator")
    late = {"kind": "reminder", "channel": "simulator", "recipient": "+6281230000002", "text": "ingat", "priority": 1}
    counts = {"state": "queued", "ref": "r", "attempts": 0, "refusals": 0, "trace_id": "t"}
    with district.database.session() as session:
        session.execute(insert(outbox.outbox), late | counts | {"created_at": district.runtime.now()})
        session.commit()
    assert "40" in district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    with district.database.session() as session:
        first = outbox.claim(session, "simulator", ChannelLimits(per_second=1000)).messages
    assert [one.kind for one in first][:1] == ["answer"]
    with district.database.session(read_only=True) as session:
        assert spending.left_for_reminders(session, ["simulator"], district.runtime.now(), JAKARTA) == {"simulator": 0}
    district.send()
    with district.database.session(read_only=True) as session:
        states = {one.kind: one.state for one in outbox.latest_to(session)}
    assert states["answer"] == "delivered"
