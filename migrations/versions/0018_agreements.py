"""Agreements: what may be shared with whom, until when, and the Klik-KB directory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Agreements: what may be shared with whom, until when, and the Klik-KB directory."""
    op.create_table(
        "agreements",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("partner", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("may_name", sa.Boolean(), nullable=False),
        sa.Column("may_phone", sa.Boolean(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(length=100), nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.Column("revoked_by", sa.String(length=100), nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.Column("revoked_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
    )
    op.create_index("ix_agreements_partner", "agreements", ["partner", "area"])
    op.create_table(
        "klikkb_imports",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("applied_at", Instant, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_klikkb_imports")),
    )
    op.create_index("ix_klikkb_imports_area", "klikkb_imports", ["area", "id"])
    op.create_table(
        "klikkb_midwives",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("klikkb_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("facility", sa.String(length=120), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("reporter_id", sa.Integer(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("gone_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_klikkb_midwives_facility_id_facilities")
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["reporters.id"], name=op.f("fk_klikkb_midwives_reporter_id_reporters")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["klikkb_imports.id"], name=op.f("fk_klikkb_midwives_import_id_klikkb_imports")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_klikkb_midwives")),
        sa.UniqueConstraint("klikkb_id", name=op.f("uq_klikkb_midwives_klikkb_id")),
    )
    op.create_index("ix_klikkb_midwives_name", "klikkb_midwives", ["name", "id"])
    op.create_index("ix_klikkb_midwives_area", "klikkb_midwives", ["area", "id"])
    for column in ("phone", "facility_id", "reporter_id"):
        op.create_index(op.f(f"ix_klikkb_midwives_{column}"), "klikkb_midwives", [column])
    op.create_table(
        "klikkb_columns",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("chosen_by", sa.String(length=100), nullable=False),
        sa.Column("chosen_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_klikkb_columns")),
    )


def downgrade() -> None:
    """Take it away again."""
    for table in ("klikkb_columns", "klikkb_midwives", "klikkb_imports", "agreements"):
        op.drop_table(table)
