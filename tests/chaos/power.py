"""The power goes in the middle of everything: the disk is looked at, and the house begins again on what it holds."""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path

from gateway.store.base import Database
from tests.chaos.brownout import MoodyProvider
from tests.chaos.checker import find_faults
from tests.chaos.harness import make_practices, wait_until
from tests.chaos.preload import Disk
from tests.chaos.run import Story, tell, traffic
from tests.chaos.traffic import PRACTICES, Ledger
from tests.chaos.world import World, make_sqlite, read_evidence

FEWEST, MOST = 60, 120  # messages that are acknowledged before the cut


def cut_power(seed: str, folder: Path, **settings: str) -> Story:
    """Let messages come, cut the power, look at the disk, start again on what it holds, and check everything.

    `settings` may name a spool below `folder / "disk"`; it is on the same disk then.
    """
    tree, ledger, story = folder / "disk", Ledger(), Story(seed, struck=["power cut"])
    tree.mkdir()
    chance = random.Random(f"{seed}-power")
    with ExitStack() as stack:
        before = Database(make_sqlite(tree))
        stack.callback(before.dispose)
        places = make_practices(before, PRACTICES)
        disk = Disk(tree, folder)
        provider = stack.enter_context(MoodyProvider(random.Random(f"{seed}-provider")))
        url = before.engine.url.render_as_string()
        running = [stack.enter_context(World(folder, url, provider, disk=disk, settings=settings))]

        def tend() -> None:
            running[-1].tend()

        with traffic(running[0], ledger, seed, tend):
            goal = chance.randint(FEWEST, MOST)
            wait_until(lambda: len(ledger.acknowledged) >= goal, "messages are acknowledged", tend)
            running[0].kill_everything()
            after = Database(f"sqlite:///{disk.copy / 'kabar.db'}")
            stack.callback(after.dispose)
            moved = {name: value.replace(str(tree), str(disk.copy)) for name, value in settings.items()}
            (folder / "again").mkdir()
            again = World(
                folder / "again",
                after.engine.url.render_as_string(),
                provider,
                settings={"port": str(running[0].port)} | moved,
            )
            again.port = running[0].port
            story.faults = find_faults(read_evidence(again, after, ledger, places, has_settled=False))
            running.append(stack.enter_context(again))
        again.settle(after)
        story.faults += find_faults(read_evidence(again, after, ledger, places))
        tell(story, again, after, ledger)
    return story
