"""Open figures: which regencies open theirs and how, and the months that were published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Open figures: which regencies open theirs and how, and the months that were published."""
    op.create_table(
        "open_areas",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("shows_places", sa.Boolean(), nullable=False),
        sa.Column("names_practices", sa.Boolean(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("first_period", sa.String(length=7), nullable=False),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["area"], ["areas.code"], name=op.f("fk_open_areas_area_areas")),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_open_areas")),
    )
    op.create_table(
        "open_months",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("tables", sa.JSON(), nullable=False),
        sa.Column("there", sa.JSON(), nullable=False),
        sa.Column("published_by", sa.String(length=100), nullable=False),
        sa.Column("published_at", Instant, nullable=False),
        sa.Column("withdrawn_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["area"], ["areas.code"], name=op.f("fk_open_months_area_areas")),
        sa.PrimaryKeyConstraint("area", "period", name=op.f("pk_open_months")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("open_months")
    op.drop_table("open_areas")
