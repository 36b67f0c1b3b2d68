"""What a provider says of a message before its own id of it is known here is kept until then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What a provider says of a message before its own id of it is known here is kept until then."""
    op.create_table(
        "early_statuses",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=True),
        sa.Column("kept_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_early_statuses")),
        sa.UniqueConstraint("channel", "provider_id", "state", name="uq_early_statuses_channel_provider_id_state"),
    )
    op.create_index("ix_early_statuses_kept_at", "early_statuses", ["kept_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("early_statuses")
