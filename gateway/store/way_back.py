"""The way back: by which channel a message is answered: its own, its sender's operator's, or else one that can send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from gateway.operators import find_route
from gateway.store.audience import find_routes
from gateway.store.base import Session
from gateway.store.inbox import inbox


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The channels that SMS go out by, those of them only for who is bound to them, and USSD, by which none goes.

    Shape: `routes` are channels by how the numbers begin that are written to by them (`operators.find_route`).
    """

    channels: tuple[str, ...] = ()
    only_bound: frozenset[str] = frozenset()
    ussd: frozenset[str] = frozenset()
    routes: Mapping[str, str] = field(default_factory=dict)


def find_way_back(
    session: Session, outgoing: Outgoing, channel: str, phone: str, *, bound_to: str | None = None, area: str = ""
) -> str:
    """Return the channel that answers a message which came by `channel`: its number's route, else the same.

    Who is bound to a channel is answered by no other. Where nothing goes out by it, it is the one that the phone last
    wrote an SMS by, else the one of the area around it, else the first.
    """
    if bound_to is None and channel not in outgoing.only_bound and (route := find_route(outgoing.routes, phone)):
        return route
    if channel not in outgoing.ussd:
        return channel
    last = select(inbox.c.channel).where(inbox.c.sender == phone, inbox.c.channel.in_(outgoing.channels))
    found = session.execute(last.order_by(inbox.c.id.desc()).limit(1)).scalar_one_or_none()
    routes = find_routes(session, outgoing.channels, outgoing.only_bound)
    return routes.choose(bound_to, found, area) or channel
