"""The channels: how each one does, whose area it is, what an SMS and a month cost on it; and what `doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, request

from gateway.discover import discover
from gateway.instances import parse_channels
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store import areas, channel_health, channels, outbox, quota, spending, traffic, unsettled
from gateway.values import ChannelLimits, Setting

MOST_PRICE = 100_000  # rupiah for one SMS
WRONG_PRICE = mark("Whole rupiah, from 0 to 100,000; empty where you do not know.")
MOST_BUDGET = 1_000_000_000  # rupiah for one month
WRONG_BUDGET = mark("Whole rupiah, from 0 to 1,000,000,000; empty for no limit.")
NO_PRICE = mark("Write the price of one SMS too: without it nobody can tell what was spent.")
WRONG_AREA = mark("There is no such area within yours.")

routes = frame.make_routes("channels")


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting of a channel as the page may show it: a secret only as set or not."""

    name: str
    meaning: str
    value: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """What speaks for a channel: its adapter's name, what it can bear, and its settings."""

    name: str
    limits: ChannelLimits
    settings: tuple[ShownSetting, ...]


@routes.get("/channels")
def show_channels() -> Response:
    """Show every channel and how it does."""
    return _show()


@routes.post("/channels/<name>")
def choose(name: str) -> Response:
    """Say whose area a channel is, what an SMS costs on it, and what a month may."""
    frame.demand(Action.ADMINISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    if name not in runtime.channels:
        return frame.absent()
    typed = {field: request.form.get(field, "").strip()[:15] for field in ("area", "price", "budget")}
    area, price, budget = typed["area"][:13], _read_rupiah(typed["price"]), _read_rupiah(typed["budget"])
    with runtime.database.session() as session:
        if name not in channels.names_within(session, [name], scope):
            return frame.absent()
        faults = _find_faults(typed, price, budget)
        if area and (not scope.covers(area) or areas.find_area_within(session, area, scope=scope) is None):
            faults["area"] = WRONG_AREA
        if not faults:
            [before] = traffic.traffic_of(session, [name], runtime.now(), scope=scope)
            if not channels.choose_channel(session, name, area or None, price, budget, scope=scope):
                faults["area"] = WRONG_AREA
        if faults:
            session.rollback()
            return _show(name, typed, {field: translate(fault) for field, fault in faults.items()})
        about = {"of": [before.area, area], "segment_price": [before.segment_price, price]}
        frame.audit(session, "change", "channel", name, area, **about, monthly_budget=[before.monthly_budget, budget])
        session.commit()
    return frame.go("channels.show_channels", mark("The channel was changed."))


def _read_rupiah(typed: str) -> int | None:
    """Return an amount as people here write it, with or without dots; None where nothing or nonsense was typed."""
    plain = typed.replace(".", "")
    return int(plain) if plain.isascii() and plain.isdigit() else None


def _find_faults(typed: dict[str, str], price: int | None, budget: int | None) -> dict[str, str]:
    faults = {}
    if typed["price"] and (price is None or price > MOST_PRICE):
        faults["price"] = WRONG_PRICE
    if typed["budget"] and (budget is None or budget > MOST_BUDGET):
        faults["budget"] = WRONG_BUDGET
    elif typed["budget"] and not typed["price"]:
        faults["price"] = NO_PRICE
    return faults


def _show(name: str = "", typed: dict[str, str] | None = None, faults: dict[str, str] | None = None) -> Response:
    frame.demand(Action.ADMINISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    now, names = runtime.now(), tuple(runtime.channels)
    with runtime.database.session(read_only=True) as session:
        found = traffic.traffic_of(session, names, now, scope=scope)
        silent = {one.name: one for one in channels.find_silent(session, now, scope=scope, names=names)}
        spent = spending.spending_of(session, [one.name for one in found], now, runtime.settings.timezone)
        places = unsettled.regencies_with_facilities(session, scope=scope)
        area_names = areas.names_of(session, {one.area for one in found if one.area})
        looks = channel_health.health_of(session, [one.name for one in found])
        gone = {
            one.name: outbox.segments_gone(session, one.name, now - quota.WINDOW)
            for one in found
            if runtime.channels[one.name].limits.per_day
        }
    return frame.answer(
        "channels.html",
        422 if faults else 200,
        found=found,
        silent=silent,
        spent=spent,
        looks=looks,
        gone=gone,
        adapters=_adapters(runtime),
        places=places,
        area_names=area_names,
        typed=typed or {},
        typed_name=name,
        faults=faults or {},
        zone=runtime.settings.timezone,
    )


def _adapters(runtime: Runtime) -> dict[str, Adapter]:
    known: dict[str, Any] = dict(discover("gateway.channels", having=("SETTINGS", "make")))
    found = {}
    for instance in parse_channels(runtime.settings.channels):
        given = runtime.settings.channel_options.get(instance.name, {})
        settings: tuple[Setting, ...] = known[instance.adapter].SETTINGS
        shown = tuple(ShownSetting(one.name, one.meaning, _shown(one, given.get(one.name, ""))) for one in settings)
        found[instance.name] = Adapter(instance.adapter, runtime.channels[instance.name].limits, shown)
    return found


def _shown(setting: Setting, given: str) -> str:
    if setting.is_secret:
        return translate(mark("set, not shown")) if given else translate(mark("not set"))
    plain = given.partition("?")[0] if "://" in given else given  # an address may hold a key behind its `?`
    return plain or setting.default or translate(mark("not set"))
