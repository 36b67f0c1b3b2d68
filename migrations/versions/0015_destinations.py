"""Destinations: other systems that figures are sent to, and how our words map to theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Destinations: other systems that figures are sent to, and how our words map to theirs."""
    op.create_table(
        "destinations",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("auth", sa.String(length=10), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("secret_locked", sa.Text(), nullable=False),
        sa.Column("secret_end", sa.String(length=4), nullable=False),
        sa.Column("secret_at", Instant, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("tried_at", Instant, nullable=True),
        sa.Column("tried", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
        sa.UniqueConstraint("name", name=op.f("uq_destinations_name")),
    )
    op.create_index(op.f("ix_destinations_area"), "destinations", ["area"])
    op.create_table(
        "mappings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("destination_id", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("data_set", sa.String(length=120), nullable=False),
        sa.Column("scheme", sa.String(length=60), nullable=False),
        sa.Column("org_unit_by", sa.String(length=20), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("org_units", sa.JSON(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("cells_count", sa.Integer(), nullable=False),
        sa.Column("org_units_count", sa.Integer(), nullable=False),
        sa.Column("checked_at", Instant, nullable=True),
        sa.Column("checked", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destinations.id"], name=op.f("fk_mappings_destination_id_destinations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mappings")),
        sa.UniqueConstraint("destination_id", "form", "version", name=op.f("uq_mappings_destination_id_form_version")),
    )
    op.create_index(op.f("ix_mappings_made_at"), "mappings", ["made_at"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("mappings")
    op.drop_table("destinations")
