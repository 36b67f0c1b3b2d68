"""Mappings: where each figure goes in a destination: downloaded, filled in, looked at, taken into use, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from zoneinfo import ZoneInfo

from flask import Response, request

from gateway.calendar import month_days, report_month
from gateway.enrol.reading_files import FileFault, Limits, read_book
from gateway.errors import Raced
from gateway.export.dhis2.check import WARNINGS, as_json, check, from_json
from gateway.export.dhis2.knock import Unread
from gateway.export.dhis2.mapping_book import write_mapping
from gateway.export.dhis2.mapping_rows import RowFault, Written, compare, list_unmapped, say_cell, suggest
from gateway.export.dhis2.mapping_rows import read_book as read_mapping
from gateway.export.dhis2.metadata import MOST_UNITS, read_metadata
from gateway.export.dhis2.payload import find_org_unit
from gateway.mapping import Destination, Mapping
from gateway.review.pages import frame
from gateway.review.pages.destination_words import FLAWS, KNOCKS, say_row_fault
from gateway.review.pages.destinations import LOST_KEY, open_client
from gateway.review.pages.imports import FILE_FAULTS, XLSX
from gateway.review.pages.language import mark, translate
from gateway.review.pages.show import name_key
from gateway.review.permit import Action
from gateway.store import destinations, figures, mappings, register, settled
from gateway.store.base import Session
from gateway.store.mappings import NewMapping
from gateway.values import Scope
from parsers.form import Form

LARGEST = 12 << 20  # bytes of a form with its file
LIMITS = Limits(bytes=10 << 20, rows=40_000, columns=20)  # every facility of the country has a row
SHEETS = 6
SHOWN = 200  # rows of a list on a page
GONE = mark("This file was kept for an hour, and is gone. Please upload it again.")

routes = frame.make_routes("mappings", largest=LARGEST)


@dataclass(frozen=True, slots=True)
class Where:
    """Which mapping a page is about. `form` is one that this gateway takes."""

    destination: Destination
    form: Form
    zone: str


@routes.get("/destinations/<int:destination_id>/mappings/<form>")
def show_mapping(destination_id: int, form: str) -> Response:
    """Show the mapping in use, its versions, what a check found, and the form that takes another one."""
    frame.demand(Action.PUSH)
    return _show(destination_id, form)


@routes.get("/destinations/<int:destination_id>/mappings/<form>.xlsx")
def download(destination_id: int, form: str) -> Response:
    """Give out a version of a mapping, or one to begin with, as a workbook to be filled in."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    version = request.args.get("version", None, int)
    with runtime.database.session(read_only=True) as session:
        where = _find_where(session, destination_id, form)
        if where is None or (version is not None and not 0 < version < 2**31):
            return frame.absent()
        found = mappings.find_mapping(session, destination_id, form, scope=scope, version=version)
        if found is None and version is not None:
            return frame.absent()
        rows = _facilities(session, where.destination)
        content = write_mapping(found or suggest(where.form), where.form, rows, runtime.now())
    response = Response(content, mimetype=XLSX)
    name = f"pemetaan-{form}-{f'v{found.version}' if found else 'contoh'}.xlsx"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/destinations/<int:destination_id>/mappings/<form>")
def upload(destination_id: int, form: str) -> Response:
    """Read a workbook; without a fault it is kept for an hour to be looked at, and nothing goes by it yet."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    file = request.files.get("file")
    content = b""
    if file:
        content = file.read()
        file.close()  # a larger one lies in a temporary file
    try:
        book = read_book(content, SHEETS, LIMITS)
    except FileFault as fault:
        words = translate(FILE_FAULTS[fault.code]) % {"most": fault.most}
        return _show(destination_id, form, fault=words, status=422)
    with runtime.database.session() as session:
        where = _find_where(session, destination_id, form)
        if where is None:
            return frame.absent()
        known = {code for code, _ in _facilities(session, where.destination)}
        written = read_mapping(book, where.form, known)
        if written.faults:
            session.rollback()
            return _show(destination_id, form, faults=written.faults, status=422)
        name = PurePath((file.filename if file else "") or "-").name[:200]
        new = _as_new(where, written, name, hashlib.sha256(content).hexdigest())
        draft_id = mappings.keep_draft(session, new, scope=scope)
        session.commit()
    return _show_it(destination_id, form, draft_id)


@routes.post("/destinations/<int:destination_id>/mappings/<form>/again")
def use_again(destination_id: int, form: str) -> Response:
    """Look at what an old version would change, to take it into use again as a new one."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    number = request.form.get("version", "")
    with runtime.database.session() as session:
        where = _find_where(session, destination_id, form)
        versions = mappings.list_versions(session, destination_id, form, scope=scope)
        chosen = next((one for one in versions if str(one.version) == number), None)
        if where is None or chosen is None:
            return frame.absent()
        old = mappings.find_mapping(session, destination_id, form, scope=scope, version=chosen.version)
        assert old is not None
        written = Written(
            old.data_set, old.scheme, old.org_unit_by, dict(old.cells), dict(old.org_units), set(old.left_out)
        )
        new = _as_new(where, written, chosen.file_name, chosen.file_digest)
        draft_id = mappings.keep_draft(session, new, scope=scope)
        session.commit()
    return _show_it(destination_id, form, draft_id)


@routes.get("/destinations/<int:destination_id>/mappings/<form>/drafts/<int:draft_id>")
def show_draft(destination_id: int, form: str, draft_id: int) -> Response:
    """Show what an uploaded mapping would change."""
    frame.demand(Action.PUSH)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:
        where = _find_where(session, destination_id, form)
        if where is None:
            return frame.absent()
        found = mappings.find_draft(session, draft_id, user_id=user.id, now=runtime.now(), scope=user.scope)
        if found is None or found[1] != destination_id or found[0].form != form:
            return _go(destination_id, form, GONE, "look")
        draft = found[0]
        before = mappings.find_mapping(session, destination_id, form, scope=user.scope)
        difference = compare(before, draft)
        codes = [code for code, _, _ in difference.org_units[:SHOWN]]
        known = register.find_by_codes(session, codes, scope=user.scope)
    return frame.answer(
        "mapping_draft.html",
        where=where,
        draft=draft,
        draft_id=draft_id,
        before=before,
        difference=difference,
        unmapped=[(key, name_key(where.form, key)) for key in list_unmapped(draft, where.form)],
        left_out=[(key, name_key(where.form, key)) for key in sorted(draft.left_out)],
        name_key=lambda key: name_key(where.form, key),
        name_facility=lambda code: f"{known[code].name} ({code})" if code in known else code,
        shown=SHOWN,
    )


@routes.post("/destinations/<int:destination_id>/mappings/<form>/drafts/<int:draft_id>/use")
def use_draft(destination_id: int, form: str, draft_id: int) -> Response:
    """Take an uploaded mapping into use as the next version, if nobody else has made one since it was looked at."""
    frame.demand(Action.PUSH)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    seen = request.form.get("seen", "")
    with runtime.database.session() as session:
        where = _find_where(session, destination_id, form)
        if where is None:
            return frame.absent()
        found = mappings.find_draft(session, draft_id, user_id=user.id, now=runtime.now(), scope=user.scope)
        if found is None or found[1] != destination_id or found[0].form != form:
            return _go(destination_id, form, GONE, "look")
        try:
            after = int(seen) if seen.isascii() and seen.isdigit() else -1
            version = mappings.use_draft(session, draft_id, after, runtime.now(), user_id=user.id, scope=user.scope)
        except Raced:
            session.rollback()
            late = mark("Somebody else has made a new version meanwhile. This is what yours would change now.")
            return _show_it(destination_id, form, draft_id, late)
        area, name = where.destination.area, where.destination.name
        frame.audit(session, "change", "mapping", draft_id, area, name=name, form=form, version=version)
        session.commit()
    said = mark("The mapping is in use. Now check it against the server.")
    return _go(destination_id, form, said)


@routes.post("/destinations/<int:destination_id>/mappings/<form>/check")
def check_mapping(destination_id: int, form: str) -> Response:
    """Hold the mapping in use against what its server knows; nothing is sent."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        where = _find_where(session, destination_id, form)
        mapping = mappings.find_mapping(session, destination_id, form, scope=scope)
        if where is None or mapping is None:
            return frame.absent()
        today = _today(where)
        period = report_month(today)
        places = settled.list_places(session, where.destination.area, month_days(period), scope=scope)
    client = open_client(runtime, where.destination)
    if client is None:
        return _go(destination_id, form, LOST_KEY, "bad")
    units = [unit for place in places[:MOST_UNITS] if (unit := find_org_unit(mapping, place))]
    elements = {cell.data_element for cell in mapping.cells.values()}
    try:
        theirs = read_metadata(client.get, mapping.data_set, mapping.scheme, elements, units)
    except Unread as unread:
        return _go(destination_id, form, KNOCKS[unread.knock.outcome], "bad")
    found = check(mapping, list_unmapped(mapping, where.form), places, theirs, period, today)
    with runtime.database.session() as session:
        mappings.keep_check(session, mapping.id, as_json(found), runtime.now(), scope=scope)
        area, outcome = where.destination.area, "good" if found.is_good else "faults"
        frame.audit(session, "check", "mapping", mapping.id, area, name=where.destination.name, outcome=outcome)
        session.commit()
    if found.is_good:
        return _go(destination_id, form, mark("Checked: nothing stands in the way."))
    said = mark("Checked: something must be mended first, see below.")
    return _go(destination_id, form, said, "bad")


def _go(destination_id: int, form: str, said: str, tone: str = "good") -> Response:
    return frame.go("mappings.show_mapping", said, tone, destination_id=destination_id, form=form)


def _show_it(destination_id: int, form: str, draft_id: int | None, said: str = "") -> Response:
    to = "mappings.show_draft"
    return frame.go(to, said, "look", destination_id=destination_id, form=form, draft_id=draft_id)


def _find_where(session: Session, destination_id: int, code: str) -> Where | None:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    kept = destinations.find_destination(session, destination_id, scope=scope)
    form = next((one for one in runtime.forms if one.code == code), None)
    if kept is None or form is None:
        return None
    area = figures.find_area(session, kept.destination.area, scope=scope)
    return Where(kept.destination, form, area.timezone if area else runtime.settings.timezone)


def _facilities(session: Session, destination: Destination) -> Iterator[tuple[str, str]]:
    """Yield code and name of every facility whose figures go to a destination."""
    inside = register.stream_facilities(session, scope=Scope(destination.area))
    return ((one.code, one.name) for one in inside if one.merged_into is None)


def _today(where: Where) -> date:
    return frame.runtime_of_request().now().astimezone(ZoneInfo(where.zone)).date()


def _as_new(where: Where, written: Written, file_name: str, digest: str) -> NewMapping:
    user = frame.visitor()
    return NewMapping(
        destination_id=where.destination.id,
        form=where.form.code,
        data_set=written.data_set,
        scheme=written.scheme,
        org_unit_by=written.org_unit_by,
        cells=written.cells,
        org_units=written.org_units,
        left_out=frozenset(written.left_out),
        user_id=user.id,
        user_name=user.name,
        made_at=frame.runtime_of_request().now(),
        file_name=file_name,
        file_digest=digest,
    )


def _show(
    destination_id: int, code: str, *, fault: str = "", faults: list[RowFault] | None = None, status: int = 200
) -> Response:
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    with runtime.database.session(read_only=True) as session:
        where = _find_where(session, destination_id, code)
        if where is None:
            return frame.absent()
        versions = mappings.list_versions(session, destination_id, code, scope=scope)
        mapping = mappings.find_mapping(session, destination_id, code, scope=scope)
    newest = versions[0] if versions else None
    checked = from_json(newest.checked) if newest and newest.checked else None
    return frame.answer(
        "mapping.html",
        status,
        where=where,
        zone=where.zone,
        mapping=mapping,
        newest=newest,
        versions=versions,
        checked=checked,
        findings=[(one, *map(translate, FLAWS[one.flaw])) for one in (checked.findings if checked else ())],
        warnings=WARNINGS,
        unmapped=_name_all(mapping, where.form),
        cells=_list_cells(mapping, where.form) if mapping else [],
        fault=fault,
        faults=(faults or [])[:SHOWN],
        faults_count=len(faults or []),
        say_row_fault=say_row_fault,
    )


def _name_all(mapping: Mapping | None, form: Form) -> list[tuple[str, str]]:
    return [(key, name_key(form, key)) for key in list_unmapped(mapping, form)] if mapping else []


def _list_cells(mapping: Mapping, form: Form) -> list[tuple[str, str, str]]:
    return [(key, name_key(form, key), say_cell(cell)) for key, cell in mapping.cells.items()]
