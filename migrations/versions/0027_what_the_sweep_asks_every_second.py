"""Indexes for what the sweep asks all the time, and for what hangs on a message: nothing goes through all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Indexes for what the sweep asks all the time, and for what hangs on a message: nothing goes through all."""
    unsettled = sa.text("state IN ('open', 'next')")
    op.create_index(
        "ix_questions_asked_at", "questions", ["asked_at"], sqlite_where=unsettled, postgresql_where=unsettled
    )
    op.create_index("ix_questions_inbox_id", "questions", ["inbox_id"])
    op.create_index("ix_parts_inbox_id", "parts", ["inbox_id"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("ix_parts_inbox_id", "parts")
    op.drop_index("ix_questions_inbox_id", "questions")
    op.drop_index("ix_questions_asked_at", "questions")
