"""Typing into SIGA: each facility's figures in the order of its entry form, and who has typed what already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request, url_for

from gateway.calendar import report_month, shift
from gateway.errors import Permanent
from gateway.export import gather
from gateway.export.siga_figures import Table, left_out, make_table
from gateway.export.siga_layout import FORMS, Layout, measures_of, read_layout
from gateway.review.pages import frame, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.pages.month import OLDEST_MONTHS, Wish, find_wish
from gateway.review.permit import Action
from gateway.runtime import Runtime
from gateway.settling import Choices
from gateway.store import export_choices, settled, typed
from gateway.store.base import Session
from gateway.store.settled import Selection
from gateway.store.typed import State

routes = frame.make_routes("typing")

ROWS = 50
STATES: Mapping[State, tuple[str, str]] = {  # what it is called, and its tone
    State.WAITING: (mark("Not typed yet"), "wait"),
    State.TYPED: (mark("Typed"), "good"),
    State.CHANGED: (mark("Changed after it was typed"), "look"),
    State.GONE: (mark("Typed, settled no more"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the entry form: its figure now, and what was typed before where that is another one."""

    figure: int | None
    typed: int | None
    is_changed: bool
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the entry form. Shape: `tone` is empty, rest or sum."""

    heading: str
    tone: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the clerk is typing: which month, of which reports, by which layout, with its fault if it has one."""

    wish: Wish
    choices: Choices
    selection: Selection
    layout: Layout
    fault: str

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page about the same month."""
        return self.wish.url(endpoint, **values)


@routes.get("/typing")
def show_typing() -> Response:
    """Show who is to be typed, fifty at a time, and how far it has come."""
    frame.demand(Action.EXPORT)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    only_open = request.args.get("only") == "open"
    after = request.args.get("after", "")
    with runtime.database.session(read_only=True) as session:
        desk = find_desk(session, runtime)
        if desk is None:
            return frame.absent()
        counts = typed.count_typing(session, desk.selection, scope=scope)
        found = typed.list_typing(
            session,
            desk.selection,
            scope=scope,
            only_open=only_open,
            after=after if after.isdecimal() else "",
            limit=ROWS + 1,
        )
    months = [shift(report_month(desk.wish.today), step) for step in range(1, -OLDEST_MONTHS, -1)]
    only = "open" if only_open else None
    older = desk.url("typing.show_typing", only=only, after=found[ROWS - 1].code) if len(found) > ROWS else None
    return frame.answer(
        "typing.html",
        desk=desk,
        wish=desk.wish,
        rows=[(one, desk.url("typing.show_facility", facility_id=one.facility_id)) for one in found[:ROWS]],
        counts=counts,
        total=sum(counts.values()),
        states=STATES,
        only_open=only_open,
        months=[(month, show.show_month(month)) for month in months],
        forms=[(form.code, form.name(current_language())) for form in runtime.forms if form.code in FORMS],
        older=older,
    )


@routes.get("/typing/<int:facility_id>")
def show_facility(facility_id: int) -> Response:
    """Show a facility's figures as the entry form has them."""
    frame.demand(Action.EXPORT)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        desk = find_desk(session, runtime)
        typing = typed.find_typing(session, desk.selection, facility_id, scope=scope) if desk else None
        if desk is None or typing is None:
            return frame.absent()
        before = typed.find_before(session, desk.selection, typing.code, scope=scope)
        following = typed.list_typing(session, desk.selection, scope=scope, after=typing.code, limit=1)
        ids = [one for one in (typing.report_id, typing.typed_report_id) if one is not None]
        values = settled.values_of(session, ids)
    now = values.get(typing.report_id or 0, {})
    then = values.get(typing.typed_report_id or 0, {}) if typing.typed_report_id else now
    form = desk.wish.form
    return frame.answer(
        "typing_facility.html",
        desk=desk,
        wish=desk.wish,
        typing=typing,
        state=STATES[typing.state],
        heads=[f"({column.number}) {column.heading}" for column in desk.layout.columns],
        lines=lines_of(
            desk.layout,
            make_table(now, form, desk.layout, desk.choices),
            make_table(then, form, desk.layout, desk.choices),
        ),
        aside=[(show.name_key(form, key), now[key]) for key in left_out(now, form, desk.layout) if is_told(desk, key)],
        changes=[
            (show.name_key(form, key), then.get(key), now.get(key))
            for key in dict.fromkeys((*then, *now))
            if then.get(key) != now.get(key)
        ],
        newer=desk.url("typing.show_facility", facility_id=before.facility_id) if before else None,
        older=desk.url("typing.show_facility", facility_id=following[0].facility_id) if following else None,
    )


@routes.post("/typing/<int:facility_id>")
def tick(facility_id: int) -> Response:
    """Tick a facility as typed and go on to the next that is not; or take its tick away."""
    frame.demand(Action.EXPORT)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        desk = find_desk(session, runtime)
        typing = typed.find_typing(session, desk.selection, facility_id, scope=user.scope) if desk else None
        if desk is None or typing is None:
            return frame.absent()
        here: dict[str, Any] = {
            "period": desk.wish.period,
            "area": desk.wish.area.code or None,
            "form": desk.wish.form.code,
        }
        if request.values.get("what") == "untick":
            if typed.untick(session, desk.selection, typing, scope=user.scope):
                frame.audit(session, "untick", "report", typing.typed_report_id, typing.area)
            session.commit()
            if typing.state is State.GONE:
                return frame.go("typing.show_typing", mark("The tick is taken away."), **here)
            return frame.go("typing.show_facility", mark("The tick is taken away."), facility_id=facility_id, **here)
        if typing.report_id is None or str(typing.report_id) != request.form.get("report"):
            words = mark("This report has changed while you were typing. Look at it once more, then tick it.")
            return frame.go("typing.show_facility", words, tone="look", facility_id=facility_id, **here)
        if typing.state is not State.TYPED:
            by = user.id, user.name
            typed.tick(session, desk.selection, typing, by, runtime.now(), scope=user.scope)
            frame.audit(session, "tick", "report", typing.report_id, typing.area)
        following = typed.list_typing(
            session, desk.selection, scope=user.scope, only_open=True, after=typing.code, limit=1
        )
        session.commit()
    undo = url_for("typing.tick", facility_id=facility_id, what="untick", **here)
    said = translate(mark("Ticked as typed: %(facility)s.")) % {"facility": typing.name}
    if following:
        return frame.go("typing.show_facility", said, undo=undo, facility_id=following[0].facility_id, **here)
    return frame.go("typing.show_typing", said, undo=undo, **here)


def find_desk(session: Session, runtime: Runtime) -> Desk | None:
    """Return what an address asks to type; None where its area is not there or not the visitor's.

    Where the district's own layout cannot be used the one that Kabar comes with is shown, and the fault beside it.
    """
    wish = find_wish(session, runtime)
    if wish is None:
        return None
    forms = {form.code: form for form in runtime.forms}
    if wish.form.code not in FORMS:
        wish = replace(wish, form=next(forms[code] for code in FORMS if code in forms))
    choices = export_choices.choices_around(session, wish.area.code, scope=frame.visitor().scope)
    selection = gather.select_settled(choices, wish.form.code, [wish.period], wish.area.code)
    try:
        return Desk(wish, choices, selection, read_layout(wish.form.code, choices.layout), "")
    except Permanent as fault:
        return Desk(wish, choices, selection, read_layout(wish.form.code), str(fault))


def is_told(desk: Desk, key: str) -> bool:
    """Tell whether a figure that is not for SIGA is told beside the form: not the items of a whole measure (AKTIF)."""
    measure, _, item = key.partition(".")
    return not item or measure in measures_of(desk.layout.columns)


def lines_of(layout: Layout, now: Table, then: Table) -> Iterator[Line]:
    """Yield the lines of the entry form, each cell with what was typed before where it is another figure now."""
    for row, cells, before in zip(layout.rows, now.cells, then.cells, strict=True):
        yield Line(row.heading, "", _cells(layout, row.heading, cells, before))
    if not layout.sources or any(now.rest) or any(then.rest):
        yield Line(layout.rest, "rest", _cells(layout, layout.rest, now.rest, then.rest))
    if layout.total:
        yield Line(layout.total, "sum", _cells(layout, layout.total, now.total, then.total))


def _cells(layout: Layout, heading: str, now: Sequence[int | None], then: Sequence[int | None]) -> tuple[Cell, ...]:
    return tuple(
        Cell(figure, typed_one, figure != typed_one, f"{heading}, {column.heading}")
        for column, figure, typed_one in zip(layout.columns, now, then, strict=True)
    )
