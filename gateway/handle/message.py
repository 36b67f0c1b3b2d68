"""Handle one received message: read it, decide what it means, and leave exactly one answer."""

from __future__ import annotations

from gateway.handle import asking, command, proof, report, status
from gateway.handle.facts import Desk, Outcome, sent_on
from gateway.handle.replies import Reply, say
from gateway.store import outbox
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.outbox import NewOutboxMessage
from gateway.store.reporters import Reporter
from gateway.store.way_back import find_way_back
from gateway.values import InboxState, WithheldReason, find_phone
from parsers.read import read_message
from parsers.reading import Command, CommandName, Kind, Reading


def handle(session: Session, message: InboxMessage, desk: Desk) -> Outcome:
    """Understand one message wholly: its report, its answer and its own state belong to one savepoint.

    Errors: Raced when another session handled it, or settled the same report, at the same time; the caller undoes and
    tries again.
    """
    people = desk.reporters_of(message)
    desk = desk.beside(people)
    if not _is_answerable(message, people, desk):
        reply = Reply("", InboxState.FOR_STAFF)
    elif message.is_cut:
        reply = _ask_for_all(people, desk)
    elif not people:
        reply = command.meet_stranger(session, message, desk)
    elif desk.is_echo(message):
        reply = Reply("", InboxState.FOR_STAFF)  # nobody wrote it: our own words mean nothing when they come back
    else:
        reply = _understand(session, message, people, desk)
    outcome = _answer(session, message, reply, desk, people)
    desk.ledger.finish(message.id, reply.state, desk.now)
    return outcome


def _is_answerable(message: InboxMessage, people: tuple[Reporter, ...], desk: Desk) -> bool:
    """Return whether a sender can be answered at all: short and alphanumeric ids never are, nor is a dear number."""
    if not message.sender.startswith("+") or message.sender == message.recipient:
        return False
    return bool(people or find_phone(message.sender, desk.rules.region))


def _ask_for_all(people: tuple[Reporter, ...], desk: Desk) -> Reply:
    """Read nothing of a message of which parts never came: what is missing may be a number, or the word before it."""
    if not people:
        return say(desk.rules, desk.rules.language, "cut", InboxState.HELD)
    return say(desk.rules, people[0].language, "cut", InboxState.FOR_STAFF)


def _understand(session: Session, message: InboxMessage, people: tuple[Reporter, ...], desk: Desk) -> Reply:
    places = [facility for person in people for facility in person.facilities]
    timezone = places[0].timezone if places else desk.rules.timezone
    day = sent_on(message, timezone)
    question = desk.asked.get(message.sender)
    due = proof.find_due(message, question, desk)
    given = proof.find_given(message.text, due) if due else None
    if question is not None and given is not None:
        if given != due:
            return command.ask_for_proof(session, message, question, given, people, desk)
        return command.obey(
            session, message, Reading(Kind.COMMAND, command=Command(CommandName.YES)), people, day, desk
        )
    reading = read_message(message.text, day, desk.rules.forms, asking.reopen(question) if question else None)
    if question is not None and due and reading.command and reading.command.name is CommandName.YES:
        return command.ask_for_proof(session, message, question, "", people, desk)  # a YA in other words: `ya, bu`
    if reading.kind is Kind.COMMAND:
        return command.obey(session, message, reading, people, day, desk)
    if not places:
        return say(desk.rules, people[0].language, "no_facility", InboxState.FOR_STAFF)
    if reading.kind is Kind.TEXT:
        about = status.find_named(message.text, people)
        if about is not None:
            return status.show_status(session, message, about, people, day, desk)
        return command.pass_on(people, message.text, reading, day, desk)
    return report.take(session, message, reading, people, day, desk)


def _answer(session: Session, message: InboxMessage, reply: Reply, desk: Desk, people: tuple[Reporter, ...]) -> Outcome:
    """Queue the answer, or withhold it with its reason; what must never be answered is withheld as a loop."""
    is_shown = message.id == desk.shown_id
    reason = desk.reason_to_withhold(message, is_registered=bool(people), is_due=reply.is_due)
    if message.is_answered:
        reason = WithheldReason.STOPPED  # the provider itself has answered, and would refuse another message
    elif not reply.text:
        reason = WithheldReason.LOOP
    elif message.is_quiet and not reply.asks:
        reason = WithheldReason.QUIET
    elif is_shown and not reply.asks and not desk.rules.ussd_confirms_by_sms:
        reason = WithheldReason.SHOWN
    answer = NewOutboxMessage(
        inbox_id=message.id,
        kind=outbox.answer_kind(message.rounds),
        channel=_channel_back(session, message, desk, people),
        recipient=message.sender,
        text=reply.text,
        trace_id=message.trace_id,
        created_at=desk.now,
        reason=reason,
        next_try_at=desk.now + asking.TIME_ON_SCREEN if is_shown and reply.asks else None,
    )
    desk.ledger.answer(answer)
    is_sent = reason is None
    return Outcome(reply.state, message.sender, reply.text, reply.kind, is_sent, reply.asks, answer.channel)


def _channel_back(session: Session, message: InboxMessage, desk: Desk, people: tuple[Reporter, ...]) -> str:
    """Return the channel that an answer goes by: her operator's, else the message's own, if SMS go out by that."""
    bound_to = next((one.only_channel for one in people), None)
    area = next((facility.area for one in people for facility in one.facilities), "")
    outgoing = desk.rules.outgoing
    return find_way_back(session, outgoing, message.channel, message.sender, bound_to=bound_to, area=area)
