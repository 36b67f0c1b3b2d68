"""The page of threats: every threat and every line of the checklist is there, and the tests that it names are."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.pages import page
from tests.house.source import FUNCTION_NODES, ROOT

THREATS = [f"T{number}" for number in range(1, 43)]
# OWASP ASVS 5.0.0, the lines of levels 1 and 2 that matter to a gateway with pages
ASVS = (
    "1.1.1 1.2.1 1.2.4 1.2.5 1.2.9 1.3.2 1.3.6 1.3.7 1.5.1 1.5.2 2.2.1 2.2.3 2.3.3 2.3.4 2.4.1 3.2.1 "
    "3.3.1 3.3.2 3.3.3 3.3.4 3.4.1 3.4.3 3.4.4 3.4.5 3.4.6 3.5.1 3.5.3 3.7.2 4.1.1 4.1.3 4.2.1 5.2.1 "
    "5.2.3 5.4.1 5.4.2 6.2.1 6.2.4 6.2.8 6.2.9 6.3.1 6.3.3 6.4.1 6.5.1 6.5.5 6.6.1 7.2.3 7.2.4 7.3.1 "
    "7.3.2 7.4.1 7.4.2 7.5.1 8.2.1 8.2.2 8.2.3 11.4.2 11.5.1 12.2.1 12.3.2 13.2.1 13.2.3 13.4.2 13.4.5 "
    "14.2.1 14.3.2 15.1.2 15.2.1 15.3.3 15.3.7 16.2.5 16.3.1 16.3.2 16.4.1 16.5.1 16.5.3 "
)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

[TRIED] = page("docs/threats.md").tables("", "what is tried")
[ASKED] = page("docs/threats.md").tables("ASVS")


@cache
def tests_in(path: str) -> frozenset[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, FUNCTION_NODES))


def test_every_threat_is_there_once_and_in_order() -> None:
    assert [row[0] for row in TRIED] == THREATS


def test_every_line_of_the_checklist_is_there() -> None:
    told = [line for row in ASKED for line in row[0].split(", ")]
    assert sorted(told) == sorted(ASVS.split())


@pytest.mark.parametrize("row", [*TRIED, *ASKED], ids=lambda row: row[0])
def test_each_line_names_tests_that_are_there(row: list[str]) -> None:
    named = _TEST.findall(row[-1])
    assert named, f"{row[0]} names no test"
    assert len(named) == row[-1].count("::"), f"{row[0]}: write each test as `tests/path.py::test_name`"
    missing = [f"{path}::{name}" for path, name in named if not (ROOT / path).exists() or name not in tests_in(path)]
    assert not missing
