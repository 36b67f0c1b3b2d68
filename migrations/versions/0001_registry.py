"""Who may report, and for which facility."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Who may report, and for which facility."""
    op.create_table(
        "areas",
        sa.Column("code", sa.String(length=13), nullable=False),
        sa.Column("parent", sa.String(length=13), nullable=True),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("timezone", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["areas.code"], name=op.f("fk_areas_parent")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_areas")),
    )
    op.create_index(op.f("ix_areas_parent"), "areas", ["parent"], unique=False)
    op.create_table(
        "facilities",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=9), nullable=False),
        sa.Column("kemenkes_code", sa.String(length=20), nullable=True),
        sa.Column("dhis2_uid", sa.String(length=11), nullable=True),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("short_name", sa.String(length=20), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["area"], ["areas.code"], name=op.f("fk_facilities_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facilities")),
        sa.UniqueConstraint("code", name=op.f("uq_facilities_code")),
    )
    op.create_index(op.f("ix_facilities_area"), "facilities", ["area"], unique=False)
    op.create_table(
        "reporters",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("only_channel", sa.String(length=40), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reporters")),
    )
    op.create_table(
        "reporter_phones",
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reporter_id"],
            ["reporters.id"],
            name=op.f("fk_reporter_phones_reporter_id"),
        ),
        sa.PrimaryKeyConstraint("phone", "reporter_id", name=op.f("pk_reporter_phones")),
    )
    op.create_index(
        op.f("ix_reporter_phones_reporter_id"),
        "reporter_phones",
        ["reporter_id"],
        unique=False,
    )
    op.create_table(
        "reporter_facilities",
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("is_responsible", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"],
            ["facilities.id"],
            name=op.f("fk_reporter_facilities_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"],
            ["reporters.id"],
            name=op.f("fk_reporter_facilities_reporter_id"),
        ),
        sa.PrimaryKeyConstraint("reporter_id", "facility_id", name=op.f("pk_reporter_facilities")),
    )
    op.create_index(
        op.f("ix_reporter_facilities_facility_id"),
        "reporter_facilities",
        ["facility_id"],
        unique=False,
    )
    op.create_table(
        "registrations",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("old_phone", sa.String(length=20), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
    )
    op.create_index(
        "uq_registrations_waiting",
        "registrations",
        ["phone"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("registrations")
    op.drop_table("reporter_facilities")
    op.drop_table("reporter_phones")
    op.drop_table("reporters")
    op.drop_table("facilities")
    op.drop_table("areas")
