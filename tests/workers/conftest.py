"""What the tests of the workers ask for: a district on either database, and a district that sends to a real peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.channels.provider import Provider


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district with the simulator's phones; the test runs once on each database."""
    return District(make_runtime(database, tmp_path))


@pytest.fixture
def make_sending(database: Database, tmp_path: Path) -> Iterator[Callable[..., tuple[District, Provider]]]:
    """Makes a district whose answers go out by HTTP to a provider's stand-in; options are the channel's own."""
    providers: list[Provider] = []

    def make(**options: str) -> tuple[District, Provider]:
        provider = Provider(is_idempotent=options.get("send_idempotent") == "yes")
        providers.append(provider)
        provider.__enter__()
        given = {"secrets": "s" * 32, "send_url": provider.url, "send_token": provider.token, "per_second": "1000"}
        runtime = make_runtime(
            database, tmp_path, channels="generic", channel_options={"generic": given | options}, answers_per_hour=1000
        )
        return District(runtime), provider

    yield make
    for provider in providers:
        provider.__exit__(None, None, None)
