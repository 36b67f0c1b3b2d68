"""Batches of contraceptives: who holds which, until when they are good; noting them, changing and removing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway.calendar import report_month, shift
from gateway.errors import Raced
from gateway.review.pages import frame, month_figures, paging, show
from gateway.review.pages.batch_form import FIELDS, Checked, check_batch
from gateway.review.pages.batch_words import EXPIRIES, SOURCES, STATES
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.stock import MONTHS_BACK, Expiry, judge_expiry, soon_until
from gateway.store import areas, batches, register, supplies, thresholds
from gateway.store.base import Session, savepoint
from gateway.store.batches import Batch, BatchState, ListedBatch, WishedBatches
from gateway.store.register import KnownFacility, WishedFacilities
from parsers.form import Form

MOST_CHOICES = 80  # kecamatan of the largest regency, and some
FOUND = 20  # facilities of one search
EXPIRED, SOON = "expired", "soon"
LATE = mark("Somebody else changed this batch before you. Nothing of yours was kept; this is how it stands now.")
TAKEN = mark("This facility has a batch of this number already. Change that one instead.")

routes = frame.make_routes("batches")


@dataclass(frozen=True, slots=True)
class Row:
    """A batch as the list shows it. `together` is what all batches of its facility and item come to.

    `reported` is the month and the number that the facility last reported to have left, None where it did not.
    """

    listed: ListedBatch
    expiry: Expiry
    together: int
    reported: tuple[str, int] | None

    @property
    def too_many(self) -> int:
        """How much more the batches come to than what was reported."""
        is_counted = self.listed.batch.state == BatchState.IN_STOCK and self.reported
        return max(0, self.together - self.reported[1]) if is_counted and self.reported else 0


@dataclass(frozen=True, slots=True)
class Ground:
    """What the list is made by: the form of stock, the day, and within how many months expiry is soon."""

    form: Form
    today: date
    months: int


@routes.get("/month/batches")
def show_batches() -> Response:
    """Show the batches of an area, those that were asked for, by expiry."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    asked = {name: request.args.get(name, "")[:20] for name in ("area", "item", "expiry", "state", "facility")}
    with runtime.database.session(read_only=True) as session:
        ground = _find_ground(session, asked["area"] or scope.area)
        if ground is None:
            return frame.absent()
        facility = _find_facility(session, asked["facility"])
        if asked["facility"] and facility is None:
            return frame.absent()
        wished = _read_wish(asked, ground, facility)
        found = batches.list_batches(session, scope=scope, wished=wished, limit=paging.ROWS + 1, **paging.asked())
        listed, newer, older = paging.turn("batches.show_batches", found, asked)
        rows = _judge(session, ground, listed)
        places = _area_choices(session)
    return frame.answer(
        "batches.html",
        rows=rows,
        asked=asked,
        facility=facility,
        months=ground.months,
        newer=newer,
        older=older,
        areas=places,
        items=_item_choices(ground.form),
        name_item=lambda item: show.name_item(ground.form, item),
        sources=SOURCES,
        states=STATES,
        expiries=EXPIRIES,
    )


@routes.get("/month/batches/new")
def show_new() -> Response:
    """Show where a facility is chosen, then the form of a new batch."""
    frame.demand(Action.REGISTER)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        if not request.args.get("facility"):
            return _show_search(session)
        facility = _find_facility(session, request.args["facility"])
    return _show_form(facility, {}) if facility else frame.absent()


@routes.post("/month/batches/new")
def add() -> Response:
    """Note a batch."""
    frame.demand(Action.REGISTER)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), _typed()
    with runtime.database.session() as session:
        facility = _find_facility(session, request.form.get("facility", ""))
        form = month_figures.find_stock_form(runtime.forms)
        if facility is None or form is None:
            return frame.absent()
        checked = check_batch(typed, month_figures.stock_items(form))
        if checked.faults:
            return _show_form(facility, typed, faults=checked.faults, status=422)
        new = batches.NewBatch(facility.id, **checked.values)
        try:
            with savepoint(session):
                batch_id = batches.add_batch(session, new, user.name, runtime.now(), scope=user.scope)
        except Raced:
            return _show_form(facility, typed, faults={"number": TAKEN}, status=409)
        frame.audit(session, "add", "batch", batch_id, facility.area, after=_as_json(facility, checked))
        session.commit()
    return frame.go("batches.show_batches", said=mark("The batch was noted."), facility=facility.id)


@routes.get("/month/batches/<int:batch_id>")
def show_edit(batch_id: int) -> Response:
    """Show the form of a batch that was noted."""
    frame.demand(Action.REGISTER)
    return _show_edit(batch_id)


@routes.post("/month/batches/<int:batch_id>")
def change(batch_id: int) -> Response:
    """Change a batch, unless somebody else did so meanwhile."""
    frame.demand(Action.REGISTER)
    runtime, user, typed = frame.runtime_of_request(), frame.visitor(), _typed()
    with runtime.database.session() as session:
        before = _find_batch(session, batch_id)
        form = month_figures.find_stock_form(runtime.forms)
        if before is None or form is None:
            return frame.absent()
        checked = check_batch(typed, month_figures.stock_items(form))
        if checked.faults:
            return _show_edit(batch_id, typed, faults=checked.faults, status=422)
        version = request.form.get("version", -1, int)
        try:
            with savepoint(session):
                is_first = batches.change_batch(
                    session, batch_id, checked.values, user.name, runtime.now(), scope=user.scope, version=version
                )
        except Raced:
            return _show_edit(batch_id, typed, faults={"number": TAKEN}, status=409)
        if not is_first:
            return _show_edit(batch_id, told=LATE, status=409)
        changed = {name: one for name, one in checked.values.items() if one != getattr(before.batch, name)}
        was = {name: getattr(before.batch, name) for name in changed}
        frame.audit(session, "change", "batch", batch_id, before.area, before=_plain(was), after=_plain(changed))
        session.commit()
    return frame.go("batches.show_batches", said=mark("The batch was changed."), facility=before.batch.facility_id)


@routes.post("/month/batches/<int:batch_id>/remove")
def remove(batch_id: int) -> Response:
    """Take away a batch that was noted by mistake."""
    frame.demand(Action.REGISTER)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session() as session:
        before = _find_batch(session, batch_id)
        if before is None:
            return frame.absent()
        version = request.form.get("version", -1, int)
        if not batches.remove_batch(session, batch_id, scope=scope, version=version):
            return _show_edit(batch_id, told=LATE, status=409)
        was = {name: getattr(before.batch, name) for name in FIELDS}
        frame.audit(session, "remove", "batch", batch_id, before.area, before=_plain({"of": before.facility} | was))
        session.commit()
    return frame.go("batches.show_batches", said=mark("The batch was removed."), facility=before.batch.facility_id)


def _show_search(session: Session) -> Response:
    scope, words = frame.visitor().scope, request.args.get("q", "").strip()[:60]
    wished = WishedFacilities(words, state="active")
    found = register.list_facilities(session, scope=scope, wished=wished, limit=FOUND + 1)
    return frame.answer("batch_place.html", found=found[:FOUND], has_more=len(found) > FOUND, words=words)


def _show_edit(batch_id: int, typed: Mapping[str, str] | None = None, **more: Any) -> Response:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        found = _find_batch(session, batch_id)
        facility = _find_facility(session, str(found.batch.facility_id)) if found else None
    if found is None or facility is None:
        return frame.absent()
    return _show_form(facility, typed or _as_typed(found.batch), found, **more)


def _show_form(
    facility: KnownFacility,
    typed: Mapping[str, Any],
    listed: ListedBatch | None = None,
    *,
    faults: Mapping[str, str] | None = None,
    told: str = "",
    status: int = 200,
) -> Response:
    form = month_figures.find_stock_form(frame.runtime_of_request().forms)
    if form is None:
        return frame.absent()
    return frame.answer(
        "batch_form.html",
        status,
        facility=facility,
        listed=listed,
        typed=typed,
        faults=faults or {},
        told=told,
        items=_item_choices(form),
        sources=[(code, translate(words)) for code, words in SOURCES.items()],
        states=[(code, translate(state.words)) for code, state in STATES.items()],
    )


def _find_ground(session: Session, area: str) -> Ground | None:
    """Return what the list is made by; None where no form reports stock, or the area is not the visitor's."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    form = month_figures.find_stock_form(runtime.forms)
    if form is None or not scope.covers(area):
        return None
    chosen = thresholds.thresholds_around(session, area, form.code, scope=scope)
    today = runtime.now().astimezone(ZoneInfo(runtime.settings.timezone)).date()
    return Ground(form, today, month_figures.expiring_months(chosen, form, area))


def _read_wish(asked: Mapping[str, str], ground: Ground, facility: KnownFacility | None) -> WishedBatches:
    days: dict[str, date] = {}
    if asked["expiry"] == EXPIRED:
        days = {"expires_before": ground.today}
    elif asked["expiry"] == SOON:
        days = {"expires_from": ground.today, "expires_before": soon_until(ground.today, ground.months)}
    return WishedBatches(
        area=asked["area"],
        facility_id=facility.id if facility else None,
        item=asked["item"],
        state=asked["state"] if asked["state"] in STATES else BatchState.IN_STOCK,
        **days,
    )


def _judge(session: Session, ground: Ground, listed: Sequence[ListedBatch]) -> list[Row]:
    """Return batches with how near their expiry is, and what their facilities reported."""
    scope, ids = frame.visitor().scope, {one.batch.facility_id for one in listed}
    newest = shift(report_month(ground.today), 1)
    periods = month_figures.months_until(newest, MONTHS_BACK + 1)
    together = batches.sum_in_stock(session, ids, scope=scope)
    reported = supplies.latest_left(session, ground.form.code, ids, periods, scope=scope)

    def row(one: ListedBatch) -> Row:
        key = one.batch.facility_id, one.batch.item
        expiry = judge_expiry(one.batch.expires_on, ground.today, ground.months)
        return Row(one, expiry, together.get(key, 0), reported.get(key))

    return [row(one) for one in listed]


def _find_facility(session: Session, written: str) -> KnownFacility | None:
    """Return a facility of the visitor's area that is no double of another, by its id as it is written."""
    if not (written.isascii() and written.isdigit() and len(written) < 10):
        return None
    found = register.find_facility(session, int(written), scope=frame.visitor().scope)
    return None if found is None or found.merged_into else found


def _find_batch(session: Session, batch_id: int) -> ListedBatch | None:
    return batches.find_batch(session, batch_id, scope=frame.visitor().scope) if batch_id < 2**31 else None


def _area_choices(session: Session) -> list[tuple[str, str]]:
    """Return the kecamatan to choose from; none where there are too many of them."""
    scope = frame.visitor().scope
    if len(scope.area) < len("14.03"):
        return []
    return [(area.code, area.name) for area in areas.list_districts(session, scope=scope)[:MOST_CHOICES]]


def _item_choices(form: Form) -> list[tuple[str, str]]:
    return [(item, show.name_item(form, item)) for item in month_figures.stock_items(form)]


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "")[:60] for name in FIELDS}


def _as_typed(batch: Batch) -> dict[str, Any]:
    until = batch.expires_on
    day = f"{until.day}/{until.month}/{until.year}" if until else ""
    return {name: getattr(batch, name) for name in FIELDS} | {"expires_on": day}


def _as_json(facility: KnownFacility, checked: Checked) -> dict[str, Any]:
    return _plain({"of": facility.name} | dict(checked.values))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one.isoformat() if isinstance(one, date) else one for name, one in values.items()}
