"""What went wrong and waits for somebody, each with the page where it is mended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for

from gateway.review.pages import frame, month_figures, nav, show
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.stock import soon_until
from gateway.store import (
    alarms,
    batches,
    channel_health,
    channels,
    hooks,
    outbox,
    quota,
    reconciling,
    spending,
    strangers,
    thresholds,
)
from gateway.store.base import Session
from gateway.values import InboxState, OutboxState, Scope

RECENT = timedelta(days=7)  # what was not delivered longer ago is no news
STRANGERS_HOUR = timedelta(hours=1)
SILENT_CLOCK = timedelta(seconds=60)  # it says that it lives every ten seconds

NEARLY = mark("%(percent)s percent of this month’s budget of %(channel)s is spent: no reminders go out, answers do.")
USED_UP = mark("This month’s budget of %(channel)s is spent (%(percent)s percent). Answers go out all the same.")

QUOTA_NEARLY = mark(
    "%(channel)s has sent %(percent)s percent of what it may in 24 hours: reminders wait, answers go out."
)
QUOTA_USED_UP = mark("%(channel)s has sent all that it may in 24 hours: everything waits until it may send again.")
FLOOD = mark("So many unknown numbers write that no more of them are answered: %(number)s had an answer in this hour.")
UNWELL = mark("%(channel)s: %(words)s")
UNHEARD = mark("The device of %(channel)s has given no sign of life since %(since)s.")

SPOOL_WAITS = mark(
    "Deliveries that wait in the spool: %(number)s, the oldest since %(since)s. The database takes nothing, or no clock"
    " runs on the server that took them."
)
SPOOL_UNREADABLE = mark("The spool cannot be read (%(fault)s): ./kabar doctor says what to do.")
SPOOL_CORRUPT = mark("Broken deliveries in the spool: %(number)s. ./kabar doctor says what to do.")
SPOOL_REFUSED = mark("Deliveries in the spool that could not be kept: %(number)s. ./kabar doctor says what to do.")
FETCHED = mark(
    "Messages of %(channel)s that had not come in: %(number)s, the oldest of %(since)s. They were fetched from the"
    " provider."
)
STRANGE = mark(
    "%(number)s SMS went out through %(channel)s, the first on %(since)s, that Kabar knows nothing of: change its keys."
)

HAVE_EXPIRED = mark("Batches of contraceptives in stock that have expired: %(number)s.")
EXPIRE_SOON = mark("Batches of contraceptives in stock that expire soon: %(number)s.")

_MESSAGES = (
    (InboxState.DEAD, mark("Messages that could not be handled: %(number)s."), "bad", "work"),
    (OutboxState.FAILED, mark("Messages of the last days that did not arrive: %(number)s."), "bad", "undelivered"),
    (
        OutboxState.UNSURE,
        mark("Messages of the last days that may not have gone out: %(number)s."),
        "look",
        "undelivered",
    ),
    (InboxState.HELD, mark("Messages held because their numbers are not registered: %(number)s."), "look", "held"),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to mend, in words, and the page where that is done if the visitor may."""

    words: str
    tone: str
    url: str = ""


def find_alarms(session: Session, runtime: Runtime, scope: Scope) -> tuple[Alarm, ...]:
    """Return what a visitor of this scope should know of, the machinery first."""
    return (
        *_machinery(session, runtime),
        *_silences(session, runtime, scope),
        *_lines(session, runtime, scope),
        *_findings(session, runtime, scope),
        *_quotas(session, runtime, scope),
        *_budgets(session, runtime, scope),
        *_hooks(session, scope),
        *_messages(session, runtime, scope),
        *_expiries(session, runtime, scope),
    )


def _machinery(session: Session, runtime: Runtime) -> list[Alarm]:
    found = []
    ticked_at = channels.last_tick(session, "clock")
    if ticked_at is not None and runtime.now() - ticked_at > SILENT_CLOCK:
        found.append(Alarm(translate("The clock stands still: what was missed is not fetched."), "bad"))
    if not runtime.bells.is_heard():
        words = translate("Redis does not answer. What comes in is kept, and handled once it is back.")
        found.append(Alarm(words, "bad"))
    return [*found, *_spool(runtime)]


def _spool(runtime: Runtime) -> list[Alarm]:
    """Tell what this server has taken and could not hand on, unless it will be gone in a moment."""
    lying, now = runtime.spool.look(), runtime.now()
    found = [Alarm(translate(SPOOL_UNREADABLE) % {"fault": lying.fault}, "bad")] if lying.fault else []
    if lying.oldest_at is not None and now - lying.oldest_at > SILENT_CLOCK:
        since = show.show_time(lying.oldest_at, runtime.settings.timezone, now)
        found.append(Alarm(translate(SPOOL_WAITS) % {"number": lying.waiting, "since": since}, "bad"))
    for words, number in ((SPOOL_CORRUPT, lying.corrupt), (SPOOL_REFUSED, lying.refused)):
        if number:
            found.append(Alarm(translate(words) % {"number": number}, "bad"))
    return found


def _silences(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    address = _find_address("channels.show_channels", Action.ADMINISTER)
    words = translate("Nothing comes in by %(channel)s, where %(number)s messages came at this time before.")
    silent = channels.find_silent(session, runtime.now(), scope=scope, names=list(runtime.channels))
    return [Alarm(words % {"channel": one.name, "number": one.expected}, "bad", address) for one in silent]


def _lines(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    names = channels.names_within(session, list(runtime.channels), scope)
    address, found = _find_address("channels.show_channels", Action.ADMINISTER), []
    for name, look in channel_health.health_of(session, names).items():
        said = translate(UNWELL) % {"channel": name, "words": look.health.words}
        if look.health.is_well and look.is_unheard and look.health.heard_at is not None:
            since = show.show_time(look.health.heard_at, runtime.settings.timezone, runtime.now())
            said = translate(UNHEARD) % {"channel": name, "since": since}
        elif look.health.is_well:
            continue
        found.append(Alarm(said, "bad", address))
    return found


def _findings(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    names, since = channels.names_within(session, list(runtime.channels), scope), runtime.now() - RECENT
    address = _find_address("channels.show_channels", Action.ADMINISTER)
    return [
        Alarm(translate(words) % _about(one, runtime), tone, address)
        for find, words, tone in (
            (reconciling.missing_lately, FETCHED, "look"),
            (reconciling.strange_lately, STRANGE, "bad"),
        )
        for one in find(session, names, since)
    ]


def _about(one: reconciling.Finding, runtime: Runtime) -> dict[str, object]:
    since = show.show_time(one.since, runtime.settings.timezone, runtime.now())
    return {"number": one.count, "channel": one.channel, "since": since}


def _quotas(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    names = channels.names_within(session, list(runtime.channels), scope)
    address, found = _find_address("channels.show_channels", Action.ADMINISTER), []
    for name in names:
        per_day = runtime.channels[name].limits.per_day
        if not per_day:
            continue
        used = outbox.segments_gone(session, name, runtime.now() - quota.WINDOW)
        percent = used * 100 // per_day
        if percent >= quota.PERCENT_FOR_REMINDERS:
            words, tone = (QUOTA_USED_UP, "bad") if percent >= 100 else (QUOTA_NEARLY, "look")
            found.append(Alarm(translate(words) % {"channel": name, "percent": percent}, tone, address))
    return found


def _budgets(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    names = channels.names_within(session, list(runtime.channels), scope)
    address, found = _find_address("channels.show_channels", Action.ADMINISTER), []
    spent = spending.spending_of(session, names, runtime.now(), runtime.settings.timezone, of_budgets=True)
    for name, one in spent.items():
        if one.percent is not None and one.percent >= spending.PERCENT_FOR_REMINDERS:
            words, tone = (USED_UP, "bad") if one.percent >= 100 else (NEARLY, "look")
            found.append(Alarm(translate(words) % {"channel": name, "percent": one.percent}, tone, address))
    return found


def _hooks(session: Session, scope: Scope) -> list[Alarm]:
    words = translate("%(name)s is no longer told what happens: Kabar has stopped it.")
    may_open = nav.has_page("hooks.show_hook") and frame.may(Action.ADMINISTER)
    return [
        Alarm(words % {"name": one.name}, "bad", url_for("hooks.show_hook", hook_id=one.id) if may_open else "")
        for one in hooks.list_stopped(session, scope=scope)
    ]


def _messages(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    found = []
    numbers = alarms.count_open(session, runtime.now() - RECENT, scope=scope)
    for state, words, tone, tab in _MESSAGES:
        if number := numbers.get(state):
            said = translate(words) % {"number": _say_number(number)}
            found.append(Alarm(said, tone, _find_address("messages.show_messages", Action.SEE, tab=tab)))
    most = runtime.settings.answers_per_hour_unregistered
    is_likely = numbers.get(InboxState.HELD, 0) >= min(most, alarms.MOST)  # else there is nothing to count
    if is_likely and strangers.count_answered(session, runtime.now() - STRANGERS_HOUR) >= most:
        address = _find_address("messages.show_messages", Action.SEE, tab="held")
        found.append(Alarm(translate(FLOOD) % {"number": most}, "bad", address))
    return found


def _expiries(session: Session, runtime: Runtime, scope: Scope) -> list[Alarm]:
    form = month_figures.find_stock_form(runtime.forms)
    if form is None:
        return []
    today = runtime.now().astimezone(ZoneInfo(runtime.settings.timezone)).date()
    chosen = thresholds.thresholds_around(session, scope.area, form.code, scope=scope)
    soon = soon_until(today, month_figures.expiring_months(chosen, form, scope.area))
    numbers = batches.count_expiring(session, (today, soon), scope=scope)
    shown = ((HAVE_EXPIRED, "bad", "expired"), (EXPIRE_SOON, "look", "soon"))
    return [
        Alarm(
            translate(words) % {"number": _say_number(number)},
            tone,
            _find_address("batches.show_batches", Action.SEE, expiry=expiry),
        )
        for number, (words, tone, expiry) in zip(numbers, shown, strict=True)
        if number
    ]


def _say_number(number: int) -> str:
    return str(number) if number < alarms.MOST else f"{alarms.MOST - 1}+"


def _find_address(endpoint: str, action: Action, **about: Any) -> str:
    return url_for(endpoint, **about) if nav.has_page(endpoint) and frame.may(action) else ""
