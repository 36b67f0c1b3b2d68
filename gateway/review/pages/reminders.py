"""The reminders before they go: at which moments, to how many, at what cost; and for each facility why or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request, url_for

from gateway.remind.coming import Coming, find_coming
from gateway.remind.plan import AreaMonth, Line, Owed, Person, Plan, Verdict
from gateway.review.pages import forecast, frame, paging, reminder_words
from gateway.review.pages.calendar import Place, find_place, show_day
from gateway.review.pages.corners import find_corners
from gateway.review.pages.forecast import Forecast
from gateway.review.pages.language import current_language, mark, translate
from gateway.runtime import Runtime
from gateway.store import audience, channels, pauses
from gateway.store.base import Session
from gateway.values import Scope

REGENCY = len("14.03")
MOMENTS = 4  # that are planned ahead; more would only cost time
DATES = 12  # that are shown where nothing is planned: a whole province, the whole country

routes = frame.make_routes("reminders")


@dataclass(frozen=True, slots=True)
class Row:
    """A facility's report or a list for staff as the page shows it: the verdict, its step, to whom, in which words.

    Shape: `texts` are pairs of a name and the SMS that goes to it.
    """

    about: Owed | AreaMonth
    verdict: Verdict
    rung: str
    people: tuple[Person, ...]
    texts: tuple[tuple[str, str], ...]

    @property
    def is_owed(self) -> bool:
        """Whether somebody may be reminded of it by hand."""
        return self.verdict not in (Verdict.REPORTED, Verdict.WITH_STAFF, Verdict.CLOSED, Verdict.NOT_ASKED)


@routes.get("/reminders")
def show_reminders() -> Response:
    """Show what goes out at the next moments in an area, and for each facility why or why not."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    now = runtime.now()
    with runtime.database.session(read_only=True) as session:
        place = find_place(session, request.args)
        if place is None:
            return frame.absent()
        asked = request.args.get("form", "")
        form = asked if any(one.code == asked for one in runtime.forms) else ""
        forms = [one for one in runtime.forms if form in ("", one.code)]
        is_planned = len(place.area) >= REGENCY
        corners = find_corners(session, place, forms, widest=not is_planned)
        coming = find_coming(corners, now, runtime.settings.region, MOMENTS if is_planned else DATES)
        forecasts = _make_forecasts(session, runtime, place, form, coming) if is_planned else ()
        chosen = _choose(forecasts)
        standing = pauses.standing_pauses(session, place.area, place.today, scope=user.scope)
        about = {"area": place.area, "form": form or None}
        context = _gather(session, chosen, about) if chosen else {}
        places = _places(session)
    return frame.answer(
        "reminders.html",
        place=place,
        places=places,
        form=form,
        forms=[(one.code, one.name(current_language())) for one in runtime.forms],
        form_names={one.code: one.name(current_language()) for one in runtime.forms},
        coming=coming,
        forecasts=forecasts,
        chosen=chosen,
        paused=[one for one in standing if one.facility_id is None],
        about=about,
        is_planned=is_planned,
        words=reminder_words,
        show_day=show_day,
        now=now,
        **context,
    )


def _make_forecasts(
    session: Session, runtime: Runtime, place: Place, form: str, coming: tuple[Coming, ...]
) -> tuple[Forecast, ...]:
    scope = Scope(place.area)
    prices = channels.prices_of(session, tuple(runtime.channels))
    return tuple(
        forecast.make_forecast(one, _plan(session, runtime, place.area[:REGENCY], one.at), scope, form, prices)
        for one in coming
    )


def _plan(session: Session, runtime: Runtime, regency: str, at: datetime) -> Plan:
    """Return what would go out in a regency at an instant."""
    return Plan((), ())


def _choose(forecasts: tuple[Forecast, ...]) -> Forecast | None:
    """Return the moment that was asked for, else the first at which anything goes out."""
    asked = request.args.get("at", None, int)
    wished = (one for one in forecasts if int(one.coming.at.timestamp()) == asked)
    going = (one for one in forecasts if one.plan.letters)
    return next(wished, None) or next(going, None) or next(iter(forecasts), None)


def _gather(session: Session, chosen: Forecast, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lines of one moment as the page shows them: a page of facilities, and every list for staff."""
    verdict = request.args.get("verdict", "")
    verdict = verdict if verdict in set(Verdict) else ""
    found = forecast.sort_owed(chosen.plan, verdict)
    page, further = forecast.page_after(found, request.args.get("after", "")[:60], paging.ROWS)
    kept = {**about, "at": int(chosen.coming.at.timestamp())}
    texts: dict[str, str] = {}
    lists = [line for line in chosen.plan.lines if isinstance(line.about, AreaMonth)]
    lists = [line for line in lists if line.verdict is not Verdict.NO_RUNG]
    tallies = chosen.tallies
    url = {**kept, "verdict": verdict or None}
    return {
        "rows": [_make_row(line, texts) for _, line, _ in page],
        "lists": [_make_row(line, texts) for line in lists],
        "older": url_for("reminders.show_reminders", **url, after=further) if further else None,
        "newer": url_for("reminders.show_reminders", **url) if request.args.get("after") else None,
        "verdict": verdict,
        "tabs_of_verdicts": [
            (url_for("reminders.show_reminders", **kept), translate(mark("All")), not verdict, sum(tallies.values())),
            *(
                (
                    url_for("reminders.show_reminders", **kept, verdict=one),
                    translate(reminder_words.VERDICTS[one][0]),
                    one == verdict,
                    count,
                )
                for one, count in tallies.items()
            ),
        ],
    }


def _make_row(line: Line, texts: Mapping[str, str]) -> Row:
    return Row(line.about, line.verdict, _name_rung(line), line.people, _texts(line, texts))


def _name_rung(line: Line) -> str:
    rung = line.window.rung if line.window else None
    return reminder_words.say_rung(rung.code, {rung.code: rung}) if rung else ""


def _texts(line: Line, texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, texts[one.phone]) for one in line.people if one.phone in texts)


def _places(session: Session) -> list[tuple[str, str]]:
    scope = frame.visitor().scope
    found = list(audience.area_choices(session, scope=scope))
    return found if scope.area else [("", translate(mark("Whole country"))), *found]
