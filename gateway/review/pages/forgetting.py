"""One person's own data: handed out to her, and erased for good."""

from __future__ import annotations

from flask import Response, make_response, request, url_for

from gateway import jobs
from gateway.errors import Malformed
from gateway.forget import erase, told
from gateway.forget.erase import Asked
from gateway.keybox import read_key
from gateway.review.pages import frame, reporters
from gateway.review.pages.language import mark
from gateway.review.permit import Action
from gateway.store import erasures
from gateway.store.roster import KnownReporter

TIDY = "forgetting"  # the errand
LONGEST_REASON = 200
NOT_ALONE = mark("She reports in another area too. Only who looks after both may do this.")

routes = frame.make_routes("forgetting")


@routes.post("/reporters/<int:reporter_id>/data")
def hand_out(reporter_id: int) -> Response:
    """Hand out everything that is kept of a reporter: a page of text to read, the same as JSON behind it."""
    frame.demand(Action.SET)
    frame.demand_fresh(url_for("reporters.show_reporter", reporter_id=reporter_id))
    runtime = frame.runtime_of_request()
    reporter = reporters.find(reporter_id)
    if reporter is None:
        return frame.absent()
    if not _is_whole(reporter):
        return frame.go("reporters.show_reporter", said=NOT_ALONE, tone="look", reporter_id=reporter_id)
    with runtime.database.session() as session:
        found = told.tell(session, erasures.find_by_id(session, reporter_id), runtime.now())
        frame.audit(session, "hand_out", "reporter", reporter_id, reporter.area)
        session.commit()
    answer = make_response(f"{told.as_text(found)}\n\n{told.as_json(found)}")
    answer.headers["Content-Type"] = "text/plain; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="data-pribadi-{reporter_id}.txt"'
    return answer


@routes.get("/reporters/<int:reporter_id>/erase")
def show_erase(reporter_id: int) -> Response:
    """Show what erasing means, and ask for her name to be typed."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("forgetting.show_erase", reporter_id=reporter_id))
    reporter = reporters.find(reporter_id)
    if reporter is None or reporter.merged_into:
        return frame.absent()
    return _show(reporter)


@routes.post("/reporters/<int:reporter_id>/erase")
def erase_reporter(reporter_id: int) -> Response:
    """Erase a reporter whose name was typed; her figures stay."""
    frame.demand(Action.ADMINISTER)
    frame.demand_fresh(url_for("forgetting.show_erase", reporter_id=reporter_id))
    runtime, me = frame.runtime_of_request(), frame.visitor()
    reporter = reporters.find(reporter_id)
    if reporter is None or reporter.merged_into:
        return frame.absent()
    reason = request.form.get("reason", "").strip()[:LONGEST_REASON]
    if " ".join(request.form.get("name", "").split()).casefold() != reporter.name.casefold():
        return _show(reporter, mark("That is not her name. Type it as it stands above."), 422)
    if not _is_whole(reporter):
        return _show(reporter, NOT_ALONE, 422)
    key = read_key(runtime.settings.secret_key, runtime.settings.var)
    with runtime.database.session() as session:
        try:
            asked = Asked(reason, (me.id, me.name), runtime.now(), reporter.area)
            erase.erase(session, erasures.find_by_id(session, reporter_id), key, asked)
        except Malformed:
            return _show(
                reporter, mark("Write why; and where a message of hers just came, wait until it is read."), 422
            )
        session.commit()
    with runtime.database.session() as session:
        erase.keep_in_step(session, runtime.settings.var, key, runtime.now())
        session.commit()
    runtime.bells.ring(jobs.ERRANDS, TIDY)
    return frame.go("reporters.show_reporters", said=mark("She was erased. Her figures stay."))


def _is_whole(reporter: KnownReporter) -> bool:
    """Tell whether all of a reporter lies within the visitor's area."""
    return all(frame.visitor().scope.covers(place.area) for place in reporter.assignments)


def _show(reporter: KnownReporter, fault: str = "", status: int = 200) -> Response:
    return frame.answer(
        "erase.html", status, reporter=reporter, fault=fault, reason=request.form.get("reason", "")[:LONGEST_REASON]
    )
