"""What the registry knows besides: who runs a facility and since when it reports; leave, moves, imports, doubles."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _added() -> tuple[tuple[str, sa.Column[Any]], ...]:
    return (
        ("facilities", sa.Column("ownership", sa.String(length=10), nullable=True)),
        ("facilities", sa.Column("opened_on", sa.Date(), nullable=True)),
        ("facilities", sa.Column("closed_on", sa.Date(), nullable=True)),
        ("facilities", sa.Column("reopened_on", sa.Date(), nullable=True)),
        ("facilities", sa.Column("latitude", sa.Float(), nullable=True)),
        ("facilities", sa.Column("longitude", sa.Float(), nullable=True)),
        ("facilities", sa.Column("merged_into", sa.Integer(), nullable=True)),
        ("facilities", sa.Column("version", sa.Integer(), server_default="0", nullable=False)),
        ("reporters", sa.Column("merged_into", sa.Integer(), nullable=True)),
        ("reporters", sa.Column("version", sa.Integer(), server_default="0", nullable=False)),
        ("reporter_facilities", sa.Column("from_period", sa.String(length=7), nullable=True)),
        ("reporter_facilities", sa.Column("until_period", sa.String(length=7), nullable=True)),
        ("reporter_facilities", sa.Column("leave_id", sa.Integer(), nullable=True)),
        ("registrations", sa.Column("reason", sa.String(length=200), nullable=True)),
    )


def upgrade() -> None:
    """What the registry knows besides."""
    for table, column in _added():
        op.add_column(table, column)
    op.create_index("ix_facilities_name", "facilities", ["name", "id"])
    op.create_index("ix_reporters_name", "reporters", ["name", "id"])
    op.create_table(
        "reporter_leaves",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("stand_in_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["reporter_id"], ["reporters.id"], name=op.f("fk_reporter_leaves_reporter_id")),
        sa.ForeignKeyConstraint(["stand_in_id"], ["reporters.id"], name=op.f("fk_reporter_leaves_stand_in_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reporter_leaves")),
    )
    op.create_index(op.f("ix_reporter_leaves_reporter_id"), "reporter_leaves", ["reporter_id"])
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sheet", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_expires_at"), "imports", ["expires_at"])
    op.create_table(
        "no_doubles",
        sa.Column("noun", sa.String(length=20), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("noun", "first_id", "second_id", name=op.f("pk_no_doubles")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("no_doubles")
    op.drop_table("imports")
    op.drop_table("reporter_leaves")
    op.drop_index("ix_reporters_name", "reporters")
    op.drop_index("ix_facilities_name", "facilities")
    for table, column in reversed(_added()):
        op.drop_column(table, column.name)
