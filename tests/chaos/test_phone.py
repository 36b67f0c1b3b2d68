"""A phone's webhooks and answers, while Kabar's processes are killed and the phone's line breaks: nothing is lost."""

from __future__ import annotations

import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.outbox import ANSWER, outbox
from tests.chaos.harness import House, make_practices, pause, phone_of, wait_until
from tests.gateway.channels.phone import PASSWORD, SIGNING_KEY, USER, Phone
from tests.gateway.channels.provider import Provider
from tests.gateway.channels.standin import Fault, Reply

MESSAGES, PRACTICES, HANDS = 120, 15, 3
AHEAD = 30  # messages handed in that are not yet answered
FIRST_SENT_AT = datetime(2025, 10, 3, tzinfo=UTC)
VICTIMS = ("web", "outbound", "outbound", "inbound1", "inbound2", "clock", "valkey")
SEED: int | None = None  # write a printed seed here to have its choices again


class BrokenPhone(Phone):
    """A phone whose line breaks: before it takes a message, or before it says that it has."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who is killed breaks its line

    def _take(self, asked: object) -> Reply | Fault:
        fate = self._chance.random()
        taken = super()._take(asked) if fate > 0.1 else Fault.LOST
        return Fault.LOST if fate > 0.85 else taken


def write_in(phone: Phone, numbers: Sequence[int], chance: random.Random) -> None:
    """Let the midwives write; the phone tries each until it is taken, and some once more."""
    for number in numbers:
        text = f"KB 0925 BARU {number % 10} AKTIF {40 + number}"
        sender, at = phone_of(number % (2 * PRACTICES)), FIRST_SENT_AT + timedelta(seconds=number)
        wait_until(partial(has_come_to, number - AHEAD, phone), "answers go out")
        for _ in range(chance.choice((1, 1, 2))):
            while 200 not in phone.receive(sender, text, at):
                pause(0.1)


def kill_at_random(
    house: House, phone: Phone, database: Database, is_over: Callable[[], bool], chance: random.Random
) -> Counter[str]:
    """Kill a process whenever some answers went out, until all is in; return how often each was killed."""
    kills: Counter[str] = Counter()
    while not is_over():
        goal = len(phone.ledger) + chance.randint(8, 20)
        awaited = partial(has_come_to, goal, phone, is_over)
        wait_until(awaited, "answers go out", lambda: tend(house, database))
        victim = chance.choice(VICTIMS)
        house.kill(victim)
        kills[victim] += 1
        pause(chance.uniform(0, 0.3))
    return kills


def has_come_to(goal: int, phone: Phone, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Return whether so many answers went out, or no more will."""
    return is_over() or len(phone.ledger) >= goal


def tend(house: House, database: Database) -> None:
    """Start what died, and let time pass for what waits for its next try, and for the leases of who died sending."""
    house.tend()
    with database.session() as session:
        past = FIRST_SENT_AT - timedelta(days=1)
        session.execute(update(outbox).where(outbox.c.state == "queued").values(next_try_at=None))
        late = outbox.c.lease_until < datetime.now(UTC) + timedelta(seconds=55)  # claimed five seconds ago, or earlier
        session.execute(update(outbox).where(outbox.c.state == "sending", late).values(lease_until=past))
        session.commit()


def is_settled(database: Database) -> bool:
    """Return whether nothing waits."""
    with database.session(read_only=True) as session:
        waiting = outbox.c.state.in_(("queued", "sending"))
        left = [*session.execute(select(outbox.c.id).where(waiting))]
        left += session.execute(select(inbox.c.id).where(inbox.c.state == "received"))
    return not left


@pytest.mark.long
def test_whatever_dies_each_message_is_kept_once_and_each_answer_sent_once(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    seed = secrets.randbits(32) if SEED is None else SEED
    chance = random.Random(seed)
    database = open_database(sqlite_url)
    make_practices(database, PRACTICES)
    with Provider() as unused, BrokenPhone(random.Random(seed)) as phone:
        own = {"signing_keys": SIGNING_KEY, "user": USER, "password": PASSWORD, "api_url": phone.api}
        own |= {"per_second": "1000", "timeout_seconds": "2"}
        options = {f"android_{name}": value for name, value in own.items()}
        with House(tmp_path, sqlite_url, unused, channels="android, generic", **options) as house:
            address = f"http://127.0.0.1:{house.port}/in/android/sms"
            phone.hooks = {name: {"id": name, "url": address, "event": "sms:received"} for name in ("local", "cloud")}
            hands = [
                threading.Thread(
                    target=write_in, args=(phone, range(n, MESSAGES, HANDS), random.Random(seed + n)), daemon=True
                )
                for n in range(HANDS)
            ]
            for hand in hands:
                hand.start()
            kills = kill_at_random(house, phone, database, lambda: not any(hand.is_alive() for hand in hands), chance)
            wait_until(lambda: is_settled(database), "every message is answered", lambda: tend(house, database))
            with database.session(read_only=True) as session:
                states = Counter(session.execute(select(inbox.c.state)).scalars())
                sends = session.execute(select(outbox.c.inbox_id, outbox.c.kind, outbox.c.ref, outbox.c.state)).all()
    print(f"seed {seed}: killed {dict(kills)}; {len(phone.seen)} requests for {len(phone.ledger)} answers")
    assert states == {"done": MESSAGES}
    answers = [row for row in sends if row.kind == ANSWER]  # others tell her colleague that figures have changed
    assert len(answers) == len({row.inbox_id for row in answers}) == MESSAGES
    assert {row.state for row in sends} == {"sent"}
    assert Counter(sent.id for sent in phone.ledger) == Counter(row.ref for row in sends)
