"""The command that shows who would be reminded of what on a day, and why or why not. It writes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from gateway.calendar import clock, waking_hours
from gateway.cli_staff import start
from gateway.cli_words import say
from gateway.errors import Malformed
from gateway.ladder import find_manners
from gateway.redact import mask_phone
from gateway.remind import run
from gateway.remind.coming import Coming
from gateway.remind.plan import AreaMonth, Line, Verdict
from gateway.review.pages.forecast import Forecast, area_of, make_forecast
from gateway.review.pages.reminder_words import AUDIENCES, REASONS, VERDICTS
from gateway.runtime import Runtime
from gateway.store import areas, channels, ladders, unsettled
from gateway.store.areas import Area
from gateway.store.base import Session
from gateway.values import Scope

MINUTE = timedelta(minutes=1)
WIDTH = 36  # of a name, so that the verdicts stand in a column


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: a day, an hour of it on each place's own clock or the whole day, an area, a form."""

    day: date
    hour: time | None
    area: str
    form: str


@click.command("remind")
@click.option("--plan", "is_plan", is_flag=True, help="Hanya tunjukkan, tidak mengirim. / Only show, send nothing.")
@click.option("--on", "day", help="Hari, mis. 2025-10-03; default hari ini. / The day; default today.")
@click.option("--at", "hour", help="Jam setempat, mis. 08:00; default seharian. / Local time; default the whole day.")
@click.option("--area", default="", help="Kode wilayah, mis. 14.03; default semua. / Area code; default all.")
@click.option("--form", default="", help="Kode formulir, mis. kb; default semua. / Form code; default all.")
def remind(is_plan: bool, day: str | None, hour: str | None, area: str, form: str) -> None:
    """Siapa akan diingatkan, dan mengapa. / Who would be reminded, and why or why not."""
    if not is_plan:
        raise click.UsageError("tulis --plan: yang mengirim adalah pekerja / say --plan: it is the workers who send")
    runtime = start()
    wanted = Wanted(_read_day(day, runtime), _read_hour(hour), area.strip(), form.strip().lower())
    known = [one.code for one in runtime.forms]
    if wanted.form and wanted.form not in known:
        raise Malformed(f"tidak ada formulir / there is no form {wanted.form!r}: {', '.join(known)}")
    with runtime.database.session(read_only=True) as session:
        if wanted.area and areas.find_area(session, wanted.area) is None:
            raise Malformed(f"tidak ada wilayah / there is no area {wanted.area!r}")
        at = "seharian / the whole day" if wanted.hour is None else f"{wanted.hour:%H:%M}"
        click.echo(f"Pengingat / reminders {wanted.day}, {at}")
        seen = []
        for regency, forecast in _forecast_each(session, runtime, wanted):
            if forecast.plan.lines:
                _tell(session, regency, forecast)
                seen.append(forecast)
    if not seen:
        click.echo("Tidak ada faskes yang diminta melapor. / No facility is asked to report.")
    elif len(seen) > 1:
        click.echo(f"\nSemua / all: {_sum_up(seen)}")


def _read_day(written: str | None, runtime: Runtime) -> date:
    if written is None:
        return runtime.now().astimezone(ZoneInfo(runtime.settings.timezone)).date()
    try:
        day = date.fromisoformat(written)
        if not 2000 <= day.year < 2100:
            raise ValueError("no day that anybody is reminded on")
        return day
    except ValueError:
        raise Malformed(f"--on {written!r}: bukan hari; contoh / is no day; example: 2025-10-03") from None


def _read_hour(written: str | None) -> time | None:
    try:
        return None if written is None else datetime.strptime(written, "%H:%M").time()  # noqa: DTZ007  of any clock
    except ValueError:
        raise Malformed(f"--at {written!r}: bukan jam; contoh / is no time of day; example: 08:00") from None


def _forecast_each(session: Session, runtime: Runtime, wanted: Wanted) -> Iterator[tuple[Area, Forecast]]:
    """Yield what happens in each regency of the area, at the same time of day on the clock of each."""
    manners = ladders.all_manners(session)
    prices = channels.prices_of(session, tuple(runtime.channels))
    for code, _ in unsettled.regencies_with_facilities(session, scope=Scope(wanted.area)):
        regency = areas.find_area(session, code)
        assert regency is not None
        if wanted.hour is None:  # by the last minute in which people are written to every rung of the day has begun
            midnight = clock(wanted.day, 0, regency.timezone)
            now = waking_hours(midnight, regency.timezone, find_manners(manners, code).hours)[1] - MINUTE
        else:
            now = datetime.combine(wanted.day, wanted.hour, ZoneInfo(regency.timezone))
        plan = run.plan_regency(session, code, runtime.ways, now)
        yield regency, make_forecast(Coming(now, ()), plan, Scope(wanted.area), wanted.form, prices)


def _tell(session: Session, regency: Area, forecast: Forecast) -> None:
    """Say what comes of each facility and each list of a regency, kecamatan by kecamatan."""
    by_area: dict[str, list[Line]] = defaultdict(list)
    for line in forecast.plan.lines:
        by_area[area_of(line)].append(line)
    names = areas.names_of(session, by_area)
    click.echo(f"\n{regency.code} {regency.name}, {regency.timezone}")
    for code, lines in sorted(by_area.items()):
        click.echo(f"  {code} {names.get(code, '')}")
        for line in lines:
            click.echo(f"    {_describe(line, regency.timezone)}")
    click.echo(f"  = {_sum_up([forecast])}")


def _describe(line: Line, zone: str) -> str:
    """Return one line: what it is about, what comes of it, by which rung since when, and who is written to."""
    about = line.about
    name = say(AUDIENCES[about.audience]) if isinstance(about, AreaMonth) else about.facility.name
    verdict = say(VERDICTS[line.verdict][0])
    reason = _reason(line)
    if reason:
        verdict = f"{verdict} ({say(REASONS.get(reason, reason))})"
    if line.window is not None:
        opened = line.window.opens_at.astimezone(ZoneInfo(zone))
        verdict = f"{verdict} [{line.window.rung.code} {opened:%d-%m %H:%M}]"
    people = ", ".join(f"{one.name} {mask_phone(one.phone)}" for one in line.people)
    return f"{about.form.upper()} {about.period}  {name:{WIDTH}}  {verdict}{': ' if people else ''}{people}"


def _reason(line: Line) -> str:
    """Return why staff have reminders held back, in their words."""
    if line.verdict is Verdict.PAUSED:
        return line.about.paused
    return "" if isinstance(line.about, AreaMonth) or line.verdict is not Verdict.SKIPPED else line.about.skipped


def _sum_up(seen: Sequence[Forecast]) -> str:
    """Return how many people get how many SMS at what cost, and how many facilities' reports have which verdict."""
    people, costs = sum(one.people for one in seen), [one.cost for one in seen if one.people]
    tallies: Counter[Verdict] = Counter()
    for one in seen:
        tallies.update(one.tallies)
    cost = "" if not costs or None in costs else f", {_rupiah(sum(one or 0 for one in costs))}"
    return f"{people} orang/people, {people} SMS{cost}. {_list(tallies)}"


def _rupiah(cost: int) -> str:
    return f"Rp{cost:,}".replace(",", ".")


def _list(tallies: Mapping[Verdict, int]) -> str:
    return "; ".join(f"{say(VERDICTS[one][0])} {tallies[one]}" for one in Verdict if tallies[one])
