"""The way back: by which channel somebody is written to whose message came by one that sends nothing, as USSD does."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from gateway.store.audience import find_routes
from gateway.store.base import Session
from gateway.store.inbox import inbox


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The channels that SMS go out by, those of them only for who is bound to them, and USSD, by which none goes."""

    channels: tuple[str, ...] = ()
    only_bound: frozenset[str] = frozenset()
    ussd: frozenset[str] = frozenset()


def find_way_back(
    session: Session, outgoing: Outgoing, channel: str, phone: str, *, bound_to: str | None = None, area: str = ""
) -> str:
    """Return the channel that answers a message which came by `channel`: the same, unless nothing goes out by that.

    Then it is the one that the phone last wrote an SMS by, else the one of the area around it, else the first.
    """
    if channel not in outgoing.ussd:
        return channel
    last = select(inbox.c.channel).where(inbox.c.sender == phone, inbox.c.channel.in_(outgoing.channels))
    found = session.execute(last.order_by(inbox.c.id.desc()).limit(1)).scalar_one_or_none()
    routes = find_routes(session, outgoing.channels, outgoing.only_bound)
    return routes.choose(bound_to, found, area) or channel
