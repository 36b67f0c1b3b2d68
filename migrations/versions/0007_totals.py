"""The figures of areas by month, summed up beforehand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """The figures of areas by month, summed up beforehand; what was reported until now is still to be summed up."""
    op.add_column("reports", sa.Column("is_summed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_reports_unsummed",
        "reports",
        ["form", "period", "facility_id"],
        sqlite_where=sa.text("is_summed = 0"),
        postgresql_where=sa.text("NOT is_summed"),
    )
    op.create_table(
        "month_totals",
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("item", sa.String(length=20), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("form", "period", "area", "measure", "item", name=op.f("pk_month_totals")),
    )
    op.create_table(
        "month_counts",
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("facility_type", sa.String(length=20), nullable=False),
        sa.Column("ownership", sa.String(length=10), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.Column("on_time", sa.Integer(), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("flagged", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("form", "period", "area", "facility_type", "ownership", name=op.f("pk_month_counts")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("month_counts")
    op.drop_table("month_totals")
    op.drop_index("ix_reports_unsummed", "reports")
    op.drop_column("reports", "is_summed")
