"""A deploy while messages come: every process is started anew, one after the other, and the door stays open."""

from __future__ import annotations

import signal

from tests.chaos.harness import wait_until
from tests.chaos.world import World


def restart_everything(world: World) -> None:
    """Restart every process as `docs/deploy.md` says: the web server by HUP, the others by SIGTERM and a new start."""
    reload_web(world)
    for name in world.commands:
        if name not in {"valkey", "web"}:
            world.kill(name, signal.SIGTERM)
            world.start(name)


def reload_web(world: World) -> None:
    """Let the web server start new children with the new code, and end the old ones when they have answered."""
    before = set(world.children("web"))
    world.signal_leader("web", signal.SIGHUP)
    wait_until(lambda: _has_changed(world, before), "the web server has new children only", world.tend)


def _has_changed(world: World, before: set[int]) -> bool:
    now = set(world.children("web"))
    return bool(now) and not now & before
