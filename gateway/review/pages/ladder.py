"""The ladder of reminders of an area and a form: which steps, when, to whom, in which words; and its manners."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from gateway.calendar import areas_around, report_month
from gateway.ladder import WORDINGS, Audience, Ladder, Manners, OffDays, find_ladder, find_manners
from gateway.remind.coming import left_out, steps_of
from gateway.review.pages import frame, reminder_words
from gateway.review.pages.calendar import Place, find_place, show_day
from gateway.review.pages.corners import find_corners
from gateway.review.pages.ladder_form import TypedRung, read_ladder, read_manners, show_new, show_rung
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.registry_words import type_choices
from gateway.review.permit import Action
from gateway.store import areas, audience, ladders
from gateway.store.base import Session

LATE = mark("Somebody else has changed this meanwhile. Nothing of yours was kept; this is how it stands now.")

routes = frame.make_routes("ladder")


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts in a place: by whose choice, and whether it chose by itself."""

    ladder: Ladder
    manners: Manners
    chose_ladder: bool
    chose_manners: bool

    @property
    def seal(self) -> str:
        """What somebody has seen who changes it."""
        return f"{zlib.crc32(repr((self.ladder, sorted(self.ladder.types))).encode()):x}"


@routes.get("/reminders/ladder")
def show_ladder() -> Response:
    """Show the ladder that counts in an area for a form, with the dates that it comes to."""
    return _show(request.args)


@routes.post("/reminders/ladder")
def choose() -> Response:
    """Go by another ladder from now on, or by that of the area around again."""
    frame.demand(Action.SET)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    with runtime.database.session() as session:
        place = find_place(session, typed)
        if place is None or not scope.covers(place.area):
            return frame.absent()
        before = _stand(session, place)
        if typed.get("what") == "drop":
            if ladders.drop_ladder(session, place.area, place.form.code, scope=scope):
                frame.audit(session, "drop", "ladder", place.form.code, place.area)
            session.commit()
            return _go(place, mark("The ladder of the area around counts again."))
        if typed.get("seen") != before.seal:
            session.rollback()
            return _show(typed, told=LATE, status=409)
        types = [code for code, _ in type_choices()]
        chosen, steps = read_ladder(typed, place.area, place.form.code, types, before.manners.hours)
        if chosen is None:
            session.rollback()
            return _show(typed, steps=steps, status=422)
        ladders.choose_ladder(session, chosen, scope=scope)
        about = {"value": [_as_words(before.ladder), _as_words(chosen)]}
        frame.audit(session, "change", "ladder", place.form.code, place.area, **about)
        session.commit()
    return _go(place, mark("The ladder was changed. Reminders go by it from now on."))


@routes.post("/reminders/manners")
def choose_manners() -> Response:
    """Write to the people of an area in these manners from now on, or in those of the area around again."""
    frame.demand(Action.SET)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    with runtime.database.session() as session:
        place = find_place(session, typed)
        if place is None or not scope.covers(place.area):
            return frame.absent()
        if typed.get("what") == "drop":
            if ladders.drop_manners(session, place.area, scope=scope):
                frame.audit(session, "drop", "manners", "", place.area)
            session.commit()
            return _go(place, mark("The hours and days of the area around count again."))
        chosen = read_manners(typed, place.area)
        if not isinstance(chosen, Manners):
            session.rollback()
            return _show(typed, faults=chosen, status=422)
        before = _stand(session, place).manners
        ladders.choose_manners(session, chosen, scope=scope)
        about = {"value": [_manners_as_words(before), _manners_as_words(chosen)]}
        frame.audit(session, "change", "manners", "", place.area, **about)
        session.commit()
    return _go(place, mark("The hours and days were changed."))


def _go(place: Place, said: str) -> Response:
    return frame.go("ladder.show_ladder", said, area=place.area, form=place.form.code)


def _as_words(one: Ladder) -> str:
    """Return a ladder as the audit tells it: `kb -3 08 responsible remind_before; …`."""
    steps = [f"{rung.days:+} {rung.hour:02} {rung.audience} {rung.wording}" for rung in one.rungs if rung.is_on]
    return "; ".join(["on" if one.is_on else "off", *([" ".join(sorted(one.types))] if one.types else []), *steps])


def _manners_as_words(one: Manners) -> str:
    return (
        f"{one.hours.first}-{one.hours.last} {one.off_days} {one.spread_minutes} {'score' if one.shows_score else ''}"
    )


def _stand(session: Session, place: Place) -> Standing:
    """Return what counts in a place."""
    scope, form = frame.visitor().scope, place.form.code
    chosen = ladders.ladders_around(session, place.area, scope=scope)
    manners = ladders.manners_around(session, place.area, scope=scope)
    return Standing(
        find_ladder((*frame.runtime_of_request().rules.ladders, *chosen), place.area, form),
        find_manners(manners, place.area),
        any((one.area, one.form) == (place.area, form) for one in chosen),
        any(one.area == place.area for one in manners),
    )


def _show(
    wished: Mapping[str, Any],
    *,
    steps: list[TypedRung] | None = None,
    faults: Mapping[str, str] | None = None,
    told: str = "",
    status: int = 200,
) -> Response:
    frame.demand(Action.SET)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        place = find_place(session, wished)
        if place is None or not scope.covers(place.area):
            return frame.absent()
        standing = _stand(session, place)
        [corner] = find_corners(session, place, [place.form], widest=True)
        inside = [one for one in ladders.ladders_around(session, place.area, scope=scope) if one.area != place.area]
        elsewhere = [one for one in inside if one.form in ("", place.form.code)]
        places = _places(session)
        names = areas.names_of(session, {one.area for one in elsewhere} | {standing.ladder.area, standing.manners.area})
    period = report_month(place.today)
    coming = steps_of(corner, period, runtime.settings.region, runtime.now())
    shown = steps if steps is not None else [show_rung(one) for one in standing.ladder.rungs]
    around = areas_around(place.area)
    return frame.answer(
        "ladder.html",
        status,
        place=place,
        places=places,
        names=names,
        standing=standing,
        steps=[one for one in shown if one.code != "new"],
        new=next((one for one in shown if one.code == "new"), show_new()),
        is_adding=any(one.code == "new" for one in shown),
        typed=wished if steps is not None else None,
        typed_manners=wished if faults else None,
        faults=faults or {},
        told=told,
        period=period,
        coming=coming,
        left_out=left_out(coming, standing.ladder.rungs) if standing.ladder.is_on else (),
        elsewhere=[one for one in elsewhere if one.area not in around],
        form_tabs=_form_tabs(place),
        choices=_choices(standing.manners),
        words=reminder_words,
        show_day=show_day,
    )


def _places(session: Session) -> list[tuple[str, str]]:
    scope = frame.visitor().scope
    found = list(audience.area_choices(session, scope=scope))
    return found if scope.area else [("", translate(mark("Whole country"))), *found]


def _form_tabs(place: Place) -> list[tuple[str, str, bool, None]]:
    return [
        (
            url_for("ladder.show_ladder", area=place.area, form=one.code),
            one.name(current_language()),
            one is place.form,
            None,
        )
        for one in frame.runtime_of_request().forms
    ]


def _choices(manners: Manners) -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen in the form of a ladder."""
    hours = range(manners.hours.first, manners.hours.last)
    sentences = dict.fromkeys(name for one in Audience for name in WORDINGS[one])
    return {
        "when": [("before", translate(mark("days before the due day"))), ("after", translate(mark("days after it")))],
        "hour": [(str(hour), reminder_words.say_hour(hour)) for hour in hours],
        "audience": [(str(one), translate(words)) for one, words in reminder_words.AUDIENCES.items()],
        "wording": [(name, translate(reminder_words.WORDING_NAMES[name])) for name in sentences],
        "types": type_choices(),
        "off_days": [(str(one), translate(reminder_words.OFF_DAYS[one])) for one in OffDays],
    }
