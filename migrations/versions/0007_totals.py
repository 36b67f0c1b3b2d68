"""The figures of areas by month, summed up beforehand."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """The figures of areas by month, summed up beforehand."""


def downgrade() -> None:
    """Undo it."""
