"""Personal data: how long each kind is kept here, and who was erased."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from gateway.review.pages import frame
from gateway.review.pages.language import current_language, mark
from gateway.review.permit import Action
from gateway.store import erasures, retention
from gateway.store.inventory import kinds
from gateway.store.retention import Chosen

# How long what no office can choose is kept, as `fixed` of gateway/store/inventory.toml begins.
FIXED: Mapping[str, str] = {
    "exports": mark("7 days"),
    "webhooks": mark("30 days"),
    "pushes": mark("90 days"),
    "early": mark("one day at most"),
    "imports": mark("one hour"),
    "audit": mark("5 years"),
    "figures": mark("for ever; the words of a report until its sender is erased"),
    "law": mark("as long as the figures that they explain"),
    "work": mark("while it is used"),
}

routes = frame.make_routes("privacy")


@routes.before_request
def _administrators_only() -> None:
    frame.demand(Action.ADMINISTER)


@routes.get("/privacy")
def show_privacy() -> Response:
    """Show how long each kind of data is kept, and the last erasures."""
    return _show()


@routes.post("/privacy/<kind>")
def choose(kind: str) -> Response:
    """Keep one kind of data so long from now on."""
    runtime, me = frame.runtime_of_request(), frame.visitor()
    typed = request.form.get("days", "").strip()
    known = kinds().get(kind)
    if known is None or known.fixed or me.area:
        return frame.absent()
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    with runtime.database.session() as session:
        before = retention.chosen(session).get(kind)
        if not retention.choose(session, Chosen(kind, days, me.name, runtime.now()), scope=me.scope):
            return _show(kind, 422)
        frame.audit(session, "change", "retention", kind, "", days=[before.days if before else known.days, days])
        session.commit()
    return frame.go("privacy.show_privacy", said=mark("From now on it is kept that long."))


def _show(faulty: str = "", status: int = 200) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        chosen = retention.chosen(session)
        erased = erasures.latest_erasures(session, scope=scope)
    is_indonesian = current_language() == "id"
    rows = [
        (one, one.indonesian if is_indonesian else one.english, chosen[code].days if code in chosen else one.days)
        for code, one in kinds().items()
    ]
    return frame.answer(
        "privacy.html",
        status,
        choosable=[row for row in rows if not row[0].fixed],
        fixed=[(words, FIXED[one.code]) for one, words, _ in rows if one.fixed],
        erased=erased,
        may_choose=not scope.area,
        faulty=faulty,
        zone=runtime.settings.timezone,
    )
