"""A month goes to a DHIS2 of each generation: what is there, what is said of it, and what is sent again."""

from __future__ import annotations

import json

import pytest

from gateway.export.dhis2.reasons import Reason
from gateway.mapping import Cell
from gateway.redact import Secret
from gateway.store import pushes
from gateway.values import COUNTING
from tests.gateway.channels.standin import Reply
from tests.gateway.export.dhis2.dhis2_server import TOKEN, Cut
from tests.gateway.export.dhis2.pushing import AREA, CELLS, FIRST, UNITS, Office, make_mapping
from tests.gateway.export.dhis2.test_catalogue import CATALOGUE, STRANGE_ANSWERS


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What goes over the wire does not depend on the kind of database."""
    return sqlite_url


def posts(office: Office, path: str = "/api/dataValueSets?") -> int:
    """Return how many times something was posted."""
    return sum(seen.method == "POST" and seen.path.startswith(path) for seen in office.server.seen)


def test_a_month_is_there_as_we_have_it_and_registered_as_complete_once(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.report("PMB02", {"baru.iud": 2, "aktif": 7})
    push = office.push()
    assert office.theirs == office.ours
    assert {one.turn.state for one in office.turns(push).values()} == {pushes.DELIVERED}
    assert push.state == pushes.DONE
    assert len(office.server.imports.completions) == len(office.server.imports.complete) == 2


def test_a_second_push_finds_nothing_to_send(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.push()
    before = office.server.count
    assert not office.plan().sendable
    office.push()
    assert office.server.count == before


def test_a_correction_sends_only_what_changed_and_removes_what_is_gone(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.push()
    office.report("PMB01", {"baru.iud": 4, "baru.pil": 5, "baru.kondom": 0, "aktif": 40})
    office.push()
    body = next(seen.json for seen in reversed(office.server.seen) if seen.path.startswith("/api/dataValueSets?"))
    assert isinstance(body, dict)
    sent = {(one["dataElement"], one["value"], one.get("deleted", False)) for one in body["dataValues"]}
    assert sent == {("KB_BARU", "4", False), ("KB_PASCASALIN", "1", True)}
    assert office.theirs == office.ours
    assert len(office.server.imports.completions) == 1, "a month that is complete is not registered again"


def test_sending_everything_again_sends_what_is_there_too(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.push()
    push = office.push(is_whole=True)
    turn = office.turns(push)["PMB Ani"].turn
    assert (turn.state, turn.sent, turn.equal) == (pushes.DELIVERED, 5, 5)


def test_a_withdrawn_report_takes_its_figures_and_its_completeness_back(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.push()
    office.report("PMB01", None)
    office.push()
    assert not office.theirs
    assert not office.server.imports.complete
    assert not office.plan().planned


def test_a_facility_that_moves_leaves_nothing_behind(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.push()
    office.mapping = make_mapping(units={"140300101": "3201010002"}, version=2)
    office.push()
    assert {unit for unit, _element, _combo in office.theirs} == {"3201010002"}
    assert {unit for _set, _period, unit in office.server.imports.complete} == {"ouBidanAni1"}


def test_two_facilities_that_change_places_end_where_they_belong(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.report("PMB02", {"baru.iud": 2, "aktif": 7})
    office.push()
    office.mapping = make_mapping(units={"140300101": "3201010002", "140300102": "3201010001"}, version=2)
    office.push()
    assert office.theirs["3201010002", "KB_AKTIF", "default"] == "40"
    assert office.theirs["3201010001", "KB_AKTIF", "default"] == "7"
    assert len(office.theirs) == len(office.ours)
    assert not office.plan().sendable


def test_a_figure_without_a_place_is_named_and_nothing_of_its_report_is_sent(office: Office) -> None:
    office.report("PMB01", FIRST | {"ganti.pil": 2})
    office.report("PMB02", {"baru.iud": 2})
    push = office.push()
    turn = office.turns(push)["PMB Ani"].turn
    assert (turn.state, turn.reason) == (pushes.REFUSED, Reason.UNMAPPED)
    assert turn.lines is not None
    assert [line["keys"] for line in turn.lines] == [["ganti.pil"]]
    assert {unit for unit, _element, _combo in office.theirs} == {"3201010002"}


def test_a_facility_without_an_org_unit_and_two_with_one_are_refused(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.report("PMB02", FIRST)
    office.report("PTK", FIRST)
    office.mapping = make_mapping(units=dict.fromkeys(UNITS, "3201010001"))
    reasons = {one.name: next(iter(one.faults or {}), None) for one in office.plan().planned}
    assert reasons["Pustu Teluk"] is Reason.NO_UNIT
    assert reasons["PMB Ani"] is reasons["PMB Wati"] is Reason.SHARED_UNIT
    office.push()
    assert not office.theirs


def test_a_total_and_its_items_in_one_cell_are_refused_because_they_would_count_twice(office: Office) -> None:
    office.mapping = make_mapping(CELLS | {"aktif.pil": CELLS["aktif"]})
    office.report("PMB01", FIRST | {"aktif.pil": 9})
    turn = office.turns(office.push())["PMB Ani"].turn
    assert turn.reason == Reason.SHARED_CELL


def test_a_dry_run_says_what_would_be_refused_and_leaves_everything_as_it_is(office: Office, generation: int) -> None:
    office.mapping = make_mapping(CELLS | {"baru.pil": Cell("KB_TYPO", "PIL")})
    office.report("PMB01", FIRST)
    push = office.push(is_dry_run=True)
    turn = office.turns(push)["PMB Ani"].turn
    assert turn.state == (pushes.REFUSED if generation == 43 else pushes.PARTLY)
    assert not office.server.imports.store
    assert not office.server.imports.complete
    assert office.plan().sendable[0].new == 5, "a dry run is not remembered as sent"


def test_an_unknown_code_is_named_at_its_cell_and_the_month_is_not_complete(office: Office, generation: int) -> None:
    office.mapping = make_mapping(CELLS | {"baru.pil": Cell("KB_TYPO", "PIL")})
    office.report("PMB01", FIRST)
    turn = office.turns(office.push())["PMB Ani"].turn
    assert turn.lines is not None
    reasons = {line["data_element"]: line["reason"] for line in turn.lines if not line["is_equal"]}
    assert reasons["KB_TYPO"] == (Reason.ABOUT_CELL if generation == 36 else Reason.DATA_ELEMENT)
    assert turn.state == (pushes.REFUSED if generation == 43 else pushes.PARTLY)
    assert len(office.theirs) == (0 if generation == 43 else 4)
    assert not office.server.imports.complete
    office.mapping = make_mapping(version=2)
    office.push()
    assert office.theirs == office.ours
    assert len(office.server.imports.complete) == 1


def test_a_correction_that_is_refused_takes_completeness_back(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.push()
    office.server.imports.country.expiry_days, office.server.imports.country.today = (
        1,
        office.server.imports.country.today.replace(month=12),
    )
    office.report("PMB01", FIRST | {"aktif": 41})
    turn = office.turns(office.push())["PMB Ani"].turn
    assert turn.state == pushes.REFUSED
    assert turn.reason in {Reason.ABOUT_PERIOD, Reason.EXPIRED, Reason.UNTIMELY}
    assert not office.server.imports.complete
    assert len(office.theirs) == 5, "what was there before still is"


def test_a_zero_that_their_element_does_not_keep_is_no_difference(office: Office, generation: int) -> None:
    office.server.imports.country.keeps_zero = False
    office.report("PMB01", FIRST)
    turn = office.turns(office.push())["PMB Ani"].turn
    assert (turn.state, turn.equal) == (pushes.DELIVERED, 5)
    assert len(office.theirs) == (5 if generation == 43 else 4)
    assert not office.plan().sendable
    office.report("PMB01", FIRST | {"baru.iud": 0})
    assert office.turns(office.push())["PMB Ani"].turn.state == pushes.DELIVERED
    assert office.theirs.get(("3201010001", "KB_BARU", "IUD"), "0") == "0"


@pytest.mark.parametrize("name", [*STRANGE_ANSWERS])
def test_each_way_a_connection_fails_ends_in_its_words_with_nothing_lost(office: Office, name: str) -> None:
    case = next(one for one in CATALOGUE["http_level"] if one["name"] == name)
    body = case.get("body", "<html>sign in</html>")
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    office.report("PMB01", FIRST)
    office.report("PMB02", {"aktif": 7})
    if case["http"] is None:
        office.server.cut_next(*[Cut.BEFORE] * 200)
    else:
        office.server.every = Reply(case["http"], raw, case.get("headers") or {"Content-Type": case.get("ctype", "")})
    push = office.ask()
    office.work()
    found, turns = office.find(push), office.turns(push)
    reason = STRANGE_ANSWERS[name][1]
    if found.state == pushes.STOPPED:
        assert found.fault == reason
        assert office.server.count == 1, "nothing more is sent after the first one"
        assert turns["PMB Wati"].turn.reason == Reason.STOPPED
    else:
        assert {one.turn.state for one in turns.values()} <= {pushes.REFUSED, pushes.UNSURE, pushes.FAILED}
        assert turns["PMB Ani"].turn.reason in {reason, Reason.UNREAD}
    assert not office.theirs
    office.server.every = None
    office.server.cuts.clear()
    office.push()
    assert office.theirs == office.ours
    assert len(office.server.imports.completions) == 2


def test_it_waits_as_long_as_they_ask_for(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.server.cut_next(Reply(503, b"", {"Retry-After": "900"}))
    push = office.ask()
    assert office.send_one()
    office.district.pass_time(minutes=14)
    assert not office.send_one()
    office.district.pass_time(minutes=2)
    assert office.send_one()
    assert office.turns(push)["PMB Ani"].turn.state == pushes.DELIVERED


def test_a_switched_off_destination_and_a_token_that_cannot_be_read_stop_a_push(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.is_on = False
    assert office.push().fault == Reason.OFF
    office.is_on, office.secret = True, None
    assert office.push().fault == Reason.KEY
    assert office.server.count == 0
    office.secret = Secret("d2pat_of_somebody_else")
    assert office.push().fault == Reason.LOGIN
    assert office.server.count == 1


def test_every_call_is_written_down_and_the_token_is_in_none(office: Office) -> None:
    office.report("PMB01", FIRST)
    office.server.cut_next(Reply(503, f"what is {TOKEN}?".encode()))
    push = office.push()
    turn = office.turns(push)["PMB Ani"].turn
    with office.district.database.session(read_only=True) as session:
        calls = pushes.list_calls(session, turn, scope=AREA)
    assert len(calls) == office.server.count
    assert TOKEN not in repr(calls)
    assert "what is" in calls[0].answer


def test_a_report_that_changed_between_looking_and_sending_is_not_sent(office: Office) -> None:
    office.report("PMB01", FIRST)
    push = office.ask()
    office.report("PMB01", FIRST | {"aktif": 41})
    office.work()
    assert office.turns(push)["PMB Ani"].turn.reason == Reason.CHANGED
    assert not office.theirs


def test_a_report_that_changes_after_it_was_sent_is_flagged(office: Office) -> None:
    office.report("PMB01", FIRST)
    push = office.push()
    assert not office.turns(push)["PMB Ani"].is_changed
    office.report("PMB01", FIRST | {"aktif": 41})
    assert office.turns(push)["PMB Ani"].is_changed
    with office.district.database.session(read_only=True) as session:
        assert pushes.list_turns(session, push, COUNTING, scope=AREA)[0].is_changed
    assert posts(office) == 1


def test_every_json_value_is_text_in_ascii_and_no_date_of_completion_goes_along(office: Office) -> None:
    office.mapping = make_mapping(CELLS | {"aktif": Cell("KB_AKTIF", "IUD\N{LATIN SMALL LETTER E WITH ACUTE}")})
    office.report("PMB01", FIRST)
    office.push()
    seen = next(one for one in office.server.seen if one.path.startswith("/api/dataValueSets?"))
    assert seen.body.isascii()
    assert isinstance(seen.json, dict)
    assert {*seen.json} == {"dataSet", "period", "orgUnit", "dataValues"}
    assert all(isinstance(field, str) for value in seen.json["dataValues"] for field in value.values())
    assert "idScheme=CODE" in seen.path
    assert seen.headers["x-requested-with"] == "XMLHttpRequest"
