"""What was reported, and what is still asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """What was reported, and what is still asked."""
    op.create_table(
        "reports",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_key", sa.String(length=200), nullable=False),
        sa.Column("inbox_id", BigId, nullable=True),
        sa.Column("reporter_id", sa.Integer(), nullable=True),
        sa.Column("replaces_id", BigId, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("form_version", sa.SmallInteger(), nullable=False),
        sa.Column("reader_version", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_reports_facility_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_reports_inbox_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["reports.id"], name=op.f("fk_reports_replaces_id")),
        sa.ForeignKeyConstraint(["reporter_id"], ["reporters.id"], name=op.f("fk_reports_reporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("form", "facility_id", "period", "revision", name="uq_reports_revision"),
        sa.UniqueConstraint("inbox_id", "form", "facility_id", "period", name="uq_reports_inbox"),
    )
    op.create_index("ix_reports_reporter_id", "reports", ["reporter_id", "id"], unique=False)
    op.create_index(
        "uq_reports_current",
        "reports",
        ["form", "facility_id", "period"],
        unique=True,
        sqlite_where=sa.text("state IN ('accepted', 'approved')"),
        postgresql_where=sa.text("state IN ('accepted', 'approved')"),
    )
    op.create_table(
        "report_values",
        sa.Column("report_id", BigId, nullable=False),
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("item", sa.String(length=20), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_values_report_id")),
        sa.PrimaryKeyConstraint("report_id", "measure", "item", name=op.f("pk_report_values")),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.Column("inbox_id", BigId, nullable=False),
        sa.Column("report_id", BigId, nullable=True),
        sa.Column("reading", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_questions_inbox_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_questions_report_id")),
        sa.ForeignKeyConstraint(["reporter_id"], ["reporters.id"], name=op.f("fk_questions_reporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index(
        "uq_questions_open",
        "questions",
        ["sender"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_questions_next",
        "questions",
        ["sender", "id"],
        sqlite_where=sa.text("state = 'next'"),
        postgresql_where=sa.text("state = 'next'"),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("questions")
    op.drop_table("report_values")
    op.drop_table("reports")
