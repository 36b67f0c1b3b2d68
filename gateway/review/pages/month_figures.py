"""What the month's pages show of an area: coverage, sums, trends and stock, arranged as they are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway import stock
from gateway.calendar import shift
from gateway.coverage import Group, group_of, percent
from gateway.handle.limits import limits_for
from gateway.review.pages import charts, show
from gateway.review.pages.charts import Bar
from gateway.review.pages.language import mark
from gateway.stock import Stock
from gateway.store.areas import Area
from gateway.store.facilities import Facility
from gateway.store.figures import Kind
from gateway.store.thresholds import Threshold
from gateway.store.totals import Count
from parsers.form import Form, Measure

MONTHS = 12  # of a trend
STEPS = (100, 80, 50, 1)  # percent: from here on a field of the heat table is of the next tone

GROUPS: Mapping[Group, str] = {
    Group.HOSPITAL_STATE: mark("FKRTL, public"),
    Group.HOSPITAL_PRIVATE: mark("FKRTL, private"),
    Group.HOSPITAL: mark("FKRTL, owner not on record"),
    Group.PRIMARY_STATE: mark("FKTP, public"),
    Group.PRIMARY_PRIVATE: mark("FKTP, private"),
    Group.NETWORK: mark("Jaringan (pustu, polindes)"),
    Group.PARTNERS: mark("Jejaring"),
    Group.OTHER: mark("Other facilities"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a coverage table: how many facilities there are, and how they reported."""

    name: str
    there: int
    count: Count
    area: str = ""

    @property
    def missing(self) -> int:
        """How many owe a report."""
        return max(0, self.there - self.count.reported)

    @property
    def percent(self) -> int:
        """The share that reported, in whole percent."""
        return min(100, percent(self.count.reported, self.there))


@dataclass(frozen=True, slots=True)
class Cell:
    """One month of an area in the heat table. `tone` is 0 (nobody reported) to 4 (all did)."""

    period: str
    percent: int
    reported: int

    @property
    def tone(self) -> int:
        """How well the month was reported, in steps."""
        return next((4 - index for index, step in enumerate(STEPS) if self.percent >= step), 0)


@dataclass(frozen=True, slots=True)
class HeatRow:
    """An area's months."""

    line: Line
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A measure's total over the last months, and in the one that is shown."""

    name: str
    value: int | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A method's numbers of a month, one for each measure that the table has a column of."""

    name: str
    numbers: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The sums of a month: a column for each measure that was reported, a row for each item, and the totals."""

    columns: tuple[str, ...]
    rows: tuple[ItemRow, ...]
    totals: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class StockRow:
    """One item's stock in an area."""

    item: str
    name: str
    stock: Stock


def group_lines(there: Mapping[tuple[str, Kind], int], counts: Mapping[Kind, Count]) -> tuple[Line, ...]:
    """Return the coverage by SIGA's groups; a group that the area does not have is left out."""
    numbers: dict[Group, int] = {}
    for (_, kind), number in there.items():
        group = group_of(kind.type, kind.ownership)
        numbers[group] = numbers.get(group, 0) + number
    found: dict[Group, Count] = {}
    for kind, count in counts.items():
        group = group_of(kind.type, kind.ownership)
        found[group] = found.get(group, Count()) + count
    return tuple(
        Line(GROUPS[group], numbers.get(group, 0), found.get(group, Count()))
        for group in Group
        if numbers.get(group) or found.get(group)
    )


def area_lines(
    children: Sequence[Area],
    there: Mapping[tuple[str, Kind], int],
    counts: Mapping[tuple[str, str], Count],
    period: str,
) -> tuple[Line, ...]:
    """Return the coverage of the areas within one; those without any facility are left out."""
    numbers: dict[str, int] = {}
    for (part, _), number in there.items():
        numbers[part] = numbers.get(part, 0) + number
    return tuple(
        Line(area.name, numbers[area.code], counts.get((area.code, period), Count()), area.code)
        for area in children
        if numbers.get(area.code)
    )


def add_up(lines: Collection[Line]) -> Line:
    """Return the last line of a coverage table."""
    return Line("", sum(line.there for line in lines), sum((line.count for line in lines), Count()))


def heat_rows(
    lines: Sequence[Line], counts: Mapping[tuple[str, str], Count], periods: Sequence[str]
) -> tuple[HeatRow, ...]:
    """Return the months of each area beside each other. The facilities of the month that is shown are what 100 % is."""

    def cell(line: Line, period: str) -> Cell:
        reported = counts.get((line.area, period), Count()).reported
        return Cell(period, min(100, percent(reported, line.there)), reported)

    return tuple(HeatRow(line, tuple(cell(line, period) for period in periods)) for line in lines)


def months_until(period: str, count: int = MONTHS) -> tuple[str, ...]:
    """Return the last months up to this one, oldest first.

    >>> months_until("2025-02", 3)
    ('2024-12', '2025-01', '2025-02')
    """
    return tuple(shift(period, step) for step in range(1 - count, 1))


def total_of(form: Form, measure: Measure, sums: Mapping[str, int]) -> int | None:
    """Return a measure's total: what was given as such, or its items where those come to more; None for no report.

    Not every report gives a total beside its items, nor items beside its total.
    """
    items = [
        sums[f"{measure.code}.{item}"]
        for item in measure.items
        if form.items[item].in_total and f"{measure.code}.{item}" in sums
    ]
    given = sums.get(measure.code)
    if given is None and not items:
        return None
    return max(given or 0, sum(items))


def trends(form: Form, sums: Mapping[str, Mapping[str, int]], periods: Sequence[str]) -> tuple[Trend, ...]:
    """Return the trend of each measure that was reported in any of the months."""
    found = []
    for measure in form.measures.values():
        values = [(period, total_of(form, measure, sums.get(period, {}))) for period in periods]
        if any(value is not None for _, value in values):
            name = show.name_measure(form, measure.code)
            found.append(Trend(name, values[-1][1], charts.make_bars(values)))
    return tuple(found)


def matrix(form: Form, sums: Mapping[str, int]) -> Matrix:
    """Return one month's sums as a table of items and measures, in the form's order."""
    measures = [one for one in form.measures.values() if total_of(form, one, sums) is not None]
    items = [item for item in form.items if any(f"{one.code}.{item}" in sums for one in measures)]
    return Matrix(
        tuple(show.name_measure(form, one.code) for one in measures),
        tuple(
            ItemRow(show.name_item(form, item), tuple(sums.get(f"{one.code}.{item}") for one in measures))
            for item in items
        ),
        tuple(total_of(form, one, sums) for one in measures),
    )


def find_stock_form(forms: Sequence[Form]) -> Form | None:
    """Return the form that stock is reported by, if there is one."""
    return next((form for form in forms if {stock.LEFT, stock.GIVEN} <= form.measures.keys()), None)


def stock_items(form: Form) -> tuple[str, ...]:
    """Return the items that have a stock."""
    return tuple(item for item in form.items if item in form.measures[stock.LEFT].items)


def stock_limits(chosen: Sequence[Threshold], form: Form, area: str, facility_type: str = "") -> tuple[int, int]:
    """Return from how many months of stock on it is enough, and up to how many, as the smallest area around chose."""
    found = limits_for(chosen, form, Facility(0, "", "", "", facility_type, area, ""))
    return found.stock_least, found.stock_most


def expiring_months(chosen: Sequence[Threshold], form: Form, area: str) -> int:
    """Return within how many months stock expires soon, as the smallest area around chose."""
    return limits_for(chosen, form, Facility(0, "", "", "", "", area, "")).expiring_months


def stock_rows(
    form: Form,
    sums: Mapping[str, Mapping[str, int]],
    reported: Mapping[str, int],
    period: str,
    limits: tuple[int, int],
) -> tuple[StockRow, ...]:
    """Return the stock of each item that was reported in one of the months.

    What was given out before is set off against how many reported then: what is left is theirs alone who report now.
    """
    rows = []
    now = reported.get(period, 0)
    for item in stock_items(form):
        left = sums.get(period, {}).get(f"{stock.LEFT}.{item}")
        key = f"{stock.GIVEN}.{item}"
        by_month = {
            month: values[key] * now / reported[month]
            for month, values in sums.items()
            if key in values and reported.get(month) and now
        }
        given = stock.last_given(by_month, period)
        if left is not None or given:
            rows.append(StockRow(item, show.name_item(form, item), stock.judge_stock(left, given, *limits)))
    return tuple(rows)
