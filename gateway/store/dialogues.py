"""Dialogues: every USSD session, where it stands, and the screen that it shows; a dropped one is taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect

from gateway.lines import DialogueState
from gateway.store.base import Session, UtcDateTime, metadata
from gateway.store.inbox import BigId
from parsers.dialogue import Dialogue, as_json, from_json

dialogues = Table(
    "dialogues",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("session_id", String(200), nullable=False),
    Column("sender", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("stands", JSON, nullable=False),
    Column("offer", JSON(none_as_null=True), nullable=True),
    Column("screen", Text, nullable=False),
    Column("ends", Boolean, nullable=False),
    Column("keys", JSON, nullable=False),
    Column("hops", SmallInteger, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("sends", SmallInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "session_id", "sender", name="uq_dialogues_session"),
)
# Written out: with bound values no database could tell that it may use the partial index.
_is_unsent = dialogues.c.state.in_((literal_column("'open'"), literal_column("'draft'")))
Index(
    "ix_dialogues_unsent",
    dialogues.c.sender,
    dialogues.c.id,
    sqlite_where=_is_unsent,
    postgresql_where=_is_unsent,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One USSD session as it stands.

    Shape: `stands` is where the menu stands; `offer` a draft that may be taken up, until its sender has chosen. `keys`
    are the hops that were answered, `taken` how many inputs, `sends` how many messages came of it. A `screen` stays
    until the next one; where it `ends`, the session is over.
    """

    id: int
    channel: str
    session_id: str
    sender: str
    state: str
    stands: Dialogue
    offer: Dialogue | None
    screen: str
    ends: bool
    keys: tuple[str, ...]
    hops: int
    taken: int
    sends: int
    changed_at: datetime


COLUMNS = tuple(dialogues.c[name] for name in Standing.__slots__)
_CHANGING = ("state", "screen", "ends", "hops", "taken", "sends", "changed_at")
_ADD = {
    dialect.dialect.name: dialect.insert(dialogues).on_conflict_do_nothing() for dialect in (postgresql, sqlite_dialect)
}


def hold(session: Session, channel: str, session_id: str, sender: str, now: datetime) -> Standing:
    """Return a session, made where it is new (no hop yet), and hold it: its next hop waits until this one is answered.

    A session is a number's own: one id with two numbers is two sessions.
    """
    name = {"channel": channel, "session_id": session_id, "sender": sender}
    new = {"state": DialogueState.OPEN, "stands": {}, "screen": "", "ends": False, "keys": []}
    new |= {"hops": 0, "taken": 0, "sends": 0, "created_at": now, "changed_at": now}
    session.execute(_ADD[session.dialect.name], name | new)
    row = session.execute(select(*COLUMNS).filter_by(**name).with_for_update()).one()
    return _as_standing(row)


def keep(session: Session, standing: Standing) -> None:
    """Write down where a session stands now."""
    values: dict[str, Any] = {name: getattr(standing, name) for name in _CHANGING}
    values |= {"stands": as_json(standing.stands), "keys": list(standing.keys)}
    values |= {"offer": as_json(standing.offer) if standing.offer else None}
    session.execute(update(dialogues).where(dialogues.c.id == standing.id).values(values))


def give_up_id(session: Session, standing: Standing) -> None:
    """Let another session have this one's id; what was typed in this one stays its own."""
    other = f"{standing.session_id[:180]}#{standing.id}"
    session.execute(update(dialogues).where(dialogues.c.id == standing.id).values(session_id=other))


def find_draft(session: Session, standing: Standing, since: datetime) -> Standing | None:
    """Return the newest other session of a number, by any channel, that ended with figures typed and not sent; hold it.

    One that only fell silent counts too: a phone has one session at a time. None where there is none since an instant.
    """
    return next((one for one in _unsent(session, standing) if one.changed_at >= since and draft_of(one)), None)


def drop_drafts(session: Session, standing: Standing) -> None:
    """Close the other drafts of a number for the report that this session has sent."""
    for one in _unsent(session, standing):
        draft = draft_of(one)
        if draft and _about(draft) == _about(standing.stands):
            set_state(session, one.id, DialogueState.ABANDONED)


def _unsent(session: Session, standing: Standing) -> tuple[Standing, ...]:
    """Return the other sessions of a number that may hold a draft, newest first, and hold them."""
    others = dialogues.c.sender == standing.sender, dialogues.c.id != standing.id, _is_unsent
    statement = select(*COLUMNS).where(*others).order_by(dialogues.c.id.desc()).with_for_update()
    return tuple(_as_standing(row) for row in session.execute(statement))


def _about(dialogue: Dialogue) -> tuple[str, str, str]:
    return dialogue.form, dialogue.place, dialogue.period


def draft_of(standing: Standing) -> Dialogue | None:
    """Return what of a session may be taken up again: figures that were typed and not sent; None where there are none.

    A draft that was offered and not chosen yet is still there.
    """
    if standing.offer is not None:
        return standing.offer
    return standing.stands if standing.stands.values and standing.state != DialogueState.SENT else None


def end(session: Session, channel: str, session_id: str, sender: str, now: datetime) -> Standing | None:
    """Write down that the gateway has ended a session, and return it as it stands then; None where it is not known.

    Shape: an empty `sender` is whoever had that session last: some gateways do not say.
    """
    mine = [dialogues.c.channel == channel, dialogues.c.session_id == session_id]
    if sender:
        mine.append(dialogues.c.sender == sender)
    statement = select(*COLUMNS).where(*mine).order_by(dialogues.c.id.desc()).limit(1).with_for_update()
    row = session.execute(statement).first()
    if row is None:
        return None
    found = _as_standing(row)
    if found.state != DialogueState.OPEN:
        return found
    state = DialogueState.DRAFT if draft_of(found) is not None else DialogueState.OVER
    session.execute(update(dialogues).where(dialogues.c.id == found.id).values(state=state, changed_at=now))
    return _as_standing((*row[:4], state, *row[5:]))


def set_state(session: Session, dialogue_id: int, state: DialogueState) -> None:
    """Say what became of a session."""
    session.execute(update(dialogues).where(dialogues.c.id == dialogue_id).values(state=state))


def abandon(session: Session, before: datetime) -> int:
    """Close the sessions that nobody has gone on with since an instant, and return how many; their figures stay."""
    old = _is_unsent, dialogues.c.changed_at < before
    return int(session.execute(update(dialogues).where(*old).values(state=DialogueState.ABANDONED)).rowcount)


def _as_standing(row: Sequence[Any]) -> Standing:
    found = dict(zip(Standing.__slots__, row, strict=True))
    found |= {"stands": from_json(found["stands"]), "keys": tuple(found["keys"])}
    found["offer"] = from_json(found["offer"]) if found["offer"] else None
    return Standing(**found)
