"""Messages to many: what was written to whom; answers go before them, and they go by day only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('queued', 'sending')")
OF_BROADCAST = sa.text("broadcast_id IS NOT NULL")


def upgrade() -> None:
    """Messages to many: what was written to whom; answers go before them, and they go by day only."""
    op.create_table(
        "broadcasts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached", sa.String(length=20), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_index("ix_broadcasts_area", "broadcasts", ["area", "id"])
    op.create_index("ix_broadcasts_state", "broadcasts", ["state", "id"])
    op.add_column("outbox", sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("outbox", sa.Column("send_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox", sa.Column("broadcast_id", BigId, nullable=True))
    op.drop_index("ix_outbox_channel_open", table_name="outbox")
    columns = ["channel", "priority", "id"]
    op.create_index("ix_outbox_channel_open", "outbox", columns, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(
        "uq_outbox_broadcast",
        "outbox",
        ["broadcast_id", "recipient"],
        unique=True,
        sqlite_where=OF_BROADCAST,
        postgresql_where=OF_BROADCAST,
    )
    op.create_index("ix_outbox_channel_id", "outbox", ["channel", "id"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_outbox_channel_id", table_name="outbox")
    op.drop_index("uq_outbox_broadcast", table_name="outbox")
    op.drop_index("ix_outbox_channel_open", table_name="outbox")
    op.create_index("ix_outbox_channel_open", "outbox", ["channel", "id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_column("outbox", "broadcast_id")
    op.drop_column("outbox", "send_until")
    op.drop_column("outbox", "priority")
    op.drop_index("ix_broadcasts_state", table_name="broadcasts")
    op.drop_index("ix_broadcasts_area", table_name="broadcasts")
    op.drop_table("broadcasts")
