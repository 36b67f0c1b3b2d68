"""How each channel's other side does: what it said of itself when it was looked at last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.lines import ChannelHealth
from gateway.store.base import Session, is_postgresql
from gateway.store.channels import channels

LONGEST_UNHEARD = timedelta(minutes=15)  # of a device: its daemon may be well, and the modem without a network
LONGEST_CREDIT = 100  # characters, the width of the column; an operator's answer has up to 160 and more
_FIELDS = tuple(field.name for field in fields(ChannelHealth))


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a channel's other side, and when."""

    at: datetime
    health: ChannelHealth

    @property
    def is_unheard(self) -> bool:
        """Whether the device itself had not given a sign of life for long."""
        return self.health.heard_at is not None and self.at - self.health.heard_at > LONGEST_UNHEARD


def save_health(session: Session, name: str, health: ChannelHealth | None, now: datetime) -> bool | None:
    """Write down what a look at a channel has found, None where nobody can be asked; return whether it was well before.

    That is None where nobody had looked.
    """
    dialect = postgresql if is_postgresql(session) else sqlite
    session.execute(dialect.insert(channels).on_conflict_do_nothing(), {"name": name})
    before: bool | None = session.execute(select(channels.c.is_well).where(channels.c.name == name)).scalar_one()
    found = astuple(_fit(health)) if health else (None,) * len(_FIELDS)
    values = dict(zip(_FIELDS, found, strict=True)) | {"looked_at": now if health else None}
    session.execute(update(channels).where(channels.c.name == name).values(values))
    return before


def health_of(session: Session, names: Collection[str]) -> Mapping[str, Look]:
    """Return what was seen last of each of these channels whose other side can be asked."""
    columns = (channels.c[name] for name in _FIELDS)
    asked = channels.c.name.in_(names), channels.c.looked_at.is_not(None)
    rows = session.execute(select(channels.c.name, channels.c.looked_at, *columns).where(*asked))
    return {name: Look(at, ChannelHealth(is_well, words, *rest)) for name, at, is_well, words, *rest in rows}


def _fit(health: ChannelHealth) -> ChannelHealth:
    """Return what its columns hold: what is no percentage is not told."""
    signal, battery = (
        level if level is not None and 0 <= level <= 100 else None for level in (health.signal, health.battery)
    )
    return replace(health, signal=signal, battery=battery, credit=health.credit[:LONGEST_CREDIT])
