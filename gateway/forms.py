"""The forms that may be reported: read once from their files. What they mean is the parsers' affair."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import parsers
from parsers.form import Form, load_form

FOLDER = Path(parsers.__file__).parent / "forms"


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
