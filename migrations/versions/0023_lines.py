"""Lines: parts of longer messages, messages that came cut, and how each channel's other side does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

Instant = sa.DateTime(timezone=True)
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HEALTH = (
    ("looked_at", Instant),
    ("is_well", sa.Boolean()),
    ("words", sa.Text()),
    ("heard_at", Instant),
    ("signal", sa.SmallInteger()),
    ("battery", sa.SmallInteger()),
    ("credit", sa.String(length=100)),
)


def upgrade() -> None:
    """Lines: parts of longer messages, messages that came cut, and how each channel's other side does."""
    op.add_column("inbox", sa.Column("is_cut", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "parts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider_id", sa.String(length=200), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("inbox_id", BigId, nullable=True),
        sa.Column("is_whole", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_parts_inbox_id_inbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sa.UniqueConstraint("channel", "provider_id", name="uq_parts_channel_provider_id"),
    )
    waits = sa.text("inbox_id IS NULL")
    op.create_index("ix_parts_waiting", "parts", ["received_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_parts_sender", "parts", ["sender", "ref"])
    for name, kind in HEALTH:
        op.add_column("channels", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Take it away again."""
    for name, _ in reversed(HEALTH):
        op.drop_column("channels", name)
    op.drop_table("parts")
    op.drop_column("inbox", "is_cut")
