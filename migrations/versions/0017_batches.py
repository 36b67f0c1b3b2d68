"""Batches: numbers and expiry of the stock that facilities hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Batches: numbers and expiry of the stock that facilities hold."""
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("noted_by", sa.String(length=100), nullable=False),
        sa.Column("noted_at", Instant, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_batches_facility_id_facilities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("facility_id", "item", "source", "number", name="uq_batches_number"),
    )
    op.create_index("ix_batches_expires_on", "batches", ["state", "expires_on"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("batches")
