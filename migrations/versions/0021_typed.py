"""Typed: which facilities of a month have been typed into SIGA."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Typed: which facilities of a month have been typed into SIGA."""
    op.create_table(
        "typed",
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("report_id", BigId, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("typed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_typed_facility_id_facilities")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_typed_report_id_reports")),
        sa.PrimaryKeyConstraint("form", "period", "facility_id", name=op.f("pk_typed")),
    )
    op.create_index(op.f("ix_typed_facility_id"), "typed", ["facility_id"])
    op.create_index(op.f("ix_typed_report_id"), "typed", ["report_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("typed")
