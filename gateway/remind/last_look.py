"""The last look at reminders that are about to go: what has become idle since is kept back, or said anew without it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.calendar import month_days, waking_hours
from gateway.handle.standings import Month
from gateway.ladder import Audience, Rung
from gateway.owing import REMINDED, Standing
from gateway.remind import ground as grounds
from gateway.remind.due import AGAIN, Place, Window, may_write
from gateway.remind.gather import find_subjects, gather_owed
from gateway.remind.ground import Ground, Ways
from gateway.remind.letters import area_of, write_letters, zone_of
from gateway.remind.lists import gather_lists
from gateway.remind.plan import HAND, AreaMonth, Asked, Letter, Line, Owed, Person, Verdict
from gateway.remind.today import day_of
from gateway.remind.write import find_question
from gateway.store import areas, claimed, facilities, inbox, questions, reminders
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.outbox import OutboxMessage
from gateway.store.reminders import NewReminder
from gateway.values import OutboxState, WithheldReason

UNREAD_WAIT = timedelta(minutes=2)  # for a message of hers that has come and nobody has read yet
Subject = tuple[str, str, str]  # form, period, what it is about
# Of several reasons the first one is told.
_ORDER = (
    *(WithheldReason.STOPPED, WithheldReason.REPORTED, WithheldReason.PAUSED),
    *(WithheldReason.UNDONE, WithheldReason.LATE),
)
_UNASKED = {  # a standing that owes nothing, and why its reminder does not go
    Standing.IN: WithheldReason.REPORTED,
    Standing.WITH_STAFF: WithheldReason.REPORTED,
    Standing.CLOSED: WithheldReason.UNDONE,
}


def is_about(messages: Sequence[OutboxMessage]) -> bool:
    """Tell whether there is a reminder among these messages: nobody else pays for a last look."""
    return any(one.kind in reminders.KINDS for one in messages)


def look_again(
    session: Session, messages: Sequence[OutboxMessage], ways: Ways, now: datetime
) -> tuple[OutboxMessage, ...]:
    """Return those of the messages that were claimed which may go, in today's words; the others are kept back or wait.

    It belongs in the claim's transaction: what this finds is true when the first of them goes.
    """
    held = reminders.reminders_of(session, [one.id for one in messages if one.kind in reminders.KINDS])
    if not held:
        return tuple(messages)
    ground = grounds.look(session, ways, now)
    found = _gather(session, ground, {one for these in held.values() for one in these})
    told = _find_told(session, [one for one in messages if one.id in held], found, held, now)
    unread = inbox.senders_unread(session, {phone for one in found.values() for phone in _phones_of(one)})
    going = []
    for message in messages:
        if message.id in held:
            looked = _look_at(session, message, held[message.id], found, told, unread, ground)
            if looked is not None:
                told.add(message.recipient)
                going.append(looked)
        else:
            going.append(message)
    return tuple(going)


def _look_at(
    session: Session,
    message: OutboxMessage,
    held: Sequence[NewReminder],
    found: Mapping[Subject, Owed | AreaMonth],
    told: Collection[str],
    unread: Collection[str],
    ground: Ground,
) -> OutboxMessage | None:
    """Return one message as it may go now, or None where it is kept back or waits."""
    judged = [_judge(one, found.get((one.form, one.period, one.subject)), message.recipient, ground) for one in held]
    lines = _in_order([one for one in judged if isinstance(one, Line)], ground.ways.rules.main_form)
    paused = {one.key for one, it in zip(held, judged, strict=True) if it is WithheldReason.PAUSED}
    if paused:  # a pause or a leave may end while it still makes sense
        reminders.give_back(session, message.id, paused)
    if not lines:
        reasons = {one for one in judged if isinstance(one, WithheldReason)}
        claimed.keep_back(session, [message.id], min(reasons, key=_ORDER.index))
        return None
    is_by_hand = all(one.rung.startswith(HAND) for one in held)
    place = ground.place(area_of(lines[0]), zone_of(lines[0]))
    if _is_unread(lines, unread):
        claimed.put_off(session, [message.id], ground.now + UNREAD_WAIT)
        return None
    is_asleep = not may_write(ground.now, place) and not is_by_hand
    if is_asleep or message.recipient in told:
        claimed.put_off(session, [message.id], *_next_day(ground.now, place, is_asleep=is_asleep))
        return None
    letter = _ask_again(session, Letter(lines[0].people[0], lines), ground.now)
    (text,) = write_letters(session, [letter], ground.ways, ground.now)
    if text != message.text:
        claimed.set_text(session, message.id, text)
    return replace(message, text=text)


def _in_order(lines: Sequence[Line], main_form: str) -> tuple[Line, ...]:
    """Return lines as they were planned: what is owed before lists, the oldest month first, of a month the main form.

    Who stands in the first one is spoken to: on one phone a midwife, before she is an officer.
    """

    def place(line: Line) -> tuple[bool, str, bool]:
        return isinstance(line.about, AreaMonth), line.about.period, line.about.form != main_form

    return tuple(sorted(lines, key=place))


def _phones_of(about: Owed | AreaMonth) -> set[str]:
    """Return the phones from which what is owed may come; none where nothing is."""
    people = about.people if isinstance(about, Owed) and about.standing in REMINDED else ()
    return {phone for one in people for phone in (one.phone, *one.others)}


def _is_unread(lines: Sequence[Line], unread: Collection[str]) -> bool:
    """Tell whether what a letter asks for may have come already, in a message that nobody has read yet."""
    return any(not _phones_of(line.about).isdisjoint(unread) for line in lines)


def _judge(reminder: NewReminder, about: Owed | AreaMonth | None, phone: str, ground: Ground) -> Line | WithheldReason:
    """Return what of one reminder still holds for a number, or why it does not. Pure."""
    if about is None:
        return WithheldReason.UNDONE  # the facility is not there any more, or nobody is asked for the form
    if ground.now >= reminder.closes_at:
        return WithheldReason.LATE
    is_by_hand = reminder.rung.startswith(HAND)
    rung = _find_rung(reminder.rung, about)
    person = _find_reader(about, phone)
    if person is not None and person.is_stopped:
        return WithheldReason.STOPPED
    is_thanks = rung is not None and rung.audience is Audience.REPORTED
    if about.opening != reminder.opening and not is_thanks:
        return WithheldReason.REPORTED  # one came in, and was taken back: that is another reminder
    if (reason := _why_idle(about, rung)) is not None:
        return reason
    if rung is None or person is None:
        return WithheldReason.UNDONE
    if not is_by_hand and isinstance(about, Owed) and not about.is_asked_for:
        return WithheldReason.UNDONE
    is_paused = bool(about.paused or (isinstance(about, Owed) and about.skipped))
    if (is_paused and not is_by_hand) or person.is_away:
        return WithheldReason.PAUSED
    return Line(about, Verdict.REMIND, Window(rung, ground.now, reminder.closes_at), (person,))


def _find_reader(about: Owed | AreaMonth, phone: str) -> Person | None:
    """Return whose phone it is; of two on one phone whoever may be written to."""
    theirs = [one for one in about.people if one.phone == phone or phone in one.others]
    found = min(theirs, key=lambda one: not one.is_usable, default=None)
    return replace(found, phone=phone) if found else None


def _why_idle(about: Owed | AreaMonth, rung: Rung | None) -> WithheldReason | None:
    """Return why nothing needs to be said of a report or a list any more, or None."""
    if isinstance(about, AreaMonth):
        is_empty = about.audience is Audience.OFFICERS and not about.missing
        return WithheldReason.REPORTED if is_empty else None
    if rung is not None and rung.audience is Audience.REPORTED:
        return None if about.standing is Standing.IN else WithheldReason.UNDONE
    return None if about.standing in REMINDED else _UNASKED[about.standing]


def _find_rung(code: str, about: Owed | AreaMonth) -> Rung | None:
    """Return the rung of a code; None where its ladder has it no more."""
    if code.startswith(HAND):
        return Rung(code, 0, 0, Audience.RESPONSIBLE, "remind_late")
    if code == AGAIN.code:
        return AGAIN
    return next((one.rung for one in about.windows if one.rung.code == code), None)


def _next_day(now: datetime, place: Place, *, is_asleep: bool) -> tuple[datetime, datetime]:
    """Return the next waking hours of a place, which may be a day off too: it is looked at again then."""
    opening, closing = waking_hours(now, place.zone, place.hours)
    is_spent = not is_asleep or opening <= now
    return waking_hours(closing, place.zone, place.hours) if is_spent else (opening, closing)


def _ask_again(session: Session, letter: Letter, now: datetime) -> Letter:
    """Ask again what a letter repeats: what she answers to it must be understood as the answer, two days from now on.

    Where she is being asked something else already, the letter repeats that instead: it is what she would answer.
    """
    asked = find_question(letter)
    if asked is None:
        return letter
    first = questions.ask_again(session, asked.question_id, now)
    repeated = Asked(first.id, first.sender, first.text, is_open=True)
    lines = tuple(
        replace(one, about=replace(one.about, asked=repeated))
        if isinstance(one.about, Owed) and one.about.asked == asked
        else one
        for one in letter.lines
    )
    return Letter(letter.person, lines)


def _find_told(
    session: Session,
    messages: Sequence[OutboxMessage],
    found: Mapping[Subject, Owed | AreaMonth],
    held: Mapping[int, Sequence[NewReminder]],
    now: datetime,
) -> set[str]:
    """Return the numbers that another reminder went to today, or is going to this very moment."""
    zones: dict[str, str] = {}
    for message in messages:
        about = next((found.get((one.form, one.period, one.subject)) for one in held[message.id]), None)
        if about is not None:
            zones[message.recipient] = about.facility.timezone if isinstance(about, Owed) else about.zone
    days = {phone: day_of(now, zone) for phone, zone in zones.items()}
    mine = {one.id for one in messages}
    told = set()
    for one in reminders.sends_to(session, days, min((first for first, _ in days.values()), default=now)):
        if one.kind in reminders.KINDS and one.id not in mine and one.state != OutboxState.QUEUED:
            first, last = days[one.phone]
            is_today = one.sent_at is not None and first <= one.sent_at < last
            if is_today or one.state == OutboxState.SENDING:
                told.add(one.phone)
    return told


def _gather(session: Session, ground: Ground, held: Collection[NewReminder]) -> dict[Subject, Owed | AreaMonth]:
    """Return what these reminders are about as it stands now; what is not there any more is left out."""
    known = {form.code for form in ground.ways.rules.forms}
    wanted: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for one in held:
        if one.facility_id is not None and one.form in known:
            wanted[one.period].add((one.form, one.facility_id))
    by_month: dict[Month, list[Facility]] = defaultdict(list)
    for period, these in wanted.items():
        ids = facilities.find_there(session, {facility_id for _, facility_id in these}, *month_days(period))
        places = facilities.get_facilities(session, ids)
        for form, facility_id in sorted(these):
            if facility_id in places:
                by_month[form, period].append(places[facility_id])
    found: dict[Subject, Owed | AreaMonth] = {
        (one.form, one.period, one.subject): one for one in gather_owed(session, ground, by_month)
    }
    for code in {one.area[:5] for one in held if one.facility_id is None}:
        regency = areas.find_area(session, code)
        if regency is not None:
            owed = gather_owed(session, ground, find_subjects(session, ground, regency).whole)
            for it in gather_lists(session, ground, regency, owed):
                found[it.form, it.period, it.subject] = it
    return found
