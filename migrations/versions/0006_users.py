"""Who may sign in, from where they are signed in, and who is invited."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Who may sign in, from where they are signed in, and who is invited."""


def downgrade() -> None:
    """Undo it."""
