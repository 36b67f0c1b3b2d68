"""Reconciling: what providers had and we did not, and what was sent in our name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Reconciling: what providers had and we did not, and what was sent in our name."""
    op.create_table(
        "findings",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("found_at", Instant, nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("oldest_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_found_at", "findings", ["found_at"])
    op.create_table(
        "strange_sends",
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider_id", sa.String(length=200), nullable=False),
        sa.Column("sent_at", Instant, nullable=False),
        sa.Column("found_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("channel", "provider_id", name=op.f("pk_strange_sends")),
    )
    op.create_index("ix_strange_sends_found_at", "strange_sends", ["found_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("strange_sends")
    op.drop_table("findings")
