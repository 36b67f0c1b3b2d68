"""Typed: which facilities of a month have been typed into SIGA."""

from __future__ import annotations

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Typed: which facilities of a month have been typed into SIGA."""


def downgrade() -> None:
    """Take it away again."""
