"""How a modem does, as the database of Gammu's daemon tells it, with the remedy where it does not do well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select

from gateway.channels.gammu_tables import (
    USSD,
    SmsdDatabase,
    find_schema_fault,
    inbox,
    outbox,
    phones,
    sentitems,
)
from gateway.errors import Retryable
from gateway.lines import ChannelHealth
from gateway.values import clean_text

Words = tuple[str, str]  # Indonesian, English

GRACE = timedelta(seconds=10)  # Source: Gammu 1.42, smsd: TimeOut is ten seconds after the last sign of life
LONGEST_SILENCE = timedelta(minutes=5)  # a hung modem blocks SMSD for about one
WEAKEST_SIGNAL = 10  # percent
LOOKED_AT = 200  # newest rows of the inbox
FAILURES = 3  # one after the other
COPIES = 3  # of one SMS in the inbox: the modem does not delete


def look(database: SmsdDatabase, phone: str, zone: ZoneInfo, now: datetime) -> ChannelHealth:
    """Return how the modem of a PhoneID does. Never raises."""
    try:
        with database.session() as connection:
            if fault := find_schema_fault(connection):
                return ChannelHealth(False, " / ".join(fault))
            return _look(connection, phone, zone, now)
    except Retryable as away:
        return ChannelHealth(False, f"basis data SMSD tidak bisa dipakai / {away}; periksa / check DATABASE_URL")


def _look(connection: Connection, phone: str, zone: ZoneInfo, now: datetime) -> ChannelHealth:
    clock = _read_clock(connection, zone, now)
    mine = select(phones).where(phones.c.ID == phone)  # noqa: SIM300 - this way round it reads as SQL
    row = connection.execute(mine.order_by(phones.c.TimeOut.desc()).limit(1)).first()
    if row is None:
        known = ", ".join(sorted(set(connection.execute(select(phones.c.ID)).scalars()))) or "-"
        return ChannelHealth(
            False,
            f"SMSD belum pernah jalan dengan phoneid {phone} (yang ada: {known}); periksa smsdrc, systemctl status"
            f" gammu-smsd / SMSD never ran with phoneid {phone} (there are: {known}); look at smsdrc",
        )
    heard_at = min(now, now - (clock - (row.TimeOut - GRACE))) if row.TimeOut else None
    faults = [*_find_silence(heard_at, now), *_find_weakness(row), *_find_failures(connection, phone)]
    faults += [*_find_copies(connection, phone), *_find_other_clock(connection, clock, zone, now)]
    waiting = connection.execute(select(func.count()).where(outbox.c.SenderID == phone)).scalar_one()
    state = (f"SMSD jalan; {waiting} menunggu dikirim", f"SMSD runs; {waiting} wait to be sent")
    said = faults or [state]
    return ChannelHealth(
        is_well=not faults,
        words=" / ".join("; ".join(one[language] for one in said) for language in (0, 1)),
        heard_at=heard_at,
        signal=row.Signal if row.Signal >= 0 else None,
        battery=row.Battery if row.Battery >= 0 else None,
        credit=_find_credit(connection, phone),
    )


def _read_clock(connection: Connection, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the time as SMSD writes it into this database: by the database's own zone, in SQLite by SMSD's."""
    if connection.dialect.name == "sqlite":
        return now.astimezone(zone).replace(tzinfo=None)
    found: datetime = connection.execute(select(func.localtimestamp())).scalar_one()
    return found.replace(tzinfo=None)


def _find_silence(heard_at: datetime | None, now: datetime) -> list[Words]:
    if heard_at is not None and now - heard_at <= LONGEST_SILENCE:
        return []
    minutes = int((now - heard_at).total_seconds() // 60) if heard_at else "?"
    return [
        (
            f"modem diam sejak {minutes} menit: periksa kabel dan kartu SIM, lalu systemctl restart gammu-smsd",
            f"the modem is silent for {minutes} minutes: look at cable and SIM card, then restart gammu-smsd",
        )
    ]


def _find_weakness(row: Row[Any]) -> list[Words]:
    if not 0 <= row.Signal < WEAKEST_SIGNAL:
        return []
    return [
        (
            f"sinyal {row.Signal}%: pindahkan modem atau antenanya",
            f"the signal is {row.Signal}%: move the modem or its aerial",
        )
    ]


def _find_failures(connection: Connection, phone: str) -> list[Words]:
    """Tell whether the last messages all failed: mostly a SIM card without credit."""
    last = select(sentitems.c.Status, sentitems.c.StatusCode).where(sentitems.c.SenderID == phone)
    rows = connection.execute(last.order_by(sentitems.c.ID.desc()).limit(FAILURES)).all()
    if len(rows) < FAILURES or any(row.Status not in {"SendingError", "Error"} for row in rows):
        return []
    code = rows[0].StatusCode
    return [
        (
            f"{FAILURES} kiriman terakhir gagal (CMS {code}): periksa pulsa dan masa aktif kartu",
            f"the last {FAILURES} messages failed (CMS {code}): look at the card's credit and validity",
        )
    ]


def _find_copies(connection: Connection, phone: str) -> list[Words]:
    newest = (
        select(inbox.c.SenderNumber, inbox.c.ReceivingDateTime, inbox.c.UDH, inbox.c.Text)
        .where(inbox.c.RecipientID == phone)
        .order_by(inbox.c.ID.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    same = select(newest.c.SenderNumber).group_by(*newest.c).having(func.count() >= COPIES).limit(1)
    if connection.execute(same).first() is None:
        return []
    return [
        (
            "modem tidak bisa menghapus SMS, jadi dibaca berulang (dihitung sekali): kosongkan kartu SIM, ganti modem",
            "the modem cannot delete SMS, so they are read again and again (counted once): empty or change it",
        )
    ]


def _find_other_clock(connection: Connection, clock: datetime, zone: ZoneInfo, now: datetime) -> list[Words]:
    """Tell whether the database is in another zone than SMSD: then SMSD finds no message for a delivery report."""
    here = now.astimezone(zone).replace(tzinfo=None)
    if abs(clock - here) < timedelta(minutes=5):
        return []
    remedy = {
        "postgresql": f"ALTER DATABASE smsd SET timezone = '{zone.key}'",
        "mysql": "SET GLOBAL time_zone = 'SYSTEM'",
    }.get(connection.dialect.name, "timedatectl")
    return [
        (
            f"jam basis data lain dari jam SMSD ({zone.key}), laporan kirim tidak dikenali: {remedy}",
            f"the database's clock is not SMSD's ({zone.key}), so it knows no delivery reports: {remedy}",
        )
    ]


def _find_credit(connection: Connection, phone: str) -> str:
    """Return the last answer to a USSD request that SMSD was told to make, such as *888#."""
    asked = select(inbox.c.TextDecoded).where(inbox.c.RecipientID == phone, inbox.c.Class == USSD)
    found = connection.execute(asked.order_by(inbox.c.ID.desc()).limit(1)).scalar()
    return " ".join(clean_text(found or "").split())[:160]
