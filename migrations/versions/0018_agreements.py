"""Agreements: what may be shared with whom, until when, and the Klik-KB directory."""

from __future__ import annotations

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Agreements: what may be shared with whom, until when, and the Klik-KB directory."""


def downgrade() -> None:
    """Take it away again."""
