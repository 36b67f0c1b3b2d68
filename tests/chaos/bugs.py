"""The harness proves itself: bugs that are put into the house on purpose, each with the fault that brings it to light.

By hand: `python -m tests.chaos.bugs` plays all; `--without` plays the same faults on the house as it is.
"""

from __future__ import annotations

import argparse
import fcntl
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from redis import Redis
from sqlalchemy import text

from gateway.store.base import Database
from tests.chaos.brownout import MoodyProvider, OutpacedProvider
from tests.chaos.checker import find_faults, invariants
from tests.chaos.harness import make_practices, pause, wait_until
from tests.chaos.preload import Disk, Skew
from tests.chaos.traffic import FIRST_SENT_AT, PRACTICES, Ledger, Message, post
from tests.chaos.world import World, make_sqlite, read_evidence

CAUGHT_AFTER_SECONDS = 6.0  # what is still not done then counts as never done; a slow machine cannot hide a bug
CLEAN_AFTER_SECONDS = 60.0  # and without the bug it may take so long
DOOR = ("valkey", "web")
HANDLING = (*DOOR, "inbound1", "clock")
SENDING = (*HANDLING, "outbound")


@dataclass
class Stage:
    """What a bug is played on."""

    world: World
    database: Database
    ledger: Ledger
    provider: MoodyProvider
    skew: Skew
    seconds: float  # of patience

    def say(self, number: int, *, seconds: float = 0.0, phone: int | None = None) -> Message:
        """Hand in one report, once. `seconds` moves the instant when it was sent."""
        values = {"baru": number, "aktif": 40 + number, "aktif.pil": number}
        words = f"KB 0925 BARU {number} AKTIF {40 + number} PIL {number}"
        sent_at = FIRST_SENT_AT + timedelta(seconds=number + seconds)
        return self.carry(Message(f"m{number}", number if phone is None else phone, sent_at, words, values))

    def carry(self, message: Message, seconds: float = 60.0) -> Message:
        """Hand in a message, once."""
        self.ledger.hand_in(message)
        self.ledger.hear(message, post(self.world.port, message.body, seconds=seconds))
        return message

    def count(self, query: str) -> int:
        """Ask the database for a number."""
        with self.database.session(read_only=True) as session:
            return int(session.execute(text(query)).scalar_one())

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something that must come about."""
        wait_until(holds, what, self.world.tend)


@dataclass(frozen=True)
class Bug:
    """A bug, the faults that bring it to light, and the invariants of which one at least must then be broken."""

    patch: str
    caught_by: frozenset[str]
    play: Callable[[Stage], None]
    processes: tuple[str, ...]
    provider: type[MoodyProvider] = MoodyProvider
    has_power_cut: bool = False
    skewed: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


def _kill_the_door(stage: Stage) -> None:
    for number in range(10):
        stage.say(number)
    stage.world.kill("web")


def _lose_the_bells(stage: Stage) -> None:
    stage.world.kill("inbound1")
    for number in range(5):
        stage.say(number)
    with Redis.from_url(stage.world.redis_url) as redis:
        redis.flushall()


def _say_everything_twice(stage: Stage) -> None:
    for number in range(5):
        stage.carry(stage.say(number))


def _kill_after_the_effect(stage: Stage) -> None:
    stage.say(1)
    stage.wait(lambda: stage.count("SELECT count(*) FROM reports") > 0, "a report is stored")
    stage.world.kill("inbound1")


def _outpace_the_sender(stage: Stage) -> None:
    assert isinstance(stage.provider, OutpacedProvider)
    stage.say(1)
    stage.wait(lambda: stage.count("SELECT count(*) FROM outbox WHERE state = 'sent'") > 0, "the second sender is done")
    stage.provider.first.set()
    said = '"result": "failed"'
    stage.wait(lambda: any(said in log for log in stage.world.logs().values()), "the first sender is refused")


def _kill_while_sending(stage: Stage) -> None:
    stage.provider.gate.clear()
    stage.say(1)
    stage.wait(lambda: bool(stage.provider.seen), "the provider is asked")
    stage.world.kill("outbound")
    stage.provider.gate.set()


def _kill_with_a_wrong_clock(stage: Stage) -> None:
    stage.skew.shift(40 * 86400)
    _kill_while_sending(stage)
    stage.skew.shift(0)


def _kill_after_sending(stage: Stage) -> None:
    stage.provider.tongue.clear()
    stage.say(1)
    stage.wait(lambda: bool(stage.provider.ledger), "the provider took the message")
    stage.world.kill("outbound")
    stage.provider.tongue.set()


def _send_the_older_one_later(stage: Stage) -> None:
    stage.say(2, phone=0)
    stage.wait(lambda: stage.count("SELECT count(*) FROM reports") > 0, "a report is stored")
    stage.say(1, phone=0, seconds=-600)


def _hold_the_turn_to_write(stage: Stage) -> None:
    path = stage.world.database_url.removeprefix("sqlite:///") + ".lock"
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        stage.say(1)


def _say_the_same_again(stage: Stage) -> None:
    first = stage.say(1)
    stage.carry(replace(first, id="m1-again", sent_at=first.sent_at + timedelta(minutes=5)))


def _cut_the_power(stage: Stage) -> None:
    for number in range(20):
        stage.say(number)
    stage.world.kill_everything()


def _freeze_the_bells(stage: Stage) -> None:
    stage.world.send_signal("valkey", signal.SIGSTOP)
    message = stage.say(1) if stage.seconds > CAUGHT_AFTER_SECONDS else _say_in_a_hurry(stage)
    if message.id not in stage.ledger.acknowledged:
        stage.ledger.wrong.append("no answer while the queue server hangs")
    stage.world.send_signal("valkey", signal.SIGCONT)


def _say_in_a_hurry(stage: Stage) -> Message:
    message = Message("m1", 1, FIRST_SENT_AT, "Selamat pagi bu")
    return stage.carry(message, seconds=stage.seconds)


BUGS = (
    Bug("answer_before_commit", frozenset({"I1"}), _kill_the_door, DOOR),
    Bug("no_sweep", frozenset({"I3"}), _lose_the_bells, HANDLING),
    Bug("no_unique_key", frozenset({"I2"}), _say_everything_twice, DOOR),
    Bug("status_afterwards", frozenset({"I3", "I4"}), _kill_after_the_effect, HANDLING),
    Bug(
        "no_fencing",
        frozenset({"I8"}),
        _outpace_the_sender,
        (*SENDING, "outbound2"),
        provider=OutpacedProvider,
        settings=(("generic_timeout_seconds", "30"),),
    ),
    Bug("leases_by_a_wrong_clock", frozenset({"I9"}), _kill_with_a_wrong_clock, SENDING, skewed=("outbound",)),
    Bug("attempts_counted_afterwards", frozenset({"I7"}), _kill_after_sending, SENDING),
    Bug("last_arrival_counts", frozenset({"I5"}), _send_the_older_one_later, (*HANDLING, "errands")),
    Bug("faults_swallowed", frozenset({"I1"}), _hold_the_turn_to_write, DOOR, settings=(("spool", "none"),)),
    Bug("same_text_is_same_message", frozenset({"I1"}), _say_the_same_again, DOOR, settings=(("web_processes", "1"),)),
    Bug("leases_for_ever", frozenset({"I9"}), _kill_while_sending, SENDING),
    Bug("commits_not_on_disk", frozenset({"I1"}), _cut_the_power, DOOR, has_power_cut=True),
    Bug("redis_waited_for", frozenset({"I11"}), _freeze_the_bells, DOOR),
)


def play(bug: Bug, folder: Path, url: str, *, with_bug: bool = True) -> list[str]:
    """Play a bug on a migrated SQLite database in a folder of its own, and return what does not hold of `caught_by`."""
    with ExitStack() as stack:
        database = Database(url)
        stack.callback(database.dispose)
        places = make_practices(database, PRACTICES)
        if with_bug and bug.patch == "no_unique_key":
            _drop_unique_key(database)
        skew = Skew(folder)
        disk = Disk(Path(url.removeprefix("sqlite:///")).parent, folder) if bug.has_power_cut else None
        provider = stack.enter_context(bug.provider(random.Random(bug.patch)))
        patches = ("short_leases", bug.patch) if with_bug else ("short_leases",)
        world = World(
            folder,
            url,
            provider,
            processes=bug.processes,
            patches=patches,
            skew=skew,
            skewed=bug.skewed,
            disk=disk,
            settings=dict(bug.settings),
        )
        stack.enter_context(world)
        seconds = CAUGHT_AFTER_SECONDS if with_bug else CLEAN_AFTER_SECONDS
        stage = Stage(world, database, Ledger(), provider, skew, seconds)
        bug.play(stage)
        if disk is not None:
            database = Database(f"sqlite:///{disk.copy / 'kabar.db'}")
            stack.callback(database.dispose)
            return _look(bug, stage, database, places)
        _wait_until_idle(stage)
        return _look(bug, stage, database, places)


def _wait_until_idle(stage: Stage) -> None:
    """Wait until nothing is left to do, but not for ever: what never ends is a bug that was looked for."""
    deadline = time.monotonic() + stage.seconds
    while not stage.world.is_idle(stage.database) and time.monotonic() < deadline:
        stage.world.tend()
        pause(0.2)


def _look(bug: Bug, stage: Stage, database: Database, places: dict[int, int]) -> list[str]:
    """Return the faults of the invariants that this bug breaks; others need processes that do not run here."""
    evidence = read_evidence(stage.world, database, stage.ledger, places)
    return [fault for fault in find_faults(evidence) if invariants([fault]) & bug.caught_by]


def _drop_unique_key(database: Database) -> None:
    """Make the inbox anew, without what keeps a message from being there twice."""
    with database.session() as session:
        found = session.execute(text("SELECT sql FROM sqlite_master WHERE tbl_name = 'inbox' AND sql IS NOT NULL"))
        made = [str(sql) for sql in found.scalars()]
        unique = "CONSTRAINT uq_inbox_channel_provider_id UNIQUE (channel, provider_id)"
        assert unique in made[0], "the inbox has another unique key: mend this"
        session.execute(text("DROP TABLE inbox"))
        for sql in made:
            session.execute(text(sql.replace(unique, "CONSTRAINT kept CHECK (1)")))
        session.commit()


def main() -> None:
    """Play the bugs that are named, or all, and say what caught each."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.bugs", description=__doc__)
    parser.add_argument("names", nargs="*", help="; ".join(bug.patch for bug in BUGS))
    parser.add_argument("--without", action="store_true", help="the same faults, without the bug: nothing may be found")
    asked = parser.parse_args()
    wrong = 0
    for bug in BUGS:
        if asked.names and bug.patch not in asked.names:
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kabar-bug-") as name:
            (disk := Path(name) / "disk").mkdir()
            faults = play(bug, Path(name), make_sqlite(disk), with_bug=not asked.without)
        is_as_it_must = bool(faults) is not asked.without
        wrong += not is_as_it_must
        print(f"{'ok   ' if is_as_it_must else 'WRONG'} {bug.patch} {time.monotonic() - started:.1f} s {faults[:2]}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
