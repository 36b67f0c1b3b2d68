"""What stands on the pages: a phone's conversation, the inbox and the reports, gathered from the store."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.review.pages import show
from gateway.review.pages.language import mark
from gateway.review.pages.show import StateWords
from gateway.store import areas, facilities, inbox, outbox, reporters, reports
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.outbox import OutboxMessage
from gateway.store.reporters import Reporter
from gateway.store.reports import Report
from gateway.values import InboxState, OutboxState
from parsers.form import Form

LINES = 40  # messages of a conversation, of either direction
ROWS = 8  # newest messages in the inbox, and newest reports
REGENCY = 5  # characters of a regency's code: 14.03


@dataclass(frozen=True, slots=True)
class Phone:
    """The phone in the visitor's hand. `address` is empty while an unregistered number is still to be typed."""

    address: str
    zone: str
    reporter: Reporter | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a conversation. `is_hers` tells what the midwife sent from what Kabar answered."""

    id: str
    is_hers: bool
    text: str
    at: datetime
    state: StateWords
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One received message: who sent it, what stands in it, where it stands and why."""

    message: InboxMessage
    name: str
    zone: str
    state: StateWords
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """One measure of a report with its total, if it has one, and the items that were given."""

    name: str
    total: int | None
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ReportCard:
    """One revision of a report as it is shown."""

    report: Report
    facility: str
    zone: str
    state: StateWords
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the start page that may change by itself."""

    lines: tuple[Line, ...]
    rows: tuple[InboxRow, ...]
    cards: tuple[ReportCard, ...]

    def tag(self) -> str:
        """Return a mark that changes whenever something on the board does."""
        return hashlib.blake2b(repr(self).encode("utf-8", "replace"), digest_size=8).hexdigest()


def gather(
    session: Session,
    phone: Phone,
    forms: Mapping[str, Form],
    timezone: str,
    channel: str,
    people: Collection[int],
) -> Board:
    """Return the board beside a phone: what came and went by the phones' own channel, and what its reporters reported.

    Units: `timezone` is the clock of senders who belong to no area.
    """
    lines = _lines(session, phone.address, channel)
    return Board(lines, _rows(session, timezone, channel), latest_cards(session, forms, people))


def _lines(session: Session, address: str, channel: str) -> tuple[Line, ...]:
    if not address:
        return ()
    sent = [
        (message.received_at, 0, _her_line(message))
        for message in inbox.latest_messages(session, senders=[address], channel=channel, limit=LINES)
    ]
    answered = [
        (message.created_at, 1, _our_line(message))
        for message in outbox.latest_to(session, [address], channel=channel, limit=LINES)
    ]
    ordered = sorted(sent + answered, key=lambda one: one[:2])  # an answer never stands before what it answers
    return tuple(line for *_, line in ordered[-LINES:])


def _her_line(message: InboxMessage) -> Line:
    state = show.INBOX_STATES.get(message.state, show.UNKNOWN_STATE)
    return Line(f"in-{message.id}", True, message.text, message.received_at, state, find_inbox_reason(message))


def _our_line(message: OutboxMessage) -> Line:
    state = show.OUTBOX_STATES.get(message.state, show.UNKNOWN_STATE)
    at = message.delivered_at or message.sent_at or message.created_at
    return Line(f"out-{message.id}", False, message.text, at, state, find_outbox_reason(message))


def find_inbox_reason(message: InboxMessage) -> str:
    """Return why a message stands where it stands, in words to be translated; empty where its state says it all."""
    if message.state == InboxState.HELD:
        return mark("It is read as soon as the number is registered: ./kabar reporters approve")
    if message.state == InboxState.DEAD:
        return mark("Handling it failed again and again. It is kept; the log has more under its trace id.")
    if message.state == InboxState.FOR_STAFF:
        return (
            mark("It is no report, so a person has to read it.") if not message.fault else mark("It could not be read.")
        )
    return ""


def find_outbox_reason(message: OutboxMessage) -> str:
    """Return why an answer stands where it stands, in words to be translated; empty where its state says it all."""
    if message.state == OutboxState.WITHHELD:
        return show.WITHHELD_REASONS.get(message.reason or "", "")
    if message.state == OutboxState.FAILED:
        return mark("The provider refused it for good.")
    return ""


def _rows(session: Session, timezone: str, channel: str) -> tuple[InboxRow, ...]:
    messages = inbox.latest_messages(session, channel=channel, limit=ROWS)
    people = reporters.find_by_phones(session, {message.sender for message in messages if message.sender})
    return tuple(_row(message, people.get(message.sender, ()), timezone) for message in messages)


def _row(message: InboxMessage, people: Sequence[Reporter], timezone: str) -> InboxRow:
    name = " / ".join(person.name for person in people)
    state = show.INBOX_STATES.get(message.state, show.UNKNOWN_STATE)
    return InboxRow(message, name, zone_of(people, timezone), state, find_inbox_reason(message))


def zone_of(people: Sequence[Reporter], timezone: str) -> str:
    """Return the clock that these people live by: their first facility's, else the one given."""
    return next((place.timezone for person in people for place in person.facilities), timezone)


def latest_cards(session: Session, forms: Mapping[str, Form], reporter_ids: Collection[int]) -> tuple[ReportCard, ...]:
    """Return the newest revisions of what these reporters reported, newest first."""
    found = reports.latest_reports(session, reporter_ids=reporter_ids, limit=ROWS)
    return make_cards(session, [report for report, _ in found], forms)


def make_cards(session: Session, found: Sequence[Report], forms: Mapping[str, Form]) -> tuple[ReportCard, ...]:
    """Return these revisions as they are shown, each with its facility's name and clock."""
    places = facilities.get_facilities(session, {report.key.facility_id for report in found})
    return tuple(
        ReportCard(
            report,
            places[report.key.facility_id].name,
            places[report.key.facility_id].timezone,
            show.REPORT_STATES.get(report.state, show.UNKNOWN_STATE),
            group_values(report.values, forms.get(report.key.form)),
        )
        for report in found
    )


def group_values(values: Mapping[str, int], form: Form | None) -> tuple[Count, ...]:
    """Return a report's values by measure, in the form's own order and words; what it does not know comes last."""
    measures = _in_order({key.partition(".")[0] for key in values}, form.measures if form else ())
    items = {
        measure: {key.partition(".")[2] for key in values if key.startswith(f"{measure}.")} for measure in measures
    }
    return tuple(
        Count(
            show.name_measure(form, measure),
            values.get(measure),
            tuple(
                (show.name_item(form, item), values[f"{measure}.{item}"])
                for item in _in_order(items[measure], form.items if form else ())
            ),
        )
        for measure in measures
    )


def _in_order(codes: set[str], known: Mapping[str, object] | tuple[()]) -> list[str]:
    return [code for code in known if code in codes] + sorted(codes.difference(known))


def group_by_regency(session: Session, found: Sequence[tuple[str, Reporter]]) -> dict[str, list[tuple[str, Reporter]]]:
    """Return phones and their reporters by the name of their regency."""
    codes = {reporter.id: reporter.facilities[0].area[:REGENCY] for _, reporter in found if reporter.facilities}
    names = areas.names_of(session, set(codes.values()))
    by_regency: dict[str, list[tuple[str, Reporter]]] = {}
    for phone, reporter in found:
        by_regency.setdefault(names.get(codes.get(reporter.id, ""), ""), []).append((phone, reporter))
    return by_regency
