"""The thresholds: from which numbers on a midwife is asked, or a report flagged, as an area has chosen them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, request, url_for

from gateway import stock
from gateway.calendar import areas_around
from gateway.handle.limits import CAP, find_fault, limits_for
from gateway.review.pages import frame, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.registry_words import name_type, type_choices
from gateway.review.permit import Action
from gateway.store import areas, audience, thresholds
from gateway.store.base import Session
from gateway.store.facilities import Facility
from gateway.store.thresholds import Threshold
from parsers.form import Form

MOST = 99_999


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a threshold is called, what it does, and between which numbers it makes sense."""

    name: str
    words: str
    low: int = 0
    high: int = MOST


MEANINGS: Mapping[str, Meaning] = {
    "running_month_from_day": Meaning(
        mark("Running month from day"),
        mark("From this day on a report may be for the month that is still running. Before it, its sender is asked."),
        1,
        31,
    ),
    "oldest_months_back": Meaning(
        mark("Oldest month"), mark("A report for a month longer ago than this many months is not taken."), 1, 120
    ),
    "late_months": Meaning(
        mark("Far back"), mark("A report for a month more than this many months back is flagged for you."), 1, 120
    ),
    "jump_factor": Meaning(
        mark("Jump: how many times"),
        mark("A number this many times the usual one may be a slip of a digit: its sender is asked."),
        2,
        100,
    ),
    "jump_least": Meaning(
        mark("Jump: from which number"), mark("Smaller numbers are never asked about because they jumped.")
    ),
    "move_least": Meaning(
        mark("Active users: smallest change"), mark("A change by no more than this many users is never asked about.")
    ),
    "move_percent": Meaning(
        mark("Active users: change in percent"),
        mark("If active users change by more than this share of last month’s, their sender is asked."),
        1,
        1000,
    ),
    "zero_mean": Meaning(
        mark("All zero: usual number"),
        mark("Where this many are usual in a month and every number is zero, the sender is asked."),
    ),
    "history_months": Meaning(
        mark("What is usual: months"), mark("The usual number is the middle one of this many months before."), 1, 24
    ),
    "zero_months": Meaning(
        mark("All zero: months"), mark("For a report of zeros, usual is the mean of this many months before."), 1, 24
    ),
    "expiring_months": Meaning(
        mark("Stock expiring: months"), mark("Stock that expires within this many months is flagged for you."), 0, 60
    ),
    "confirm_changes": Meaning(
        mark("Changed figures: confirm from"),
        mark(
            "Who changes a figure that counts already by this much must confirm it with digits that go to her phone."
            " 1: any change. 0: nobody is asked."
        ),
    ),
    "stock_least": Meaning(
        mark("Enough stock: from how many months"), mark("Stock that lasts less is low, on the month's page."), 0, 24
    ),
    "stock_most": Meaning(
        mark("Enough stock: up to how many months"),
        mark("Stock that lasts longer is too much; a resupply fills up to here."),
        1,
        60,
    ),
}
CAPPED = mark("A number over this is unusual for this type of facility: its sender is asked.")
WRONG = mark("A whole number from %(low)s to %(high)s.")

routes = frame.make_routes("thresholds")


@dataclass(frozen=True, slots=True)
class Row:
    """One threshold as the page shows it: the number that counts, the file's, and who chose."""

    name: str
    title: str
    words: str
    low: int
    high: int
    value: int | None
    original: int | None
    chosen: Threshold | None
    is_own: bool


@routes.get("/thresholds")
def show_thresholds() -> Response:
    """Show the thresholds that count in an area for a type of facility."""
    return _show(request.args)


@routes.post("/thresholds")
def choose() -> Response:
    """Choose a number, or go back to that of the area around or of the file."""
    frame.demand(Action.SET)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    name, written = typed.get("name", "")[:40], typed.get("value", "").strip().replace(".", "")[:9]
    value = int(written) if written.isascii() and written.isdigit() else -1
    kind = typed.get("type", "")[:20]
    one = Threshold(typed.get("area", "")[:13], kind, typed.get("form", "")[:20], name, min(max(0, value), MOST))
    if not scope.covers(one.area) or find_fault(one, runtime.forms) or kind not in {"", *dict(type_choices())}:
        return frame.absent()
    is_drop = typed.get("what") == "drop"
    meaning = MEANINGS.get(name, Meaning("", ""))
    if not is_drop and not meaning.low <= value <= meaning.high:
        fault = translate(WRONG) % {"low": show.show_count(meaning.low), "high": show.show_count(meaning.high)}
        return _show(typed, name, fault)
    with runtime.database.session() as session:
        if one.area and areas.find_area_within(session, one.area, scope=scope) is None:
            return frame.absent()
        known = thresholds.thresholds_around(session, one.area, one.form, scope=scope)
        before = next((it.value for it in known if _key(it) == _key(one)), None)
        if is_drop:
            thresholds.drop_within(session, one, scope=scope)
        else:
            thresholds.choose_within(session, one, scope=scope)
        about = {"value": [before, None if is_drop else value], "form": one.form, "type": one.facility_type}
        frame.audit(session, "change", "threshold", name, one.area, **about)
        session.commit()
    said = mark("The number of the area around, or of the form, counts again.") if is_drop else mark("It was changed.")
    return frame.go("thresholds.show_thresholds", said, area=one.area, form=one.form, type=one.facility_type)


def _key(one: Threshold) -> tuple[str, str, str, str]:
    return one.area, one.facility_type, one.form, one.name


def _show(wished: Mapping[str, str], name: str = "", fault: str = "") -> Response:
    frame.demand(Action.SET)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    area = wished.get("area", user.area)[:13]
    code, kind = wished.get("form") or runtime.settings.main_form, wished.get("type", "")[:20]
    form = next((one for one in runtime.forms if one.code == code), None)
    if form is None or not user.scope.covers(area) or kind not in {"", *dict(type_choices())}:
        return frame.absent()
    with runtime.database.session(read_only=True) as session:
        if area and areas.find_area_within(session, area, scope=user.scope) is None:
            return frame.absent()
        chosen = thresholds.thresholds_around(session, area, form.code, scope=user.scope)
        elsewhere = thresholds.thresholds_within(session, form.code, scope=user.scope)
        codes = {one.area for one in (*chosen, *elsewhere)} | {area}
        names = areas.names_of(session, codes)
        places = _places(session)
    return frame.answer(
        "thresholds.html",
        422 if fault else 200,
        form=form,
        area=area,
        area_name=names.get(area) or translate(mark("Whole country")),
        kind=kind,
        rows=_make_rows(chosen, form, area, kind),
        places=places,
        names=names,
        kinds=type_choices(),
        elsewhere=[one for one in elsewhere if (one.area, one.facility_type) != (area, kind)],
        titles={one.name: _title(form, one.name) for one in elsewhere},
        name_type=name_type,
        form_tabs=[
            (
                url_for("thresholds.show_thresholds", area=area, type=kind, form=one.code),
                one.name(current_language()),
                one is form,
                None,
            )
            for one in runtime.forms
        ],
        fault_at=name,
        fault=fault,
        typed=wished.get("value", ""),
    )


def _places(session: Session) -> list[tuple[str, str]]:
    scope = frame.visitor().scope
    found = list(audience.area_choices(session, scope=scope))
    return found if scope.area else [("", translate(mark("Whole country"))), *found]


def _title(form: Form, name: str) -> str:
    return translate(MEANINGS[name].name) if name in MEANINGS else show.name_key(form, name.removeprefix(CAP))


def _make_rows(chosen: Sequence[Threshold], form: Form, area: str, kind: str) -> list[Row]:
    """Return every threshold as it counts for a facility of this type, right in this area."""
    place = Facility(0, "", "", "", kind, area, "")
    counting, files = limits_for(chosen, form, place), limits_for((), form, place)
    caps, original = (counting.caps or form.caps).get(kind, {}), form.caps.get(kind, {})
    rows = []
    for name, meaning in MEANINGS.items():
        if name.startswith("stock_") and stock.LEFT not in form.measures:
            continue
        best = _find_choice(chosen, name, area, kind)
        value = int(getattr(counting, name))
        about = name, translate(meaning.name), translate(meaning.words), meaning.low, meaning.high
        rows.append(Row(*about, value, int(getattr(files, name)), best, _is_own(best, area, kind)))
    known = dict.fromkeys(code for caps_of_type in form.caps.values() for code in caps_of_type)
    for code in known:
        best = _find_choice(chosen, f"{CAP}{code}", area, kind)
        about = f"{CAP}{code}", show.name_key(form, code), translate(CAPPED), 0, MOST
        rows.append(Row(*about, caps.get(code), original.get(code), best, _is_own(best, area, kind)))
    return rows


def _find_choice(chosen: Sequence[Threshold], name: str, area: str, kind: str) -> Threshold | None:
    """Return the choice by which a threshold goes: of the smallest area, then for this very type."""
    around = areas_around(area)
    holding = [one for one in chosen if one.name == name and one.area in around and one.facility_type in ("", kind)]
    return max(holding, key=lambda one: (len(one.area), bool(one.facility_type)), default=None)


def _is_own(best: Threshold | None, area: str, kind: str) -> bool:
    return best is not None and (best.area, best.facility_type) == (area, kind)
