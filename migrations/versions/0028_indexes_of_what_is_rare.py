"""Indexes of what is rare: an ordinary message is in few of them, and none is mistaken for the lanes'."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.errors import Retryable

revision = "0028"
down_revision = "0027"

_INDEXES = (  # index, table, columns, of which rows, and whether on SQLite too
    ("ix_inbox_state", "inbox", ("state", "id"), "state IN ('held', 'for_staff', 'dead')", False),
    ("ix_outbox_state", "outbox", ("state", "id"), "state IN ('failed', 'unsure', 'withheld')", False),
    ("ix_outbox_provider_id", "outbox", ("provider_id",), "provider_id IS NOT NULL", True),
    ("ix_outbox_sent", "outbox", ("sent_at", "channel", "segments"), "sent_at IS NOT NULL", True),
    ("ix_reports_reread_id", "reports", ("reread_id",), "reread_id IS NOT NULL", True),
)
_BUSY = (
    "ada yang lama memakai basis data, barangkali cadangan; tidak ada yang diubah. Jalankan ./kabar migrate sekali lagi"
    " sesudahnya / somebody is using the database for long, perhaps a backup; nothing was changed. When that is over,"
    " run ./kabar migrate once more"
)
_WAITED = {"55P03", "40P01"}  # lock not available, deadlock
_RETRIED = "state = 'received' AND next_try_at IS NOT NULL"


def upgrade() -> None:
    """Indexes of what is rare: an ordinary message is in few of them, and none is mistaken for the lanes'."""
    _take_tables()
    for name, table, columns, rows, _ in _here():
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))
    op.create_index(
        "ix_inbox_retried",
        "inbox",
        ["lane", "sender", "id"],
        sqlite_where=sa.text(_RETRIED),
        postgresql_where=sa.text(_RETRIED),
    )


def downgrade() -> None:
    """Make them of all rows again."""
    _take_tables()
    op.drop_index("ix_inbox_retried", "inbox")
    for name, table, columns, *_ in _here():
        op.drop_index(name, table)
        op.create_index(name, table, columns)


def _take_tables() -> None:
    """Have the tables to ourselves, or give up soon: whoever comes meanwhile stands behind who waits for a whole table.

    All at once and at the outset: who has read a table, and waits to write to it until an index is built, would never
    let us drop the old one.
    """
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("SET LOCAL lock_timeout = '2s'")
    try:
        op.execute("LOCK TABLE inbox, outbox, reports")
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) not in _WAITED:
            raise
        raise Retryable(_BUSY) from error
    op.execute("SET LOCAL lock_timeout = 0")


def _here() -> tuple[tuple[str, str, tuple[str, ...], str, bool], ...]:
    """Return those of the indexes that are partial on this kind of database."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    return tuple(one for one in _INDEXES if one[-1] or not is_sqlite)
