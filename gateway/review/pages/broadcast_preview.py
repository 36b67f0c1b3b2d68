"""What a broadcast would mean: how many numbers, segments and rupiah, by which channels, and who gets it only later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.calendar import waking_hours
from gateway.reply.weight import Weight, weigh
from gateway.store import audience, channels
from gateway.store.audience import Routes, Share
from gateway.store.base import Session
from gateway.store.broadcasts import Broadcast
from gateway.values import Scope


@dataclass(frozen=True, slots=True)
class OfChannel:
    """What one channel would carry. `cost` in rupiah, None where no price is set; `minutes` at the channel's pace."""

    name: str
    numbers: int
    segments: int
    cost: int | None
    minutes: int


@dataclass(frozen=True, slots=True)
class OfLanguage:
    """What would be read in one language, and by how many. `is_lent`: it is the text of another language."""

    language: str
    text: str
    weight: Weight
    numbers: int
    is_lent: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would mean if it were sent now.

    Shape: `later` holds (zone, from when, how many numbers) where it is night now, by the hours of their areas.
    """

    shares: tuple[Share, ...]
    count: int
    stopped: int
    unreached: int
    languages: tuple[OfLanguage, ...]
    channels: tuple[OfChannel, ...]
    later: tuple[tuple[str, datetime, int], ...]

    @property
    def seal(self) -> str:
        """Return what of it somebody has seen before they confirm."""
        return f"{self.count}.{self.segments}"

    @property
    def segments(self) -> int:
        """How many SMS that is in all."""
        return sum(one.segments for one in self.channels)

    @property
    def cost(self) -> int | None:
        """What all of it costs in rupiah; None where a channel's price is not set."""
        costs = [one.cost for one in self.channels if one.cost is not None]
        return sum(costs) if len(costs) == len(self.channels) else None


def make_preview(
    session: Session, draft: Broadcast, routes: Routes, paces: Mapping[str, float], now: datetime, *, scope: Scope
) -> Preview:
    """Return what a draft would mean. Shape: `paces` are the messages a second of each channel."""
    shares = audience.count_audience(session, draft.audience, routes, scope=scope)
    prices = channels.prices_of(session, tuple(paces))
    going = [one for one in shares if one.channel is not None and not one.is_stopped]
    weights = {one.language: weigh(draft.text_for(one.language)) for one in shares}
    by_channel: dict[str, list[Share]] = defaultdict(list)
    by_language: dict[str, int] = defaultdict(int)
    by_morning: dict[tuple[str, datetime], int] = defaultdict(int)
    for one in going:
        by_channel[str(one.channel)].append(one)
        by_language[one.language] += one.count
        by_morning[one.timezone, waking_hours(now, one.timezone, one.hours)[0]] += one.count
    carried = []
    for name, these in sorted(by_channel.items()):
        numbers = sum(one.count for one in these)
        segments = sum(one.count * weights[one.language].segments for one in these)
        price = prices.get(name)
        minutes = max(1, round(numbers / paces[name] / 60))
        carried.append(OfChannel(name, numbers, segments, None if price is None else price * segments, minutes))
    return Preview(
        shares=shares,
        count=sum(one.count for one in going),
        stopped=sum(one.count for one in shares if one.is_stopped),
        unreached=sum(one.count for one in shares if one.channel is None and not one.is_stopped),
        languages=tuple(
            OfLanguage(code, draft.text_for(code), weights[code], count, code not in draft.texts)
            for code, count in sorted(by_language.items(), key=lambda one: -one[1])
        ),
        channels=tuple(carried),
        later=tuple((zone, start, count) for (zone, start), count in sorted(by_morning.items()) if start > now),
    )
