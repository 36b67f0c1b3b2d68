"""Who is missing in a month, and one reminder by hand."""

from __future__ import annotations

from flask import Response, request

from gateway import jobs
from gateway.remind import by_hand
from gateway.remind.by_hand import Outcome, Reminded
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.pages.month import Wish, find_wish, missing_rows
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.store.base import Session

routes = frame.make_routes("missing")

ROWS = 50
LARGEST_ID = 2**31  # of a facility

_SAID = {
    Outcome.NOT_OWED: (mark("There is a report by now; nobody was reminded."), "good"),
    Outcome.CLOSED: (mark("This month is closed. Open it again before you ask for reports."), "look"),
    Outcome.NOBODY: (mark("Nobody can be reminded: no reporter with a phone is registered for this facility."), "look"),
    Outcome.STOPPED: (mark("She has sent STOP and wants no reminders. Please call her."), "look"),
    Outcome.AWAY: (mark("Everybody who answers for this facility is on leave; nobody was reminded."), "look"),
    Outcome.TODAY: (mark("This number was reminded today. Nobody is reminded twice a day."), "look"),
}


@routes.get("/month/missing")
def show_missing() -> Response:
    """Show every facility that owes a report, fifty at a time."""
    runtime = frame.runtime_of_request()
    after = request.args.get("after", type=int)
    with runtime.database.session(read_only=True) as session:
        wish = find_wish(session, runtime)
        if wish is None:
            return frame.absent()
        after = after if after is not None and 0 <= after < LARGEST_ID else None
        rows = missing_rows(session, runtime, wish, limit=ROWS + 1, after=after)
    older = wish.url("missing.show_missing", after=rows[ROWS - 1].owing.id) if len(rows) > ROWS else None
    return frame.answer("missing.html", wish=wish, rows=rows[:ROWS], older=older, now=runtime.now())


@routes.post("/month/missing/<int:facility_id>/remind")
def remind_one(facility_id: int) -> Response:
    """Remind whoever is responsible for one facility's report."""
    frame.demand(Action.REMIND)
    runtime = frame.runtime_of_request()
    back = next((one for one in ("missing", "reminders") if request.form.get("back") == one), "month")
    with runtime.database.session() as session:
        wish = find_wish(session, runtime)
        if wish is None or facility_id >= LARGEST_ID:
            return frame.absent()
        reminded = _remind(session, runtime, wish, facility_id)
        if reminded.outcome is Outcome.QUIET:
            return frame.answer("remind_late.html", wish=wish, reminded=reminded, back=back, now=runtime.now())
        session.commit()
    if reminded.channel:
        runtime.bells.ring(jobs.OUTBOUND, reminded.channel)
    said, tone = _SAID.get(reminded.outcome, ("", "good"))
    if reminded.person and reminded.outcome is Outcome.QUEUED:
        said = translate("A reminder goes out to %(name)s.") % {"name": reminded.person.name}
    chosen = {"period": wish.period, "area": wish.area.code or None, "form": wish.form.code}
    return frame.go(f"{back}.show_{back}", said=said, tone=tone, **chosen)


def _remind(session: Session, runtime: Runtime, wish: Wish, facility_id: int) -> Reminded:
    """Queue the reminder and write down who asked for it, or return why it does not go."""
    reminded = by_hand.remind(
        session,
        wish.form,
        wish.period,
        facility_id,
        runtime.ways,
        runtime.now(),
        scope=frame.visitor().scope,
        is_urgent=bool(request.form.get("urgent")),
    )
    if reminded.outcome is Outcome.QUEUED and reminded.owed:
        about = {"form": wish.form.code, "period": wish.period, "ref": reminded.ref}
        frame.audit(session, "remind", "facility", facility_id, reminded.owed.facility.area, **about)
    return reminded
