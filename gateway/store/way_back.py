"""The way back: by which channel somebody is written to whose message came by one that sends nothing, as USSD does."""

from __future__ import annotations

from sqlalchemy import select

from gateway.store.audience import Routes
from gateway.store.base import Session
from gateway.store.inbox import inbox


def find_way_back(
    session: Session, phone: str, routes: Routes, bound_to: str | None = None, area: str = ""
) -> str | None:
    """Return the channel that a phone last wrote an SMS by, else the one of the area around it, else the first.

    None where none may write to it: who is bound to a channel is written to by that one only.
    """
    last = select(inbox.c.channel).where(inbox.c.sender == phone, inbox.c.channel.in_(list(routes.areas)))
    found = session.execute(last.order_by(inbox.c.id.desc()).limit(1)).scalar_one_or_none()
    return routes.choose(bound_to, found, area)
