"""How an area hands on: from when on a report is settled, where kinds that were not given go, and its own layouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from gateway.export import siga_layout, sirika_columns
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.settling import Choices, SettlesAt
from gateway.store import export_choices, figures, report_list

routes = frame.make_routes("export_choices")

LONGEST_LAYOUT = 20_000  # characters
SETTLES: Mapping[SettlesAt, str] = {
    SettlesAt.APPROVED: mark("Once staff have approved it"),
    SettlesAt.ACCEPTED: mark("Once it counts: accepted or approved"),
}
INJECTABLE: Mapping[str, str] = {
    "": mark("A row of its own: not broken down"),
    "suntik3": mark("The 3-month injectable"),
    "suntik1": mark("The 1-month injectable"),
}
IMPLANT: Mapping[str, str] = {
    "": mark("A row of its own: not broken down"),
    "implan2": mark("The 2-rod implant"),
    "implan1": mark("The 1-rod implant"),
}


@routes.get("/exports/choices")
def show_choices() -> Response:
    """Show how an area hands on, and by whose choice."""
    frame.demand(Action.PUSH)
    return _show(request.args.get("area", frame.visitor().scope.area))


@routes.post("/exports/choices")
def choose() -> Response:
    """Hand on otherwise from now on, or as the area around does again."""
    frame.demand(Action.PUSH)
    runtime, scope, typed = frame.runtime_of_request(), frame.visitor().scope, request.form
    area = typed.get("area", "")
    with runtime.database.session() as session:
        if figures.find_area(session, area, scope=scope) is None:
            return frame.absent()
        before = export_choices.choices_around(session, area, scope=scope)
        if typed.get("what") == "drop":
            if export_choices.drop_choices(session, area, scope=scope):
                frame.audit(session, "drop", "export_choices", area, area)
            session.commit()
            return _go(area, mark("What the area around chose counts again."))
        chosen = read_choices(typed, area)
        if fault := siga_layout.find_layout_fault(chosen.layout) or sirika_columns.find_layout_fault(chosen.layout):
            session.rollback()
            return _show(area, chosen, fault, 422)
        export_choices.choose(session, chosen, scope=scope)
        frame.audit(session, "change", "export_choices", area, area, value=[_as_words(before), _as_words(chosen)])
        session.commit()
    return _go(area, mark("Kept. Exports go by it from now on."))


def read_choices(typed: Mapping[str, str], area: str) -> Choices:
    """Return what a form chose; what it does not say, or says wrongly, is as shipped."""
    settles_at = typed.get("settles_at", "")
    injectable, implant = typed.get("injectable_as", ""), typed.get("implant_as", "")
    return Choices(
        area=area,
        settles_at=SettlesAt(settles_at) if settles_at in set(SettlesAt) else SettlesAt.APPROVED,
        injectable_as=injectable if injectable in INJECTABLE else "",
        implant_as=implant if implant in IMPLANT else "",
        layout=typed.get("layout", "").replace("\r\n", "\n").strip()[:LONGEST_LAYOUT],
    )


def _as_words(choices: Choices) -> str:
    layout = f"layout of {len(choices.layout)} characters" if choices.layout else ""
    return " ".join(filter(None, (choices.settles_at.value, choices.injectable_as, choices.implant_as, layout)))


def _go(area: str, said: str) -> Response:
    return frame.go("export_choices.show_choices", said, area=area or None)


def _show(code: str, typed: Choices | None = None, fault: str = "", status: int = 200) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        area = figures.find_area(session, code, scope=scope)
        if area is None:
            return frame.absent()
        counting = export_choices.choices_around(session, code, scope=scope)
        own = export_choices.find_own_choices(session, code, scope=scope)
        top = figures.find_area(session, scope.area, scope=scope)
        places = report_list.list_areas(session, code, scope=scope)
    named: dict[str, Any] = {one.code: one.name for one in ((top,) if top else ()) + places}
    return frame.answer(
        "export_choices.html",
        status,
        area=area,
        choices=typed or counting,
        is_own=own is not None,
        places=list(named.items()),
        settles=[(one.value, translate(words)) for one, words in SETTLES.items()],
        injectable=[(one, translate(words)) for one, words in INJECTABLE.items()],
        implant=[(one, translate(words)) for one, words in IMPLANT.items()],
        fault=fault,
    )
