"""Alarms: how much of what went wrong waits for somebody, counted so far only as anybody wants to know."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from gateway.store.base import Session, within
from gateway.store.channels import channels
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.reporters import reporter_facilities, reporter_phones
from gateway.values import InboxState, OutboxState, Scope

MOST = 100  # counting stops there: "99+" is all that a page says


def count_open(session: Session, since: datetime, *, scope: Scope) -> dict[str, int]:
    """Return how many messages wait for staff, by state; of those that did not go out, the ones since an instant."""
    received = (InboxState.DEAD, inbox), (InboxState.HELD, inbox)
    to_send = (OutboxState.FAILED, outbox), (OutboxState.UNSURE, outbox)
    questions = [_count(state, _newest(table, table.c.sender, state, scope)) for state, table in received]
    for state, table in to_send:
        newest = _newest(table, table.c.recipient, state, scope)
        questions.append(_count(state, newest).where(newest.c.created_at >= since))
    rows = session.execute(union_all(*questions)).all()
    return {row[0]: row[1] for row in rows if row[1]}


def _newest(table: Table, phone: ColumnElement[str], state: str, scope: Scope) -> Subquery:
    """Return the newest messages in a state: the index gives them in this order, so that no other is looked at."""
    at = table.c.created_at if "created_at" in table.c else table.c.received_at
    concerned = _concerns(phone, table.c.channel, scope)
    wanted = select(table.c.id, at.label("created_at")).where(table.c.state == state, concerned)
    return wanted.order_by(table.c.id.desc()).limit(MOST).subquery()


def _concerns(phone: ColumnElement[str], channel: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """Return what `conversations.concerns` does, for counting: the scope's numbers are looked up once for all rows."""
    if not scope.area:
        return true()
    owned = select(reporter_phones.c.phone).join(
        reporter_facilities, reporter_facilities.c.reporter_id == reporter_phones.c.reporter_id
    )
    inside = owned.join(facilities, facilities.c.id == reporter_facilities.c.facility_id)
    mine = select(channels.c.name).where(within(channels.c.area, scope))
    is_owned = exists(owned.where(reporter_phones.c.phone == phone))
    return or_(phone.in_(inside.where(within(facilities.c.area, scope))), and_(channel.in_(mine), ~is_owned))


def _count(state: str, newest: Subquery) -> Select[str, int]:
    return select(literal(str(state)), func.count()).select_from(newest)
