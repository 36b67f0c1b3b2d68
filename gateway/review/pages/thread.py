"""One conversation: what a number wrote, what it was sent and asked, what came of it; answered by hand from here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway import jobs
from gateway.handle import facts
from gateway.reply import own_words
from gateway.reply.own_words import Fault
from gateway.review.pages import frame, messages, show
from gateway.review.pages.language import mark, translate
from gateway.review.pages.sayings import say_problem
from gateway.review.pages.show import StateWords
from gateway.review.permit import Action
from gateway.segments import count_segments, count_septets
from gateway.store import aliases, conversations, way_back
from gateway.store.base import Session
from gateway.store.conversations import AskedQuestion, CameOf, Party, Stretch
from gateway.store.inbox import InboxMessage
from gateway.store.outbox import OutboxMessage
from gateway.store.questions import OPEN
from gateway.values import InboxState, OutboxState, Scope
from parsers.aliases import find_unread
from parsers.form import Form

MOST_SEGMENTS = 3  # SMS that one answer by hand may take
LONGEST = 1000  # characters that are looked at
MOST_UNREAD = 20  # words of one message that may be taught from here
FAULTS: Mapping[str, str] = {
    Fault.EMPTY: mark("Write what she is to read."),
    Fault.CHARACTER: mark(
        "“%(about)s” is no character of a plain SMS: the whole text costs more, and old phones show it wrongly."
    ),
    Fault.NUMBER: mark(
        "“%(about)s” is a long number; many networks drop a text that holds one. Write 1.500, or Sep 25."
    ),
    Fault.DROPPED: mark("“%(about)s” is a word or address for which many networks drop a text. Say it differently."),
    Fault.TOO_LONG: mark("This takes %(count)s SMS, and costs as much. One SMS holds 160 characters."),
}
TOO_MANY = mark("This would take %(count)s SMS; at most %(most)s are sent. Please say it more shortly.")

routes = frame.make_routes("thread")


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a conversation. Shape: `pieces` are its text; a word that no form knows has its place."""

    id: int
    is_hers: bool
    pieces: tuple[tuple[str, int | None], ...]
    at: datetime
    state: StateWords
    reason: str = ""
    detail: str = ""
    by: str = ""
    segments: int | None = None
    attempts: int = 0  # sends that may have reached the phone
    refusals: int = 0  # and those that did not
    reports: tuple[tuple[CameOf, StateWords], ...] = ()
    may_be_done: bool = False
    may_be_read_again: bool = False
    may_be_sent_again: bool = False
    is_unsure: bool = False

    @property
    def anchor(self) -> str:
        """The mark by which an address points to this line."""
        return f"{'in' if self.is_hers else 'out'}-{self.id}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that has no answer yet, with what it is about in words."""

    text: str
    at: datetime
    is_open: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has typed, what is wrong with it, and whether it may be sent all the same."""

    text: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(12))
    fault: str = ""
    may_insist: bool = False


@routes.get("/messages/thread/<int:message_id>")
def show_thread(message_id: int) -> Response:
    """Show the conversation that a received message belongs to; with `before`, the stretch before that message."""
    return _show(message_id, Typed())


@routes.get("/messages/to/<int:message_id>")
def show_thread_to(message_id: int) -> Response:
    """Show the conversation that a message of ours belongs to."""
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        sent = conversations.find_to_send(session, message_id, scope=scope)
        if sent is None:
            return frame.absent()
        last = conversations.find_last_of(session, [sent.recipient], scope=scope)
        if last is None:
            return _page(session, sent.recipient, None, Typed(), scope)
    return frame.go("thread.show_thread", message_id=last.id, _anchor=f"out-{message_id}")


@routes.get("/messages/with/<int:reporter_id>")
def show_thread_with(reporter_id: int) -> Response:
    """Show the conversation with a reporter, on the phone that she wrote from last."""
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        phones = conversations.find_phones(session, reporter_id, scope=scope)
        if not phones:
            return frame.absent()
        last = conversations.find_last_of(session, phones, scope=scope)
        if last is None:
            return _page(session, phones[0], None, Typed(), scope)
    return frame.go("thread.show_thread", message_id=last.id)


@routes.post("/messages/thread/<int:message_id>/answer")
def answer_by_hand(message_id: int) -> Response:
    """Send somebody's own words to the sender of a message, once however often the form is sent."""
    frame.demand(Action.ANSWER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    written = own_words.tidy_words(request.form.get("text", "")[:LONGEST])
    key = request.form.get("key", "")[:64]
    typed = _check(request.form.get("text", "")[:LONGEST], written, key)
    if typed.fault and not (typed.may_insist and request.form.get("insist")):
        return _show(message_id, typed, 422)
    with runtime.database.session() as session:
        message = conversations.find_received(session, message_id, scope=user.scope)
        if message is None:
            return frame.absent()
        if not may_be_answered(message):
            return _show(message_id, Typed(typed.text, key, translate(CANNOT_ANSWER)), 422)
        channel = way_back.find_way_back(session, runtime.outgoing, message.channel, message.sender)
        by = (user.id, user.name)
        sent = conversations.write_by_hand(
            session, message, written, scope=user.scope, by=by, key=key, now=runtime.now(), channel=channel
        )
        if sent is not None:
            where = messages.areas_of(session, [message], user.scope)[message.id]
            frame.audit(session, "answer", "message", message.id, where, sends=sent)
        session.commit()
    runtime.bells.ring(jobs.OUTBOUND, channel)
    said = mark("Your answer is on its way.") if sent else mark("That answer was sent before; it goes out once.")
    return frame.go("thread.show_thread", said=said, message_id=message_id, _anchor="latest")


@routes.post("/messages/to/<int:message_id>/again")
def send_again(message_id: int) -> Response:
    """Send a message again that failed, or of which nobody knows."""
    frame.demand(Action.ANSWER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        known = conversations.find_to_send(session, message_id, scope=scope)
        if known is None:
            return frame.absent()
        again = conversations.send_again(session, message_id, scope=scope)
        if again is not None:
            people = conversations.parties(session, [again.recipient], scope=scope)
            area = people.get(again.recipient, Party()).area
            area = area or conversations.area_of_channel(session, again.channel, scope=scope)
            frame.audit(session, "send_again", "message", message_id, area, was=known.state)
        session.commit()
    runtime.bells.ring(jobs.OUTBOUND, known.channel)
    if again is None:
        said, tone = mark("Somebody else was first: it is on its way already, or has arrived."), "look"
    else:
        said, tone = mark("It is sent once more."), "good"
    return frame.go("thread.show_thread_to", said=said, tone=tone, message_id=message_id)


CANNOT_ANSWER = mark("This sender cannot be answered from here: it is no phone, or its channel is no longer set up.")


def may_be_answered(message: InboxMessage) -> bool:
    """Tell whether an SMS can be sent to a message's sender: its channel is still set up."""
    is_phone = message.sender.startswith("+") and message.sender != message.recipient
    runtime = frame.runtime_of_request()
    return is_phone and not message.is_answered and message.channel in {*runtime.channels, *runtime.ussd}


def _check(shown: str, text: str, key: str) -> Typed:
    """Return what was typed with what is wrong with it in words; a warning can be overruled, a fault cannot."""
    segments = count_segments(text)
    if segments > MOST_SEGMENTS:
        return Typed(shown, key, translate(TOO_MANY) % {"count": segments, "most": MOST_SEGMENTS})
    found = own_words.find_fault(text)
    if found is None:
        return Typed(shown, key)
    said = translate(FAULTS[found.fault]) % {"about": found.about, "count": segments}
    return Typed(shown, key, said, may_insist=found.fault is not Fault.EMPTY)


def _show(message_id: int, typed: Typed, status: int = 200) -> Response:
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        message = conversations.find_received(session, message_id, scope=scope)
        if message is None:
            return frame.absent()
        return _page(session, message.sender, message, typed, scope, status)


def _page(
    session: Session, phone: str, message: InboxMessage | None, typed: Typed, scope: Scope, status: int = 200
) -> Response:
    """Return the page of a number's conversation; without a message nobody can be answered."""
    before = _find_before(session, phone, scope)
    part = conversations.stretch(session, phone, scope=scope, before=before)
    party = conversations.parties(session, [phone], scope=scope).get(phone, Party())
    asked = conversations.open_questions(session, [phone], scope=scope).get(phone, ())
    forms = facts.teach(
        frame.runtime_of_request().forms, aliases.approved(session, scope=scope), party.area or scope.area
    )
    zone = messages.zone_of(party)
    lines = _lines(session, part, forms, zone, scope)
    return frame.answer(
        "thread.html",
        status,
        phone=phone,
        party=party,
        zone=zone,
        message=message,
        lines=lines,
        asked=[_as_asked(one, forms) for one in asked],
        older=url_for("thread.show_thread", message_id=message.id, before=part.older)
        if message and part.older
        else None,
        newer=url_for("thread.show_thread", message_id=message.id) if message and before else None,
        typed=typed,
        may_be_answered=message is not None and may_be_answered(message),
        counted=(count_septets(own_words.tidy_words(typed.text)), count_segments(own_words.tidy_words(typed.text))),
    )


def _find_before(session: Session, phone: str, scope: Scope) -> InboxMessage | None:
    wished = messages.read_id(request.args.get("before", ""))
    found = conversations.find_received(session, wished, scope=scope) if wished else None
    return found if found and found.sender == phone else None


def _as_asked(question: AskedQuestion, forms: Sequence[Form]) -> Asked:
    form = next((form for form in forms if form.code == question.reading.get("form")), None)
    problems = tuple(say_problem(problem, form) for problem in question.reading.get("problems", ()))
    return Asked(question.text, question.asked_at, question.state == OPEN, problems)


def _lines(session: Session, part: Stretch, forms: tuple[Form, ...], zone: str, scope: Scope) -> tuple[Line, ...]:
    """Return both sides of a stretch in one row, an answer never before what it answers."""
    reports = conversations.came_of(session, [message.id for message in part.received], scope=scope)
    asked = conversations.open_questions(session, {message.sender for message in part.received}, scope=scope)
    doubted = {question.inbox_id for these in asked.values() for question in these}
    hers = [
        (message.received_at, message.id, 0, _her_line(message, reports.get(message.id, ()), forms, zone, doubted))
        for message in part.received
    ]
    last = max((message.id for message in part.received), default=0)
    ours = [
        (message.created_at, message.inbox_id or last, message.id, _our_line(message))
        for message in part.to_send
        if message.text
    ]
    return tuple(line for *_, line in sorted(hers + ours, key=lambda one: one[:3]))


def _her_line(
    message: InboxMessage, reports: Sequence[CameOf], forms: tuple[Form, ...], zone: str, doubted: set[int]
) -> Line:
    waits = message.state in (InboxState.FOR_STAFF, InboxState.DEAD, InboxState.HELD)
    may_teach = frame.may(Action.PROPOSE) and (waits or message.id in doubted)
    day = message.sent_at.astimezone(ZoneInfo(zone)).date()
    return Line(
        id=message.id,
        is_hers=True,
        pieces=_pieces(message.text, day, forms) if may_teach else ((message.text, None),),
        at=message.received_at,
        state=messages.inbox_state(message),
        reason=messages.inbox_reason(message),
        detail=" ".join(filter(None, (message.trace_id, message.fault))) if message.state == InboxState.DEAD else "",
        reports=tuple((one, show.REPORT_STATES.get(one.state, show.UNKNOWN_STATE)) for one in reports),
        may_be_done=waits,
        may_be_read_again=waits or any(not one.is_reread for one in reports),
    )


def _pieces(text: str, day: date, forms: tuple[Form, ...]) -> tuple[tuple[str, int | None], ...]:
    """Cut a text at the words that no form knows."""
    pieces: list[tuple[str, int | None]] = []
    end = 0
    for unread in find_unread(text, day, forms)[:MOST_UNREAD]:
        pieces += [(text[end : unread.span.start], None), (unread.written, unread.span.start)]
        end = unread.span.end
    return tuple(piece for piece in (*pieces, (text[end:], None)) if piece[0])


def _our_line(message: OutboxMessage) -> Line:
    return Line(
        id=message.id,
        is_hers=False,
        pieces=((message.text, None),),
        at=message.delivered_at or message.sent_at or message.created_at,
        state=show.OUTBOX_STATES.get(message.state, show.UNKNOWN_STATE),
        reason=messages.outbox_reason(message),
        detail=" ".join(filter(None, (message.fault_code, message.fault))),
        by=message.user_name or "",
        segments=message.segments if message.segments and message.segments > 1 else None,
        attempts=message.attempts,
        refusals=message.refusals,
        may_be_sent_again=message.state in (OutboxState.FAILED, OutboxState.UNSURE),
        is_unsure=message.state == OutboxState.UNSURE,
    )
