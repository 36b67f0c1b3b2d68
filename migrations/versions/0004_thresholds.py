"""The numbers that a district goes by instead of those in the forms' files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The numbers that a district goes by instead of those in the forms' files."""
    op.create_table(
        "thresholds",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("facility_type", sa.String(length=20), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("area", "facility_type", "form", "name", name=op.f("pk_thresholds")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("thresholds")
