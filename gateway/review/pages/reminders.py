"""The reminders before they go: at which moments, to how many, at what cost; and for each facility why or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from gateway.remind import run
from gateway.remind.coming import Coming, find_coming
from gateway.remind.letters import write_letters
from gateway.remind.plan import AreaMonth, Line, Owed, Person, Verdict
from gateway.review.pages import forecast, frame, paging, reminder_words
from gateway.review.pages.calendar import Place, find_place, show_day
from gateway.review.pages.corners import find_corners
from gateway.review.pages.forecast import Forecast
from gateway.review.pages.language import current_language, mark, translate
from gateway.store import areas, audience, channels, pauses
from gateway.store.base import Session
from gateway.values import Scope

REGENCY = len("14.03")
MOMENTS = 4  # that are shown ahead
DATES = 12  # that are shown where nothing is planned: a whole province, the whole country

routes = frame.make_routes("reminders")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see: a place, one form or all of them, and one of the moments that are coming there."""

    place: Place
    form: str
    coming: tuple[Coming, ...]
    chosen: Coming | None

    @property
    def is_planned(self) -> bool:
        """Whether reminders are planned for the place: a regency, or a part of one."""
        return len(self.place.area) >= REGENCY

    @property
    def about(self) -> dict[str, str | None]:
        """What its address holds."""
        return {"area": self.place.area, "form": self.form or None}


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
    """Show what goes out next in an area, and for each facility why or why not."""
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:
        wish = _find_wish(session)
        if wish is None:
            return frame.absent()
        place, coming = wish.place, wish.coming
        chosen = _forecast(session, wish, wish.chosen) if wish.chosen else None
        standing = pauses.standing_pauses(session, place.area, place.today, scope=user.scope)
        paused = [one for one in standing if one.facility_id is None]
        names = areas.names_of(session, {one.area for one in paused})
        context = _gather(session, chosen, wish.about) if chosen else {}
        places = _places(session)
    return frame.answer(
        "reminders.html",
        place=place,
        places=places,
        form=wish.form,
        forms=[(one.code, one.name(current_language())) for one in runtime.forms],
        form_names={one.code: one.name(current_language()) for one in runtime.forms},
        coming=coming,
        chosen=chosen,
        paused=paused,
        names=names,
        about=wish.about,
        is_planned=wish.is_planned,
        words=reminder_words,
        show_day=show_day,
        now=runtime.now(),
        **context,
    )


@routes.get("/reminders/amount")
def show_amount() -> Response:
    """Show to how many, and at what cost, reminders go out at one moment: a piece of the page."""
    with frame.runtime_of_request().database.session(read_only=True) as session:
        wish = _find_wish(session)
        if wish is None or not wish.is_planned or wish.chosen is None:
            return frame.absent()
        found = _forecast(session, wish, wish.chosen)
    return frame.answer("reminders_amount.html", one=found, words=reminder_words)


def _find_wish(session: Session) -> Wish | None:
    """Return what an address asks to see; None where it is not the visitor's."""
    runtime, now = frame.runtime_of_request(), frame.runtime_of_request().now()
    place = find_place(session, request.args)
    if place is None:
        return None
    asked = request.args.get("form", "")
    form = asked if any(one.code == asked for one in runtime.forms) else ""
    is_planned = len(place.area) >= REGENCY
    forms = [one for one in runtime.forms if form in ("", one.code)]
    corners = find_corners(session, place, forms, widest=not is_planned)
    coming = find_coming(corners, now, runtime.settings.region, MOMENTS if is_planned else DATES)
    at = request.args.get("at", "")
    wished = next((one for one in coming if str(int(one.at.timestamp())) == at), None)
    # what may go out already goes within the hour: what one comes to see is what goes next
    ahead = next((one for one in coming if one.at > now), None) or next(iter(coming), None)
    return Wish(place, form, coming, (wished or ahead) if is_planned else None)


def _forecast(session: Session, wish: Wish, coming: Coming) -> Forecast:
    """Return what happens at one moment. Planning it is what takes the time: once for each answer."""
    runtime, place = frame.runtime_of_request(), wish.place
    plan = run.plan_regency(session, place.area[:REGENCY], runtime.ways, coming.at)
    plan = forecast.assume_gone(plan, [one.at for one in wish.coming if one.at < coming.at])
    prices = channels.prices_of(session, tuple(runtime.channels))
    return forecast.make_forecast(coming, plan, Scope(place.area), wish.form, prices)


def _gather(session: Session, chosen: Forecast, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lines of one moment as the page shows them: a page of facilities, and every list for staff."""
    verdict = request.args.get("verdict", "")
    verdict = verdict if verdict in set(Verdict) else ""
    found = forecast.sort_owed(chosen.plan, verdict)
    page, further = forecast.page_after(found, request.args.get("after", "")[:60], paging.ROWS)
    kept = {**about, "at": int(chosen.coming.at.timestamp())}
    lists = [line for line in chosen.plan.lines if isinstance(line.about, AreaMonth)]
    lists = [line for line in lists if line.verdict is not Verdict.NO_RUNG]
    texts = _write(session, chosen, [*lists, *(line for _, line, _ in page)])
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


def _write(session: Session, chosen: Forecast, lines: Sequence[Line]) -> dict[str, str]:
    """Return the SMS of everybody whom these lines are about, by the number that it goes to."""
    phones = {one.phone for line in lines for one in line.people}
    letters = [letter for letter in chosen.plan.letters if letter.person.phone in phones]
    written = write_letters(session, letters, frame.runtime_of_request().ways, chosen.coming.at)
    return {letter.person.phone: text for letter, text in zip(letters, written, strict=True)}


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
