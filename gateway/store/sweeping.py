"""Sweeping: somebody's numbers and name out of every column that may quote them, whoever wrote it there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    cast,
    func,
    or_,
    select,
    update,
)

from gateway.redact import HIDDEN, mask_phone
from gateway.store.audit import audit
from gateway.store.base import Session, is_postgresql
from gateway.store.erasing import Counts
from gateway.store.erasures import Person
from gateway.store.inventory import text_columns
from gateway.store.klikkb import klikkb_midwives
from gateway.store.registrations import registrations

FEWEST_DIGITS = 7  # of a number that is looked for; a shorter one would be found in anything
GONE = "(dihapus)"
_BETWEEN = r"[ ().\-]{0,2}"


def sweep(session: Session, person: Person, pseudonym: str) -> Counts:
    """Hide somebody's numbers, and her name where it has two words, in all that may quote them; return rows by table.

    Only texts are searched: a name that stands by itself is a namesake's, and a longer number somebody else's. The name
    of a practice stays, though it be its owner's: it stands in the health office's registers. A name of one word may be
    anybody's, or a thing's: it is taken out of what is hers by a key, and out of the audit of her, and not looked for
    elsewhere.
    """
    counts: Counts = Counts()
    marks = [_digits(phone) for phone in person.phones]
    names = [name for name in person.names if len(name.split()) > 1]
    hide = make_hider(person.phones, names)
    wanted = [mark for mark in marks if len(mark) >= FEWEST_DIGITS], names
    for table, column in text_columns():
        counts[table.name] += _sweep_column(session, table, column, wanted, hide)
    counts["audit"] += _sweep_audit_of(session, person, pseudonym)
    return counts


def make_hider(phones: Sequence[str], names: Sequence[str]) -> Callable[[str], str]:
    """Return what hides numbers, however they are written, and names, in a text.

    >>> make_hider(["+6281230000001"], ["Ani Lestari"])("Bu ani  lestari 0812-3000-0001, +62812•••0001")
    'Bu (dihapus) •••, •••'
    """
    numbers = [_BETWEEN.join(_digits(phone)) for phone in phones if len(_digits(phone)) >= FEWEST_DIGITS]
    masked = [re.escape(mask_phone(phone)) for phone in phones]
    masked += [re.escape(mask_phone(f"0{_digits(phone)}")) for phone in phones]
    written = [rf"(?:(?:\+|%2[Bb])?62{_BETWEEN}|0)?{number}(?![0-9])" for number in numbers]
    written += [mark for mark in masked if mark != HIDDEN]
    called = [r"\s+".join(map(re.escape, name.split())) for name in names]
    number = re.compile("|".join(written)) if written else None
    name = re.compile(rf"(?<!\w)(?:{'|'.join(called)})(?!\w)", re.IGNORECASE) if called else None

    def hide(text: str) -> str:
        text = number.sub(HIDDEN, text) if number else text
        return name.sub(GONE, text) if name else text

    return hide


def _digits(phone: str) -> str:
    return phone.removeprefix("+62").removeprefix("+")


def _sweep_column(
    session: Session,
    table: Table,
    column: Column[Any],
    wanted: tuple[list[str], list[str]],
    hide: Callable[[str], str],
) -> int:
    """Hide in one column. What may hold it is asked of the database, coarsely; the rest is done here, row by row."""
    if isinstance(column.type, LargeBinary):
        text = func.encode(column, "escape") if is_postgresql(session) else cast(column, Text)
    else:
        text = cast(column, Text)
    digits, names = wanted
    lower = func.lower(text)
    # the digits in their order, whatever stands between them
    likes: list[ColumnElement[bool]] = [text.like(f"%{'%'.join(one)}%") for one in digits]
    for name in names:
        spellings = {name, json.dumps(name)[1:-1]}
        likes += [and_(*(lower.contains(word.lower(), autoescape=True) for word in one.split())) for one in spellings]
    if not likes:
        return 0
    keys = list(table.primary_key.columns)
    changed = 0
    for row in session.execute(select(*keys, column.label("found")).where(or_(*likes))).all():
        hidden = hide_in(row.found, hide)
        if hidden != row.found:
            same = (key == value for key, value in zip(keys, row, strict=False))
            session.execute(update(table).where(*same).values({column.name: hidden}))
            changed += 1
    return changed


def hide_in(value: Any, hide: Callable[[str], str]) -> Any:
    """Return a value of any column with what is to be hidden hidden, however deep it lies.

    >>> hide_in({"a": ["x", 1], "x": None}, lambda text: text.replace("x", "y"))
    {'a': ['y', 1], 'y': None}
    """
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, bytes):
        text = value.decode("utf-8", "surrogateescape")
        return hide(text).encode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {hide(name): hide_in(inner, hide) for name, inner in value.items()}
    if isinstance(value, list):
        return [hide_in(inner, hide) for inner in value]
    return value


def _sweep_audit_of(session: Session, person: Person, pseudonym: str) -> int:
    """Hide somebody's name, though it be one word, and her masked numbers in the audit of herself."""
    names = {name.casefold() for name in person.names}
    mask = make_hider(person.phones, [name for name in person.names if len(name.split()) > 1])

    def hide(text: str) -> str:
        return GONE if text.casefold() in names else mask(text)

    asked = select(registrations.c.id).where(
        or_(registrations.c.phone == pseudonym, registrations.c.old_phone == pseudonym)
    )
    listed = select(klikkb_midwives.c.klikkb_id).where(klikkb_midwives.c.name == pseudonym)
    about = or_(
        and_(audit.c.noun == "reporter", audit.c.subject.in_([*map(str, person.reporter_ids), *person.names])),
        and_(audit.c.noun == "registration", audit.c.subject.in_(select(cast(asked.subquery().c.id, String)))),
        and_(audit.c.noun == "directory", audit.c.subject.in_(listed)),
    )
    changed = 0
    for row in session.execute(select(audit.c.id, audit.c.subject, audit.c.details).where(about)).all():
        hidden = {"subject": hide(row.subject), "details": hide_in(row.details, hide)}
        if hidden != {"subject": row.subject, "details": row.details}:
            session.execute(update(audit).where(audit.c.id == row.id).values(hidden))
            changed += 1
    return changed
