"""What handling a batch of messages needs to know, asked of the database once for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.calendar import areas_around, shift
from gateway.handle.ledger import Ledger
from gateway.ladder import Ladder
from gateway.operators import is_of
from gateway.reply.chosen import speak
from gateway.reply.wordings import Wording
from gateway.store import aliases, months, outbox, questions, reporters, strangers, thresholds, wordings
from gateway.store.aliases import TaughtAlias
from gateway.store.base import Session
from gateway.store.inbox import InboxMessage
from gateway.store.months import ClosedMonth
from gateway.store.questions import Question
from gateway.store.reporters import Reporter
from gateway.store.thresholds import Threshold
from gateway.store.way_back import Outgoing
from gateway.store.wordings import ChosenSentence
from gateway.values import InboxState, WithheldReason
from parsers.aliases import add_aliases
from parsers.form import Form
from parsers.period import period_of

STRANGERS_HOUR = timedelta(hours=1)
REMEMBERED = timedelta(days=1)  # how far back sends are looked at, for caps and for loops
CLOSED_MONTHS = 4  # closings so far back are asked for once a batch: nearly every report is of the last months


@dataclass(frozen=True, slots=True)
class Rules:
    """What the house decides about handling: forms, sentences, and what an operator set.

    Units: `answers_per_hour` and `answers_per_day_unregistered` count answers to one number;
    `answers_per_hour_unregistered` those to all unknown numbers together.
    """

    forms: tuple[Form, ...]
    wordings: Mapping[str, Wording]
    main_form: str = "kb"
    language: str = "id"
    timezone: str = "Asia/Jakarta"
    region: str = "ID"
    answers_per_hour: int = 10
    answers_per_day_unregistered: int = 1
    answers_per_hour_unregistered: int = 200
    question_hours: int = 48
    ladders: tuple[Ladder, ...] = ()  # those that Kabar comes with: which forms are asked for where nothing is chosen
    outgoing: Outgoing = field(default_factory=Outgoing)
    ussd_confirms_by_sms: bool = False

    def form(self, code: str) -> Form:
        """Return the form of a code. Errors: KeyError where there is none."""
        return next(form for form in self.forms if form.code == code)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: its state, and the answer that was queued or withheld, if any."""

    state: InboxState
    recipient: str = ""
    text: str = ""
    kind: str = ""
    is_sent: bool = False
    asks: bool = False  # whether the answer is a question
    channel: str = ""  # by which the answer goes


@dataclass(frozen=True, slots=True)
class Desk:
    """What is known about the senders of a batch, kept true while the batch is handled."""

    rules: Rules
    now: datetime
    chosen: Sequence[Threshold]
    people: Mapping[str, tuple[Reporter, ...]]
    asked: dict[str, Question]
    sends: dict[str, list[tuple[str, datetime]]]
    in_line: set[str]  # who may have questions that wait for their turn
    sentences: Sequence[ChosenSentence]
    closed: frozenset[ClosedMonth]
    closed_since: str  # of older months `closed` does not know
    taught: Sequence[TaughtAlias]
    strangers_answered: list[int]  # how many answers went to unknown numbers in the last hour
    ledger: Ledger
    shown_id: int | None = None  # the message whose sender waits with a USSD screen, which will show the answer

    def reporters_of(self, message: InboxMessage) -> tuple[Reporter, ...]:
        """Return who may report from this phone on this channel; a demo reporter is bound to the simulator."""
        people = self.people.get(message.sender, ())
        return tuple(one for one in people if one.only_channel in (None, message.channel))

    def beside(self, people: Sequence[Reporter]) -> Desk:
        """Return this desk as it stands where these people report: with their area's own sentences and words."""
        if not self.sentences and not self.taught:
            return self
        area = next((facility.area for person in people for facility in person.facilities), "")
        rules = replace(
            self.rules,
            forms=teach(self.rules.forms, self.taught, area),
            wordings=speak(self.rules.wordings, self.sentences, area),
        )
        return replace(self, rules=rules)

    def is_among_closed(self, form: str, period: str, area: str) -> bool:
        """Tell whether one of the months asked for with the batch is closed for an area."""
        return bool(self.closed) and any((code, form, period) in self.closed for code in areas_around(area))

    def remember(self, outcome: Outcome) -> None:
        """Count an answer that will be sent, for those that follow in the same batch."""
        if outcome.is_sent:
            self.strangers_answered[0] += not self.people.get(outcome.recipient)
            self.sends[outcome.recipient].append((outcome.text, self.now))

    def restore(self, session: Session, senders: Collection[str]) -> None:
        """Take back what a try that was undone had changed here: the next one must find the question open."""
        for sender in senders:
            self.asked.pop(sender, None)
        self.asked.update(_open_questions(session, senders, self.rules, self.now))

    def is_echo(self, message: InboxMessage) -> bool:
        """Return whether a message repeats what we sent to its sender."""
        written = " ".join(message.text.split()).casefold()
        return any(" ".join(text.split()).casefold() == written for text, _ in self.sends[message.sender])

    def reason_to_withhold(
        self, message: InboxMessage, *, is_registered: bool, is_due: bool = False
    ) -> WithheldReason | None:
        """Return why a message must not be answered: it repeats what we sent, or its sender has had enough answers.

        `is_due`: an unknown number has its answer though it had one today.
        """
        if self.is_echo(message):
            return WithheldReason.LOOP
        sends = self.sends[message.sender]
        if is_registered:
            return WithheldReason.CAP if self._has_enough(message.sender) else None
        if message.sender.startswith("+") and not is_of(self.rules.region, message.sender):
            return WithheldReason.FOREIGN
        is_over = self._has_enough(message.sender) if is_due else len(sends) >= self.rules.answers_per_day_unregistered
        is_flood = self.strangers_answered[0] >= self.rules.answers_per_hour_unregistered
        return WithheldReason.CAP if is_over or is_flood else None

    def _has_enough(self, phone: str) -> bool:
        hour = self.now - timedelta(hours=1)
        return sum(at > hour for _, at in self.sends[phone]) >= self.rules.answers_per_hour


def gather(session: Session, batch: Sequence[InboxMessage], rules: Rules, now: datetime) -> Desk:
    """Return what is known about the senders of a batch. No month is closed before the batch's transaction ends."""
    months.wait_for_closings(session)
    senders = {message.sender for message in batch}
    people = reporters.find_by_phones(session, senders)
    areas = {facility.area for these in people.values() for one in these for facility in one.facilities}
    closed_since = shift(period_of(now.date()), -CLOSED_MONTHS)
    sends: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    for recipient, text, at in outbox.recent_sends(session, senders, now - REMEMBERED):
        sends[recipient].append((text, at))
    return Desk(
        rules=rules,
        now=now,
        chosen=thresholds.all_thresholds(session),
        people=people,
        asked=_open_questions(session, senders, rules, now),
        sends=sends,
        in_line=questions.senders_in_line(session, senders),
        sentences=wordings.sentences_around(session, areas),
        closed=months.closed_months(session, areas, closed_since),
        closed_since=closed_since,
        taught=aliases.approved(session),
        strangers_answered=[strangers.count_answered(session, now - STRANGERS_HOUR) if senders - set(people) else 0],
        ledger=Ledger(session),
    )


def teach(forms: tuple[Form, ...], taught: Sequence[TaughtAlias], area: str) -> tuple[Form, ...]:
    """Return the forms with the words that count in an area; those of the whole country come first, and stand."""
    around = areas_around(area)
    holding = sorted((one for one in taught if one.area in around), key=lambda one: len(one.area))
    return add_aliases(forms, tuple(one.alias for one in holding)) if holding else forms


def _open_questions(session: Session, senders: Collection[str], rules: Rules, now: datetime) -> dict[str, Question]:
    oldest = now - timedelta(hours=rules.question_hours)  # the sweep closes what is older
    found = questions.open_questions(session, senders)
    return {sender: question for sender, question in found.items() if question.asked_at >= oldest}


def sent_on(message: InboxMessage, timezone: str) -> date:
    """Return the day a message was sent, by its sender's own clock."""
    return message.sent_at.astimezone(ZoneInfo(timezone)).date()
