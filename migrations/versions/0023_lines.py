"""Lines: parts of longer messages, messages that came cut, and how each channel's other side does."""

from __future__ import annotations

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Lines: parts of longer messages, messages that came cut, and how each channel's other side does."""


def downgrade() -> None:
    """Take it away again."""
