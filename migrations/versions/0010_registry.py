"""What the registry knows besides: leave, moves, imports."""

from __future__ import annotations

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """What the registry knows besides: leave, moves, imports."""


def downgrade() -> None:
    """Undo it."""
