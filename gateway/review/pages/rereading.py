"""Read again: choose messages, see what would come of them now, and apply only what was chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway import jobs
from gateway.calendar import shift
from gateway.handle import rereading as handling
from gateway.handle.rereading import Difference, Obstacle
from gateway.review.pages import frame, messages, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.show import StateWords
from gateway.review.permit import Action
from gateway.store import conversations, rereading
from gateway.store.base import Session
from gateway.store.conversations import PAGE, Party
from gateway.store.inbox import InboxMessage
from gateway.store.rereading import Figures, Standing
from gateway.values import InboxState, ReportState, Scope
from parsers.form import Form
from parsers.period import period_of

CHOICES: Mapping[str, str] = {
    "for_staff": mark("What waits for staff"),
    "dead": mark("What could not be handled"),
    "reports": mark("Reports that are not approved, of one month"),
}
OBSTACLES: Mapping[str, str] = {
    Obstacle.LESS: mark("Read by itself it says less: it was the answer to a question. It stays as it is."),
    Obstacle.MOVED: mark("It would report another month or facility, and the first report would stand beside it."),
    Obstacle.ASKED: mark("She is being asked about another message; wait until she has answered."),
    Obstacle.FAILS: mark("It still cannot be handled."),
    Obstacle.SETTLED: mark("Its report is approved, taken back or of a closed month, or somebody has dealt with it."),
}
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)

routes = frame.make_routes("rereading")


@dataclass(frozen=True, slots=True)
class Wished:
    """What is to be read again: which messages, and of which month and form."""

    which: str
    month: str
    form: str


@dataclass(frozen=True, slots=True)
class Card:
    """A report that came or would come of a message, in words; a value that is another one than before is `is_new`."""

    title: str
    state: StateWords
    values: tuple[tuple[str, int, bool], ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Where a message stands, or would stand, in words."""

    state: StateWords
    cards: tuple[Card, ...]
    is_asked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One message, what came of it, what would come of it now, and what stands in the way."""

    found: Difference
    party: Party
    zone: str
    then: Side
    now: Side
    obstacle: str


@routes.get("/messages/again")
def show_rereading() -> Response:
    """Show the messages that may be read again, to be chosen."""
    frame.demand(Action.ANSWER)
    wished = _read_wished()
    before = messages.read_id(request.args.get("before", ""))
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        found = _find(session, wished, scope, before)
        people = conversations.parties(session, {message.sender for message in found[:PAGE]}, scope=scope)
    forms = frame.runtime_of_request().forms
    return frame.answer(
        "rereading.html",
        wished=wished,
        choices=[(name, translate(words)) for name, words in CHOICES.items()],
        forms=[(form.code, form.name(current_language())) for form in forms],
        rows=[
            (message, people.get(message.sender, Party()), messages.zone_of(people.get(message.sender)))
            for message in found[:PAGE]
        ],
        older=_address(wished, found[PAGE - 1].id) if len(found) > PAGE else None,
        newer=_address(wished, None) if before else None,
        states=messages.inbox_state,
    )


@routes.post("/messages/again/compare")
def compare() -> Response:
    """Show what would come of the chosen messages; nothing is changed."""
    frame.demand(Action.ANSWER)
    ids = messages.read_ids(request.form.getlist("id"))[:PAGE]
    if not ids:
        said = mark("Choose at least one message first.")
        return frame.go("rereading.show_rereading", said=said, tone="look")
    return _compare(ids)


@routes.post("/messages/again/apply")
def apply() -> Response:
    """Read the chosen messages again, if what would come of them is still what was seen."""
    frame.demand(Action.ANSWER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    ids = messages.read_ids(request.form.getlist("id"))[:PAGE]
    tags = {message_id: request.form.get(f"tag-{message_id}", "") for message_id in ids}
    sends = bool(request.form.get("sends"))
    with runtime.database.session() as session:
        chosen = conversations.find_all_received(session, ids, scope=scope)
        found = handling.compare(session, chosen, runtime.rules, runtime.now(), scope=scope)
        applied = handling.apply(session, found, tags=tags, sends=sends, scope=scope)
        where = messages.areas_of(session, applied, scope)
        for message in applied:
            about = {"round": message.rounds, "answered": sends}
            frame.audit(session, "read_again", "message", message.id, where[message.id], **about)
        session.commit()
    for lane in {message.lane for message in applied}:
        runtime.bells.ring(jobs.INBOUND, lane)
    left = [message_id for message_id in ids if message_id not in {message.id for message in applied}]
    if not ids:
        return frame.go("rereading.show_rereading", said=mark("Choose at least one message first."), tone="look")
    if left:
        return _compare(tuple(left), len(applied))
    said = translate("%(count)s messages are being read again.") % {"count": show.show_count(len(applied))}
    if len(applied) == 1:
        return frame.go("thread.show_thread", said=said, message_id=ids[0], _anchor=f"in-{ids[0]}")
    return frame.go("messages.show_messages", said=said)


def _compare(ids: Sequence[int], applied: int | None = None) -> Response:
    """Return the page of differences; with `applied`, of what is left over from applying some."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        chosen = conversations.find_all_received(session, ids, scope=scope)
        found = handling.compare(session, chosen, runtime.rules, runtime.now(), scope=scope)
        session.rollback()
        people = conversations.parties(session, {message.sender for message in chosen}, scope=scope)
    if not chosen:
        return frame.absent()
    rows = [_as_row(one, people.get(one.message.sender), runtime.forms) for one in found]
    return frame.answer(
        "differences.html",
        409 if applied is not None else 200,
        rows=sorted(rows, key=lambda row: (not row.found.may_be_applied, row.found.is_same, row.found.message.id)),
        applied=applied,
        may_apply=any(row.found.may_be_applied for row in rows),
        has_questions=any(row.found.may_be_applied and row.found.asks for row in rows),
    )


def _read_wished() -> Wished:
    which = request.args.get("which", "for_staff")
    month = request.args.get("month", "")
    codes = [form.code for form in frame.runtime_of_request().forms]
    form = request.args.get("form", "")
    this_month = period_of(frame.runtime_of_request().now().date())
    which = which if which in CHOICES else "for_staff"
    is_month = bool(_PERIOD.fullmatch(month))
    return Wished(
        which,
        month if is_month else shift(this_month, -1) if which == "reports" else this_month,
        form if form in codes else frame.runtime_of_request().settings.main_form,
    )


def _find(session: Session, wished: Wished, scope: Scope, before: int | None) -> tuple[InboxMessage, ...]:
    if wished.which == "reports":
        return rereading.reported_for(session, wished.form, wished.month, scope=scope, before=before)
    state = InboxState.DEAD if wished.which == "dead" else InboxState.FOR_STAFF
    zone = ZoneInfo(messages.zone_of(None))
    since, until = (
        datetime.strptime(f"{month}-01", "%Y-%m-%d").replace(tzinfo=zone).astimezone(UTC)
        for month in (wished.month, shift(wished.month, 1))
    )
    return rereading.waiting_since(session, state, scope=scope, since=since, until=until, before=before)


def _address(wished: Wished, before: int | None) -> str:
    return url_for("rereading.show_rereading", which=wished.which, month=wished.month, form=wished.form, before=before)


def _as_row(found: Difference, party: Party | None, forms: Sequence[Form]) -> Row:
    earlier = {one.key: dict(one.values) for one in found.then.figures if one.state != ReportState.REPLACED}
    return Row(
        found,
        party or Party(),
        messages.zone_of(party),
        _as_side(found.then, forms, earlier),
        _as_side(found.now, forms, earlier),
        OBSTACLES.get(found.obstacle or "", ""),
    )


def _as_side(
    standing: Standing, forms: Sequence[Form], earlier: Mapping[tuple[str, str, int], Mapping[str, int]]
) -> Side:
    state = show.INBOX_STATES.get(standing.state, show.UNKNOWN_STATE)
    cards = tuple(
        _as_card(one, forms, earlier.get(one.key, {})) for one in standing.figures if one.state != ReportState.REPLACED
    )
    return Side(state, cards, bool(standing.asked))


def _as_card(one: Figures, forms: Sequence[Form], earlier: Mapping[str, int]) -> Card:
    form = next((form for form in forms if form.code == one.form), None)
    name = form.name(current_language()) if form else one.form
    values = tuple((show.name_key(form, key), value, earlier.get(key) != value) for key, value in one.values)
    title = f"{one.facility}, {show.show_month(one.period)}, {name}"
    return Card(title, show.REPORT_STATES.get(one.state, show.UNKNOWN_STATE), values)
