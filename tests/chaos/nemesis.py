"""The faults of a chaos run, drawn from one source of chance: what is killed, stopped, filled, slowed and set wrong."""

from __future__ import annotations

import fcntl
import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.chaos import brownout, deploy
from tests.chaos.harness import pause, wait_until
from tests.chaos.patches import LEASE_SECONDS
from tests.chaos.postgres import Postgres
from tests.chaos.preload import Skew
from tests.chaos.traffic import FIRST_SENT_AT, Ledger, Message, post
from tests.chaos.world import World

WORKERS = ("inbound1", "inbound2", "outbound", "errands", "clock")
JUMPS = {"+2 h": 7200, "-2 h": -7200, "+40 d": 40 * 86400, "+1 h": 3600, "-1 h": -3600}


class Nemesis:
    """Strikes the house: draws from a shuffled deck that holds every fault once, and begins anew when it is empty."""

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        chance: random.Random,
        *,
        skew: Skew | None = None,
        small_disk: Path | None = None,
        postgres: Postgres | None = None,
    ) -> None:
        self._world, self._provider, self._ledger, self._chance = world, world.provider, ledger, chance
        self._skew, self._small_disk, self._postgres = skew, small_disk, postgres
        self._deck: list[str] = []
        self.struck: list[str] = []
        self.faults = self._make_faults()

    def _make_faults(self) -> Mapping[str, Callable[[], None]]:
        world = self._world
        found: dict[str, Callable[[], None]] = {
            "kill -9 web": partial(world.kill, "web"),
            "kill -9 web master": partial(world.kill_leader, "web"),
            "kill -9 web child": self._kill_child,
            "kill -9 valkey": self._lose_valkey,
            "SIGSTOP web": partial(self._freeze, "web"),
            "SIGSTOP valkey": self._freeze_valkey,
            "SIGTERM web": partial(world.kill, "web", signal.SIGTERM),
            "FLUSHALL": self._flush,
            "slow provider": partial(self._be, brownout.SLOW),
            "provider brown-out": partial(self._be, brownout.BROWN_OUT),
            "provider refuses": partial(self._be, brownout.REFUSING),
            "deploy": partial(deploy.restart_everything, world),
        }
        for name in WORKERS:
            found[f"kill -9 {name}"] = partial(world.kill, name)
            found[f"SIGSTOP {name}"] = partial(self._freeze, name)
            found[f"SIGTERM {name}"] = partial(world.kill, name, signal.SIGTERM)
        if self._skew is not None:
            found |= {f"clock {name}": partial(self._jump, self._skew, seconds) for name, seconds in JUMPS.items()}
        if self._small_disk is not None:
            found["disk full"] = partial(self._fill_disk, self._small_disk)
        if self._postgres is not None:
            found["kill -9 postmaster"] = self._postgres.strike
            found["kill -9 backend"] = partial(self._postgres.strike_backend, self._chance)
            found["SIGSTOP postgres"] = partial(self._postgres.freeze_all, self._chance.uniform(0.5, 2))
        else:
            found["writer's turn held"] = self._hold_turn
        return found

    def strike(self) -> None:
        """Do one thing, leave it for a moment, and start again what does not run."""
        if not self._deck:
            self._deck = sorted(self.faults)
            self._chance.shuffle(self._deck)
        name = self._deck.pop()
        self.struck.append(name)
        self.faults[name]()
        pause(self._chance.uniform(0, 0.4))
        self._world.tend()
        pause(self._chance.uniform(0.1, 0.5))

    @property
    def is_through(self) -> bool:
        """Whether every fault was struck as often as every other."""
        return not self._deck

    def heal(self) -> None:
        """End what is still wrong."""
        self._provider.mood = brownout.WELL
        if self._skew is not None:
            self._skew.shift(0)
        self._world.tend()

    def _kill_child(self) -> None:
        if children := self._world.children("web"):
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(children), signal.SIGKILL)

    def _lose_valkey(self) -> None:
        """Let the queue server be away for a while; it comes back with nothing."""
        self._world.kill("valkey")
        pause(self._chance.uniform(0.2, 1.5))

    def _freeze(self, name: str) -> None:
        """Stop a process for a while, a sender for longer than its lease."""
        with self._frozen(name):
            pause(LEASE_SECONDS + 1.5 if name == "outbound" else self._chance.uniform(0.3, 1.5))

    @contextmanager
    def _frozen(self, name: str) -> Iterator[None]:
        self._world.send_signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            self._world.send_signal(name, signal.SIGCONT)

    def _freeze_valkey(self) -> None:
        """Stop the queue server, and go on only when a message was acknowledged without it: bounded by order (I11)."""
        key = f"frozen-{len(self.struck)}"
        message = Message(key, 0, FIRST_SENT_AT, f"Selamat pagi bu {key}")
        self._ledger.hand_in(message)
        with self._frozen("valkey"):
            wait_until(
                lambda: self._is_taken(message), "a message is taken while the queue server hangs", self._world.tend
            )

    def _is_taken(self, message: Message) -> bool:
        answer = post(self._world.port, message.body)
        self._ledger.hear(message, answer)
        return answer == "200"

    def _flush(self) -> None:
        with Redis.from_url(self._world.redis_url, socket_timeout=2) as redis, suppress(RedisError):
            redis.flushall()

    def _be(self, mood: str) -> None:
        """Let the provider be of a mood until it has met some requests in it."""
        self._provider.mood = mood
        goal = len(self._provider.requests_met) + self._chance.randint(10, 25)
        wait_until(
            lambda: len(self._provider.requests_met) >= goal, f"the provider is asked while {mood}", self._world.tend
        )
        self._provider.mood = brownout.WELL

    def _jump(self, skew: Skew, seconds: float) -> None:
        skew.shift(seconds)
        pause(self._chance.uniform(1, 2))
        skew.shift(0)

    def _fill_disk(self, disk: Path) -> None:
        filler = disk / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        pause(self._chance.uniform(0.5, 1.5))
        filler.unlink()

    def _hold_turn(self) -> None:
        """Hang as a writer that was stopped with the turn to write in its hand."""
        path = self._world.database_url.removeprefix("sqlite:///") + ".lock"
        with open(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            pause(self._chance.uniform(0.5, 6))
