"""No text takes long to read: every pattern is looked through for backtracking that grows, and reading is counted."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterator
from datetime import date
from types import FrameType

import pytest
from regexploit.ast.sre import SreOpParser
from regexploit.languages.python_node_visitor import PythonNodeVisitor
from regexploit.redos import find

import gateway
import parsers
from gateway.forms import load_forms
from parsers.read import read_message
from tests.house.source import PRODUCT, read_modules

HARMLESS = 2  # what backtracks with the square of a text that is cut at 1,600 characters; the tool's own limit
BACKTRACKING = r"^(\w+\s?)+$"
WORST = [
    *("1 ", "A ", "BARU ", "BARU 1 ", "KB 0925 ", "0925", "a", "AKTIF", "RALAT ", "-", "1-", "1.", "1,", "(", '"'),
    *("tidak ", "ya ", "PIL 1 IUD ", "sep ", "2025 ", "\t\n", "٣", "＝", "é", "🙂", "\u202e", "\u200b", "BARU12"),
]


def patterns() -> Iterator[tuple[str, str, int]]:
    """Return (where, pattern, flags) of every pattern: those that are written, and those that modules have built."""
    for module in read_modules(*PRODUCT):
        visitor = PythonNodeVisitor()
        visitor.visit(ast.parse(module.text))  # a tree of its own: it is changed
        yield from ((module.at(one.lineno), one.pattern, one.flags) for one in visitor.patterns)
    for package in (gateway, parsers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(found.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{found.name}.{name}", value.pattern, value.flags


def backtracking(pattern: str, flags: int) -> int:
    """Return with which power of a text's length a pattern may backtrack; 0 where it does not, or is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = SreOpParser().parse_sre(pattern, flags)
    except re.error:
        return 0
    return max((found.starriness for found in find(parsed)), default=0)


def test_no_pattern_backtracks_without_end() -> None:
    looked_at = list(patterns())
    assert len(looked_at) > 100
    bad = {f"{where}: {pattern}" for where, pattern, flags in looked_at if backtracking(pattern, flags) > HARMLESS}
    assert not bad, "\n".join(sorted(bad))
    assert backtracking(BACKTRACKING, 0) > HARMLESS, "the tool would not see one"


@pytest.mark.parametrize("part", WORST, ids=ascii)
def test_the_work_of_reading_grows_no_faster_than_the_text(part: str) -> None:
    forms, day = load_forms(), date(2025, 10, 3)
    read_message(part, day, forms)  # what is put together once is not counted

    def work(length: int) -> int:
        return count_calls(("KB 0925 " + part * length)[:length], day, forms)

    half, whole, beyond = work(800), work(1600), work(6400)
    assert whole <= 3 * half, "a square would be four times as much"
    assert beyond <= whole + 500, "what is behind the 1,600th character costs nothing"


def count_calls(text: str, day: date, forms: object) -> int:
    """Return how many functions of ours and of Python's are called to read a text."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        read_message(text, day, forms)  # type: ignore[arg-type]  # a sequence of forms
    finally:
        sys.setprofile(None)
    return calls
