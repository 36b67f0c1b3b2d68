"""What staff decided about reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('waiting', 'flagged', 'accepted')")
PLAIN = sa.text("state = 'accepted' AND CAST(flags AS TEXT) = '[]'")
NOTED = sa.text("state = 'accepted' AND CAST(flags AS TEXT) <> '[]'")


def upgrade() -> None:
    """What staff decided about reports, who made a revision by hand, and the indexes of the review queue.

    The new columns are empty, so no table is written anew; each index locks `reports` while it is built (seconds with
    400,000 of them).
    """
    op.add_column("reports", sa.Column("made_by", sa.Integer(), nullable=True))
    op.add_column("reports", sa.Column("reason", sa.Text(), nullable=True))
    op.create_index("ix_reports_open", "reports", ["state", "id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(
        "ix_reports_open_facility", "reports", ["facility_id", "state", "id"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index("ix_reports_facility_id", "reports", ["facility_id", "id"])
    op.create_index("ix_reports_period", "reports", ["period", "id"])
    op.create_index("ix_reports_plain", "reports", ["facility_id", "id"], sqlite_where=PLAIN, postgresql_where=PLAIN)
    op.create_index("ix_reports_noted", "reports", ["id"], sqlite_where=NOTED, postgresql_where=NOTED)
    op.create_index("ix_questions_report_id", "questions", ["report_id", "id"])
    op.create_table(
        "decisions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("report_id", BigId, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_before", sa.String(length=10), nullable=False),
        sa.Column("state_after", sa.String(length=10), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("batch", sa.String(length=16), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_decisions_report_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_decisions_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_about", "decisions", ["facility_id", "period", "form", "id"])
    op.create_index("ix_decisions_batch", "decisions", ["batch"])


def downgrade() -> None:
    """Undo it."""
    op.drop_table("decisions")
    op.drop_index("ix_questions_report_id", "questions")
    op.drop_index("ix_reports_noted", "reports")
    op.drop_index("ix_reports_plain", "reports")
    op.drop_index("ix_reports_period", "reports")
    op.drop_index("ix_reports_facility_id", "reports")
    op.drop_index("ix_reports_open_facility", "reports")
    op.drop_index("ix_reports_open", "reports")
    op.drop_column("reports", "reason")
    op.drop_column("reports", "made_by")
