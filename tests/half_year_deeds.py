"""What staff do, and what happens to them, in a half year: the words behind `!` in a transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update

from gateway.calendar import Calendar, Days, Outage
from gateway.ladder import Audience, Ladder, Manners
from gateway.remind import by_hand
from gateway.review import decide
from gateway.review.deeds import Office, Seen
from gateway.store import channels, ladders, leaves, months, outages, pauses, reports, spending
from gateway.store.base import Session
from gateway.store.reports import ReportKey
from gateway.store.users import User
from gateway.values import Role, Scope
from tests.ladders import KABAR

ZONE = ZoneInfo("Asia/Jakarta")
COUNTRY = Scope("")
REGENCY = "14.03"
WHO = "Bu Sari"
PRICE = 350  # of an SMS, in rupiah

World = Any  # tests.half_year.HalfYear, which knows this module


def away(world: World, session: Session, who: str, first: str, last: str) -> None:
    """`away ani 2025-07-01 2025-07-14`: she is on leave, and nobody stands in for her."""
    days = date.fromisoformat(first), date.fromisoformat(last)
    assert leaves.add_leave(session, world.people[who], *days, None, scope=COUNTRY)


def pause(world: World, session: Session, area: str, first: str, last: str, *reason: str) -> None:
    """`pause 14.03.02 2025-11-01 2025-11-09 banjir`: nobody there is reminded."""
    days = date.fromisoformat(first), date.fromisoformat(last)
    assert pauses.add_pause(session, area, None, days, " ".join(reason), WHO, world.now, scope=COUNTRY)


def skip(world: World, session: Session, place: str, first: str, last: str, reason: str) -> None:
    """`skip PTK 2025-11-01 2025-11-30 closed`: this facility is left out."""
    days = date.fromisoformat(first), date.fromisoformat(last)
    assert pauses.add_pause(session, "", world.ids[place], days, reason, WHO, world.now, scope=COUNTRY)


def close(world: World, session: Session, form: str, period: str) -> None:
    """`close kb 2025-08`: the regency closes the month."""
    months.close_month(session, form, period, REGENCY, WHO, world.runtime.now(), "cukup", scope=COUNTRY)


def reopen(world: World, session: Session, form: str, period: str) -> None:
    """`reopen kb 2025-08`: and opens it again."""
    for one in months.standing_closings(session, REGENCY, scope=COUNTRY):
        if (one.form, one.period) == (form, period):
            months.reopen_month(session, one.id, WHO, world.runtime.now(), "ada susulan", scope=COUNTRY)


def reject(world: World, session: Session, place: str, form: str, period: str, *reason: str) -> None:
    """`reject DAMON kb 2025-09 angka terlalu besar`: the newest revision is not used, and its sender hears why."""
    runtime = world.runtime
    known = reports.revisions(session, ReportKey(form, world.ids[place], period))
    user = User(7, "sari", WHO, Role.DISTRICT, REGENCY, "id", True, False)
    office = Office(user, runtime.now(), {one.code: one for one in runtime.forms}, runtime.wordings)
    seen = Seen(known[-1].id, known[-1].state, known[-1].revision)
    decide.reject(session, office, seen, " ".join(reason), tell=True)


def outage(_world: World, session: Session, first: str, from_hour: str, last: str, until_hour: str) -> None:
    """`outage 2025-11-05 06:00 2025-11-06 10:00`: the gateway was cut off, and staff write it down."""
    cut = Outage("", _instant(first, from_hour), _instant(last, until_hour))
    assert outages.add_outage(session, cut, "modem mati", WHO, _instant(last, until_hour), scope=COUNTRY)


def budget(world: World, session: Session, count: str) -> None:
    """`budget 2`: what is left pays for so many reminders this month; `budget -` is no limit."""
    spent = spending.spending_of(session, ["simulator"], world.runtime.now(), "Asia/Jakarta")["simulator"].spent or 0
    share = spending.PERCENT_FOR_REMINDERS
    wanted = None if count == "-" else -(-(spent + int(count) * PRICE) * 100 // share)
    session.execute(
        update(channels.channels).where(channels.channels.c.name == "simulator").values(monthly_budget=wanted)
    )


def hand(world: World, session: Session, place: str, form: str, period: str, wanted: str) -> None:
    """`hand DAMON kb 2025-10 queued`: staff send one reminder by hand, and this becomes of it."""
    runtime = world.runtime
    about = runtime.rules.form(form), period, world.ids[place]
    done = by_hand.remind(session, *about, runtime.ways, runtime.now(), scope=COUNTRY)
    assert done.outcome == wanted, done


def due(_world: World, session: Session, form: str, day: str) -> None:
    """`due kb 31`: reports of a form are due on this day of the month."""
    days = Days(int(day), max(int(day), 7), max(int(day), 10))
    assert months.choose_days(session, Calendar("", form, days), scope=COUNTRY)


def ask(_world: World, session: Session, form: str, *types: str) -> None:
    """`ask alokon PUSKESMAS`: facilities of these types are asked for a form, by the ladder that Kabar comes with."""
    ladders.choose_ladder(session, Ladder("", form, True, frozenset(types), KABAR), scope=COUNTRY)


def thank(_world: World, session: Session, form: str) -> None:
    """`thank kb`: whoever reported is thanked, with her year so far and how much of it was on time."""
    rungs = tuple(replace(one, is_on=True) if one.audience is Audience.REPORTED else one for one in KABAR)
    ladders.choose_ladder(session, Ladder("", form, True, frozenset(), rungs), scope=COUNTRY)
    ladders.choose_manners(session, Manners(spread_minutes=0, shows_score=True), scope=COUNTRY)


def spread(_world: World, session: Session, minutes: str) -> None:
    """`spread 120`: the reminders of an hour take so many minutes."""
    ladders.choose_manners(session, Manners(spread_minutes=int(minutes)), scope=COUNTRY)


def _instant(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=ZONE)


DEEDS: Mapping[str, Callable[..., None]] = {
    deed.__name__: deed
    for deed in (away, pause, skip, close, reopen, reject, outage, budget, hand, due, ask, thank, spread)
}
