"""Tokens: other systems that read and write through the API."""

from __future__ import annotations

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Tokens: other systems that read and write through the API."""


def downgrade() -> None:
    """Take it away again."""
