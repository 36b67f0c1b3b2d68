"""Reminders: ladders and manners of areas, who was reminded of what, pauses, outages, and phones of staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Reminders: ladders and manners of areas, who was reminded of what, pauses, outages, and phones of staff."""
    op.create_table(
        "ladders",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("rungs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("area", "form", name=op.f("pk_ladders")),
    )
    op.create_table(
        "manners",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("first_hour", sa.SmallInteger(), nullable=False),
        sa.Column("last_hour", sa.SmallInteger(), nullable=False),
        sa.Column("off_days", sa.String(length=10), nullable=False),
        sa.Column("spread_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("shows_score", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_manners")),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.Column("ended_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_pauses_facility_id_facilities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    op.create_index("ix_pauses_area", "pauses", ["area", "id"])
    op.create_index("ix_pauses_facility_id", "pauses", ["facility_id"])
    op.create_table(
        "outages",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("from_at", Instant, nullable=False),
        sa.Column("until_at", Instant, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.String(length=100), nullable=True),
        sa.Column("noted_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
    )
    op.create_index("ix_outages_from_at", "outages", ["from_at"])
    op.create_table(
        "reminders",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("subject", sa.String(length=24), nullable=False),
        sa.Column("rung", sa.String(length=20), nullable=False),
        sa.Column("opening", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("closes_at", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_reminders_facility_id_facilities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("form", "period", "subject", "rung", "opening", name="uq_reminders_key"),
    )
    op.create_index("ix_reminders_area", "reminders", ["area", "id"])
    op.create_index("ix_reminders_facility_id", "reminders", ["facility_id", "id"])
    op.create_index("ix_reminders_period", "reminders", ["period", "form", "area", "id"])
    op.create_table(
        "reminder_messages",
        sa.Column("reminder_id", BigId, nullable=False),
        sa.Column("outbox_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["reminder_id"], ["reminders.id"], name=op.f("fk_reminder_messages_reminder_id_reminders")
        ),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_reminder_messages_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("reminder_id", "outbox_id", name=op.f("pk_reminder_messages")),
    )
    op.create_index(op.f("ix_reminder_messages_outbox_id"), "reminder_messages", ["outbox_id"])
    op.create_table(
        "reminder_rounds",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("ran_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_reminder_rounds")),
    )
    op.add_column("users", sa.Column("phone", sa.String(length=20), nullable=True))
    op.add_column("users", sa.Column("stopped_at", Instant, nullable=True))
    op.create_index(op.f("ix_users_phone"), "users", ["phone"])
    op.create_index("ix_questions_sender", "questions", ["sender", "id"])
    op.add_column("channels", sa.Column("monthly_budget", sa.Integer(), nullable=True))
    op.create_index("ix_outbox_sent", "outbox", ["sent_at", "channel", "segments"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_questions_sender", table_name="questions")
    op.drop_index("ix_outbox_sent", table_name="outbox")
    op.drop_column("channels", "monthly_budget")
    op.drop_index(op.f("ix_users_phone"), table_name="users")
    op.drop_column("users", "stopped_at")
    op.drop_column("users", "phone")
    for table in ("reminder_rounds", "reminder_messages", "reminders", "outages", "pauses", "manners", "ladders"):
        op.drop_table(table)
