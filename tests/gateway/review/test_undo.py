"""Undo: every decision can be taken back while nothing has come after; nobody acts on another area or twice."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.errors import SomebodyElse
from gateway.review import decide, undo
from gateway.review.deeds import CannotDo, Why
from gateway.store import audit, decisions, outbox
from tests.district import PHONES, District
from tests.gateway.review.deciding import (
    ACTS,
    DOABLE,
    KB,
    STARTS,
    WANTED,
    approve,
    correct,
    figures,
    key_of,
    office,
    open_question,
    reject,
    seen,
    settle,
    states,
    take_back,
)


@pytest.mark.parametrize(("start", "act"), DOABLE, ids=lambda value: value.replace(" ", "-"))
def test_undoing_a_decision_puts_figures_states_and_questions_back(district: District, start: str, act: str) -> None:
    STARTS[start](district)
    before, counted, asked = states(district), figures(district), open_question(district)
    done = ACTS[act](district)
    assert (states(district), open_question(district)) != (before, asked)
    take_back(district, done)
    assert states(district)[: len(before)] == before
    assert set(states(district)[len(before) :]) <= {"replaced"}
    assert figures(district) == counted
    assert open_question(district) == asked


@pytest.mark.parametrize(("start", "act"), [(s, a) for s in STARTS for a in ACTS if (s, a) not in DOABLE], ids=str)
def test_what_a_state_does_not_allow_is_refused_and_changes_nothing(district: District, start: str, act: str) -> None:
    STARTS[start](district)
    before = states(district)
    with pytest.raises(SomebodyElse):
        ACTS[act](district)
    assert states(district) == before


def test_decisions_are_undone_one_after_the_other_and_each_once(district: District) -> None:
    district.say("ani", KB)
    first, second = approve(district), correct(district, WANTED | {"aktif": 45})
    with pytest.raises(CannotDo) as told:
        take_back(district, first)
    assert told.value.why is Why.CHANGED
    take_back(district, second)
    take_back(district, first)
    assert states(district) == ["accepted", "replaced"]
    with pytest.raises(CannotDo) as told:
        take_back(district, first)
    assert told.value.why is Why.UNDONE


def test_nothing_is_undone_once_something_came_in_or_a_day_is_over(district: District) -> None:
    district.say("ani", KB)
    done = reject(district)
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    with pytest.raises(CannotDo) as told:
        take_back(district, done)
    assert told.value.why is Why.CHANGED
    district.say("budi", "KB 0925 BARU 12 AKTIF 400")
    what = seen(district, "DAMON")
    done = settle(district, lambda s: decide.approve(s, office(district), what))
    district.pass_time(hours=25)
    with pytest.raises(CannotDo) as told:
        take_back(district, done)
    assert told.value.why is Why.LATE


def test_a_notice_that_has_not_gone_out_never_does_once_its_decision_is_undone(district: District) -> None:
    district.say("ani", KB)
    assert not take_back(district, reject(district))
    district.send()
    with district.database.session(read_only=True) as session:
        [notice] = [one for one in outbox.latest_to(session, [PHONES["ani"]]) if one.kind == decide.NOTICE]
    assert (notice.state, notice.reason) == ("withheld", "undone")
    done = reject(district)
    district.send()
    assert take_back(district, done), "it has gone out, and that is said"


def test_many_are_approved_at_once_and_what_was_seen_otherwise_is_left(district: District) -> None:
    district.say("ani", KB)
    district.say("budi", "KB 0925 BARU 12 AKTIF 400")
    district.say("eve", "KB 0925 BARU 2 AKTIF 30")
    what = [seen(district, place) for place in ("PMB01", "DAMON", "PMB06")]
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    many = settle(district, lambda s: decide.approve_many(s, office(district), what))
    assert many.left == (what[0].report_id,)
    assert states(district) == ["replaced", "accepted"]
    assert states(district, "DAMON") == states(district, "PMB06") == ["approved"]
    district.say("budi", "KB 0925 BARU 12 AKTIF 401")
    undone = settle(district, lambda s: undo.undo_many(s, office(district), many.batch))
    assert undone.left == (what[1].report_id,)
    assert states(district, "PMB06") == ["accepted"]
    assert states(district, "DAMON") == ["approved", "flagged"]


def test_what_lies_in_another_area_can_neither_be_decided_nor_undone(district: District) -> None:
    district.say("ani", KB)
    foreign = office(district, area="72.71")
    what = seen(district)
    with pytest.raises(SomebodyElse):
        settle(district, lambda s: decide.approve(s, foreign, what))
    assert settle(district, lambda s: decide.approve_many(s, foreign, [what])).done == ()
    done = approve(district)
    assert settle(district, lambda s: undo.undo(s, foreign, done.decision_id)) is None
    assert states(district) == ["approved"]


def test_every_decision_is_in_the_history_and_in_the_audit(district: District) -> None:
    district.say("ani", KB)
    take_back(district, reject(district))
    approve(district)
    with district.database.session(read_only=True) as session:
        history = decisions.history(session, key_of(district), scope=office(district).user.scope)
        done = session.execute(select(audit.audit.c.action).order_by(audit.audit.c.id)).scalars().all()
    assert [(one.action, one.undone_by) for one in history] == [("approve", None), ("reject", "Sari")]
    assert done == ["reject", "undo_reject", "approve"]
