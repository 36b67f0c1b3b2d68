"""Dialogues: USSD sessions, and where each one stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Dialogues: USSD sessions, and where each one stands."""
    op.create_table(
        "dialogues",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=200), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("stands", sa.JSON(), nullable=False),
        sa.Column("offer", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("screen", sa.Text(), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("hops", sa.SmallInteger(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("sends", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialogues")),
        sa.UniqueConstraint("channel", "session_id", "sender", name="uq_dialogues_session"),
    )
    is_unsent = sa.text("state IN ('open', 'draft')")
    columns = ["sender", "id"]
    op.create_index("ix_dialogues_unsent", "dialogues", columns, sqlite_where=is_unsent, postgresql_where=is_unsent)


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("dialogues")
