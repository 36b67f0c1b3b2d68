"""Messages to many, and what became of them."""

from __future__ import annotations

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Messages to many, and what became of them."""


def downgrade() -> None:
    """Undo it."""
