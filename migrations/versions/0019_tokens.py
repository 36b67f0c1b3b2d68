"""Tokens: other systems that read and write through the API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)
WAS_CHANGED = sa.text("changed_at IS NOT NULL")


def upgrade() -> None:
    """Tokens, what was posted with each, and when a report last changed its state."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.String(length=300), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("old_hash", sa.String(length=64), nullable=True),
        sa.Column("old_until", Instant, nullable=True),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_tokens_secret_hash")),
        sa.UniqueConstraint("old_hash", name=op.f("uq_tokens_old_hash")),
    )
    op.create_table(
        "posted_reports",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("report_id", BigId, nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("posted_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_posted_reports_report_id_reports")),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_posted_reports_token_id_tokens")),
        sa.PrimaryKeyConstraint("token_id", "key_hash", name=op.f("pk_posted_reports")),
    )
    op.create_index(op.f("ix_posted_reports_report_id"), "posted_reports", ["report_id"])
    op.add_column("reports", sa.Column("changed_at", Instant, nullable=True))
    op.create_index("ix_reports_created_at", "reports", ["created_at"])
    op.create_index(
        "ix_reports_changed_at", "reports", ["changed_at"], sqlite_where=WAS_CHANGED, postgresql_where=WAS_CHANGED
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_reports_changed_at", "reports")
    op.drop_index("ix_reports_created_at", "reports")
    op.drop_column("reports", "changed_at")
    op.drop_table("posted_reports")
    op.drop_table("tokens")
