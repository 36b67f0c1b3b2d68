"""Webhooks: who is told what has happened, and whether they heard it."""

from __future__ import annotations

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Webhooks: who is told what has happened, and whether they heard it."""


def downgrade() -> None:
    """Take it away again."""
