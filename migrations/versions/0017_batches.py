"""Batches: numbers and expiry of the stock that facilities hold."""

from __future__ import annotations

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Batches: numbers and expiry of the stock that facilities hold."""


def downgrade() -> None:
    """Take it away again."""
