"""GSM modems in the office by Gammu's daemon (SMSD): what came is read from its database, what goes is put there."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, exists, insert, or_, select, update

from gateway.channels.base import PollingChannel, Surroundings
from gateway.channels.gammu_health import look
from gateway.channels.gammu_settings import SETTINGS
from gateway.channels.gammu_tables import (
    USSD,
    SmsdDatabase,
    find_schema_fault,
    inbox,
    outbox,
    outbox_multipart,
    sentitems,
)
from gateway.channels.options import Options
from gateway.errors import Permanent, Refused, Retryable
from gateway.lines import ChannelHealth, LookedBack, Polled, read_part
from gateway.segments import split, write_header
from gateway.values import (
    ChannelLimits,
    DeliveryStatus,
    HttpRequest,
    InboundSms,
    OutboundSms,
    OutboxState,
    SentSms,
    SmsPart,
    clean_text,
    read_sender,
)

__all__ = ["SETTINGS", "Gammu", "make"]

AT_ONCE = 100  # messages, and statuses, in one poll
TOLD_AGAIN = timedelta(days=7)  # what became of messages so long ago is told once more after a start
OVERLAP = timedelta(minutes=1)  # rows are stamped to the second, and may be committed later than stamped
FURTHEST_ZONE = timedelta(hours=14)  # the stamps have no zone; beyond it a clock was wrong

# Source: Gammu manual, "SMSD Database Structure", sentitems.Status.
STATES = {
    "SendingOK": OutboxState.SENT,
    "SendingOKNoReport": OutboxState.SENT,
    "DeliveryPending": OutboxState.SENT,
    "DeliveryUnknown": OutboxState.SENT,
    "DeliveryOK": OutboxState.DELIVERED,
    "DeliveryFailed": OutboxState.FAILED,
    "SendingError": OutboxState.FAILED,
    "Error": OutboxState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a poll found: rows of the inbox to tick off, and what was told of sent messages up to when."""

    rows: tuple[int, ...]
    told: dict[int, DeliveryStatus]
    until: datetime | None


class Gammu(PollingChannel):
    """One modem: a PhoneID in the database of an SMSD, which several modems may share."""

    looks_back_every = timedelta(minutes=10)

    def __init__(self, name: str, options: Options, surroundings: Surroundings) -> None:
        self.name = name
        self.poll_seconds = options.number("poll_seconds")
        per_day = options.text("per_day")
        self.limits = ChannelLimits(
            per_second=options.number("per_second"),
            is_idempotent=True,
            stamps_sent_at=True,
            per_day=int(per_day) if per_day else None,
        )
        self._phone = options.text("phone_id")
        self._zone = ZoneInfo(options.text("timezone") or surroundings.timezone)
        self._nudge_secrets = options.secrets("nudge_secrets")
        self._region = surroundings.region
        self._database = SmsdDatabase(options.secret("database_url").reveal())
        self._is_checked = False
        self._told: dict[int, DeliveryStatus] = {}  # by sentitems.ID; what was told already is not told again
        self._told_until: datetime | None = None

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Refuse a nudge from whoever does not know a secret."""
        scheme, _, given = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not any(secret.matches(given) for secret in self._nudge_secrets):
            raise Refused("the nudge's secret is missing or wrong")

    def poll(self, now: datetime) -> Polled:
        """Return what the modem received, each part of a longer message for itself, and what became of what it sent."""
        with self._database.session() as connection:
            self._check(connection)
            rows = self._find_received(connection)
            groups, until = self._find_changed(connection, now)
        messages = tuple(self._read(row) for row in rows if row.Class != USSD)
        told = {key: judge(group) for key, group in groups.items()}
        fresh = {key: status for key, status in told.items() if status and self._told.get(key) != status}
        some = dict(list(fresh.items())[:AT_ONCE])
        is_all = len(some) == len(fresh)
        kept = {key: status for key, status in told.items() if status and (key in some or key not in fresh)}
        ticket = Ticket(tuple(row.ID for row in rows), kept, until if is_all else self._told_until)
        return Polled(messages, tuple(some.values()), ticket, has_more=len(rows) == AT_ONCE or not is_all)

    def confirm(self, polled: Polled) -> None:
        """Tick the rows off as processed."""
        ticket = polled.ticket
        assert isinstance(ticket, Ticket), "it comes from poll"
        if ticket.rows:
            with self._database.session(writes=True) as connection:
                connection.execute(update(inbox).where(inbox.c.ID.in_(ticket.rows)).values(Processed=True))
        self._told, self._told_until = ticket.told, ticket.until

    def look_back(self, since: datetime, until: datetime) -> Iterator[LookedBack]:
        """Return what SMSD's table still has that was ticked off as processed: a restored database may not have it.

        The row's own time is when it was ticked off; the SMS's is the network's, and may be older. Neither has a zone.
        """
        clock = since.astimezone(UTC).replace(tzinfo=None) - FURTHEST_ZONE
        lately = or_(inbox.c.UpdatedInDB >= clock, inbox.c.ReceivingDateTime >= clock)
        mine = inbox.c.RecipientID == self._phone, inbox.c.Processed == True, lately  # noqa: E712
        last = -1
        while True:
            with self._database.session() as connection:
                self._check(connection)
                page = select(inbox).where(*mine, last < inbox.c.ID).order_by(inbox.c.ID).limit(AT_ONCE)
                rows = connection.execute(page).all()
            if not rows:
                return
            last = rows[-1].ID
            yield LookedBack(tuple(self._read(row) for row in rows if row.Class != USSD))

    def send(self, sms: OutboundSms) -> SentSms:
        """Put a message into the outbox, cut into its parts, unless it is there or was sent already.

        SMSD itself would cut silently at 160, and write `?` for what GSM-7 lacks.
        """
        try:
            parts = split(sms.text)
        except ValueError as fault:
            raise Permanent(str(fault)) from fault
        is_long = len(parts) > 1
        mark = zlib.crc32(sms.ref.encode())
        rows = [
            {
                "TextDecoded": part.text,
                "Coding": "Default_No_Compression" if part.is_gsm else "Unicode_No_Compression",
                "UDH": write_header(mark, len(parts), number).hex().upper() if is_long else "",
            }
            for number, part in enumerate(parts, 1)
        ]
        whole = {
            "DestinationNumber": sms.to,
            "SenderID": self._phone,
            "CreatorID": sms.ref,
            "DeliveryReport": "yes",
            "MultiPart": is_long,
        }
        with self._database.session(writes=True, alone_for=sms.ref) as connection:
            self._check(connection)
            key = self._find_earlier(connection, sms)
            if key is None:
                made = connection.execute(insert(outbox).values(**rows[0], **whole)).inserted_primary_key
                assert made is not None, "the outbox numbers its rows"
                key = int(made[0])
                further = [row | {"ID": key, "SequencePosition": place} for place, row in enumerate(rows[1:], 2)]
                if further:
                    connection.execute(insert(outbox_multipart), further)
        return SentSms(provider_id=str(key), segments=len(parts))

    def look(self, now: datetime) -> ChannelHealth:
        """Ask the database how the modem does."""
        return look(self._database, self._phone, self._zone, now)

    def _check(self, connection: Connection) -> None:
        """Raise Retryable where nothing may be read or written, because nobody knows what it would mean."""
        if self._is_checked:
            return
        if fault := find_schema_fault(connection):
            raise Retryable(fault[1], "schema")
        self._is_checked = True

    def _find_received(self, connection: Connection) -> Sequence[Row[Any]]:
        mine = inbox.c.RecipientID == self._phone, inbox.c.Processed == False  # noqa: E712 - a condition of SQL
        return connection.execute(select(inbox).where(*mine).order_by(inbox.c.ID).limit(AT_ONCE)).all()

    def _find_changed(self, connection: Connection, now: datetime) -> tuple[dict[int, list[Row[Any]]], datetime]:
        """Return the rows of what changed lately, by message, and until when was looked.

        A message that staff had sent again has its last try only: the one before says nothing of it any more.
        """
        clock = now.astimezone(UTC).replace(tzinfo=None)
        since = (self._told_until or clock - TOLD_AGAIN) - OVERLAP
        newer, own = sentitems.alias("newer"), sentitems.c
        again = exists().where(
            newer.c.DestinationNumber == own.DestinationNumber, newer.c.CreatorID == own.CreatorID, newer.c.ID > own.ID
        )
        waits = exists().where(outbox.c.CreatorID == own.CreatorID)
        ours = own.SenderID == self._phone, own.CreatorID != ""  # other programs may send by the same modem
        changed = select(own.ID).where(*ours, own.UpdatedInDB >= since, ~again, ~waits)
        part = sentitems.alias("part")
        rows = connection.execute(select(part).where(part.c.ID.in_(changed)).order_by(part.c.ID)).all()
        groups: dict[int, list[Row[Any]]] = {}
        for row in rows:
            groups.setdefault(row.ID, []).append(row)
        latest = max((row.UpdatedInDB for row in rows if row.UpdatedInDB), default=since + OVERLAP)
        return groups, min(latest, clock + FURTHEST_ZONE)

    def _find_earlier(self, connection: Connection, sms: OutboundSms) -> int | None:
        """Return the row of an earlier try of this message that may reach the phone, or None.

        SMSD writes into sentitems before it deletes from the outbox, so what is in neither was never there.
        """
        waiting = select(outbox.c.ID).where(outbox.c.CreatorID == sms.ref, outbox.c.SenderID == self._phone)
        key: int | None = connection.execute(waiting.limit(1)).scalar()
        if key is not None:
            return key
        mine = sentitems.c.DestinationNumber == sms.to, sentitems.c.CreatorID == sms.ref
        rows = connection.execute(select(sentitems).where(*mine).order_by(sentitems.c.ID)).all()
        last = [row for row in rows if row.ID == rows[-1].ID]
        status = judge(last) if last else None
        return None if not last or (status and status.state is OutboxState.FAILED) else last[0].ID

    def _read(self, row: Row[Any]) -> InboundSms:
        """Return the message in a row of the inbox.

        The key is what was sent, never the row's number: a modem that cannot delete has one SMS inserted at each look.
        """
        at: datetime | None = row.ReceivingDateTime
        said = "\x1f".join((self._phone, row.SenderNumber, str(at), row.UDH.upper(), row.Text.upper(), row.Coding))
        return InboundSms(
            provider_id=hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest(),
            sender=read_sender(row.SenderNumber, self._region),
            text=read_text(row.Text, row.Coding, row.TextDecoded),
            sent_at=at.replace(tzinfo=self._zone).astimezone(UTC) if at else None,
            part=find_part(row.UDH),
        )


def make(name: str, options: Options, surroundings: Surroundings) -> Gammu:
    """Return a channel for one modem."""
    return Gammu(name, options, surroundings)


def judge(rows: Sequence[Row[Any]]) -> DeliveryStatus | None:
    """Return what became of one message from the rows of its parts; None while some have not gone out.

    It has failed with its first part that failed, and is delivered with its last.
    """
    states = [STATES.get(row.Status) for row in rows]
    worst = next((row for row, state in zip(rows, states, strict=True) if state is OutboxState.FAILED), None)
    part = find_part(rows[0].UDH)
    if worst is None and part is not None and len(rows) < part.total:
        return None
    state: OutboxState | None
    if worst is not None:
        state = OutboxState.FAILED
    elif None in states:
        state = None
    else:
        state = OutboxState.DELIVERED if set(states) == {OutboxState.DELIVERED} else OutboxState.SENT
    shown = worst or rows[0]
    code = str(shown.StatusCode) if worst is not None and shown.StatusCode >= 0 else ""
    words = "" if state in {OutboxState.SENT, OutboxState.DELIVERED} else str(shown.Status)
    return DeliveryStatus(state, ref=rows[0].CreatorID, provider_id=str(rows[0].ID), code=code, words=words)


def read_text(hexadecimal: str, coding: str, decoded: str) -> str:
    """Return what a part says. SMSD keeps it in UTF-16; its TextDecoded holds the whole text, or nothing.

    >>> read_text("004B0042", "Default_No_Compression", "KB 0925 and the next part")
    'KB'
    >>> read_text("0A1B", "8bit", "")
    '(SMS biner / binary SMS) 0A1B'
    """
    if coding not in {"Default_No_Compression", "Unicode_No_Compression"}:
        return f"(SMS biner / binary SMS) {hexadecimal}"
    try:
        octets = bytes.fromhex(hexadecimal)
    except ValueError:
        octets = b""
    return clean_text(octets.decode("utf-16-be", "replace") if octets else decoded)


def find_part(written: str) -> SmsPart | None:
    """Return which part a row's user data header says that it is; what is no hexadecimal says nothing."""
    try:
        return read_part(bytes.fromhex(written))
    except ValueError:
        return None
