"""Pushes: what was sent to other systems, cell by cell, and what they said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Pushes: what was sent to other systems, cell by cell, and what they said."""
    op.create_table(
        "pushes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("destination_id", sa.Integer(), nullable=False),
        sa.Column("destination_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("mapping_id", sa.Integer(), nullable=False),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.Column("data_set", sa.String(length=120), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("area", sa.String(length=13), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("fault", sa.String(length=20), nullable=True),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pushes")),
    )
    op.create_index("ix_pushes_area", "pushes", ["area", "id"])
    is_real = sa.text("state = 'running' AND NOT is_dry_run")
    op.create_index(
        "uq_pushes_running",
        "pushes",
        ["destination_id", "form", "period"],
        unique=True,
        sqlite_where=is_real,
        postgresql_where=is_real,
    )
    op.create_table(
        "push_turns",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("push_id", BigId, nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("report_id", BigId, nullable=True),
        sa.Column("org_unit", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("next_try_at", Instant, nullable=True),
        sa.Column("token", sa.String(length=16), nullable=True),
        sa.Column("lease_until", Instant, nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("equal", sa.Integer(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=True),
        sa.Column("ended_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["push_id"], ["pushes.id"], name=op.f("fk_push_turns_push_id_pushes")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_push_turns_facility_id_facilities")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_push_turns_report_id_reports")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_turns")),
    )
    op.create_index("uq_push_turns_facility", "push_turns", ["push_id", "facility_id"], unique=True)
    op.create_index("ix_push_turns_state", "push_turns", ["state", "next_try_at"])
    op.create_index("ix_push_turns_facility_id", "push_turns", ["facility_id"])
    op.create_index("ix_push_turns_report_id", "push_turns", ["report_id"])
    op.create_table(
        "push_calls",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("turn_id", BigId, nullable=False),
        sa.Column("called_at", Instant, nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["push_turns.id"], name=op.f("fk_push_calls_turn_id_push_turns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_calls")),
    )
    op.create_index("ix_push_calls_turn_id", "push_calls", ["turn_id", "id"])
    op.create_index("ix_push_calls_called_at", "push_calls", ["called_at"])
    op.create_table(
        "pushed_months",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data_set", sa.String(length=120), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("org_unit", sa.String(length=120), nullable=False),
        sa.Column("form", sa.String(length=20), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("report_id", BigId, nullable=True),
        sa.Column("complete", sa.String(length=5), nullable=False),
        sa.Column("is_equal", sa.Boolean(), nullable=False),
        sa.Column("sent_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_pushed_months_facility_id_facilities")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_pushed_months_report_id_reports")),
        sa.PrimaryKeyConstraint("destination_id", "data_set", "period", "org_unit", name=op.f("pk_pushed_months")),
    )
    op.create_index("ix_pushed_months_facility_id", "pushed_months", ["facility_id", "period"])
    op.create_index("ix_pushed_months_report_id", "pushed_months", ["report_id"])
    names = ("data_set", "period", "org_unit", "data_element", "category_option_combo", "attribute_option_combo")
    op.create_table(
        "pushed_cells",
        sa.Column("destination_id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.String(length=7 if name == "period" else 120), nullable=False) for name in names),
        sa.Column("value", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("destination_id", *names, name=op.f("pk_pushed_cells")),
    )


def downgrade() -> None:
    """Take it away again."""
    for table in ("pushed_cells", "pushed_months", "push_calls", "push_turns", "pushes"):
        op.drop_table(table)
