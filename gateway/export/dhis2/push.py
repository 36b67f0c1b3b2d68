"""Send one facility's month and see to it that what is there is what we have; every step is kept before the next.

Before anything goes out it is written down that it may have: whoever dies then leaves a doubt, and the next one reads
back what is there before sending again. Completeness is registered only once what was read back equals what we have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.channels.http import HttpClient
from gateway.errors import KabarError, Unavailable
from gateway.export.dhis2 import results
from gateway.export.dhis2.client import Client
from gateway.export.dhis2.completeness import Register
from gateway.export.dhis2.payload import (
    Draft,
    Parcel,
    Target,
    draft,
    make_parcel,
)
from gateway.export.dhis2.reasons import Reason
from gateway.export.dhis2.reconcile import Line, compare, read_values
from gateway.export.dhis2.results import Course, Heard, Sent, Trouble
from gateway.export.dhis2.telling import digest_of, first_trouble, name_state, say_faults, write_lines
from gateway.export.dhis2.turns import Halted, Hand, Later, Taken, Terms
from gateway.mapping import Cell
from gateway.settling import Choices
from gateway.store import export_choices, push_queue, pushed, pushes, settled
from gateway.store.base import Database, Session
from gateway.store.pushed import Month, Spot
from gateway.store.pushes import Ended, Push, Turn
from gateway.values import Scope

MOST_TRIES = 6
EVERYWHERE = Scope("")
FIRST_WAIT, LONGEST_WAIT, LONGEST_ASKED = timedelta(seconds=30), timedelta(hours=2), timedelta(hours=6)

logger = structlog.get_logger(__name__)


def send_next(
    database: Database,
    look_up: Callable[[Session, Push], Terms | None],
    open_line: Callable[[Terms], HttpClient],
    now: Callable[[], datetime],
) -> Turn | None:
    """Send the next facility's month that waits, and return it as it was claimed; None where none waits.

    Errors: Unavailable when the database goes away; the turn is taken again once its lease is over.
    """
    with database.session() as session:
        claimed = push_queue.claim(session, now())
        if claimed is None:
            return None
        push, turn, token = claimed
        terms = look_up(session, push)
        session.commit()
    hand = Hand(database, push, turn, token, now)
    try:
        if turn.tries >= 2 * MOST_TRIES:
            raise Later(Trouble(Reason.OURS), most=0)  # its workers died each time: this one will not
        ended = _send(hand, terms, open_line)
    except Taken:
        return turn
    except Later as later:
        _put_off(hand, later)
        return turn
    except Halted as halt:
        with database.session() as session:
            push_queue.stop(session, push.id, halt.trouble.reason, now())
            _end(session, hand, Ended(pushes.REFUSED, halt.trouble.reason))
            session.commit()
        return turn
    except Unavailable:
        raise
    except Exception as error:
        logger.exception("push_failed", push=push.id, turn=turn.id, error=type(error).__name__)
        _put_off(hand, Later(Trouble(Reason.OURS), most=2))
        return turn
    with database.session() as session:
        _end(session, hand, ended)
        session.commit()
    return turn


def _end(session: Session, hand: Hand, ended: Ended) -> None:
    push_queue.keep_calls(session, hand.turn.id, hand.take_calls(), hand.now())
    if push_queue.end_turn(session, hand.turn, hand.token, ended, hand.now()):
        push_queue.end_if_done(session, hand.push.id, hand.now())


def _put_off(hand: Hand, later: Later) -> None:
    """Have a turn sent again later; when it was tried often enough, say what is known of it."""
    with hand.database.session() as session:
        if hand.turn.tries + 1 >= min(MOST_TRIES, later.most):
            state = pushes.UNSURE if later.is_unsure else pushes.FAILED
            _end(session, hand, Ended(state, later.trouble.reason, lines=later.lines))
        else:
            until = hand.now() + find_wait(hand.turn.tries, later.after_seconds, hand.turn.id)
            push_queue.keep_calls(session, hand.turn.id, hand.take_calls(), hand.now())
            push_queue.put_off(session, hand.turn, hand.token, later.trouble.reason, until)
        session.commit()


def find_wait(tries: int, asked_seconds: float | None, salt: int) -> timedelta:
    """Return how long to wait after so many tries: half a minute, then four times as long each time, up to two hours.

    What they ask for is waited for, up to six hours. `salt` keeps many from coming back at once.

    >>> [str(find_wait(tries, None, 0)) for tries in range(5)]
    ['0:00:30', '0:02:00', '0:08:00', '0:32:00', '2:00:00']
    >>> str(find_wait(0, 600, 0))
    '0:10:00'
    """
    own = min(FIRST_WAIT * float(4**tries), LONGEST_WAIT)
    asked = min(timedelta(seconds=asked_seconds or 0), LONGEST_ASKED)
    return max(own, asked) + timedelta(seconds=salt % 15)


def _send(hand: Hand, terms: Terms | None, open_line: Callable[[Terms], HttpClient]) -> Ended:
    if terms is None or not terms.destination.is_on:
        raise Halted(Trouble(Reason.OFF))
    if terms.secret is None:
        raise Halted(Trouble(Reason.KEY))
    drafted = _draft(hand, terms)
    if drafted.faults:
        return Ended(pushes.REFUSED, next(iter(drafted.faults)), lines=say_faults(drafted))
    target = Target(hand.push.data_set, hand.turn.org_unit, hand.push.period)
    http = open_line(terms)
    try:
        client = Client(http, terms.destination, terms.secret, hand.note)
        carrier = Carrier(hand, terms, client)
        if hand.push.is_dry_run:
            return carrier.try_out(target, drafted)
        for month in _elsewhere(hand, target):
            carrier.clear(month)
        return carrier.carry(target, drafted)
    finally:
        http.close()


def _draft(hand: Hand, terms: Terms) -> Draft:
    """Return what the confirmed report comes to; the report itself must still be settled."""
    turn = hand.turn
    if turn.report_id is None:
        return Draft(turn.org_unit, {}, {}, {})
    with hand.database.session(read_only=True) as session:
        choices: Choices = export_choices.choices_around(session, hand.push.area, scope=EVERYWHERE)
        report = settled.find_settled(session, turn.report_id, choices.settles_at.states, scope=EVERYWHERE)
    if report is None:
        return Draft(turn.org_unit, {}, {}, {Reason.CHANGED: ()})
    return draft(report.values, report.place, terms.mapping, choices)


def _elsewhere(hand: Hand, target: Target) -> tuple[Month, ...]:
    with hand.database.session(read_only=True) as session:
        spot = hand.spot(target)
        return pushed.months_elsewhere(session, spot, hand.push.form, hand.turn.facility_id)


@dataclass
class Carrier:
    """Carries one facility's month to where it belongs."""

    hand: Hand
    terms: Terms
    client: Client
    register: Register = field(init=False)

    def __post_init__(self) -> None:
        self.register = Register(self.hand, self.client, self.terms.mapping.scheme)

    def carry(self, target: Target, drafted: Draft) -> Ended:
        """Make what is there what we have, register it as complete if it is, and return what came of it."""
        parcel, heard, lines = self.exchange(target, drafted.values, is_whole=self.hand.push.is_whole)
        is_equal = all(line.is_equal for line in lines)
        is_delivered = is_equal and (heard is None or heard.is_clean or heard.is_unheard)
        self.keep_month(target, is_equal=is_equal)
        refused = self.register.undo(target) if not is_delivered or not drafted.values else None
        if is_delivered and drafted.values:
            refused = self.register.complete(target)
        if is_delivered and not drafted.values and refused is None:
            self.forget(target)
        shown = write_lines(lines, parcel, heard, drafted.keys)
        trouble = first_trouble(heard, shown) or refused
        equal = sum(line["is_equal"] for line in shown)
        state = name_state(is_delivered and refused is None, lines, parcel)
        reason = trouble.reason if trouble and state != pushes.DELIVERED else None
        return Ended(state, reason, digest_of(parcel), len(parcel.cells), equal, shown)

    def try_out(self, target: Target, drafted: Draft) -> Ended:
        """Ask whether it would be taken, and leave everything as it is."""
        with self.hand.database.session(read_only=True) as session:
            known = pushed.find_cells(session, self.hand.spot(target))
        parcel = make_parcel(target, drafted.values, known, whole=self.hand.push.is_whole)
        if not parcel.cells:
            return Ended(pushes.DELIVERED)
        heard = self.post(parcel, is_dry_run=True)
        if heard.stored is None and (
            heard.course is Course.PARK or (heard.course is Course.ONCE and self.hand.turn.tries)
        ):
            return Ended(pushes.REFUSED, heard.whole[0].reason, sent=len(parcel.cells))
        if heard.stored is None:
            raise _later(heard, is_unsure=False)
        lines = [Line(cell, value, None, None) for cell, value in parcel.values.items()]
        lines += [Line(cell, None, None, None) for cell in parcel.gone]
        shown = write_lines(lines, parcel, heard, drafted.keys)
        fine = sum(line["is_equal"] for line in shown)
        state = pushes.DELIVERED if heard.is_clean else pushes.PARTLY if heard.stored else pushes.REFUSED
        trouble = first_trouble(heard, shown)
        return Ended(state, trouble.reason if trouble else None, digest_of(parcel), len(parcel.cells), fine, shown)

    def clear(self, month: Month) -> None:
        """Take a facility's figures away from where it was before. Errors: Later where they are not gone."""
        spot = month.spot
        target = Target(spot.data_set, spot.org_unit, spot.period)
        parcel, heard, lines = self.exchange(target, {}, is_whole=False)
        shown = write_lines(lines, parcel, heard, {})
        refused = None if all(line.is_equal for line in lines) else Trouble(Reason.STAYS)
        refused = (first_trouble(heard, shown) or refused) if refused else self.register.undo(target)
        if refused:
            raise Later(refused, most=2, lines=shown)
        self.forget(target)

    def exchange(
        self, target: Target, values: Mapping[Cell, str], *, is_whole: bool
    ) -> tuple[Parcel, Heard | None, tuple[Line, ...]]:
        """Send what differs, and return what was sent, what was answered and how it stands now.

        Errors: Later or Halted where that cannot be told, or is not to be tried now.
        """
        hand, spot = self.hand, self.hand.spot(target)
        with hand.database.session(read_only=True) as session:
            known = pushed.find_cells(session, spot)
        is_doubtful = hand.turn.tries > 0 or None in known.values()
        if is_doubtful and known:
            theirs = self.read(target, (*values, *known)) or {}
            self.keep_truth(target, (*values, *known), theirs)
            known = dict(theirs)
        parcel = make_parcel(target, values, known, whole=is_whole and hand.turn.tries == 0)
        if not parcel.cells:
            return parcel, None, compare(values, (), _sure(known))
        self.keep_doubt(parcel)
        heard = self.post(parcel)
        if heard.course is Course.WAIT or (heard.course is Course.ONCE and hand.turn.tries == 0):
            raise _later(heard, is_unsure=heard.whole[0].reason not in (Reason.UNREACHED, Reason.CERTIFICATE))
        cells = (*values, *parcel.gone)
        found = self.read(target, cells, after=heard)
        theirs = _sure(known) if found is None else found  # what may not be read is as it was: they took nothing
        lines = compare(values, tuple(parcel.gone), theirs, keeps_zero=not heard.is_clean)
        zeros = [line.cell for line in lines if line.reason is Reason.ZERO]
        if found is not None or heard.stored == 0:
            self.keep_truth(target, cells, theirs, zeros)
        if heard.stored is None and heard.course is Course.READ_BACK and not all(line.is_equal for line in lines):
            raise _later(heard, is_unsure=False, lines=write_lines(lines, parcel, heard, {}))
        return parcel, heard, lines

    def post(self, parcel: Parcel, *, is_dry_run: bool = False) -> Heard:
        """Send a parcel and return what its answer means. Errors: Halted where nothing more of the push may be sent."""
        target = parcel.target
        sent = Sent(parcel.cells, target.data_set, target.org_unit, target.their_period)
        try:
            answer = self.client.post_parcel(parcel, self.terms.mapping.scheme, is_dry_run=is_dry_run)
            heard = results.hear(answer.status, answer.headers, answer.body, sent)
        except KabarError as fault:
            heard = results.hear_fault(fault)
        if heard.course is Course.HALT:
            raise Halted(heard.whole[0])
        return heard

    def read(self, target: Target, cells: Sequence[Cell], after: Heard | None = None) -> dict[Cell, str] | None:
        """Return which of these cells are there; None where they took nothing before, and do not let it be read.

        Errors: Later where they cannot be read now, Halted where nothing of the push could be.
        """
        try:
            answer = self.client.read_values(target, self.terms.mapping.scheme)
        except KabarError as fault:
            raise _later(results.hear_fault(fault), is_unsure=True) from None
        found = results.read_object(answer.body)
        if answer.status == 200 and found is not None and results.find_summary(found) is None:
            return read_values(found, target, cells)
        heard = results.hear_other(answer.status, answer.headers, answer.body)
        if heard.course is not Course.PARK:
            raise _later(heard, is_unsure=True)
        if after is not None and (after.stored == 0 or after.course is not Course.READ_BACK):
            return None
        first = heard.whole[0]
        raise Later(Trouble(Reason.UNREAD, first.code, first.said), most=1, is_unsure=True)

    def keep_doubt(self, parcel: Parcel) -> None:
        """Write down that these cells may hold anything from now on."""
        with self.hand.kept() as session:
            spot = self.hand.spot(parcel.target)
            pushed.keep_cells(session, spot, dict.fromkeys(parcel.cells))
            month = pushed.find_month(session, spot)
            self._remember(session, parcel.target, month, is_equal=False)

    def keep_truth(
        self, target: Target, cells: Sequence[Cell], theirs: Mapping[Cell, str], zeros: Sequence[Cell] = ()
    ) -> None:
        """Write down what is there of our cells; a zero that is not kept there counts as being there."""
        there: dict[Cell, str | None] = {**theirs, **dict.fromkeys(zeros, "0")}
        with self.hand.kept() as session:
            pushed.keep_cells(
                session, self.hand.spot(target), there, [one for one in dict.fromkeys(cells) if one not in there]
            )

    def keep_month(self, target: Target, *, is_equal: bool) -> None:
        """Write down which report a spot holds now."""
        with self.hand.kept() as session:
            month = pushed.find_month(session, self.hand.spot(target))
            self._remember(session, target, month, is_equal=is_equal)

    def forget(self, target: Target) -> None:
        """Forget a spot that nothing of ours is in any more."""
        with self.hand.kept() as session:
            pushed.drop_month(session, self.hand.spot(target))

    def _remember(self, session: Session, target: Target, month: Month | None, *, is_equal: bool) -> None:
        hand, complete = self.hand, month.complete if month else pushed.NO
        spot: Spot = hand.spot(target)
        is_here = target.org_unit == hand.turn.org_unit and target.data_set == hand.push.data_set
        report_id = hand.turn.report_id if is_here else None
        pushed.keep_month(
            session,
            Month(spot, hand.push.form, hand.turn.facility_id, report_id, complete, is_equal, hand.now()),
        )


def _sure(known: Mapping[Cell, str | None]) -> dict[Cell, str]:
    return {cell: value for cell, value in known.items() if value is not None}


def _later(heard: Heard, *, is_unsure: bool, lines: Sequence[Mapping[str, Any]] = ()) -> Later | Halted:
    trouble = heard.whole[0]
    if heard.course is Course.HALT:
        return Halted(trouble)
    most = 2 if heard.course is Course.ONCE else MOST_TRIES
    return Later(trouble, most=most, after_seconds=heard.after_seconds, is_unsure=is_unsure, lines=lines)
