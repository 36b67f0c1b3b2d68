"""Exports: what was handed on, with its content, its reports and what areas chose for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Exports: what was handed on, with its content, its reports and what areas chose for it."""
    op.create_table(
        "export_choices",
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("settles_at", sa.String(length=10), nullable=False),
        sa.Column("injectable_as", sa.String(length=20), nullable=False),
        sa.Column("implant_as", sa.String(length=20), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_export_choices")),
    )
    op.create_table(
        "exports",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(length=12), nullable=False),
        sa.Column("format", sa.String(length=30), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period_from", sa.String(length=7), nullable=False),
        sa.Column("period_to", sa.String(length=7), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.String(length=16), nullable=True),
        sa.Column("lease_until", Instant, nullable=True),
        sa.Column("made_at", Instant, nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=True),
        sa.Column("media_type", sa.String(length=100), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("file_digest", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("reports", sa.Integer(), nullable=True),
        sa.Column("facilities", sa.Integer(), nullable=True),
        sa.Column("about", sa.JSON(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("dropped_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("ref", name=op.f("uq_exports_ref")),
    )
    op.create_index("ix_exports_area", "exports", ["area", "id"])
    op.create_index("ix_exports_state", "exports", ["state", "id"])
    op.create_table(
        "export_parts",
        sa.Column("export_id", BigId, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name=op.f("fk_export_parts_export_id_exports")),
        sa.PrimaryKeyConstraint("export_id", "part", name=op.f("pk_export_parts")),
    )
    op.create_table(
        "export_reports",
        sa.Column("export_id", BigId, nullable=False),
        sa.Column("report_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name=op.f("fk_export_reports_export_id_exports")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_export_reports_report_id_reports")),
        sa.PrimaryKeyConstraint("export_id", "report_id", name=op.f("pk_export_reports")),
    )
    op.create_index(op.f("ix_export_reports_report_id"), "export_reports", ["report_id"])


def downgrade() -> None:
    """Take it away again."""
    for table in ("export_reports", "export_parts", "exports", "export_choices"):
        op.drop_table(table)
