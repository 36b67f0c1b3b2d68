"""What staff decided about reports."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """What staff decided about reports."""


def downgrade() -> None:
    """Undo it."""
