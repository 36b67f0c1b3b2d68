"""Destinations: other systems that figures are sent to, and how our words map to theirs."""

from __future__ import annotations

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Destinations: other systems that figures are sent to, and how our words map to theirs."""


def downgrade() -> None:
    """Take it away again."""
