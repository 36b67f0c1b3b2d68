"""What handling a message reads of reports and writes of its own: at once, or for a whole group in few statements."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from gateway.calendar import shift
from gateway.errors import Raced
from gateway.store import batches, bundles, facilities, inbox, outbox, reports
from gateway.store.base import Session
from gateway.store.bundles import NumberedReport
from gateway.store.outbox import NewOutboxMessage
from gateway.store.reports import NewReport, Report, ReportKey
from gateway.values import InboxState, ReportState
from parsers.form import Form
from parsers.period import period_of

# How many months back a group reads ahead: nearly every report is of the last two, and is judged beside its year.
_MONTHS_JUDGED = 13
_MONTHS_REVISED = 2


class Ledger:
    """Reads and writes at once, in the order of asking: for a message that is handled by itself."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def history(self, form: str, facility_id: int, since: str) -> Mapping[str, Mapping[str, int]]:
        """Return what counts for a facility by period, from a period on."""
        return reports.values_of_months(self.session, form, facility_id, since)

    def expiries(self, form: Form, facility_id: int) -> Mapping[str, date]:
        """Return on which day the stock of each item of a facility expires first."""
        return batches.expiries_for(self.session, form, facility_id)

    def revisions(self, key: ReportKey) -> Sequence[Report]:
        """Return every revision of a report, oldest first; nobody else adds one until the transaction ends."""
        facilities.lock_facility(self.session, key.facility_id)
        return reports.revisions(self.session, key)

    def add(self, report: NewReport, known: Sequence[Report]) -> int:
        """Add a revision behind those that are known, and return its id. Errors: Raced, now or when it is written."""
        return reports.add(self.session, report)

    def answer(self, message: NewOutboxMessage) -> None:
        """Queue or withhold an answer. Errors: Raced as with `add`."""
        outbox.add(self.session, message)

    def finish(self, message_id: int, state: InboxState, now: datetime) -> None:
        """Settle a message. Errors: Raced as with `add`."""
        if not inbox.finish(self.session, message_id, state, now):
            raise Raced(f"inbox message {message_id} was settled by another session")

    def let_go(self) -> None:
        """Hold nothing back and know nothing beforehand: what follows goes to the database by other ways."""


@dataclass
class _Read:
    """What was read of reports, by form."""

    months: dict[str, Mapping[int, Mapping[str, Mapping[str, int]]]] = field(default_factory=dict)
    revisions: dict[str, Mapping[ReportKey, Sequence[Report]]] = field(default_factory=dict)
    expiries: Mapping[int, Mapping[str, date]] | None = None


@dataclass
class _Unwritten:
    """What is to be written, and the facilities that it or something written since they were read is about."""

    reports: list[NumberedReport] = field(default_factory=list)
    answers: list[NewOutboxMessage] = field(default_factory=list)
    settled: dict[tuple[InboxState, datetime], list[int]] = field(default_factory=lambda: defaultdict(list))
    touched: set[int] = field(default_factory=set)


class GroupLedger(Ledger):
    """Reads for all facilities of a group at the first question, and writes when the group is done.

    That comes to the same as one message after the other, because no two of a group have a sender or a facility in
    common, the facilities are locked before they are read, and what was written about one is on disk before it is read
    again.
    """

    def __init__(self, session: Session, facility_ids: Collection[int], size: int, now: datetime) -> None:
        super().__init__(session)
        self._facility_ids = sorted(facility_ids)
        self._size = size
        self._judged_since = shift(period_of(now.date()), -_MONTHS_JUDGED)
        self._revised_since = shift(period_of(now.date()), -_MONTHS_REVISED)
        self._is_locked = False
        self._ids: deque[int] = deque()
        self._read, self._unwritten = _Read(), _Unwritten()

    def history(self, form: str, facility_id: int, since: str) -> Mapping[str, Mapping[str, int]]:
        """Return it as read ahead; of a month of long ago, at once."""
        self._prepare(facility_id)
        if since < self._judged_since:
            return super().history(form, facility_id, since)
        if form not in self._read.months:
            self._read.months[form] = bundles.values_of_months(
                self.session, form, self._facility_ids, self._judged_since
            )
        months = self._read.months[form].get(facility_id, {})
        return {period: values for period, values in months.items() if period >= since}

    def expiries(self, form: Form, facility_id: int) -> Mapping[str, date]:
        """Return them as read ahead."""
        if not batches.tells_stock(form):
            return {}
        if self._read.expiries is None:
            self._read.expiries = batches.first_expiries(self.session, self._facility_ids)
        return self._read.expiries.get(facility_id, {})

    def revisions(self, key: ReportKey) -> Sequence[Report]:
        """Return them as read ahead; of a month of long ago, at once."""
        self._prepare(key.facility_id)
        if key.period < self._revised_since:
            return reports.revisions(self.session, key)
        if key.form not in self._read.revisions:
            found = bundles.revisions(self.session, key.form, self._facility_ids, self._revised_since)
            self._read.revisions[key.form] = found
        return self._read.revisions[key.form].get(key, ())

    def add(self, report: NewReport, known: Sequence[Report]) -> int:
        """Keep a revision to be written. One that waits is written at once: the question about it names it."""
        if not self._ids:
            self._write_reports()  # on SQLite ids are taken behind the last one that is written
            self._ids = deque(bundles.take_ids(self.session, self._size))
        one = NumberedReport(self._ids.popleft(), known[-1].revision + 1 if known else 1, report)
        self._unwritten.touched.add(report.key.facility_id)
        if report.state is ReportState.WAITING:
            bundles.add_numbered(self.session, [one])
        else:
            self._unwritten.reports.append(one)
        return one.id

    def answer(self, message: NewOutboxMessage) -> None:
        """Keep an answer to be written."""
        self._unwritten.answers.append(message)

    def finish(self, message_id: int, state: InboxState, now: datetime) -> None:
        """Keep a message's state to be written."""
        self._unwritten.settled[state, now].append(message_id)

    def let_go(self) -> None:
        """Write what is kept, and read anew from now on."""
        self._write_reports()
        bundles.add_answers(self.session, self._unwritten.answers)
        for (state, now), ids in self._unwritten.settled.items():
            if inbox.finish_many(self.session, ids, state, now) != len(ids):
                raise Raced("a message of the group was settled by another session")
        self._read, self._unwritten = _Read(), _Unwritten()

    def _prepare(self, facility_id: int) -> None:
        if facility_id in self._unwritten.touched:
            self.let_go()
        if not self._is_locked:
            bundles.lock_facilities(self.session, self._facility_ids)
            self._is_locked = True

    def _write_reports(self) -> None:
        bundles.add_numbered(self.session, self._unwritten.reports)
        self._unwritten.reports.clear()
