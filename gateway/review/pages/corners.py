"""By which ladders, days and manners reminders of an area go: what its pages tell the next moments from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gateway.calendar import areas_around, find_days
from gateway.ladder import find_ladder, find_manners
from gateway.remind.coming import Corner
from gateway.review.pages import frame
from gateway.review.pages.calendar import Place
from gateway.store import ladders, months, outages
from gateway.store.base import Session
from parsers.form import Form

LOOK_BACK = timedelta(days=120)  # an outage that ended before excuses nothing of the months around this one


def find_corners(session: Session, place: Place, forms: Sequence[Form], *, widest: bool = False) -> list[Corner]:
    """Return the corners of a place for these forms: its own first, and each part of it that chose something.

    `widest`: its own alone.
    """
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    chosen = ladders.ladders_around(session, place.area, scope=scope)
    manners = ladders.manners_around(session, place.area, scope=scope)
    calendars = months.calendars_around(session, place.area, scope)
    known = [one.span for one in outages.outages_around(session, place.area, runtime.now() - LOOK_BACK, scope=scope)]
    choosing = {one.area for one in chosen} | {one.area for one in manners}
    choosing |= {one.area for one in calendars} | {one.area for one in known}
    inside = sorted(code for code in choosing if code.startswith(f"{place.area}.")) if place.area else []
    found = []
    for area in [place.area] if widest else [place.area, *inside]:
        around = areas_around(area)
        spans = tuple(one for one in known if one.area in around)
        for form in forms:
            ladder = find_ladder((*runtime.rules.ladders, *chosen), area, form.code)
            days = find_days(calendars, area, form.code)
            found.append(Corner(form.code, place.zone, days, ladder, find_manners(manners, area), spans))
    return found
