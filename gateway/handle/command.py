"""Obey what a sender asks instead of reporting: help, status, stop; and meet those who are not registered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway.handle.facts import Desk, sent_on
from gateway.handle.replies import Reply, example_for, say
from gateway.reply.segments import fits_one_sms
from gateway.store import questions, reporters, reports
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.reporters import Reporter
from gateway.store.reports import Report, ReportKey
from gateway.values import InboxState, ReportState
from parsers.period import assumed_period
from parsers.read import read_message
from parsers.reading import CommandName, Reading


def meet_stranger(session: Session, message: InboxMessage, desk: Desk) -> Reply:
    """Hold a message from an unknown number, and say how to register; keep a request to be registered."""
    day = sent_on(message, desk.rules.timezone)
    reading = read_message(message.text, day, desk.rules.forms)
    if reading.command and reading.command.name is CommandName.REGISTER:
        reporters.ask_registration(session, message.sender, message.channel, message.text, desk.now)
        return say(desk.rules, desk.rules.language, "registering", InboxState.DONE)
    return say(desk.rules, desk.rules.language, "unregistered", InboxState.HELD)


def pass_on(person: Reporter, reading: Reading, day: date, desk: Desk) -> Reply:
    """Give a message that is no report to staff, and show how a report looks."""
    if reading.problems:
        wording = desk.rules.wordings[person.language]
        said = wording.problems[reading.problems[0].code]
        return Reply(said[:1].upper() + said[1:], InboxState.FOR_STAFF, reading.problems[0].code)
    example = example_for(desk.rules, person.language, day)
    return say(desk.rules, person.language, "text", InboxState.FOR_STAFF, example=example)


def obey(
    session: Session, message: InboxMessage, reading: Reading, people: Sequence[Reporter], day: date, desk: Desk
) -> Reply:
    """Do what a command asks and return its answer."""
    assert reading.command is not None
    person, rules = people[0], desk.rules
    example = example_for(rules, person.language, day)
    name = reading.command.name
    if name is CommandName.HELP:
        return say(rules, person.language, "help", InboxState.DONE, example=example)
    if name in (CommandName.STOP, CommandName.START):
        stopped_at = desk.now if name is CommandName.STOP else None
        for one in people:
            reporters.set_stopped(session, one.id, stopped_at)
        return say(rules, person.language, "stopped" if stopped_at else "started", InboxState.DONE)
    if name is CommandName.LANGUAGE:
        return _set_language(session, reading.command.rest, people, desk)
    if name is CommandName.STATUS:
        return _show_status(session, message, people, day, desk)
    if name is CommandName.CANCEL:
        return _withdraw(session, message, person, desk)
    if name in (CommandName.YES, CommandName.NO):
        return _settle_question(session, message, person, name, example, desk)
    return say(rules, person.language, "not_yet", InboxState.FOR_STAFF)


def _set_language(session: Session, written: str, people: Sequence[Reporter], desk: Desk) -> Reply:
    language = written.strip().lower()
    if language not in desk.rules.wordings:
        return say(desk.rules, people[0].language, "language_unknown", InboxState.DONE)
    for one in people:
        reporters.set_language(session, one.id, language)
    return say(desk.rules, language, "language", InboxState.DONE)


def _show_status(session: Session, message: InboxMessage, people: Sequence[Reporter], day: date, desk: Desk) -> Reply:
    """Say for each of the sender's facilities what is in and what is missing for the month that is due."""
    person = people[0]
    wording, form, period = desk.rules.wordings[person.language], desk.rules.forms[0], assumed_period(day)
    question = desk.asked.get(message.sender)
    said = []
    for facility in [facility for one in people for facility in one.facilities]:
        current = reports.find_current(session, ReportKey(form.code, facility.id, period))
        slots: dict[str, str | int] = {
            "form": form.keywords[0].upper(),
            "month": wording.month(period),
            "facility": facility.name,
        }
        if current:
            said.append(wording.fill(wording.answers["status_in"], **slots))
        elif question:
            said.append(wording.fill(wording.answers["status_asked"], **slots, question=question.text))
        else:
            example = example_for(desk.rules, person.language, day, form)
            said.append(wording.fill(wording.answers["status_missing"], **slots, example=example))
    if not said:
        return say(desk.rules, person.language, "no_facility", InboxState.FOR_STAFF)
    while len(said) > 1 and not fits_one_sms(" ".join(said)):
        said.pop()
    return Reply(" ".join(said), InboxState.DONE, "status")


def _withdraw(session: Session, message: InboxMessage, person: Reporter, desk: Desk) -> Reply:
    """Take back the sender's last report, until it is approved."""
    wording = desk.rules.wordings[person.language]
    last = _last_report(session, person)
    withdrawable = (ReportState.ACCEPTED, ReportState.FLAGGED, ReportState.WAITING)
    if last is None or last.state not in withdrawable:
        return say(desk.rules, person.language, "nothing_to_cancel", InboxState.DONE)
    reports.set_state(session, last.id, ReportState.WITHDRAWN, was=last.state)
    questions.close(session, message.sender, "replaced", desk.now)
    desk.asked.pop(message.sender, None)
    facility = next((one.name for one in person.facilities if one.id == last.key.facility_id), "")
    form = desk.rules.form(last.key.form)
    slots = {"form": form.keywords[0].upper(), "month": wording.month(last.key.period), "facility": facility}
    return Reply(wording.fill(wording.answers["withdrawn"], **slots), InboxState.DONE, "withdrawn")


def _last_report(session: Session, person: Reporter) -> Report | None:
    found = reports.latest_reports(session, reporter_ids=[person.id], limit=1)
    return found[0][0] if found else None


def _settle_question(
    session: Session, message: InboxMessage, person: Reporter, name: CommandName, example: str, desk: Desk
) -> Reply:
    """Take YA or TIDAK as the answer to the open question; a question that wants a number is asked again."""
    question = desk.asked.get(message.sender)
    if question is None:
        return say(desk.rules, person.language, "nothing_asked", InboxState.DONE, example=example)
    if name is CommandName.NO:
        questions.close(session, message.sender, "answered", desk.now)
        desk.asked.pop(message.sender, None)
        return say(desk.rules, person.language, "rejected", InboxState.DONE, example=example)
    return Reply(question.text, InboxState.DONE, "asked_again")
