"""Refuse at once all that was sent in a reporter's name since a day: her phone was lost, or her number forged."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway.enrol.checking import read_date
from gateway.enrol.faults import Fault, FaultCode
from gateway.review import decide
from gateway.review.deeds import Seen
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.pages.registry_words import say_faults
from gateway.review.pages.report import make_office
from gateway.review.pages.reporters import find, show
from gateway.review.permit import Action
from gateway.store import undecided

routes = frame.make_routes("refusing")


@routes.post("/reporters/<int:reporter_id>/reports/reject")
def reject_since(reporter_id: int) -> Response:
    """Refuse what came from a reporter since the beginning of a day, with one reason; what is approved stays."""
    frame.demand(Action.DECIDE)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    reporter = find(reporter_id)
    if reporter is None:
        return frame.absent()
    day, reason = (
        read_date(request.form.get("since", "").strip(), "since"),
        request.form.get("reason", "").strip()[:200],
    )
    faults = [day] if isinstance(day, Fault) else []
    if not reason:
        faults.append(Fault(FaultCode.MISSING, "reason"))
    if faults or isinstance(day, Fault):
        return show(reporter_id, faults=say_faults(faults), typed=request.form, status=422)
    since = datetime.combine(day, time(), ZoneInfo(runtime.settings.timezone))
    with runtime.database.session() as session:
        found = undecided.undecided_since(session, reporter_id, since, scope=scope)
        done = decide.reject_many(session, make_office(), [Seen(*one) for one in found], reason)
        session.commit()
    words = mark(
        "%(done)s reports were rejected; %(left)s stay, for they changed this moment or their month is closed."
    )
    said = translate(words) % {"done": len(done), "left": len(found) - len(done)}
    return frame.go("reporters.show_reporter", said=said, reporter_id=reporter_id)
