"""The tables of the pages hold what the code holds, and what an operator is told to run does what it says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gateway import health
from gateway.channels.base import option_variable
from gateway.checkup import settings_page
from gateway.discover import discover
from gateway.settings import describe_settings
from gateway.store.base import Database
from gateway.values import COUNTING, InboxState, OutboxState, ReportState, Setting
from tests.district import NOON, make_runtime
from tests.docs.pages import code_in, codes_in, page
from tests.house.source import ROOT, dotted, read_modules
from tests.house.test_floors import read_floors

OPERATORS, CHANNELS, READING = "docs/operators.md", "docs/channels.md", "docs/how-a-message-is-read.md"
USSD = "docs/ussd.md"
ADAPTERS = discover("gateway.channels", having=("SETTINGS", "make"))
DIALECTS = discover("gateway.channels.ussd", having=("SETTINGS", "make"))
LEVELS = {"debug", "info", "warning", "error", "exception"}
Opener = Callable[[str], Database]


def test_the_settings_page_is_the_generated_one() -> None:
    made = settings_page(describe_settings())
    assert page("docs/settings.md").text == made, "run ./kabar settings > docs/settings.md"


@pytest.mark.parametrize("name", [name for name, adapter in ADAPTERS.items() if adapter.SETTINGS])
def test_the_options_of_each_channel_stand_on_their_page(name: str) -> None:
    own = f"docs/{name}.md"
    check_options(own if (ROOT / own).exists() else CHANNELS, name, ADAPTERS[name].SETTINGS)


@pytest.mark.parametrize("name", [name for name, dialect in DIALECTS.items() if dialect.SETTINGS])
def test_the_options_of_each_ussd_dialect_stand_on_its_page(name: str) -> None:
    check_options(USSD, name, DIALECTS[name].SETTINGS)
    [table] = page(USSD).tables("dialect", "for")
    assert name in {code_in(row[0]) for row in table}


def check_options(where: str, name: str, settings: Sequence[Setting]) -> None:
    """Fail unless the options stand on a page as the code has them."""
    expected = [
        [
            f"`{option_variable(name, one.name)}`",
            "required" if one.default is None else f"`{one.default}`" if one.default else "",
            one.meaning,
        ]
        for one in settings
    ]
    written = page(where).table_after(f"<!-- options: {name} -->")
    table = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert written == expected, f"the table in {where} should be\n{table}"


def test_the_floors_on_the_page_are_those_that_import_linter_holds() -> None:
    [table] = page("docs/contributing.md").tables("floor", "rooms")
    standing = [[room for room in floor if is_module(room)] for floor in read_floors()]
    assert [codes_in(row[1]) for row in table] == standing


def is_module(room: str) -> bool:
    """Return whether a room of the contract is there yet."""
    path = ROOT / room.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def test_every_event_that_is_logged_is_explained_and_no_other() -> None:
    [table] = page(OPERATORS).tables("event", "says")
    explained = {event for row in table for event in codes_in(row[0])}
    assert explained == set(logged_events())


def logged_events() -> Iterator[str]:
    """Return the name of every event that the product logs."""
    for module in read_modules("gateway", "workers"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and dotted(node.func) in {f"logger.{level}" for level in LEVELS}:
                branches = (
                    [node.args[0].body, node.args[0].orelse] if isinstance(node.args[0], ast.IfExp) else node.args
                )
                yield from (str(one.value) for one in branches if isinstance(one, ast.Constant))


def test_every_field_of_readyz_is_explained(sqlite_url: str, open_database: Opener, tmp_path: Path) -> None:
    found = health.check(make_runtime(open_database(sqlite_url), tmp_path), NOON)
    fields = {name for name in found if name != "parts"} | {f"parts.{name}" for name in found["parts"]}
    [table] = page(OPERATORS).tables("field", "meaning")
    explained = {code_in(row[0]) for row in table}
    assert fields <= explained
    assert explained - fields <= {"parts.inbound", "parts.clock", "parts.spool"}, "no such field"


def test_every_state_that_waits_for_staff_is_explained() -> None:
    [table] = page(OPERATORS).tables("state", "means")
    named = [(row[0].split()[0], codes_in(row[0])[0]) for row in table]
    assert {state for where, state in named if where == "inbox"} == {*InboxState} - {
        InboxState.RECEIVED,
        InboxState.DONE,
    }
    assert {state for where, state in named if where == "outbox"} <= {*OutboxState}


def test_every_state_of_a_report_is_explained_and_whether_it_counts() -> None:
    [table] = page(READING).tables("state of a report", "counts")
    written = {code_in(row[0]): row[1] for row in table}
    assert written == {state.value: "yes" if state in COUNTING else "no" for state in ReportState}
