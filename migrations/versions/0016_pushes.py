"""Pushes: what was sent to other systems, cell by cell, and what they said."""

from __future__ import annotations

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Pushes: what was sent to other systems, cell by cell, and what they said."""


def downgrade() -> None:
    """Take it away again."""
