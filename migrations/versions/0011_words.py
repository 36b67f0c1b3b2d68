"""Words that districts choose: sentences of answers, and aliases for the reader; what staff do with messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Words that districts choose: sentences of answers, and aliases for the reader; what staff do with messages."""
    _make_aliases()
    _make_wordings()


def downgrade() -> None:
    """Undo it."""
    _drop_wordings()
    _drop_aliases()


# Aliases, and what staff do with messages.


def _make_aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.Integer(), nullable=True),
        sa.Column("proposed_name", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_name", sa.String(length=100), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aliases")),
    )
    op.create_index(
        "uq_aliases_standing",
        "aliases",
        ["form", "area", "word"],
        unique=True,
        sqlite_where=sa.text("state IN ('proposed', 'approved')"),
        postgresql_where=sa.text("state IN ('proposed', 'approved')"),
    )
    op.create_index("ix_aliases_state", "aliases", ["state", "id"])
    op.add_column("inbox", sa.Column("done_from", sa.String(length=10), nullable=True))
    op.add_column("inbox", sa.Column("is_quiet", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("user_id", sa.Integer(), nullable=True))
    op.add_column("outbox", sa.Column("user_name", sa.String(length=100), nullable=True))
    op.add_column("reports", sa.Column("reread_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_reports_reread_id", "reports", ["reread_id"])


def _drop_aliases() -> None:
    op.drop_index("ix_reports_reread_id", table_name="reports")
    op.drop_column("reports", "reread_id")
    op.drop_column("outbox", "user_name")
    op.drop_column("outbox", "user_id")
    op.drop_column("inbox", "is_quiet")
    op.drop_column("inbox", "done_from")
    op.drop_table("aliases")


# Wordings: the sentences of answers that a district has put in its own words.


def _make_wordings() -> None:
    op.create_table(
        "wordings",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.String(length=100), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("area", "language", "name", name=op.f("pk_wordings")),
    )


def _drop_wordings() -> None:
    op.drop_table("wordings")
