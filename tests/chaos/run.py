"""One chaos run: traffic, faults, healing, and what was found afterwards. The same seed gives the same run."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store import outbox as outbox_store
from gateway.store.base import Database
from tests.chaos.brownout import MoodyProvider
from tests.chaos.checker import find_faults
from tests.chaos.harness import make_practices, wait_until
from tests.chaos.nemesis import Nemesis
from tests.chaos.postgres import running_postgres
from tests.chaos.preload import Skew
from tests.chaos.traffic import PRACTICES, Client, Ledger
from tests.chaos.world import World, last_words, make_sqlite, read_evidence, small_disk

CLIENTS = 4
PER_SECOND = 8.0  # messages of each client: far below what the workers can do
WARM_UP = 20  # messages that are acknowledged before the first fault


@dataclass
class Story:
    """What happened in a run."""

    seed: str
    faults: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # what this machine does not allow
    acknowledged: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # of the webhook
    states: dict[str, int] = field(default_factory=dict)  # of the outbox
    sends: int = 0
    restarts: int = 0
    settled_seconds: float = 0.0
    last_words: str = ""

    def tell(self) -> str:
        """Say all of it, for whoever wants to have the run again."""
        return (
            f"seed {self.seed}: {self.acknowledged} messages acknowledged, answers {dict(self.answers)};"
            f" {len(self.struck)} faults: {', '.join(self.struck)};"
            f" left out: {', '.join(self.left_out) or 'nothing'}; {self.restarts} restarts;"
            f" outbox {self.states}, the provider sent {self.sends} on; settled in {self.settled_seconds:.1f} s"
        )


def run(
    seed: str,
    database: str,
    folder: Path,
    *,
    seconds: float = 0.0,
    watch: Callable[[World, str], None] = lambda _world, _fault: None,
) -> Story:
    """Strike every fault once, or go on for so many seconds; heal, settle, check. `watch` sees the world meanwhile."""
    story = Story(seed)
    with ExitStack() as stack:
        is_small = database == "sqlite" and stack.enter_context(small_disk(folder / "disk"))
        if database == "sqlite" and not is_small:
            story.left_out.append("disk full (no file system may be mounted here)")
        server = stack.enter_context(running_postgres()) if database == "postgresql" else None
        url = server.url if server else make_sqlite(folder / "disk")
        opened = Database(url)
        stack.callback(opened.dispose)
        places = make_practices(opened, PRACTICES)
        skew = Skew(folder)
        provider = stack.enter_context(MoodyProvider(random.Random(f"{seed}-provider")))
        world = stack.enter_context(World(folder, url, provider, skew=skew))
        ledger = Ledger()
        nemesis = Nemesis(
            world,
            ledger,
            random.Random(f"{seed}-nemesis"),
            skew=skew,
            small_disk=folder / "disk" if is_small else None,
            postgres=server,
        )
        with traffic(world, ledger, seed, world.tend):
            deadline = time.monotonic() + seconds
            while True:
                nemesis.strike()
                watch(world, nemesis.struck[-1])
                if nemesis.is_through and time.monotonic() >= deadline:
                    break
            nemesis.heal()
        started = time.monotonic()
        world.settle(opened)
        story.settled_seconds = time.monotonic() - started
        story.faults = find_faults(read_evidence(world, opened, ledger, places))
        story.struck = nemesis.struck
        tell(story, world, opened, ledger)
    return story


def tell(story: Story, world: World, database: Database, ledger: Ledger) -> None:
    """Write into a story what happened."""
    story.restarts = world.restarts
    story.acknowledged, story.answers = len(ledger.acknowledged), ledger.answers
    with database.session(read_only=True) as session:
        story.states = outbox_store.count_by_state(session)
    story.sends = len(world.provider.ledger)
    story.last_words = last_words(world)


@contextmanager
def traffic(world: World, ledger: Ledger, seed: str, tend: Callable[[], object]) -> Iterator[None]:
    """Let clients hand messages in; at the end every one that was begun is acknowledged."""
    refs = world.provider.refs
    clients = [Client(n, seed, world.port, ledger, PER_SECOND, refs.__len__) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        wait_until(lambda: len(ledger.acknowledged) >= WARM_UP, "the first messages are acknowledged", tend)
        yield
    finally:
        for client in clients:
            client.stop()
    wait_until(lambda: not any(client.is_alive() for client in clients), "every message is acknowledged", tend)
