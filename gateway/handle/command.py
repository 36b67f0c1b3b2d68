"""Obey what a sender asks instead of reporting: help, status, stop; and meet those who are not registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from gateway.handle import accept, asking, closing, notice, places, proof, report, status
from gateway.handle.facts import Desk, sent_on
from gateway.handle.limits import limits_for
from gateway.handle.places import Place
from gateway.handle.reading_json import from_json
from gateway.handle.replies import Reply, example_for, say
from gateway.reply import compose
from gateway.store import broadcasts, facilities, inbox, registrations, reporters, reports, users
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.questions import REPLACED, Question
from gateway.store.reporters import Reporter
from gateway.store.reports import Report
from gateway.store.way_back import find_way_back
from gateway.values import InboxState, ReportState, find_phone
from parsers.merge import merge
from parsers.read import read_message
from parsers.reading import CommandName, Kind, Reading, ReadReport


def meet_stranger(session: Session, message: InboxMessage, desk: Desk) -> Reply:
    """Hold a message from an unknown number, and say how to register; keep a request to be registered."""
    day = sent_on(message, desk.rules.timezone)
    reading = read_message(message.text, day, desk.rules.forms)
    if reading.command and reading.command.name is CommandName.REGISTER:
        old_phone = _find_old_phone(session, reading.command.rest, desk)
        channel = find_way_back(session, desk.rules.outgoing, message.channel, message.sender)
        is_new = registrations.ask_registration(session, message.sender, channel, message.text, desk.now, old_phone)
        # the same words for all: an answer must not tell a stranger whether a number is registered
        return replace(say(desk.rules, desk.rules.language, "registering", InboxState.DONE), is_due=is_new)
    if reading.command and reading.command.name in (CommandName.STOP, CommandName.START):
        is_stop = reading.command.name is CommandName.STOP
        languages = _stop_or_start(session, message.sender, (), desk.now if is_stop else None)
        if languages:  # one of the staff, whom lists of who is missing go to
            said = say(desk.rules, languages[0], "stopped" if is_stop else "started", InboxState.DONE)
            return replace(said, is_due=True)
    if reading.command and reading.command.name is CommandName.INFO:
        return say(desk.rules, desk.rules.language, "info", InboxState.DONE)
    return say(desk.rules, desk.rules.language, "unregistered", InboxState.HELD)


def _find_old_phone(session: Session, words: str, desk: Desk) -> str | None:
    """Return the registered phone that a request names, `DAFTAR GANTI 0812...`: its owner has a new one."""
    named = {phone for phone in (find_phone(word, desk.rules.region) for word in words.split()) if phone}
    return next(iter(reporters.find_by_phones(session, named)), None)


def pass_on(people: Sequence[Reporter], text: str, reading: Reading, day: date, desk: Desk) -> Reply:
    """Give a message that is no report to staff, and show how a report looks, or a correction."""
    person = people[0]
    if reading.problems:
        wording = desk.rules.wordings[person.language]
        said = wording.problems[reading.problems[0].code]
        return Reply(said[:1].upper() + said[1:], InboxState.FOR_STAFF, reading.problems[0].code)
    example = example_for(desk.rules, person.language, people, day)
    answer = "text_figures" if _is_correction_unsaid(text, day, desk) else "text"
    return say(desk.rules, person.language, answer, InboxState.FOR_STAFF, example=example)


def _is_correction_unsaid(text: str, day: date, desk: Desk) -> bool:
    """Tell whether a message is nothing but figures, which only the word RALAT before them makes clear: `AKTIF 45`."""
    for form in desk.rules.forms:
        reading = read_message(f"RALAT {form.keywords[0]} {text}", day, desk.rules.forms)
        report = reading.reports[0] if len(reading.reports) == 1 else None
        if report and report.values and not (report.problems or report.remark or report.facility):
            return True
    return False


def obey(
    session: Session, message: InboxMessage, reading: Reading, people: Sequence[Reporter], day: date, desk: Desk
) -> Reply:
    """Do what a command asks and return its answer."""
    assert reading.command is not None
    person, rules = people[0], desk.rules
    example = example_for(rules, person.language, people, day)
    name = reading.command.name
    if name is CommandName.HELP:
        return say(rules, person.language, "help", InboxState.DONE, example=example)
    if name is CommandName.INFO:
        return say(rules, person.language, "info", InboxState.DONE)
    if name in (CommandName.STOP, CommandName.START):
        stopped_at = desk.now if name is CommandName.STOP else None
        _stop_or_start(session, message.sender, people, stopped_at)
        return say(rules, person.language, "stopped" if stopped_at else "started", InboxState.DONE)
    if name is CommandName.LANGUAGE:
        return _set_language(session, reading.command.rest, people, desk)
    if name is CommandName.STATUS:
        return status.show_status(session, message, reading.command.about, people, day, desk)
    desk.ledger.let_go()  # what these are about may lie where she reported before
    if name is CommandName.CANCEL:
        return _withdraw(session, message, people, example, desk)
    question = desk.asked.get(message.sender)
    if name in (CommandName.YES, CommandName.NO) and question and message.received_at <= question.asked_at:
        return Reply(question.text, InboxState.DONE, "asked_again")  # she cannot have meant what she had not seen
    if name is CommandName.YES:
        return _answer_yes(session, message, reading, people, day, desk)
    if name is CommandName.NO:
        return _answer_no(session, message, people, example, desk)
    if name is CommandName.CORRECT:
        return _correct(session, message, reading, people, day, desk)
    return say(rules, person.language, "not_yet", InboxState.FOR_STAFF)


def _stop_or_start(
    session: Session, phone: str, people: Sequence[Reporter], stopped_at: datetime | None
) -> tuple[str, ...]:
    """End what goes out unasked to a phone, or start it again with None; return the languages of the staff it is of."""
    for one in people:
        reporters.set_stopped(session, one.id, stopped_at)
    languages = users.set_stopped(session, phone, stopped_at)
    if stopped_at:
        broadcasts.keep_back(session, phone)
    return languages


def _set_language(session: Session, written: str, people: Sequence[Reporter], desk: Desk) -> Reply:
    language = written.strip().lower()
    if language not in desk.rules.wordings:
        return say(desk.rules, people[0].language, "language_unknown", InboxState.DONE)
    for one in people:
        reporters.set_language(session, one.id, language)
    return say(desk.rules, language, "language", InboxState.DONE)


def _withdraw(session: Session, message: InboxMessage, people: Sequence[Reporter], example: str, desk: Desk) -> Reply:
    """Take back the sender's last report, until it is approved."""
    person, question = people[0], desk.asked.get(message.sender)
    if question is not None and question.report_id is None and not _is_about_later(session, question, message):
        return _answer_no(session, message, people, example, desk)  # her last report is the one asked about
    wording = desk.rules.wordings[person.language]
    last = _find_last(session, people, message.received_at)  # a late BATAL was not meant for what came after it
    if last is None or last.state not in (ReportState.ACCEPTED, ReportState.FLAGGED, ReportState.WAITING):
        return say(desk.rules, person.language, "nothing_to_cancel", InboxState.DONE)
    slots = {
        "form": compose.keyword(desk.rules.form(last.key.form)),
        "month": wording.month(last.key.period),
        "facility": next((it.name for one in people for it in one.facilities if it.id == last.key.facility_id), ""),
    }
    is_closed = closing.is_key_closed(session, desk, last.key, people)
    if last.state == ReportState.ACCEPTED and not is_closed and _must_be_proven(last, people, desk):
        return say(desk.rules, person.language, "cancel_asked", InboxState.FOR_STAFF, **slots)
    if is_closed and last.state == ReportState.ACCEPTED:  # it counts, and staff have closed what counts
        return say(desk.rules, person.language, "withdrawal_asked", InboxState.FOR_STAFF, **slots)
    reports.set_state(session, last.id, ReportState.WITHDRAWN, was=last.state)
    if question is not None and question.report_id == last.id:
        asking.close(session, message.sender, desk, REPLACED)
    without = "withdrawn_request" if is_closed else "withdrawn"
    answer = "withdrawn_change" if reports.find_current(session, last.key) else without
    said = say(desk.rules, person.language, answer, InboxState.DONE, **slots)
    return report.with_next(session, message.sender, said, said.text, desk)


def _is_about_later(session: Session, question: Question, message: InboxMessage) -> bool:
    """Tell whether what is asked about came after a message, which lay in a spool meanwhile."""
    asked_about = inbox.find_by_id(session, question.inbox_id)
    return asked_about is not None and asked_about.received_at > message.received_at


def _must_be_proven(counting: Report, people: Sequence[Reporter], desk: Desk) -> bool:
    """Tell whether figures there are changed only by who proves to hold the phone: a BATAL brings no proof."""
    facility = next((it for one in people for it in one.facilities if it.id == counting.key.facility_id), None)
    if facility is None:
        return False
    return limits_for(desk.chosen, desk.rules.form(counting.key.form), facility).confirm_changes > 0


def _find_last(session: Session, people: Sequence[Reporter], received_until: datetime | None = None) -> Report | None:
    """Return the sender's last report, of those received until then; where it was replaced or refused, hers that counts
    in its place, unless that is a later one.
    """
    ids = [one.id for one in people]
    last = reports.latest_of(session, ids, received_until)
    if last is None or last.state != ReportState.REPLACED:
        return last
    current = reports.find_current(session, last.key)
    is_later = current is not None and (current.sent_at, current.sent_key) > (last.sent_at, last.sent_key)
    return current if current and current.reporter_id in ids and not is_later else last


def _answer_yes(
    session: Session, message: InboxMessage, reading: Reading, people: Sequence[Reporter], day: date, desk: Desk
) -> Reply:
    """Take YA: what waited for it counts, what was offered is taken; a question that wants more is asked again."""
    person, question = people[0], desk.asked.get(message.sender)
    if question is None:
        example = example_for(desk.rules, person.language, people, day)
        return say(desk.rules, person.language, "nothing_asked", InboxState.DONE, example=example)
    asked = asking.reopen(question)
    offered = merge(asked, reading, desk.rules.form(asked.report.form))
    if question.report_id is None and offered != asked.report:
        asking.close(session, message.sender, desk)
        return report.take(session, message, Reading(Kind.REPORT, reports=(offered,)), people, day, desk)
    confirmed = None
    if question.report_id:
        is_closed = partial(closing.is_key_closed, session, desk, people=people)
        confirmed = accept.confirm_waiting(session, question.report_id, is_closed)
    if confirmed is None:
        return Reply(question.text, InboxState.DONE, "asked_again")
    asking.close(session, message.sender, desk)
    kept, accepted = confirmed
    facility = facilities.get_facilities(session, [kept.key.facility_id])[kept.key.facility_id]
    settled = replace(asked.report, problems=())
    form, place = desk.rules.form(kept.key.form), Place(facility, person)
    notice.tell_first_phone(session, message, form, place, accepted, kept.key.period, desk)
    stored = report.as_stored(form, settled, place, accepted)
    wording = desk.rules.wordings[person.language]
    return report.say_with_next(session, message.sender, wording, stored, accepted, desk)


def ask_for_proof(
    session: Session, message: InboxMessage, question: Question, given: str, people: Sequence[Reporter], desk: Desk
) -> Reply:
    """Ask again where a YA lacks the digits of its question; after too many wrong ones the report is for staff."""
    if not given or not proof.note_wrong(session, question, desk):
        return Reply(question.text, InboxState.DONE, "asked_again")
    desk.ledger.let_go()  # as in `obey`
    if question.report_id:
        reports.set_state(session, question.report_id, ReportState.FLAGGED, was=ReportState.WAITING)
    wording, asked = desk.rules.wordings[people[0].language], from_json(question.reading)
    about = {"form": compose.keyword(desk.rules.form(asked.form)), "month": wording.month(asked.period or "")}
    said = say(desk.rules, wording.code, "unproven", InboxState.DONE, **about)
    return report.with_next(session, message.sender, said, said.text, desk)


def _answer_no(session: Session, message: InboxMessage, people: Sequence[Reporter], example: str, desk: Desk) -> Reply:
    """Take TIDAK: the report that was asked about is not used."""
    person, question = people[0], desk.asked.get(message.sender)
    if question is None:  # `Salah? balas RALAT`, we had said
        return say(desk.rules, person.language, "correct_how", InboxState.DONE, example=example)
    if question.report_id:
        reports.set_state(session, question.report_id, ReportState.REPLACED, was=ReportState.WAITING)
    asking.close(session, message.sender, desk)
    said = say(desk.rules, person.language, "rejected", InboxState.DONE, example=example)
    wording, asked = desk.rules.wordings[person.language], from_json(question.reading)
    dropped = report.say_part(wording, "dropped", desk.rules.form(asked.form), asked.period)
    return report.with_next(session, message.sender, said, dropped, desk)


def _correct(
    session: Session, message: InboxMessage, reading: Reading, people: Sequence[Reporter], day: date, desk: Desk
) -> Reply:
    """Take RALAT: what it names is changed in the report it speaks of, the last one unless it says; the rest stays."""
    person = people[0]
    corrected = [_fill_in(session, one, people) for one in reading.reports]
    last = _find_last(session, people)
    if reading.fragment and last:
        form, period = last.key.form, reading.fragment.period or last.key.period
        change = ReadReport(form, period, reading.fragment.values, reading.fragment.facility)
        repairs, problems = reading.fragment.repairs, reading.fragment.problems
        corrected = [
            replace(_fill_in(session, change, people, last.key.facility_id), repairs=repairs, problems=problems)
        ]
    if not corrected:
        example = example_for(desk.rules, person.language, people, day)
        return say(desk.rules, person.language, "correct_how", InboxState.DONE, example=example)
    whole = Reading(Kind.REPORT, reports=tuple(corrected))
    return report.take(session, message, whole, people, day, desk)


def _fill_in(
    session: Session, change: ReadReport, people: Sequence[Reporter], facility_id: int | None = None
) -> ReadReport:
    """Return the report that counts with its changes put in; what RALAT leaves out stays as it was."""
    place, _ = places.choose(change, people)
    facility_id = place.facility.id if place else facility_id
    if facility_id is None or change.period is None:
        return change
    known = report.find_current_values(session, change.form, facility_id, change.period) or {}
    facility = next((one for person in people for one in person.facilities if one.id == facility_id), None)
    return replace(change, values={**known, **change.values}, facility=facility.code if facility else change.facility)
