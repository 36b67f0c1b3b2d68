"""Door 2: may this report be taken as it is? Refused, asked about or flagged, beside what is known of its facility."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from statistics import mean, median

from parsers.form import Check, Form, Rule, Shape
from parsers.numbers import MOST
from parsers.period import FIRST_DAY_FOR_RUNNING_MONTH, OLDEST_MONTHS_BACK, months_between, period_of
from parsers.problems import Level, ProblemCode
from parsers.reading import ReadReport
from parsers.rules import find_faults, find_flags, find_missing, items_of, value_of


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers that the rules go by; every one is a setting. `caps` replace those of the form where given.

    `confirm_changes`: who changes a figure that counts already by so much is asked whether she did; 0 for nobody.
    """

    running_month_from_day: int = FIRST_DAY_FOR_RUNNING_MONTH
    oldest_months_back: int = OLDEST_MONTHS_BACK
    late_months: int = 3
    jump_factor: int = 5
    jump_least: int = 20
    move_least: int = 20
    move_percent: int = 25
    zero_mean: int = 10
    history_months: int = 6
    zero_months: int = 3
    expiring_months: int = 6
    stock_least: int = 1
    stock_most: int = 3
    confirm_changes: int = 0
    caps: Mapping[str, Mapping[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a report is judged; what is not known asks nothing.

    Shape: `history` maps earlier periods to the values that count for them; `expires_on` maps an item to the day on
    which its stock at this facility expires first.
    """

    sent_on: date
    facility_type: str | None = None
    history: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    expires_on: Mapping[str, date] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a report meets: its code, and what the sentence about it must name (see `problems`)."""

    code: ProblemCode
    about: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """What follows from it."""
        return self.code.level


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings about one report."""

    findings: tuple[Finding, ...] = ()

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """What refuses the report."""
        return self._of(Level.REFUSE)

    @property
    def asks(self) -> tuple[Finding, ...]:
        """What the sender is asked."""
        return self._of(Level.ASK)

    @property
    def flags(self) -> tuple[Finding, ...]:
        """What staff are shown."""
        return self._of(Level.FLAG)

    @property
    def is_refused(self) -> bool:
        """Whether the report cannot be taken as it is."""
        return bool(self.refusals)

    def _of(self, level: Level) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level is level)


def judge(report: ReadReport, form: Form, facts: Facts) -> Verdict:
    """Judge one report by every rule; what its reader already found is not found again."""
    found = [
        *_judge_change(report, facts),
        *_judge_numbers(report.values, form),
        *_judge_period(report.period, facts),
        *(Finding(fault.code, fault.about) for fault in find_faults(report.values, form)),
        *(Finding(fault.code, fault.about) for fault in find_missing(report.values, form)),
        *(Finding(fault.code, fault.about) for fault in find_flags(report.values, form)),
        *_judge_by_rules(report, form, facts),
        *_judge_by_history(report, form, facts),
        *_judge_by_caps(report.values, form, facts),
        *_judge_expiry(report.values, facts),
    ]
    known = {(problem.code, problem.about.get("key")) for problem in report.problems}
    asked = {finding.about.get("key") for finding in found if finding.code is ProblemCode.VALUE_JUMPS}
    return Verdict(
        tuple(
            finding
            for finding in found
            if (finding.code, finding.about.get("key")) not in known
            # a slip of a digit also moves the number: one question is enough
            and not (finding.code is ProblemCode.VALUE_MOVES and finding.about["key"] in asked)
        )
    )


def _judge_change(report: ReadReport, facts: Facts) -> Iterator[Finding]:
    """Once for a report, about the figure that changed most: it comes first, for only it says how to confirm."""
    least, before = facts.thresholds.confirm_changes, facts.history.get(report.period or "")
    if not least or before is None:
        return
    moved = {key: abs(report.values.get(key, 0) - before.get(key, 0)) for key in {**before, **report.values}}
    key = max(moved, key=moved.__getitem__, default="")
    if key and moved[key] >= least:
        about: dict[str, str | int] = {"key": key, "value": report.values.get(key, 0), "previous": before.get(key, 0)}
        yield Finding(ProblemCode.FIGURES_CHANGED, about)


def _judge_numbers(values: Mapping[str, int], form: Form) -> Iterator[Finding]:
    """What no reader lets through, but a page or a menu might."""
    for key, value in values.items():
        measure, _, item = key.partition(".")
        if measure not in form.measures or (item and item not in form.measures[measure].items):
            yield Finding(ProblemCode.ITEM_NOT_ALLOWED, {"key": key, "measure": measure, "item": item})
        if value < 0:
            yield Finding(ProblemCode.NUMBER_SIGNED, {"key": key})
        elif value > MOST:
            yield Finding(ProblemCode.NUMBER_TOO_LARGE, {"key": key, "most": MOST})


def _judge_period(period: str | None, facts: Facts) -> Iterator[Finding]:
    if period is None:
        yield Finding(ProblemCode.PERIOD_UNCLEAR)
        return
    limits = facts.thresholds
    back = months_between(period, period_of(facts.sent_on))
    if back < 0:
        yield Finding(ProblemCode.PERIOD_FUTURE, {"period": period})
    elif back == 0 and facts.sent_on.day < limits.running_month_from_day:
        yield Finding(ProblemCode.PERIOD_RUNNING, {"period": period})
    elif back > limits.oldest_months_back:
        yield Finding(ProblemCode.PERIOD_OLD, {"period": period})
    elif back > limits.late_months:
        yield Finding(ProblemCode.PERIOD_LATE, {"period": period, "months": back})


def _judge_by_rules(report: ReadReport, form: Form, facts: Facts) -> Iterator[Finding]:
    """The form's own rules, beside the month before and the type of facility."""
    previous = _previous_values(report, facts)
    for rule in form.rules:
        if rule.check is Check.AT_LEAST:
            yield from _judge_at_least(report.values, form, rule)
        elif rule.check is Check.OPENING:
            yield from _judge_opening(report.values, previous, rule)
        elif rule.check is Check.MOVES:
            yield from _judge_moves(report.values, previous, form, rule, facts.thresholds)
        elif rule.check is Check.UNUSUAL:
            yield from _judge_unusual(report.values, rule, facts.facility_type)
        elif rule.check is Check.UNITS:
            yield from _judge_units(report.values, rule)


def _judge_at_least(values: Mapping[str, int], form: Form, rule: Rule) -> Iterator[Finding]:
    value = value_of(values, rule.keys[0], "", form)
    least = value_of(values, rule.other[0], "", form)
    if value is not None and least is not None and value < least:
        yield Finding(ProblemCode.ACTIVE_BELOW_NEW, {"key": rule.keys[0], "value": value, "least": least})


def _judge_opening(values: Mapping[str, int], previous: Mapping[str, int], rule: Rule) -> Iterator[Finding]:
    for item, value in items_of(values, rule.keys[0]).items():
        closing = previous.get(f"{rule.other[0]}.{item}")
        if closing is not None and closing != value:
            about: dict[str, str | int] = {"key": f"{rule.keys[0]}.{item}", "value": value, "previous": closing}
            yield Finding(ProblemCode.OPENING_DIFFERS, about)


def _judge_moves(
    values: Mapping[str, int], previous: Mapping[str, int], form: Form, rule: Rule, limits: Thresholds
) -> Iterator[Finding]:
    for measure in rule.keys:
        value, before = value_of(values, measure, "", form), value_of(previous, measure, "", form)
        if value is None or before is None:
            continue
        if abs(value - before) > max(limits.move_least, before * limits.move_percent / 100):
            yield Finding(ProblemCode.VALUE_MOVES, {"key": measure, "value": value, "previous": before})


def _judge_unusual(values: Mapping[str, int], rule: Rule, facility_type: str | None) -> Iterator[Finding]:
    if facility_type is None or facility_type not in rule.facility_types:
        return
    for key, value in values.items():
        item = key.partition(".")[2]
        if value and item in rule.items:
            yield Finding(ProblemCode.ITEM_UNUSUAL, {"key": key, "item": item, "facility_type": facility_type})


def _judge_units(values: Mapping[str, int], rule: Rule) -> Iterator[Finding]:
    """Once for each item: all of its movements are counted in the same unit."""
    asked: set[str] = set()
    for key, value in values.items():
        item = key.partition(".")[2]
        is_doubtful = value >= rule.least or value % rule.multiple == 0
        if item in rule.items and item not in asked and value and is_doubtful:
            asked.add(item)
            yield Finding(ProblemCode.UNIT_DOUBTFUL, {"key": key, "value": value})


def _judge_by_history(report: ReadReport, form: Form, facts: Facts) -> Iterator[Finding]:
    limits = facts.thresholds
    past = _past_months(report, facts)
    for key, value in report.values.items():
        known = [values[key] for values in past[: limits.history_months] if key in values]
        if known and value >= limits.jump_least and value >= limits.jump_factor * median(known):
            about: dict[str, str | int] = {"key": key, "value": value, "usual": round(median(known))}
            yield Finding(ProblemCode.VALUE_JUMPS, about)
    previous = _previous_values(report, facts)
    counted = {key: value for key, value in report.values.items() if value}
    if counted and counted == {key: value for key, value in previous.items() if value}:
        yield Finding(ProblemCode.SAME_AS_LAST, {"period": period_before(report.period or "")})
    if report.values and not counted and past:
        usual = mean(_sum_of(values, form) for values in past[: limits.zero_months])
        if usual >= limits.zero_mean:
            yield Finding(ProblemCode.ALL_ZERO, {"usual": round(usual)})


def _sum_of(values: Mapping[str, int], form: Form) -> int:
    """Add up a month, each person or piece once: totals, and items where no total was given."""
    if form.shape is Shape.ITEM_FIRST:
        return sum(values.values())
    return sum(value_of(values, measure, "", form) or 0 for measure in form.measures)


def _judge_by_caps(values: Mapping[str, int], form: Form, facts: Facts) -> Iterator[Finding]:
    caps = (facts.thresholds.caps if facts.thresholds.caps is not None else form.caps).get(
        facts.facility_type or "", {}
    )
    for key, value in _capped_sums(values, form):
        most = caps.get(key.rpartition(".")[2])
        if most is not None and value > most:
            yield Finding(ProblemCode.CAP_EXCEEDED, {"key": key, "value": value, "most": most})


def _capped_sums(values: Mapping[str, int], form: Form) -> Iterable[tuple[str, int]]:
    """Totals, and items with their kinds added up: suntik is suntik, suntik1 and suntik3."""
    sums: dict[str, int] = {}
    for measure in form.measures:
        total = value_of(values, measure, "", form)
        if total is not None:
            sums[measure] = total
        for item, value in items_of(values, measure).items():
            whole = form.items[item].kind_of or item if item in form.items else item
            sums[f"{measure}.{whole}"] = sums.get(f"{measure}.{whole}", 0) + value
    return sums.items()


def _judge_expiry(values: Mapping[str, int], facts: Facts) -> Iterator[Finding]:
    """Stock that is still there by its last number, and expires soon or has expired."""
    months = facts.thresholds.expiring_months
    for item, day in facts.expires_on.items():
        left = [(key, value) for key, value in values.items() if key.partition(".")[2] == item]
        if not left or not left[-1][1]:
            continue
        about: dict[str, str | int] = {"key": left[-1][0], "expires": day.isoformat()}
        if day < facts.sent_on:
            yield Finding(ProblemCode.STOCK_EXPIRED, about)
        elif months_between(period_of(facts.sent_on), period_of(day)) < months:
            yield Finding(ProblemCode.STOCK_EXPIRING, {**about, "months": months})


def period_before(period: str) -> str:
    """Name the month before a period; nothing for none.

    >>> period_before("2025-01")
    '2024-12'
    """
    return period_of(date(int(period[:4]), int(period[5:]), 1), months_back=1) if period else ""


def _previous_values(report: ReadReport, facts: Facts) -> Mapping[str, int]:
    return facts.history.get(period_before(report.period), {}) if report.period else {}


def _past_months(report: ReadReport, facts: Facts) -> list[Mapping[str, int]]:
    """List the months before the report's own, newest first."""
    if not report.period:
        return []
    earlier = sorted((period for period in facts.history if period < report.period), reverse=True)
    return [facts.history[period] for period in earlier]
