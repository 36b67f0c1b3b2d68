"""Messages, while everything is killed at random: each is kept, each is handled once, none is answered twice."""

from __future__ import annotations

import json
import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from gateway.store import outbox as outbox_store
from gateway.store import reports, totals
from gateway.store.base import Database, Session
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from tests.chaos.harness import SECRET, House, make_practices, pause, phone_of, wait_until
from tests.gateway.channels.provider import Provider
from tests.gateway.channels.standin import Seen

PRACTICES = 25
AHEAD = 50  # messages handed in that are not yet answered
CLIENTS = 4
VALUES = 3  # in each report
# how often each is chosen
VICTIMS = {"inbound1": 4, "inbound2": 4, "valkey": 4, "outbound": 4, "errands": 2, "clock": 2, "web": 1}
SEED: int | None = None  # write a printed seed here to have its messages and its choices again
FIRST_SENT_AT = datetime(2025, 10, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Message:
    """One SMS. `rank` decides which of two reports counts; they do not arrive in that order."""

    id: str
    phone: int
    sent_at: datetime
    values: dict[str, int]

    @property
    def rank(self) -> tuple[datetime, str]:
        return self.sent_at, self.id

    @property
    def body(self) -> bytes:
        new, active, pill = self.values["baru"], self.values["aktif"], self.values["aktif.pil"]
        words = f"KB 0925 BARU {new} AKTIF {active} PIL {pill}"
        sms = {"id": self.id, "from": phone_of(self.phone), "text": words, "sent_at": self.sent_at.isoformat()}
        return json.dumps(sms).encode()


class SlowProvider(Provider):
    """A provider that takes its time, so that some senders are killed while they wait for its answer."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(is_idempotent=False)
        self._chance = chance
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who is killed breaks its line

    def hold(self, seen: Seen) -> None:
        """Wait a little."""
        pause(self._chance.uniform(0, 0.02))


class Post:
    """The network between the phones and the house: every message is tried until it is acknowledged, some twice.

    It runs ahead of the answers by some messages only, so that there is work to be killed at until the end.
    """

    def __init__(self, house: House, provider: Provider) -> None:
        self._house = house
        self._provider = provider
        self.acknowledged: set[str] = set()
        self.tries = 0

    def carry(self, messages: Sequence[Message], chance: random.Random) -> None:
        """Hand in messages one after the other; one in ten is handed in once more although it was acknowledged."""
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
        for message in messages:
            while len(self.acknowledged) - len(self._provider.ledger) > AHEAD:
                pause(0.02)
            left = 2 if chance.random() < 0.1 else 1
            while left:
                self.tries += 1
                if self._house.call("POST", "/in/generic/sms", headers, message.body) == 200:
                    self.acknowledged.add(message.id)
                    left -= 1
                else:
                    pause(0.1)


def write_messages(count: int, chance: random.Random) -> list[Message]:
    """Return reports of one month from two phones of each practice; the later arrivals are not the later sent."""
    minutes = chance.sample(range(40 * count), count)
    return [
        Message(
            id=f"m{number}",
            phone=chance.randrange(2 * PRACTICES),
            sent_at=FIRST_SENT_AT + timedelta(minutes=minutes[number]),
            values={
                "baru": chance.randint(0, 20),
                "aktif": chance.randint(40, 60),
                "aktif.pil": chance.randint(0, 40),
            },
        )
        for number in range(count)
    ]


def kill_at_random(
    house: House, provider: Provider, is_over: Callable[[], bool], chance: random.Random
) -> Counter[str]:
    """Kill one or two processes whenever some answers went out, until all is in; return how often each was killed.

    Answers, not seconds, are counted: so the house is at work whenever it is struck, on a slow machine too.
    """

    def has_come_to(goal: int) -> bool:
        return is_over() or len(provider.ledger) >= goal

    kills: Counter[str] = Counter()
    while not is_over():
        goal = len(provider.ledger) + chance.randint(30, 60)
        wait_until(partial(has_come_to, goal), "answers go out", house.tend)
        pause(chance.uniform(0, 0.05))
        for victim in sorted(set(chance.choices(list(VICTIMS), list(VICTIMS.values()), k=chance.choice((1, 1, 2))))):
            house.kill(victim)
            kills[victim] += 1
        pause(chance.uniform(0, 0.3))
        house.tend()
    return kills


def settle(house: House, database: Database) -> int:
    """Wait until nothing is pending, and return how many sends had been cut off in the middle."""

    def count(query: str) -> int:
        with database.session(read_only=True) as session:
            return int(session.execute(text(query)).scalar_one())

    open_messages = (
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'received')"
        " + (SELECT count(*) FROM outbox WHERE state = 'queued')"
        " + (SELECT count(*) FROM reports WHERE NOT is_summed)"
    )
    what = "every message is handled, every answer tried, every report summed up"
    wait_until(lambda: count(open_messages) == 0, what, house.tend)
    cut_off = count("SELECT count(*) FROM outbox WHERE state = 'sending'")
    with database.session() as session:  # a minute passes, for the leases of those who were killed while sending
        session.execute(outbox.update().values(lease_until=outbox.c.created_at).where(outbox.c.state == "sending"))
        session.commit()
    wait_until(lambda: count("SELECT count(*) FROM outbox WHERE state = 'sending'") == 0, "leases end", house.tend)
    return cut_off


def find_faults(
    database: Database, messages: Sequence[Message], provider: Provider, places: dict[int, int]
) -> list[str]:
    """Return in words everything that does not hold."""
    faults: list[str] = []
    with database.session(read_only=True) as session:
        rows = session.execute(select(inbox.c.provider_id, inbox.c.id, inbox.c.state, inbox.c.attempts)).all()
        answers = session.execute(select(outbox.c.inbox_id, outbox.c.kind, outbox.c.ref, outbox.c.state)).all()
        whole = (
            select(reports.reports.c.inbox_id, func.count(reports.report_values.c.quantity))
            .outerjoin(reports.report_values)
            .group_by(reports.reports.c.id, reports.reports.c.inbox_id)
        )
        found = session.execute(whole).all()
        current = {
            one.key.facility_id: one.values
            for one in reports.current_reports(session, facility_ids=list(places.values()), form="kb")
        }
        summed = sums_of_country(session)
    kept = Counter(row.provider_id for row in rows)
    faults += [f"lost although acknowledged: {one.id}" for one in messages if not kept[one.id]]
    faults += [f"kept {times} times: {key}" for key, times in kept.items() if times > 1]
    faults += [f"not done: {row}" for row in rows if row.state != "done" or row.attempts]
    reported = Counter(message_id for message_id, _ in found)
    faults += [f"{reported[row.id]} reports: {row}" for row in rows if reported[row.id] != 1]
    faults += [f"half a report, {values} values: {message_id}" for message_id, values in found if values != VALUES]
    answered = Counter(row.inbox_id for row in answers if row.kind == outbox_store.ANSWER)  # others are notices
    faults += [f"{answered[row.id]} answers: {row}" for row in rows if answered[row.id] != 1]
    faults += [f"an answer is left in the middle: {row}" for row in answers if row.state not in {"sent", "unsure"}]
    at_provider = Counter(taken.ref for taken in provider.ledger)
    faults += [f"sent {times} times: {ref}" for ref, times in at_provider.items() if times > 1]
    faults += [
        f"said to be sent, and was not: {row}" for row in answers if row.state == "sent" and not at_provider[row.ref]
    ]
    faults += [f"sent, and nobody knows of it: {ref}" for ref in at_provider.keys() - {row.ref for row in answers}]
    expected = model(messages, places)
    if summed != add_up(expected):
        faults.append(f"summed up to {summed}, not {add_up(expected)}")
    return faults + compare(current, expected)


def sums_of_country(session: Session) -> dict[str, int]:
    """Return what the totals say of the whole country."""
    table = totals.month_totals
    rows = session.execute(select(table.c.measure, table.c.item, table.c.quantity).where(table.c.area == ""))
    return {f"{measure}.{item}".rstrip("."): quantity for measure, item, quantity in rows}


def add_up(figures: Mapping[int, Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of all practices' figures."""
    sums: Counter[str] = Counter()
    for values in figures.values():
        sums.update(values)
    return dict(sums)


def model(messages: Sequence[Message], places: dict[int, int]) -> dict[int, dict[str, int]]:
    """Return the figures that must come out: of each practice what was sent last."""
    last: dict[int, Message] = {}
    for message in messages:
        place = places[message.phone]
        if place not in last or message.rank > last[place].rank:
            last[place] = message
    return {place: message.values for place, message in last.items()}


def compare(found: Mapping[int, object], expected: dict[int, dict[str, int]]) -> list[str]:
    """Return where the figures differ."""
    both = found.keys() | expected.keys()
    return [
        f"practice {one}: {found.get(one)}, not {expected.get(one)}"
        for one in both
        if found.get(one) != expected.get(one)
    ]


def run(database: Database, folder: Path, count: int) -> None:
    """Send messages while processes die, then check everything."""
    seed = secrets.randbits(32) if SEED is None else SEED
    chance = random.Random(seed)
    messages = write_messages(count, chance)
    places = make_practices(database, PRACTICES)
    url = database.engine.url.render_as_string(hide_password=False)
    with SlowProvider(random.Random(seed)) as provider, House(folder, url, provider) as house:
        post = Post(house, provider)
        clients = [
            threading.Thread(target=post.carry, args=(messages[n::CLIENTS], random.Random(seed + n)), daemon=True)
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        kills = kill_at_random(house, provider, lambda: not any(client.is_alive() for client in clients), chance)
        cut_off = settle(house, database)
        faults = find_faults(database, messages, provider, places)
        with database.session(read_only=True) as session:
            states = outbox_store.count_by_state(session)
    print(
        f"seed {seed}: {count} messages in {post.tries} tries, killed {dict(kills)}, {house.restarts} restarts; "
        f"answers {states}, {cut_off} cut off while sending; the provider sent {len(provider.ledger)} on"
    )
    assert len(post.acknowledged) == count
    assert not faults, f"seed {seed}: {len(faults)} faults, the first: {faults[:10]}"


@pytest.mark.long
def test_whatever_is_killed_each_message_is_answered_once_and_none_is_lost(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    run(open_database(sqlite_url), tmp_path, count=500)


@pytest.mark.long
def test_whatever_is_killed_nothing_is_lost_on_postgresql(
    postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    run(open_database(postgresql_url), tmp_path, count=500)
