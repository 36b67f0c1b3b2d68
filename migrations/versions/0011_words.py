"""Words that districts choose: sentences of answers, and aliases for the reader."""

from __future__ import annotations

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Words that districts choose: sentences of answers, and aliases for the reader."""


def downgrade() -> None:
    """Undo it."""
