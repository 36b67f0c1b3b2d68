"""Messages: what waits for staff, unknown numbers, what did not go out, and every conversation; newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, request, url_for

from gateway.review.pages import frame, show
from gateway.review.pages.language import mark, translate
from gateway.review.pages.show import StateWords
from gateway.review.permit import Action
from gateway.store import conversations, rereading
from gateway.store.base import Session
from gateway.store.conversations import PAGE, Party
from gateway.store.inbox import InboxMessage
from gateway.store.outbox import OutboxMessage
from gateway.values import InboxState, OutboxState, Scope, find_phone

TABS: Mapping[str, str] = {
    "work": mark("To work off"),
    "held": mark("Unknown numbers"),
    "undelivered": mark("Not delivered"),
    "all": mark("Conversations"),
}
LEADS: Mapping[str, str] = {
    "work": mark("No report, not readable, or never answered: somebody has to look at these."),
    "held": mark("Kept until the number is registered; then they are read as if they had come that day."),
    "undelivered": mark("Answers and reminders that did not reach the phone, or that were held back, and why."),
    "all": mark("Every number that wrote, with its last message."),
}
EMPTY: Mapping[str, tuple[str, str]] = {
    "work": (mark("Everything is worked off."), mark("What a person has to read stands here as soon as it comes.")),
    "held": (
        mark("No unknown number is waiting."),
        mark("A message from a number that nobody registered is kept here, and the sender is told how to register."),
    ),
    "undelivered": (mark("Everything went out."), mark("What the provider refuses, or may have lost, stands here.")),
    "all": (mark("Nobody has written yet."), mark("Each number that writes has one row here, the last one first.")),
}
STATES: Mapping[str, tuple[InboxState, ...]] = {
    "work": (InboxState.FOR_STAFF, InboxState.DEAD),
    "held": (InboxState.HELD,),
}
MOST = 200  # messages that are dealt with at once

routes = frame.make_routes("messages")


@dataclass(frozen=True, slots=True)
class Row:
    """One message of a list: who wrote it or gets it, what it says, where it stands and why."""

    id: int
    url: str
    party: Party
    phone: str
    text: str
    at: datetime
    zone: str
    state: StateWords
    reason: str
    detail: str
    may_be_sent: bool = False


@routes.get("/messages")
def show_messages() -> Response:
    """Show a page of one of the lists."""
    tab = request.args.get("tab", "work")
    tab = tab if tab in TABS else "work"
    before = read_id(request.args.get("before", ""))
    with frame.runtime_of_request().database.session(read_only=True) as session:
        rows, has_older = _find_rows(session, tab, before, frame.visitor().scope)
    newest = url_for("messages.show_messages", tab=tab) if before else None
    older = url_for("messages.show_messages", tab=tab, before=rows[-1].id) if has_older else None
    return _answer(tab, rows, newer=newest, older=older)


@routes.post("/messages/find")
def find() -> Response:
    """Show the conversations of a number or a name. It comes by POST, so that no address holds either."""
    wished = " ".join(request.form.get("wished", "").split())[:100]
    scope, runtime = frame.visitor().scope, frame.runtime_of_request()
    phone = find_phone(wished, runtime.settings.region)
    with runtime.database.session(read_only=True) as session:
        phones: tuple[str, ...] = (phone,) if phone else ()
        if not phones and len(wished) >= 2:
            phones = conversations.phones_by_name(session, wished, scope=scope)
        found = conversations.last_of_phones(session, phones, scope=scope)
        rows = _received_rows(session, found, scope)
    return _answer("all", rows, wished=wished)


@routes.post("/messages/done")
def call_done() -> Response:
    """Say of messages that nothing is to be done."""
    frame.demand(Action.ANSWER)
    return _move(read_ids(request.form.getlist("id")), is_undo=False)


@routes.post("/messages/undone")
def undo_done() -> Response:
    """Let messages wait for staff again."""
    frame.demand(Action.ANSWER)
    return _move(read_ids(request.args.get("ids", "").split(".")), is_undo=True)


def _move(ids: Sequence[int], *, is_undo: bool) -> Response:
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session() as session:
        change = rereading.undo_done if is_undo else rereading.call_done
        moved = change(session, ids, scope=scope)
        where = areas_of(session, conversations.find_all_received(session, moved, scope=scope), scope)
        for message_id in moved:
            frame.audit(session, "undo_done" if is_undo else "call_done", "message", message_id, where[message_id])
        session.commit()
    tab = request.form.get("tab", "work") if request.form.get("tab") in TABS else "work"
    if not moved:
        return frame.go("messages.show_messages", said=_nothing_moved(ids), tone="look", tab=tab)
    if is_undo:
        said = translate("%(count)s messages wait for staff again.") % {"count": show.show_count(len(moved))}
        return frame.go("messages.show_messages", said=said, tab=tab)
    undo = url_for("messages.undo_done", ids=".".join(map(str, moved)))
    said = translate("%(count)s messages are done; nothing more happens to them.") % {
        "count": show.show_count(len(moved))
    }
    return frame.go("messages.show_messages", said=said, undo=undo, tab=tab)


def _nothing_moved(ids: Sequence[int]) -> str:
    return mark("Somebody else has dealt with these meanwhile.") if ids else mark("Choose at least one message first.")


def read_id(written: str) -> int | None:
    """Return the id that stands in an address or a form, or None."""
    return int(written) if written.isascii() and written.isdecimal() and 0 < len(written) < 10 else None


def read_ids(written: Sequence[str]) -> tuple[int, ...]:
    """Return the ids of a form, each once; not more than may be dealt with at once."""
    found = (read_id(one) for one in written[:MOST])
    return tuple(dict.fromkeys(one for one in found if one is not None))


def areas_of(session: Session, messages: Collection[InboxMessage], scope: Scope) -> dict[int, str]:
    """Return where each message belongs: the area of its sender's facility, else of its channel."""
    people = conversations.parties(session, {message.sender for message in messages}, scope=scope)
    names = {message.channel for message in messages if not _area(people, message)}
    by_channel = {name: conversations.area_of_channel(session, name, scope=scope) for name in names}
    return {message.id: _area(people, message) or by_channel[message.channel] for message in messages}


def _area(people: Mapping[str, Party], message: InboxMessage) -> str:
    return people[message.sender].area if message.sender in people else ""


def _answer(
    tab: str, rows: Sequence[Row], *, wished: str = "", newer: str | None = None, older: str | None = None
) -> Response:
    return frame.answer(
        "messages.html",
        tab=tab,
        tabs=[
            (url_for("messages.show_messages", tab=name), translate(words), name == tab and not wished, None)
            for name, words in TABS.items()
        ],
        lead=LEADS[tab],
        nothing=EMPTY[tab],
        rows=rows,
        wished=wished,
        newer=newer,
        older=older,
    )


def _find_rows(session: Session, tab: str, before: int | None, scope: Scope) -> tuple[tuple[Row, ...], bool]:
    """Return a page of rows, and whether older ones follow."""
    if tab == "undelivered":
        sent = conversations.undelivered(session, scope=scope, before=before)
        return _sent_rows(session, sent[:PAGE], scope), len(sent) > PAGE
    if tab == "all":
        found = conversations.latest(session, scope=scope, before=before)
    else:
        found = conversations.waiting(session, STATES[tab], scope=scope, before=before)
    return _received_rows(session, found[:PAGE], scope), len(found) > PAGE


def _received_rows(session: Session, messages: Sequence[InboxMessage], scope: Scope) -> tuple[Row, ...]:
    people = conversations.parties(session, {message.sender for message in messages}, scope=scope)
    return tuple(
        Row(
            id=message.id,
            url=url_for("thread.show_thread", message_id=message.id, _anchor=f"in-{message.id}"),
            party=people.get(message.sender, Party()),
            phone=message.sender,
            text=message.text,
            at=message.received_at,
            zone=zone_of(people.get(message.sender)),
            state=inbox_state(message),
            reason=inbox_reason(message),
            detail=message.trace_id if message.state == InboxState.DEAD else "",
        )
        for message in messages
    )


def _sent_rows(session: Session, messages: Sequence[OutboxMessage], scope: Scope) -> tuple[Row, ...]:
    people = conversations.parties(session, {message.recipient for message in messages}, scope=scope)
    return tuple(
        Row(
            id=message.id,
            url=url_for("thread.show_thread_to", message_id=message.id, _anchor=f"out-{message.id}"),
            party=people.get(message.recipient, Party()),
            phone=message.recipient,
            text=message.text,
            at=message.created_at,
            zone=zone_of(people.get(message.recipient)),
            state=show.OUTBOX_STATES.get(message.state, show.UNKNOWN_STATE),
            reason=outbox_reason(message),
            detail=" ".join(filter(None, (message.fault_code, message.fault))),
            may_be_sent=message.state in (OutboxState.FAILED, OutboxState.UNSURE),
        )
        for message in messages
    )


def zone_of(party: Party | None) -> str:
    """Return the clock that somebody lives by; the house's where that is not known."""
    return (party.timezone if party else "") or frame.runtime_of_request().settings.timezone


def inbox_state(message: InboxMessage) -> StateWords:
    """Return where a received message stands, in words."""
    if message.state == InboxState.DONE and message.done_from:
        return StateWords(mark("Done by staff; nothing was to be done"), "past")
    return show.INBOX_STATES.get(message.state, show.UNKNOWN_STATE)


def inbox_reason(message: InboxMessage) -> str:
    """Return why a received message stands there, in words to be translated; empty where its state says it all."""
    if message.state == InboxState.DEAD:
        return mark("Handling it failed again and again. It is kept; the log has more under its trace id.")
    if message.state != InboxState.FOR_STAFF:
        return ""
    if message.is_cut:
        return mark("Parts of it never came. It was not read, and its sender was asked to send it again.")
    if message.fault:
        return mark("It could not be read.")
    if not message.sender.startswith("+"):
        return mark("It comes from a sender that cannot be answered: a short number or a name.")
    return mark("It is no report, or nobody answered when we asked.")


def outbox_reason(message: OutboxMessage) -> str:
    """Return why a message to be sent stands there, in words to be translated."""
    if message.state == OutboxState.WITHHELD:
        return show.WITHHELD_REASONS.get(message.reason or "", "")
    return mark("The provider refused it for good.") if message.state == OutboxState.FAILED else ""
