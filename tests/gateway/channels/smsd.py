"""A database as Gammu's daemon leaves it, without the daemon: what it would write, a test writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text, update

from gateway.channels.gammu_tables import (
    SmsdDatabase,
    gammu,
    inbox,
    open_engine,
    outbox,
    outbox_multipart,
    phones,
    sentitems,
    tables,
)
from gateway.values import InboundSms

PHONE = "modem1"

# What Gammu 1.44 adds to the tables. Source: its ChangeLog, and docs/sql/*.sql.
SCHEMA_18 = (
    'ALTER TABLE inbox ADD COLUMN "MessageID" INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE inbox ADD COLUMN "SequencePosition" INTEGER NOT NULL DEFAULT 1',
    'ALTER TABLE inbox ADD COLUMN "PartCount" INTEGER NOT NULL DEFAULT 1',
    'CREATE INDEX inbox_message ON inbox("MessageID", "SequencePosition")',
    "ALTER TABLE outbox ADD COLUMN \"SendDays\" VARCHAR(20) NOT NULL DEFAULT '1,2,3,4,5,6,7'",
    'UPDATE gammu SET "Version" = 18',
)


class FakeSmsd:
    """The database of an SMSD that does what the test says."""

    def __init__(self, url: str, version: int = 17) -> None:
        self.url = url
        engine = open_engine(url)
        tables.create_all(engine)
        engine.dispose()
        self.database = SmsdDatabase(url)
        with self.database.session(writes=True) as session:
            session.execute(insert(gammu).values(Version=version))

    def upgrade(self) -> None:
        """Do what the daemon's own upgrade to schema 18 does."""
        with self.database.session(writes=True) as session:
            for statement in SCHEMA_18:
                session.execute(text(statement))

    def receive(self, sender: str, words: str, at: datetime, *, times: int = 1, **more: object) -> None:
        """Write what came in: one row for each SMS; `at` is naive, as SMSD writes it."""
        row = {
            "SenderNumber": sender,
            "ReceivingDateTime": at,
            "Text": words.encode("utf-16-be").hex().upper(),
            "TextDecoded": words,
            "RecipientID": PHONE,
        }
        with self.database.session(writes=True) as session:
            session.execute(insert(inbox), [row | more] * times)

    def have_sent(self, count: int) -> None:
        """Write that so many messages were sent: ref1, ref2 and so on."""
        now = datetime.now(UTC).replace(tzinfo=None)
        same = {"SequencePosition": 1, "UpdatedInDB": now, "DestinationNumber": "+62811", "SenderID": PHONE, "UDH": ""}
        rows = [
            same | {"ID": number, "CreatorID": f"ref{number}", "Status": "SendingOK"} for number in range(1, count + 1)
        ]
        with self.database.session(writes=True) as session:
            session.execute(insert(sentitems), rows)

    def hand_over(self, status: str = "SendingOK", code: int = -1, *, parts: int | None = None) -> list[str]:
        """Send what waits in the outbox, or its first parts, and return their texts."""
        with self.database.session(writes=True) as session:
            waiting = session.execute(outbox.select().order_by(outbox.c.ID)).all()
            said = []
            for row in waiting:
                rest = outbox_multipart.select().where(outbox_multipart.c.ID == row.ID)
                further = session.execute(rest.order_by(outbox_multipart.c.SequencePosition)).all()
                for place, part in enumerate([row, *further][:parts], 1):
                    said.append(part.TextDecoded)
                    values = {
                        "ID": row.ID,
                        "SequencePosition": place,
                        "UpdatedInDB": datetime.now(UTC).replace(tzinfo=None),
                        "DestinationNumber": row.DestinationNumber,
                        "UDH": part.UDH,
                        "SenderID": row.SenderID,
                        "Status": status,
                        "StatusCode": code,
                        "CreatorID": row.CreatorID,
                    }
                    session.execute(insert(sentitems).values(**values))
                session.execute(outbox.delete().where(outbox.c.ID == row.ID))
                session.execute(outbox_multipart.delete().where(outbox_multipart.c.ID == row.ID))
        return said

    def report(self, place: int, status: str, key: int | None = None) -> None:
        """Write a delivery report for one part of a message, the last one if none is named."""
        with self.database.session(writes=True) as session:
            keys = [row.ID for row in session.execute(sentitems.select().order_by(sentitems.c.ID))]
            mine = sentitems.c.ID.in_([key or keys[-1]]), sentitems.c.SequencePosition.in_([place])
            now = datetime.now(UTC).replace(tzinfo=None)
            session.execute(update(sentitems).where(*mine).values(Status=status, UpdatedInDB=now))

    def breathe(self, clock: datetime, *, signal: int = 60, phone: str = PHONE) -> None:
        """Write that the modem gave a sign of life, by SMSD's own naive clock."""
        with self.database.session(writes=True) as session:
            session.execute(phones.delete().where(phones.c.ID == phone))  # noqa: SIM300 - as SQL has it
            values = {"IMEI": f"35-{phone}", "IMSI": "51010", "NetName": "TELKOMSEL", "Battery": 100}
            timeout = clock + timedelta(seconds=10)
            session.execute(insert(phones).values(ID=phone, TimeOut=timeout, Signal=signal, **values))

    def count(self) -> tuple[int, int]:
        """Return how many rows wait in the outbox, and how many further parts."""
        with self.database.session() as session:
            waiting = session.execute(outbox.select()).all(), session.execute(outbox_multipart.select()).all()
        return len(waiting[0]), len(waiting[1])


def fill_store(folder: Path, rows: Mapping[str, list[Mapping[str, object]]]) -> None:
    """Make `smsd.db` in a folder with rows by table, for the contract suite."""
    path = folder / "smsd.db"
    if path.exists():
        return
    path.touch()
    smsd = FakeSmsd(f"sqlite:///{path}")
    by_name = {"inbox": inbox, "outbox": outbox, "sentitems": sentitems, "phones": phones}
    with smsd.database.session(writes=True) as session:
        for name, found in rows.items():
            for row in found:
                session.execute(insert(by_name[name]).values(**row))


def texts(messages: tuple[InboundSms, ...]) -> list[str]:
    """Return what messages say."""
    return [sms.text for sms in messages]
