"""What a plan of reminders comes to in a part of an area: counted, priced and put in order. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.remind.coming import Coming
from gateway.remind.due import AGAIN
from gateway.remind.plan import AreaMonth, Line, Owed, Plan, Verdict, group
from gateway.values import Scope

# In which order verdicts are offered: what happens first, then what somebody could do something about.
ORDER = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What happens at one moment in an area, as things stand now.

    Units: `cost` in rupiah, None where the price of an SMS is not set on a channel that would carry some.
    """

    coming: Coming
    plan: Plan
    people: int
    cost: int | None

    @property
    def tallies(self) -> Mapping[Verdict, int]:
        """How many facilities' reports there are of each verdict."""
        counts = Counter(line.verdict for line in self.plan.lines if isinstance(line.about, Owed))
        return {verdict: counts[verdict] for verdict in ORDER if counts[verdict]}


def assume_gone(plan: Plan, before: Sequence[datetime]) -> Plan:
    """Return a plan of a later moment, without what goes out at the moments before it if nothing changes."""

    def has_gone(line: Line) -> bool:
        opens_at = line.window.opens_at if line.window and line.window.rung is not AGAIN else None
        return line.verdict is Verdict.REMIND and any(opens_at is None or opens_at <= at for at in before)

    lines = tuple(replace(one, verdict=Verdict.SENT, people=()) if has_gone(one) else one for one in plan.lines)
    return Plan(lines, group(lines))


def make_forecast(coming: Coming, plan: Plan, scope: Scope, form: str, prices: Mapping[str, int | None]) -> Forecast:
    """Return the part of a plan that lies in a scope, of one form if one is named.

    What a letter says of places elsewhere is left out here, though it goes out with it. A letter is one SMS,
    whatever it is about: that is how they are written.
    """
    lines = tuple(line for line in plan.lines if _is_within(line, scope, form))
    letters = tuple(
        replace(letter, lines=tuple(line for line in letter.lines if scope.covers(area_of(line))))
        for letter in plan.letters
        if any(_is_within(line, scope, form) for line in letter.lines)
    )
    costs = [prices.get(letter.person.channel or "") for letter in letters]
    cost = sum(one for one in costs if one is not None) if None not in costs else None
    return Forecast(coming, Plan(lines, letters), len({letter.person.phone for letter in letters}), cost)


def area_of(line: Line) -> str:
    """Return the area that a line is about."""
    return line.about.area if isinstance(line.about, AreaMonth) else line.about.facility.area


def _is_within(line: Line, scope: Scope, form: str) -> bool:
    return scope.covers(area_of(line)) and (not form or line.about.form == form)


def sort_owed(plan: Plan, verdict: str) -> list[tuple[str, Line, Owed]]:
    """Return the lines of facilities in the order of a list, each with its key; if named, only those of a verdict."""
    found = [
        (f"{line.about.facility.id}.{line.about.form}.{line.about.period}", line, line.about)
        for line in plan.lines
        if isinstance(line.about, Owed) and (not verdict or line.verdict == verdict)
    ]
    return sorted(found, key=lambda one: (one[2].facility.area, one[2].facility.name, one[0]))


def page_after(
    found: Sequence[tuple[str, Line, Owed]], after: str, rows: int
) -> tuple[Sequence[tuple[str, Line, Owed]], str]:
    """Return the rows behind the one of a key, and the key to go on from; empty where there are no more."""
    start = next((place + 1 for place, one in enumerate(found) if one[0] == after), 0)
    page = found[start : start + rows]
    return page, page[-1][0] if start + rows < len(found) else ""
