"""The only moves: whatever is done to a message or a report, it goes where the tables of `values` say, or stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from gateway.store import areas, claimed, facilities, reports, rereading
from gateway.store import inbox as inbox_store
from gateway.store import outbox as outbox_store
from gateway.store.areas import Area
from gateway.store.base import Database, Session
from gateway.store.facilities import NewFacility
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.reports import NewReport, ReportKey
from gateway.values import (
    INBOX_MOVES,
    OUTBOX_MOVES,
    REPORT_MOVES,
    ChannelLimits,
    DeliveryStatus,
    InboxState,
    OutboxState,
    ReportState,
    Scope,
    SentSms,
)
from tests.district import NOON, make_district

LATER = NOON + timedelta(minutes=1)
PHONE = "+6281230000001"
ALL = Scope("")
_numbers = count(1)


def keep_message(session: Session, state: InboxState) -> int:
    """Keep a message that stands in a state, and return its id."""
    key = f"moved{next(_numbers)}"
    message = inbox_store.NewInboxMessage("simulator", key, PHONE, "", "?", NOON, NOON, 0, "t", state=state)
    inbox_store.keep(session, message)
    return int(session.execute(select(inbox.c.id).where(inbox.c.provider_id == key)).scalar_one())


def find_message(session: Session, message_id: int) -> inbox_store.InboxMessage:
    """Return a message that is there."""
    found = inbox_store.find_by_id(session, message_id)
    assert found
    return found


def _finish(state: InboxState) -> Callable[[Session, int], object]:
    return lambda session, message_id: inbox_store.finish(session, message_id, state, LATER)


def _put_back(state: InboxState) -> Callable[[Session, int], object]:
    return lambda session, _: inbox_store.put_back(session, PHONE, state)


def _undo_done(state: InboxState) -> Callable[[Session, int], object]:
    """Return a step that undoes what staff called done when it stood in a state."""

    def undo(session: Session, message_id: int) -> object:
        session.execute(update(inbox).where(inbox.c.id == message_id).values(done_from=state))
        return rereading.undo_done(session, [message_id], scope=ALL)

    return undo


def _read_report_again(session: Session, message_id: int) -> object:
    area = f"{message_id:02}"
    areas.add_areas(session, [Area(area, None, "province", "?", "Asia/Jakarta")])
    [place] = facilities.add_facilities(session, [NewFacility(f"{message_id:09}", "?", "?", "PMB", area)])
    key = ReportKey("kb", place, "2025-09")
    report = NewReport(key, ReportState.ACCEPTED, NOON, "m", {}, "?", {}, 1, 1, NOON, inbox_id=message_id)
    reports.add(session, report)
    return rereading.put_back(session, message_id, seen_rounds=0, is_quiet=True, scope=ALL)


INBOX_STEPS: dict[str, Callable[[Session, int], object]] = {
    "hold": _finish(InboxState.HELD),
    "finish": _finish(InboxState.DONE),
    "give to staff": _finish(InboxState.FOR_STAFF),
    "wait in vain": lambda session, one: inbox_store.give_to_staff(session, [one]),
    "set aside": lambda session, one: inbox_store.set_aside(session, find_message(session, one), "?", LATER),
    "give up": lambda session, one: inbox_store.set_aside(session, find_message(session, one), "?", None),
    "postpone": lambda session, one: inbox_store.postpone(session, one, LATER),
    "register": _put_back(InboxState.HELD),
    "read again": _put_back(InboxState.FOR_STAFF),
    "try again": _put_back(InboxState.DEAD),
    "read this one again": inbox_store.put_back_one,
    "call done": lambda session, one: rereading.call_done(session, [one], scope=ALL),
    "undo: it was held": _undo_done(InboxState.HELD),
    "undo: staff had it": _undo_done(InboxState.FOR_STAFF),
    "undo: it was dead": _undo_done(InboxState.DEAD),
    "read its report again": _read_report_again,
}


@pytest.mark.parametrize("step", INBOX_STEPS)
def test_an_inbox_message_makes_no_move_that_is_not_in_the_table(database: Database, step: str) -> None:
    for before in InboxState:
        with database.session() as session:
            message_id = keep_message(session, before)
            INBOX_STEPS[step](session, message_id)
            after = InboxState(find_message(session, message_id).state)
        assert after == before or after in INBOX_MOVES[before], f"{before} became {after}"


def test_every_move_of_the_inbox_can_be_made(database: Database) -> None:
    made = set()
    for before, step in product(InboxState, INBOX_STEPS.values()):
        with database.session() as session:
            message_id = keep_message(session, before)
            step(session, message_id)
            made.add((before, InboxState(find_message(session, message_id).state)))
    assert {(before, after) for before, all_after in INBOX_MOVES.items() for after in all_after} <= made


@pytest.mark.parametrize("state", [InboxState.DONE, InboxState.RECEIVED])
def test_what_is_done_is_never_put_back(database: Database, state: InboxState) -> None:
    with database.session() as session:
        message_id = keep_message(session, state)
        with pytest.raises(ValueError, match=state):
            inbox_store.put_back(session, PHONE, state)
        assert find_message(session, message_id).state == state


def test_a_report_makes_no_move_that_is_not_in_the_table(database: Database) -> None:
    place = make_district(database)["PMB01"]
    for number, (before, after) in enumerate(product(ReportState, ReportState)):
        key = ReportKey("kb", place, f"{2000 + number}-01")
        report = NewReport(key, before, NOON, "m1", {"baru": 1}, "?", {}, 1, 1, NOON)
        with database.session() as session:
            report_id = reports.add(session, report)
            if after in REPORT_MOVES[before]:
                assert reports.set_state(session, report_id, after, was=before)
            else:
                with pytest.raises(ValueError, match=f"{before}.*{after}"):
                    reports.set_state(session, report_id, after, was=before)
            found = reports.find_report(session, report_id)
            assert found
            assert found.state == (after if after in REPORT_MOVES[before] else before)


def test_a_report_that_has_moved_on_is_not_moved_again(database: Database) -> None:
    place = make_district(database)["PMB01"]
    key = ReportKey("kb", place, "2025-09")
    with database.session() as session:
        report_id = reports.add(
            session, NewReport(key, ReportState.REPLACED, NOON, "m1", {"baru": 1}, "?", {}, 1, 1, NOON)
        )
        assert not reports.set_state(session, report_id, ReportState.FLAGGED, was=ReportState.WAITING)


class Sends:
    """One message on its way, to which everything happens that can: two senders, a sweep, and a provider's words."""

    def __init__(self, session: Session, is_idempotent: bool) -> None:
        self.session = session
        self.limits = ChannelLimits(per_second=1e6, is_idempotent=is_idempotent)
        self.channel = f"c{next(_numbers)}"
        message = outbox_store.NewOutboxMessage(None, "answer", self.channel, PHONE, "?", "t", NOON)
        self.ref = outbox_store.add(session, message)
        self.id: int = session.execute(select(outbox.c.id).where(outbox.c.ref == self.ref)).scalar_one()
        self.tokens = ["none"]

    @property
    def state(self) -> OutboxState:
        return OutboxState(self.session.execute(select(outbox.c.state).where(outbox.c.id == self.id)).scalar_one())

    def do(self, step: str, which: int) -> None:
        """Let one thing happen; `which` chooses the sender, who may long have lost its lease."""
        token = self.tokens[which % len(self.tokens)]
        if step == "claim":
            claim = outbox_store.claim(self.session, self.channel, self.limits)
            self.tokens += [claim.token] if claim.messages else []
        elif step == "leases end":
            past = datetime.now(UTC) - timedelta(days=1)
            late = outbox.c.id == self.id, outbox.c.lease_until.is_not(None)
            self.session.execute(update(outbox).where(*late).values(lease_until=past))
            claimed.end_leases(self.session, self.channel, self.limits)
        elif step in ("sent", "delivered"):
            sent = SentSms(f"p{which}", is_delivered=step == "delivered")
            outbox_store.record_sent(self.session, self.id, token, sent, LATER)
        elif step == "refused":
            outbox_store.record_refusal(self.session, self.id, token, -1, "not now", "503")
        elif step == "failed":
            outbox_store.record_failure(self.session, self.id, token, "never", "400")
        elif step == "staff send it again":
            outbox_store.send_again(self.session, self.id)
        elif step == "unsure":
            outbox_store.record_unsure(self.session, self.id, token, "?")
        else:
            status = DeliveryStatus(OutboxState(step.removeprefix("told ")), ref=self.ref)
            outbox_store.record_status(self.session, self.channel, status, LATER)


RESULTS = ("claim", "leases end", "sent", "delivered", "refused", "failed", "unsure")
STEPS = (*RESULTS, "staff send it again", "told sent", "told delivered", "told failed")
happenings = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), max_size=14)


def walk(database: Database, is_idempotent: bool, happened: list[tuple[str, int]]) -> set[Any]:
    """Let things happen to one message and return the moves that it made."""
    moves = set()
    with database.session() as session:  # never committed: the law is about the steps
        sends = Sends(session, is_idempotent)
        claimed_as = 0
        for step, which in [("claim", 0), *happened]:
            before = sends.state
            sends.do(step, which)
            moves.add((before, sends.state))
            if sends.state != before:
                assert sends.state in OUTBOX_MOVES[before], f"{before} became {sends.state} by {step} after {happened}"
            claimed_as += sends.state == OutboxState.SENDING != before
        attempts = session.execute(select(outbox.c.attempts).where(outbox.c.id == sends.id)).scalar_one()
        assert 0 <= attempts <= claimed_as
    return moves


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(is_idempotent=st.booleans(), happened=happenings)
def test_whatever_happens_an_outbox_message_makes_no_move_that_is_not_in_the_table(
    database: Database, is_idempotent: bool, happened: list[tuple[str, int]]
) -> None:
    walk(database, is_idempotent, happened)


@pytest.mark.parametrize("is_idempotent", [False, True])
def test_the_walk_through_the_outbox_meets_each_state_of_a_send(database: Database, is_idempotent: bool) -> None:
    made = walk(database, is_idempotent, [("refused", 1), ("claim", 0), ("unsure", 2), ("told sent", 0)])
    made |= walk(database, is_idempotent, [("leases end", 0), ("told delivered", 0), ("told failed", 0)])
    made |= walk(database, is_idempotent, [("sent", 1), ("told failed", 0), ("told delivered", 0)])
    met = {after for _, after in made}
    assert met >= set(OutboxState) - {OutboxState.WITHHELD, OutboxState.DELIVERED}


def test_what_is_withheld_never_goes_out(database: Database) -> None:
    with database.session() as session:
        sends = Sends(session, is_idempotent=True)
        session.execute(update(outbox).where(outbox.c.id == sends.id).values(state=OutboxState.WITHHELD))
        for step, which in product(STEPS, (0, 1)):
            sends.do(step, which)
            assert sends.state == OutboxState.WITHHELD


def test_an_unsure_message_is_not_claimed_by_any_sender(database: Database) -> None:
    with database.session() as session:
        sends = Sends(session, is_idempotent=False)
        sends.do("claim", 0)
        sends.do("leases end", 0)
        assert sends.state == OutboxState.UNSURE
        sends.do("claim", 0)
        assert sends.state == OutboxState.UNSURE
        assert len(sends.tokens) == 2


def test_a_second_answer_to_one_message_cannot_even_be_written(database: Database) -> None:
    with database.session() as session:
        message_id = keep_message(session, InboxState.DONE)
        answer = outbox_store.NewOutboxMessage(message_id, "answer", "simulator", PHONE, "?", "t", NOON)
        outbox_store.add(session, answer)
        with pytest.raises(Exception, match=r"(?i)unique"):
            session.execute(insert(outbox), {"inbox_id": message_id, "kind": "answer"} | _rest())


def _rest() -> dict[str, object]:
    same = {"channel": "simulator", "recipient": PHONE, "text": "?", "state": "queued", "ref": "r", "trace_id": "t"}
    return same | {"attempts": 0, "refusals": 0, "created_at": NOON}
