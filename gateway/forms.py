"""The forms that may be reported, and the ladders of reminders for them: read once from their files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import parsers
from gateway import ladder
from gateway.ladder import Ladder
from parsers.form import Form, load_form

FOLDER = Path(parsers.__file__).parent / "forms"
LADDERS = Path(ladder.__file__).with_suffix(".toml")


@cache
def load_forms(folder: Path = FOLDER) -> tuple[Form, ...]:
    """Return every form of a folder, in the order of their files' names.

    Errors: ValueError names the file and its fault.
    """
    forms = []
    for path in sorted(folder.glob("*.toml")):
        try:
            forms.append(load_form(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return tuple(forms)


@cache
def load_ladders(path: Path = LADDERS) -> tuple[Ladder, ...]:
    """Return the ladders that Kabar comes with; those that areas chose stand behind them.

    Errors: ValueError names the file and its fault.
    """
    try:
        return ladder.load_ladders(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
