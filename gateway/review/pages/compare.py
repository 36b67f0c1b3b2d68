"""Two revisions of one report side by side: what each says, how it was written, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, redirect, request, url_for

from gateway.review import enter
from gateway.review.pages import desk as desks
from gateway.review.pages import frame, show
from gateway.review.permit import Action
from gateway.store import report_list
from gateway.store.report_list import ListedReport
from gateway.store.reports import Report
from parsers.form import Form

routes = frame.make_routes("compare")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two revisions: what it is, who it is from, and how its state is said."""

    report: Report
    listed: ListedReport
    state: show.StateWords
    is_current: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure in both revisions, None where it was not given."""

    name: str
    left: int | None
    right: int | None

    @property
    def differs(self) -> bool:
        """Tell whether the two say different things."""
        return self.left != self.right


@routes.get("/reports/<int:report_id>/compare")
def show_against_current(report_id: int) -> Response:
    """Go on to a revision beside the one that counts now, or where it counts itself, beside the one before."""
    frame.demand(Action.SEE)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        desk = desks.find_desk(session, report_id)
    if desk is None:
        return frame.absent()
    others = [one.id for one in desk.beside.revisions if one.id != report_id]
    live = desk.beside.live
    if not others:
        return _go(url_for("report.show_report", report_id=report_id))
    if live and live.id != report_id:
        return _go(url_for("compare.show_comparison", report_id=report_id, other_id=live.id))
    return _go(url_for("compare.show_comparison", report_id=others[-1], other_id=report_id))


@routes.get("/reports/<int:report_id>/compare/<int:other_id>")
def show_comparison(report_id: int, other_id: int) -> Response:
    """Show two revisions of one report side by side."""
    frame.demand(Action.SEE)
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        desk = desks.find_desk(session, report_id)
        known = {one.id: one for one in desk.beside.revisions} if desk else {}
        if desk is None or other_id not in known:
            return frame.absent()
        listed = report_list.find_listed(session, [report_id, other_id], scope=scope)
    live = desk.beside.live
    sides = [
        Side(
            known[one],
            listed[one],
            show.REPORT_STATES.get(known[one].state, show.UNKNOWN_STATE),
            is_current=live is not None and live.id == one,
        )
        for one in (report_id, other_id)
    ]
    pairs = pair_up(sides[0].report.values, sides[1].report.values, desk.form)
    is_short = request.args.get("all") != "1"
    return frame.answer(
        "compare.html",
        desk=desk,
        sides=sides,
        pairs=[pair for pair in pairs if pair.differs or not is_short],
        differing=sum(pair.differs for pair in pairs),
        is_short=is_short,
        revisions=desk.beside.revisions,
    )


def pair_up(left: Mapping[str, int], right: Mapping[str, int], form: Form) -> tuple[Pair, ...]:
    """Return every figure that either of two revisions gives, in the form's order."""
    order = dict.fromkeys([*enter.lay_out(form).keys.values(), *left, *right])
    given = [key for key in order if key in left or key in right]
    return tuple(Pair(show.name_key(form, key), left.get(key), right.get(key)) for key in given)


def _go(address: str) -> Response:
    return redirect(address, 303)  # type: ignore[return-value]  # Flask's own, which werkzeug types more widely
