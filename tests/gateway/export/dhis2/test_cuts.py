"""Whatever breaks, wherever: afterwards what is there is what we have, and each month is complete once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.http import HttpClient
from gateway.export.dhis2.push import send_next
from gateway.export.dhis2.turns import Terms
from gateway.store import pushes
from gateway.store.base import Database
from tests.district import District, make_runtime
from tests.gateway.channels.standin import Reply
from tests.gateway.export.dhis2.dhis2_server import Cut, Dhis2Server
from tests.gateway.export.dhis2.pushing import CELLS, FIRST, Office

SECOND = {"baru.iud": 0, "baru.pil": 6, "aktif": 41}
GATEWAY_TIMEOUT = Reply(504, b"<html><title>504 Gateway Time-out</title></html>", {"Content-Type": "text/html"})
WHERE = [Cut.BEFORE, Cut.AFTER, Cut.HALFWAY, GATEWAY_TIMEOUT]
NAMES = ["before", "after", "halfway", "504"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What goes over the wire does not depend on the kind of database."""
    return sqlite_url


def assert_equal(office: Office) -> None:
    """What is there is what we have, wholly, and complete exactly where there is something."""
    assert office.theirs == office.ours
    units = {unit for unit, _element, _combo in office.ours}
    country = office.server.imports.country
    assert {country.units[unit] for _set, _period, unit in office.server.imports.complete} == units


@pytest.mark.parametrize("where", WHERE, ids=NAMES)
def test_a_line_that_breaks_at_any_request_loses_and_doubles_nothing(office: Office, where: Cut | Reply) -> None:
    office.report("PMB01", FIRST)
    office.push()
    requests = office.server.count
    assert requests == 3, "send, read back, register"
    for at in range(requests + 3):
        office.report("PMB01", SECOND | {"aktif": 100 + at})
        office.server.cut_next(*[None] * at, where)
        push = office.push()
        assert {one.turn.state for one in office.turns(push).values()} == {pushes.DELIVERED}
        assert_equal(office)
        office.server.cuts.clear()
    assert len(office.server.imports.completions) == 1


@pytest.mark.parametrize("where", WHERE, ids=NAMES)
def test_a_line_that_breaks_at_any_request_of_a_first_push_has_it_complete_once(
    office: Office, where: Cut | Reply
) -> None:
    for at in range(4):
        office.report("PMB01", FIRST | {"aktif": 200 + at})
        office.server.cut_next(*[None] * at, where)
        office.push()
        assert_equal(office)
        assert len(office.server.imports.completions) == 1
        office.server.cuts.clear()
        office.report("PMB01", None)
        office.server.cut_next(*[None] * at, where)
        office.push()
        assert_equal(office)
        office.server.imports.completions.clear()
        office.server.cuts.clear()


@pytest.mark.parametrize("where", WHERE, ids=NAMES)
def test_a_line_that_breaks_as_often_as_it_can_is_told_and_the_next_push_mends_it(
    office: Office, where: Cut | Reply
) -> None:
    office.report("PMB01", FIRST)
    office.server.cut_next(*[where] * 30)
    push = office.push()
    turn = office.turns(push)["PMB Ani"].turn
    assert turn.state in {pushes.UNSURE, pushes.FAILED}
    assert turn.reason
    office.server.cuts.clear()
    office.push()
    assert_equal(office)
    assert len(office.server.imports.completions) == 1


class Killed(BaseException):
    """The worker's machine loses its power."""


def test_a_worker_that_is_killed_between_any_two_steps_is_followed_by_one_that_ends_it(office: Office) -> None:
    """Its clock is what it asks within every step, so that is where it dies."""
    kills = 0
    for at in range(2, 60):  # at the first look nothing is claimed yet
        office.report("PMB01", FIRST | {"aktif": 300 + at} if at % 2 else SECOND | {"aktif": 300 + at})
        push = office.ask()
        if not die_at(office, at):
            break
        kills += 1
        assert not office.send_one(), "nobody takes it while it may still be alive"
        office.let_leases_end()
        office.work()
        assert office.turns(push)["PMB Ani"].turn.state == pushes.DELIVERED
        assert_equal(office)
    assert kills >= 6
    assert len(office.server.imports.completions) == 1


def die_at(office: Office, at: int) -> bool:
    """Send one facility's month and be killed at the so many'th look at the clock; tell whether it came to that."""
    seen: list[datetime] = []
    runtime = office.district.runtime

    def now() -> datetime:
        seen.append(runtime.now())
        if len(seen) == at:
            raise Killed
        return seen[-1]

    terms = Terms(office.destination, office.mapping, office.secret)
    try:
        send_next(office.district.database, lambda session, push: terms, lambda _: HttpClient(), now)
    except Killed:
        return True
    return False


values = st.dictionaries(st.sampled_from([*CELLS]), st.integers(0, 3), min_size=1)
steps = st.lists(
    st.tuples(
        st.sampled_from(["PMB01", "PMB02"]),
        st.none() | values,
        st.booleans(),
        st.lists(st.sampled_from([None, None, *WHERE]), max_size=8),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="session")
def make_office(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Callable[[Dhis2Server], Office]:
    """Makes an office of its own for each example."""

    def make(server: Dhis2Server) -> Office:
        folder = tmp_path_factory.mktemp("office")
        database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, folder / 'kabar.db')}")
        return Office(District(make_runtime(database, folder)), server)

    return make


@pytest.mark.parametrize("kept_zero", [True, False], ids=["keeps zeros", "drops zeros"])
@settings(max_examples=8)
@given(sequence=steps, kind=st.sampled_from([36, 42, 43]))
def test_after_any_corrections_and_any_cuts_what_is_there_is_what_we_have(
    make_office: Callable[[Dhis2Server], Office],
    kept_zero: bool,
    sequence: list[tuple[str, dict[str, int] | None, bool, list[Cut | Reply | None]]],
    kind: int,
) -> None:
    with Dhis2Server(kind) as server:
        server.imports.country.keeps_zero = kept_zero
        office = make_office(server)
        for short_name, given_values, is_whole, cuts in sequence:
            office.report(short_name, given_values)
            server.cut_next(*cuts)
            office.push(is_whole=is_whole)
        server.cuts.clear()
        office.push()
        dropped = {} if kept_zero else {key: value for key, value in office.ours.items() if value == "0"}
        assert office.theirs | dropped == office.ours | dict.fromkeys(dropped, "0")
        complete = {server.imports.country.units[unit] for _set, _period, unit in server.imports.complete}
        assert complete == {unit for unit, _element, _combo in office.ours}
        assert not office.plan().sendable
        office.district.database.dispose()
