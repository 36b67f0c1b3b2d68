"""Webhooks: who is told what has happened, and whether they heard it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)

_LISTENED_TO = "EXISTS (SELECT 1 FROM hooks WHERE state IN ('on', 'paused'))"
_COUNTS = "NEW.state IN ('accepted', 'approved')"
# Trigger: table, when it looks, of which rows, and what it notes down.
_TRIGGERS = {
    "note_report_added": ("reports", "INSERT", _COUNTS, "'report.' || NEW.state"),
    "note_report_moved": (
        "reports",
        "UPDATE OF state",
        f"{_COUNTS} AND OLD.state <> NEW.state",
        "'report.' || NEW.state",
    ),
    "note_month_closed": ("closings", "INSERT", "NEW.reopened_at IS NULL", "'month.closed'"),
}
_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


def upgrade() -> None:
    """Webhooks: who is told what has happened, and whether they heard it."""
    op.create_table(
        "hooks",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("state_at", Instant, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_until", Instant, nullable=True),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("failing_since", Instant, nullable=True),
        sa.Column("next_try_at", Instant, nullable=True),
        sa.Column("token", sa.String(length=16), nullable=True),
        sa.Column("lease_until", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
    )
    op.create_table(
        "events",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("ref", name=op.f("uq_events_ref")),
    )
    untold = sa.text("body IS NULL")
    op.create_index("ix_events_untold", "events", ["id"], sqlite_where=untold, postgresql_where=untold)
    op.create_index("ix_events_at", "events", ["at"])
    op.create_table(
        "hook_deliveries",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("hook_id", sa.Integer(), nullable=False),
        sa.Column("event_id", BigId, nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("tried_at", Instant, nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("millis", sa.Integer(), nullable=True),
        sa.Column("fault", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["hook_id"], ["hooks.id"], name=op.f("fk_hook_deliveries_hook_id_hooks")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_hook_deliveries_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_deliveries")),
        sa.UniqueConstraint("hook_id", "event_id", name="uq_hook_deliveries_once"),
    )
    op.create_index("ix_hook_deliveries_state", "hook_deliveries", ["hook_id", "state", "event_id"])
    op.create_index("ix_hook_deliveries_hook_id", "hook_deliveries", ["hook_id", "id"])
    op.create_index(
        "ix_hook_deliveries_test",
        "hook_deliveries",
        ["hook_id", "state"],
        sqlite_where=sa.text("is_test = 1"),
        postgresql_where=sa.text("is_test"),
    )
    op.create_index(op.f("ix_hook_deliveries_event_id"), "hook_deliveries", ["event_id"])
    _add_triggers()


def _add_triggers() -> None:
    """Have the database note down what happens itself: docs/decisions/0014-the-database-notes-what-happened.md."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for name, (table, moment, rows, kind) in _TRIGGERS.items():
        if is_postgresql:
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {_LISTENED_TO} THEN "  # noqa: S608
                f"INSERT INTO events (kind, subject_id, at) VALUES ({kind}, NEW.id, clock_timestamp()); "
                "END IF; RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} AFTER {moment} ON {table} FOR EACH ROW WHEN ({rows}) EXECUTE FUNCTION {name}()"
            )
        else:
            op.execute(
                f"CREATE TRIGGER {name} AFTER {moment} ON {table} WHEN {rows} AND {_LISTENED_TO} BEGIN "  # noqa: S608
                f"INSERT INTO events (kind, subject_id, at) VALUES ({kind}, NEW.id, {_SQLITE_NOW}); END"
            )


def downgrade() -> None:
    """Take it away again."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for name, (table, *_) in _TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}" if is_postgresql else f"DROP TRIGGER {name}")
        if is_postgresql:
            op.execute(f"DROP FUNCTION {name}()")
    for gone in ("hook_deliveries", "events", "hooks"):
        op.drop_table(gone)
