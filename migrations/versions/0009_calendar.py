"""The days of a district's month, and the months that were closed; where a channel belongs, and what it costs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """The days of a district's month, and the months that were closed; where a channel belongs, and what it costs."""
    op.create_table(
        "calendars",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("due_day", sa.SmallInteger(), nullable=False),
        sa.Column("corrections_day", sa.SmallInteger(), nullable=False),
        sa.Column("approval_day", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("area", "form", name=op.f("pk_calendars")),
    )
    op.create_table(
        "closings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("closed_by", sa.String(length=100), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reopened_by", sa.String(length=100), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopen_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["area"], ["areas.code"], name=op.f("fk_closings_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
    )
    stands = sa.text("reopened_at IS NULL")
    op.create_index(
        "uq_closings_standing",
        "closings",
        ["area", "period", "form"],
        unique=True,
        sqlite_where=stands,
        postgresql_where=stands,
    )
    op.create_index("ix_closings_area", "closings", ["area", "id"])
    op.add_column("channels", sa.Column("area", sa.String(length=13), nullable=True))
    op.add_column("channels", sa.Column("segment_price", sa.Integer(), nullable=True))
    op.create_index("ix_inbox_channel_received", "inbox", ["channel", "received_at"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_inbox_channel_received", table_name="inbox")
    op.drop_column("channels", "segment_price")
    op.drop_column("channels", "area")
    op.drop_index("ix_closings_area", table_name="closings")
    op.drop_index("uq_closings_standing", table_name="closings")
    op.drop_table("closings")
    op.drop_table("calendars")
