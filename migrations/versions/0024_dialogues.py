"""Dialogues: USSD sessions, and where each one stands."""

from __future__ import annotations

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Dialogues: USSD sessions, and where each one stands."""


def downgrade() -> None:
    """Take it away again."""
