"""Totals: what each area reported in a month, summed up beforehand, so that no page ever adds up reports.

A kecamatan is summed up from its reports, and every area around it, up to the country (the empty code), from the areas
within it. It is always done anew and never by adding to what was there, so that a repetition changes nothing.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    ScalarSelect,
    String,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from gateway.calendar import DAY, Outage, areas_around, report_month, shift
from gateway.store.areas import areas
from gateway.store.base import Session, UtcDateTime, is_postgresql, metadata
from gateway.store.facilities import facilities
from gateway.store.reports import report_values, reports
from gateway.store.timeliness import late_from
from gateway.values import COUNTING, ReportState

month_totals = Table(
    "month_totals",
    metadata,
    Column("form", String(20), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("area", String(13), primary_key=True),
    Column("measure", String(20), primary_key=True),
    Column("item", String(20), primary_key=True),
    Column("quantity", BigInteger, nullable=False),
)

month_counts = Table(
    "month_counts",
    metadata,
    Column("form", String(20), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("area", String(13), primary_key=True),
    Column("facility_type", String(20), primary_key=True),
    Column("ownership", String(10), primary_key=True),  # empty where nobody knows it
    Column("reported", Integer, nullable=False),
    Column("on_time", Integer, nullable=False),
    Column("approved", Integer, nullable=False),
    Column("flagged", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
)

BATCH = 500  # reports that one transaction sums up; staff who decide about the same month wait for so long
_LONG_LATE = 12  # months before an outage: what is older was late long before, and no outage reaches it
_TURNS = 0x6B61  # whose advisory locks: "ka"

_unsummed = ~reports.c.is_summed
_counts = reports.c.state.in_(tuple(COUNTING))
_stands = reports.c.state.not_in((ReportState.REJECTED, ReportState.WITHDRAWN))

Month = tuple[str, str]  # form, period
Key = tuple[str, ...]  # what a row of a month is about: its area first
Rows = Mapping[Key, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Count:
    """How many facilities reported, of them on time and approved; and how many have a revision flagged or waiting."""

    reported: int = 0
    on_time: int = 0
    approved: int = 0
    flagged: int = 0
    waiting: int = 0

    def __add__(self, other: Count) -> Count:
        """Return both together."""
        return Count(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def late(self) -> int:
        """How many reported after their due day."""
        return self.reported - self.on_time


def has_unsummed(session: Session) -> bool:
    """Return whether there are reports that the totals do not know as they stand now."""
    return session.execute(select(reports.c.id).where(_unsummed).limit(1)).first() is not None


def refresh(session: Session, limit: int = BATCH) -> int:
    """Sum up the areas and months of the next reports, the newest months first; return how many reports that was.

    Several may do it at once: they take turns month by month, and a report that another session is just changing is
    left for the next time. Whoever waits here holds nothing that another could wait for.
    """
    by_month = reports.c.form.desc(), reports.c.period.desc(), reports.c.facility_id.desc()
    waiting = select(reports.c.form, reports.c.period).where(_unsummed).order_by(*by_month).limit(limit)
    months = dict.fromkeys((form, period) for form, period in session.execute(waiting))
    _take_turns(session, months)
    total = 0
    for month in months:
        taken = _take(session, month, limit - total)
        if taken:
            _mark_summed(session, list(taken))
            _sum_up(session, month, set(taken.values()))
        total += len(taken)
        if total >= limit:
            break
    return total


def refresh_reports(session: Session, report_ids: Collection[int]) -> None:
    """Sum up the areas and months of these reports, in the transaction that changed them and as the last thing in it.

    Until that ends, others who sum up the same month wait.
    """
    if not report_ids:
        return
    about = (
        select(reports.c.form, reports.c.period, facilities.c.area)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(reports.c.id.in_(report_ids))
        .distinct()
    )
    touched: dict[Month, set[str]] = defaultdict(set)
    for form, period, area in session.execute(about):
        touched[form, period].add(area)
    _take_turns(session, touched)
    _mark_summed(session, list(report_ids))
    for month, found in touched.items():
        _sum_up(session, month, found)


def refresh_areas(session: Session, codes: Collection[str]) -> None:
    """Sum up every month of these areas anew: after a facility moved between them, or changed its kind or its owner."""
    reported = (
        select(reports.c.form, reports.c.period)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(facilities.c.area.in_(codes))
    )
    summed = select(month_counts.c.form, month_counts.c.period).where(month_counts.c.area.in_(codes))
    months = sorted({(form, period) for form, period in session.execute(reported.union(summed))})
    _take_turns(session, months)
    for month in months:
        _sum_up(session, month, set(codes))


def recount(session: Session, area: str, since: str) -> int:
    """Let every report of an area from a period on be summed up again, soon: its due days changed. Return how many."""
    return _sum_up_again(session, area, reports.c.period >= since)


def recount_outage(session: Session, outage: Outage) -> int:
    """Let every report that an outage may excuse be summed up again, soon; return how many.

    Who sent hers before it began was judged without it.
    """
    about = [reports.c.sent_at >= outage.from_at]
    about.append(reports.c.period >= shift(report_month(outage.from_at.date()), -_LONG_LATE))
    if outage.until_at is not None:
        about.append(reports.c.period <= report_month((outage.until_at + DAY).date()))
    return _sum_up_again(session, outage.area, *about)


def _sum_up_again(session: Session, area: str, *about: ColumnElement[bool]) -> int:
    inside = select(facilities.c.id)
    if area:
        inside = inside.where(or_(facilities.c.area == area, facilities.c.area.startswith(f"{area}.", autoescape=True)))
    old = reports.c.is_summed, reports.c.facility_id.in_(inside)
    return int(session.execute(update(reports).where(*old, *about).values(is_summed=False)).rowcount)


def _take_turns(session: Session, months: Iterable[Month]) -> None:
    """Let nobody else sum up these months until this transaction ends.

    The turns are taken in one order by all, so that nobody waits for whoever waits for them.
    """
    if is_postgresql(session):  # a write transaction on SQLite already holds the whole database
        for turn in sorted({zlib.crc32(" ".join(month).encode()) - 2**31 for month in months}):
            session.execute(text("SELECT pg_advisory_xact_lock(:space, :turn)"), {"space": _TURNS, "turn": turn})


def _take(session: Session, month: Month, limit: int) -> dict[int, str]:
    """Return the ids of a month's next reports with their areas, held so that nobody changes them meanwhile."""
    form, period = month
    statement = (
        select(reports.c.id, facilities.c.area)
        .join(facilities, facilities.c.id == reports.c.facility_id)
        .where(_unsummed, reports.c.form == form, reports.c.period == period)
        .order_by(reports.c.facility_id.desc())
        .limit(limit)
        .with_for_update(of=reports, skip_locked=True)
    )
    return {row.id: row.area for row in session.execute(statement)}


def _mark_summed(session: Session, report_ids: Sequence[int]) -> None:
    """Say that the totals know these reports: before they are read, so that what changes later is found again."""
    session.execute(update(reports).where(reports.c.id.in_(report_ids)).values(is_summed=True))


def _sum_up(session: Session, month: Month, codes: Collection[str]) -> None:
    """Sum up some areas in a month anew, and every area around them: the smallest first, the country last."""
    touched = sorted({code for area in codes for code in areas_around(area)})
    own_sums, own_counts = _sums_of_facilities(session, month, touched), _counts_of_facilities(session, month, touched)
    had_sums, had_counts = _read(session, month_totals, month, touched), _read(session, month_counts, month, touched)
    for depth in sorted({_depth(code) for code in touched}, reverse=True):
        level = {code for code in touched if _depth(code) == depth}
        for table, own, had in ((month_totals, own_sums, had_sums), (month_counts, own_counts, had_counts)):
            inside = _sums_of_children(session, table, month, level)
            wanted = _add(_of(own, level), inside)
            _write(session, table, month, wanted, _of(had, level))


def _any_month(period: str) -> ScalarSelect[str]:
    """Return a month that PostgreSQL plans for as for any: of a new one it would expect nothing, and go through it."""
    return select(literal(period)).scalar_subquery()


def _depth(code: str) -> int:
    return code.count(".") + bool(code)


def _of(rows: Rows, codes: Collection[str]) -> Rows:
    return {key: row for key, row in rows.items() if key[0] in codes}


def _add(one: Rows, other: Rows) -> Rows:
    """Return both together."""
    both = dict(one)
    for key, row in other.items():
        mine = both.get(key, (0,) * len(row))
        both[key] = tuple(left + right for left, right in zip(mine, row, strict=True))
    return both


def _sums_of_facilities(session: Session, month: Month, codes: Collection[str]) -> Rows:
    """Return the sums of what counts in the facilities of these very areas."""
    form, period = month
    about = facilities.c.area, report_values.c.measure, report_values.c.item
    statement = (
        select(*about, func.sum(report_values.c.quantity))
        .select_from(facilities)
        .join(reports, and_(reports.c.facility_id == facilities.c.id, reports.c.form == form, _counts))
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(reports.c.period == _any_month(period), facilities.c.area.in_(codes))
        .group_by(*about)
    )
    return {tuple(key): (int(quantity),) for *key, quantity in session.execute(statement)}


def _counts_of_facilities(session: Session, month: Month, codes: Collection[str]) -> Rows:
    """Return how the facilities of these very areas reported, by their kind and owner."""
    form, period = month
    about = facilities.c.id, facilities.c.area, facilities.c.type, facilities.c.ownership, areas.c.timezone
    first_sent = func.min(case((_stands, reports.c.sent_at)), type_=UtcDateTime)
    states = _counts, *(reports.c.state == state for state in _COUNTED)
    statement = (
        select(*about[1:], first_sent, *map(_any, states))
        .select_from(facilities)
        .join(areas, areas.c.code == facilities.c.area)
        .join(reports, and_(reports.c.facility_id == facilities.c.id, reports.c.form == form))
        .where(reports.c.period == _any_month(period), facilities.c.area.in_(codes))
        .group_by(*about)
    )
    is_late_from = late_from(session, form, period)
    found: Counter[tuple[Key, str]] = Counter()
    for area, kind, owner, zone, sent_at, reported, *others in session.execute(statement):
        key = (area, kind, owner or "")
        on_time = bool(reported) and sent_at is not None and sent_at < is_late_from(area, zone)
        for name, holds in zip(_COUNTS, (reported, on_time, *others), strict=True):
            found[key, name] += bool(holds)
    keys = {key for (key, _), number in found.items() if number}
    return {key: tuple(found[key, name] for name in _COUNTS) for key in keys}


_COUNTED = ReportState.APPROVED, ReportState.FLAGGED, ReportState.WAITING
_COUNTS = "reported", "on_time", "approved", "flagged", "waiting"


def _any(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))


def _sums_of_children(session: Session, table: Table, month: Month, level: Collection[str]) -> Rows:
    """Return what the areas right within each of these were summed up to."""
    form, period = month
    parents = areas.c.parent.is_(None) if level == {""} else areas.c.parent.in_(level)
    about = [column for column in table.primary_key if column.name not in ("form", "period", "area")]
    statement = (
        select(areas.c.parent, *about, *(func.sum(column) for column in _numbers(table)))
        .select_from(areas)
        .join(table, table.c.area == areas.c.code)
        .where(parents, table.c.form == form, table.c.period == _any_month(period))
        .group_by(areas.c.parent, *about)
    )
    return {
        (row[0] or "", *row[1 : 1 + len(about)]): tuple(int(number) for number in row[1 + len(about) :])
        for row in session.execute(statement)
    }


def _numbers(table: Table) -> list[Column[int]]:
    return [column for column in table.columns if not column.primary_key]


def _read(session: Session, table: Table, month: Month, codes: Collection[str]) -> Rows:
    """Return what stands in a table about these areas."""
    form, period = month
    about = table.c.form == form, table.c.period == _any_month(period), table.c.area.in_(codes)
    width = len(table.primary_key) - 2
    rows = session.execute(select(*list(table.columns)[2:]).where(*about))
    return {tuple(row[:width]): tuple(row[width:]) for row in rows}


def _write(session: Session, table: Table, month: Month, wanted: Rows, had: Rows) -> None:
    """Let a table say what is wanted; what it says already is not touched."""
    keys = [column.name for column in table.primary_key]
    numbers = [column.name for column in _numbers(table)]
    this = [table.c[name] == bindparam(f"of_{name}") for name in keys]
    found_by = [f"of_{name}" for name in keys]

    def named(names: Sequence[str], key: Key, row: tuple[int, ...] = ()) -> dict[str, object]:
        return dict(zip(names, (*month, *key, *row), strict=True))

    gone = [named(found_by, key) for key in had if key not in wanted]
    new = [named([*keys, *numbers], key, row) for key, row in wanted.items() if key not in had]
    changed = [named([*found_by, *numbers], key, row) for key, row in wanted.items() if key in had and had[key] != row]
    if gone:
        session.execute(delete(table).where(*this), gone)
    if changed:
        session.execute(update(table).where(*this), changed)
    if new:
        session.execute(insert(table), new)
