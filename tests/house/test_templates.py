"""A template takes from another only what it shows."""

from __future__ import annotations

import re

from tests.house.source import ROOT

TAKEN = re.compile(r'\{% from "[^"]+" import ([\w, ]+?)(?: with context)? %\}')


def test_a_template_uses_every_part_that_it_takes() -> None:
    unused = []
    for path in sorted((ROOT / "gateway").rglob("templates/*.html")):
        text = path.read_text(encoding="utf-8")
        taken = {one.split()[-1] for names in TAKEN.findall(text) for one in names.split(",")}
        rest = TAKEN.sub("", text)
        unused += [f"{path.name}: {name}" for name in sorted(taken) if not re.search(rf"\b{name}\b", rest)]
    assert unused == [], "take them out of the line that imports them"
