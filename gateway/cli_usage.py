"""Slips of whoever types a command: what click tells in English is told in Indonesian first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

SLIPS: tuple[tuple[type[click.UsageError], str], ...] = (  # the narrower kinds first
    (click.exceptions.NoArgsIsHelpError, ""),
    (click.NoSuchOption, "Opsi ini tidak ada"),
    (click.exceptions.NoSuchCommand, "Perintah ini tidak ada"),
    (click.MissingParameter, "Ada yang belum ditulis"),
    (click.BadParameter, "Ada isian yang salah"),
    (click.UsageError, "Perintah ini tidak ditulis dengan benar"),
)


class Commands(click.Group):
    """All commands: a slip in any of them is told in Indonesian before click tells it in English."""

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        """Read what stands before the command."""
        with _indonesian_first():
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _indonesian_first():
            return super().invoke(ctx)


@contextmanager
def _indonesian_first() -> Iterator[None]:
    try:
        yield
    except click.UsageError as slip:
        if words := next(words for kind, words in SLIPS if isinstance(slip, kind)):
            click.echo(f"{words}; cara menulisnya: tambahkan --help.", err=True)
        raise
