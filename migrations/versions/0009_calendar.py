"""The days of a district's month, and the months that were closed."""

from __future__ import annotations

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """The days of a district's month, and the months that were closed."""


def downgrade() -> None:
    """Undo it."""
