"""What a regency opens to everybody: how it chose to, where which contraceptive is to be had, and its figures. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.calendar import shift
from gateway.hiding import ALL, Place, Shown, add_sums, hide
from gateway.redact import mask_phones
from gateway.stock import LEFT
from parsers.form import Form

REGENCY = 5  # characters of its code: figures are opened by regency, so that every table is hidden once
# Never what tells of illness: after miscarriage, complications, failures. And no measure is a part of another one.
MEASURES = ("baru", "aktif", "ulang", "ganti")
USERS = "aktif"  # who uses a method now, not who was given one
UNSAID = "tidak_dirinci"  # the column of what was reported without a method
STOCK_MONTHS = 3  # a stock that was reported longer ago tells nobody where to go
GIVEN_MONTHS = 6  # and so far back it is looked for who performs what is never in stock
LICENCE = "CC BY 4.0"
FILES = ("availability.json", "availability.csv", "availability.geojson", "totals.json", "totals.csv")  # of the feed
PRACTICES = frozenset({"PMB", "PMB_JEJARING", "DPM"})  # whose name is a person's
_SITE = re.compile(r"https://(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::[0-9]{1,5})?")


class State(StrEnum):
    """Whether a contraceptive is to be had at a place."""

    THERE = "tersedia"
    GONE = "habis"
    UNKNOWN = "tidak diketahui"


@dataclass(frozen=True, slots=True)
class Openness:
    """How a regency opens its figures.

    Shape: `measures` are those of its sums that are shown, `first_period` the first month; `names_practices` shows
    what midwives' and doctors' practices are called; `sites` may show the page within theirs, every site if empty.
    """

    area: str
    is_on: bool = False
    shows_places: bool = True
    names_practices: bool = False
    measures: tuple[str, ...] = MEASURES[:2]
    first_period: str = ""
    sites: tuple[str, ...] = ()
    source: str = ""
    licence: str = LICENCE
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Supplier:
    """A facility that may have contraceptives. Shape: `stock` maps items to what was left at the end of `period`, its
    last month that is settled; `performed` are the items of services that it gave in the last months.
    """

    type: str
    name: str
    area: str
    latitude: float | None = None
    longitude: float | None = None
    period: str | None = None
    stock: Mapping[str, int] | None = None
    performed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """What everybody may know of a place. An empty name stands for all practices of a type in a kecamatan together.

    Shape: `states` maps items to states, of every item that is looked for; `period` is the month of the stock.
    """

    name: str
    type: str
    area: str
    facilities: int
    states: Mapping[str, State]
    period: str | None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Methods:
    """What is looked for: items of which there is stock, and services of which there is none, in their order."""

    stocked: tuple[str, ...]
    performed: tuple[str, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Return all of them."""
        return self.stocked + self.performed


def is_regency(area: str) -> bool:
    """Tell whether figures of an area can be opened.

    >>> is_regency("72.71"), is_regency("72.71.01"), is_regency("72")
    (True, False, False)
    """
    return len(area) == REGENCY


def is_site(written: str) -> bool:
    """Tell whether something is the address of a site that may show the page within its own.

    >>> is_site("https://palu.go.id"), is_site("https://*.palu.go.id"), is_site("palu.go.id; script-src *")
    (True, True, False)
    """
    return _SITE.fullmatch(written) is not None


def find_stock_form(forms: Sequence[Form]) -> Form | None:
    """Return the form that stock is reported by."""
    return next((form for form in forms if LEFT in form.measures), None)


def find_methods(stock_form: Form, main_form: Form) -> Methods:
    """Return what is looked for: what the stock form counts, and what it only knows by name but the main one counts."""
    named = [item for item in stock_form.items.values() if not item.is_counted]
    counted = {code for code, item in main_form.items.items() if item.in_total}
    return Methods(
        tuple(code for code, item in stock_form.items.items() if item.is_counted),
        tuple(item.code for item in named if item.code in counted),
    )


def name_method(item: str, main_form: Form, stock_form: Form, language: str) -> str:
    """Return what a method is called: as the main form does, which needs no units."""
    known = main_form.items.get(item)
    names = known.names if known else stock_form.items[item].names
    words = names.get(language, names["id"])
    return words if known else words.partition(" (")[0]


def make_lines(suppliers: Iterable[Supplier], methods: Methods, *, names_practices: bool) -> tuple[Line, ...]:
    """Return what everybody may know of who has what, by kecamatan and name.

    Practices that are not to be named are one line in their kecamatan, without a place on the map.
    """
    lines, together = [], defaultdict(list)
    for one in suppliers:
        if one.type in PRACTICES and not names_practices:
            together[one.area, one.type].append(one)
        else:
            states = {item: _state_of(one, item, methods) for item in methods.items}
            name = mask_phones(one.name)
            lines.append(Line(name, one.type, one.area, 1, states, one.period, one.latitude, one.longitude))
    for (area, kind), these in together.items():
        states = {item: _any_of([_state_of(one, item, methods) for one in these]) for item in methods.items}
        period = max((one.period for one in these if one.period), default=None)
        lines.append(Line("", kind, area, len(these), states, period))
    return tuple(sorted(lines, key=lambda line: (line.area, not line.name, line.name.casefold(), line.type)))


def _state_of(one: Supplier, item: str, methods: Methods) -> State:
    if item in methods.performed:
        return State.THERE if item in one.performed else State.UNKNOWN
    left = (one.stock or {}).get(item)
    if left is None:
        return State.UNKNOWN
    return State.THERE if left > 0 else State.GONE


def _any_of(states: Collection[State]) -> State:
    return next((state for state in (State.THERE, State.GONE) if state in states), State.UNKNOWN)


def count_states(lines: Iterable[Line], items: Sequence[str]) -> dict[str, Counter[State]]:
    """Return how many lines there are of each state, by item."""
    found: dict[str, Counter[State]] = {item: Counter() for item in items}
    for line in lines:
        for item in items:
            found[item][line.states[item]] += 1
    return found


@dataclass(frozen=True, slots=True)
class Reported:
    """One settled report, of which sums are made: the kecamatan it comes from, and its values."""

    area: str
    values: Mapping[str, int]


def sum_up(reported: Iterable[Reported], form: Form) -> dict[str, Shown]:
    """Return the tables of a month that everybody may see, by measure; in each the rows are kecamatan.

    A method that is in no total is in none here. What a report gives beyond its methods stands in a column of its own,
    so that each row adds up.
    """
    rows: Counter[str] = Counter()
    inner: dict[str, dict[Place, int]] = {measure: defaultdict(int) for measure in MEASURES}
    for one in reported:
        rows[one.area] += 1
        rows[ALL] += 1
        for measure in MEASURES:
            counted = 0
            for code, item in form.items.items():
                number = one.values.get(f"{measure}.{code}", 0)
                inner[measure][one.area, code] += number if item.in_total else 0
                counted += number if item.in_total else 0
            inner[measure][one.area, UNSAID] += max(0, one.values.get(measure, counted) - counted)
    return {measure: hide(add_sums(figures), rows) for measure, figures in inner.items()}


def months_to_open(openness: Openness, newest: str) -> tuple[str, ...]:
    """Return the months that can be opened, the newest first: at most a year of them.

    >>> months_to_open(Openness("72.71", first_period="2025-08"), "2025-09")
    ('2025-09', '2025-08')
    """
    months = (shift(newest, -back) for back in range(12))
    return tuple(period for period in months if period >= openness.first_period)
