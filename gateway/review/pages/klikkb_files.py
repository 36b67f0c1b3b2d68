"""Files of Klik-KB's midwives: uploaded, columns chosen once, looked at row by row, and taken over as looked at."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

from flask import Response, request, url_for

from gateway.enrol import directory, writing_files
from gateway.enrol.columns import FIELDS, WANTED, Kind, plain
from gateway.enrol.directory import KnownDirectory
from gateway.enrol.plan import Act, Plan
from gateway.enrol.reading_files import FileFault, Sheet, read_sheet
from gateway.errors import Raced
from gateway.review.pages import frame
from gateway.review.pages.imports import FILE_FAULTS, KEPT, SHOWN, as_sheet, send_file, show_value
from gateway.review.pages.klikkb import find_corner
from gateway.review.pages.language import mark, translate
from gateway.review.pages.registry_words import FIELD_NAMES, say_fault
from gateway.review.permit import Action
from gateway.store import imports, klikkb
from gateway.store.base import Session
from gateway.store.imports import KeptImport, NewImport
from gateway.store.klikkb import ChosenColumns

LARGEST = directory.LIMITS.bytes + (1 << 20)  # bytes of a form with its file
KINDS = (Kind.DIRECTORY.value,)
LATE = mark("The directory has changed since you looked, so nothing was done. This is what would happen now.")
EXPIRED = mark("This file was kept for an hour, and is gone. Please upload it again.")
TABS = (
    (Act.WRONG, mark("With errors")),
    (Act.NEW, mark("New")),
    (Act.CHANGED, mark("Changed")),
    (Act.GONE, mark("Gone")),
    (Act.SAME, mark("Unchanged")),
)

routes = frame.make_routes("klikkb_files", largest=LARGEST)


@routes.get("/klikkb/files")
def show_upload() -> Response:
    """Show the form that takes a file of an area."""
    frame.demand(Action.PUSH)
    return _show_upload(request.args.get("area", ""))


@routes.post("/klikkb/files")
def upload() -> Response:
    """Read a file and keep it for an hour; of columns that were chosen before, only what is needed of it."""
    frame.demand(Action.PUSH)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    area = request.form.get("area", "")[:13] or user.area
    file = request.files.get("file")
    content, name = b"", "-"
    if file:
        content, name = file.read(), PurePath(file.filename or "-").name[:200]
        file.close()  # a larger one lies in a temporary file
    try:
        sheet = read_sheet(content, directory.LIMITS)
    except FileFault as fault:
        return _show_upload(area, translate(FILE_FAULTS[fault.code]) % {"most": fault.most}, 422)
    now = runtime.now()
    with runtime.database.session() as session:
        if find_corner(session, area) is None:
            return frame.absent()
        chosen = klikkb.find_columns(session, area, scope=user.scope)
        fields, is_known = directory.propose_columns(sheet.columns, chosen)
        new = NewImport(
            user_id=user.id,
            kind=Kind.DIRECTORY.value,
            file_name=name,
            digest=hashlib.sha256(content).hexdigest(),
            sheet=_as_kept(sheet, fields, area, is_chosen=is_known),
            columns=fields,
            kept_at=now,
            expires_at=now + KEPT,
        )
        import_id = imports.keep_import(session, new)
        session.commit()
    return frame.go("klikkb_files.show_file", import_id=import_id)


@routes.get("/klikkb/files/<int:import_id>")
def show_file(import_id: int) -> Response:
    """Ask which column is which, where that was never chosen for these; else show what would happen, row by row."""
    frame.demand(Action.PUSH)
    return _show_file(import_id)


@routes.post("/klikkb/files/<int:import_id>/columns")
def choose_columns(import_id: int) -> Response:
    """Take the columns of this file, and of every one with the same headings, for these fields."""
    frame.demand(Action.PUSH)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        kept = _find(session, import_id)
        if kept is None:
            return _tell_expired()
        known = FIELDS[Kind.DIRECTORY]
        typed = [request.form.get(f"column{at}", "") for at in range(len(kept.columns))]
        fields = tuple(field if field in known else "" for field in typed)
        twice = {field for field in fields if field and field != "phones" and fields.count(field) > 1}
        missing = [field for field in WANTED[Kind.DIRECTORY] if field not in fields]
        if twice or missing:
            words = mark("Two columns are both taken for: %(field)s.") if twice else MISSING
            name = translate(FIELD_NAMES[min(twice or missing)])
            return _show_columns(kept, fields, translate(words) % {"field": name}, 422)
        area = str(kept.sheet["area"])
        headings = tuple(plain(heading) for heading in kept.sheet["columns"])
        chosen = ChosenColumns(area, headings, fields, user.name, runtime.now())
        if not klikkb.choose_columns(session, chosen, scope=user.scope):
            return frame.absent()
        sheet = _as_kept(as_sheet(kept), fields, area, is_chosen=True)
        imports.set_columns(session, import_id, fields, user_id=user.id, sheet=sheet)
        value = ", ".join(f"{heading}: {field}" for heading, field in zip(headings, fields, strict=True) if field)
        frame.audit(session, "choose", "directory", "", area, value=value)
        session.commit()
    return frame.go("klikkb_files.show_file", import_id=import_id)


MISSING = mark("No column is taken for: %(field)s. Without it no midwife can be told from another.")


@routes.post("/klikkb/columns/forget")
def forget_columns() -> Response:
    """Ask again which column is which, at the next file of an area."""
    frame.demand(Action.PUSH)
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    area = request.form.get("area", "")[:13]
    with runtime.database.session() as session:
        if not klikkb.drop_columns(session, area, scope=scope):
            return frame.absent()
        frame.audit(session, "drop", "directory", "", area)
        session.commit()
    said = mark("The next file is asked about: which column is what.")
    return frame.go("klikkb.show_klikkb", said, area=area or None)


@routes.post("/klikkb/files/<int:import_id>/apply")
def apply_file(import_id: int) -> Response:
    """Do just what was looked at; if the directory has changed since, nothing, and it is shown anew."""
    frame.demand(Action.PUSH)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:  # whoever writes to the database does not wait for this
        kept = _find(session, import_id)
        if kept is None or not kept.sheet["is_chosen"]:
            return _tell_expired()
        known = _known(session, kept)
    plan = directory.plan_directory(as_sheet(kept), kept.columns, known)
    if plan.digest != request.form.get("digest"):
        return _show_file(import_id, translate(LATE), 409)
    if plan.count()[Act.WRONG] and request.form.get("only_good") != "1":
        words = mark("Some rows have errors. Tick that the good ones are to be taken without them.")
        return _show_file(import_id, translate(words), 422)
    if directory.is_strange(plan, known) and request.form.get("many_gone") != "1":
        words = mark("Many would be gone. If this is the right file, and the whole of it, tick that they are.")
        return _show_file(import_id, translate(words), 422)
    try:
        with runtime.database.session() as session:
            by, now = (user.id, user.name), runtime.now()
            done = directory.apply_directory(
                session, plan, known, (kept.file_name, kept.digest), by, now, scope=user.scope
            )
            about = {"file": kept.file_name, "digest": kept.digest, **done.counts}
            frame.audit(session, "import", "directory", kept.file_name[:100], known.area, **about)
            imports.drop_import(session, import_id, user_id=user.id)
            session.commit()
    except Raced:
        return _show_file(import_id, translate(LATE), 409)
    said = mark("The directory is up to date. Nobody’s right to report was changed by it.")
    return frame.go("klikkb.show_klikkb", said, area=known.area or None)


@routes.get("/klikkb/files/<int:import_id>/faults.csv")
def download_faults(import_id: int) -> Response:
    """Give out every row that has an error, with what is wrong with it in words."""
    frame.demand(Action.PUSH)
    with frame.runtime_of_request().database.session(read_only=True) as session:
        kept = _find(session, import_id)
        if kept is None:
            return _tell_expired()
        plan = directory.plan_directory(as_sheet(kept), kept.columns, _known(session, kept))
    wrong = plan.of(Act.WRONG)
    rows = ((str(row.number), row.key, row.name, " ".join(map(say_fault, row.faults))) for row in wrong)
    content = b"".join(writing_files.write_table(("baris", "id klik-kb", "nama", "yang salah"), rows))
    return send_file(content, "csv", "klikkb-errors")


def _as_kept(sheet: Sheet, fields: tuple[str, ...], area: str, *, is_chosen: bool) -> dict[str, object]:
    needed = directory.keep_needed(sheet, fields) if is_chosen else sheet
    rows = [[number, list(row)] for number, row in needed.rows]
    return {"columns": list(sheet.columns), "rows": rows, "area": area, "is_chosen": is_chosen}


def _find(session: Session, import_id: int) -> KeptImport | None:
    if import_id >= 2**31:
        return None
    now, user = frame.runtime_of_request().now(), frame.visitor()
    return imports.find_import(session, import_id, KINDS, user_id=user.id, now=now)


def _known(session: Session, kept: KeptImport) -> KnownDirectory:
    scope, region = frame.visitor().scope, frame.runtime_of_request().settings.region
    sheet = as_sheet(kept)
    return directory.find_known(session, sheet, kept.columns, str(kept.sheet["area"]), scope=scope, region=region)


def _tell_expired() -> Response:
    return frame.go("klikkb.show_klikkb", said=EXPIRED, tone="look")


def _show_upload(code: str, fault: str = "", status: int = 200) -> Response:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        corner = find_corner(session, code)
        if corner is None:
            return frame.absent()
        chosen = klikkb.find_columns(session, corner.area.code, scope=frame.visitor().scope)
    pairs = list(zip(chosen.headings, chosen.fields, strict=True)) if chosen else []
    return frame.answer("klikkb_upload.html", status, corner=corner, chosen=pairs, field_names=_names(), fault=fault)


def _show_columns(kept: KeptImport, fields: tuple[str, ...], fault: str = "", status: int = 200) -> Response:
    return frame.answer(
        "klikkb_columns.html",
        status,
        kept=kept,
        columns=list(zip(kept.sheet["columns"], fields, strict=True)),
        sample=kept.sheet["rows"][0][1],
        fields=[(field, translate(FIELD_NAMES[field])) for field in FIELDS[Kind.DIRECTORY]],
        fault=fault,
    )


def _names() -> dict[str, str]:
    return {field: translate(words) for field, words in FIELD_NAMES.items()}


def _show_file(import_id: int, fault: str = "", status: int = 200) -> Response:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        kept = _find(session, import_id)
        if kept is None:
            return _tell_expired()
        if not kept.sheet["is_chosen"]:
            return _show_columns(kept, kept.columns, fault, status)
        known = _known(session, kept)
        corner = find_corner(session, known.area)
    plan = directory.plan_directory(as_sheet(kept), kept.columns, known)
    return _show_plan(kept, plan, fault, status, is_strange=directory.is_strange(plan, known), corner=corner)


def _show_plan(kept: KeptImport, plan: Plan, fault: str, status: int, **more: object) -> Response:
    counts = plan.count()
    chosen = request.args.get("show", "")
    act = Act(chosen) if chosen in set(Act) else next((one for one, _ in TABS if counts[one]), Act.SAME)
    return frame.answer(
        "klikkb_preview.html",
        status,
        kept=kept,
        columns=list(zip(kept.sheet["columns"], kept.columns, strict=True)),
        field_names=_names(),
        rows=plan.of(act)[:SHOWN],
        is_cut=counts[act] > SHOWN,
        act=act.value,
        counts={one.value: count for one, count in counts.items()},
        parts=[
            (
                url_for("klikkb_files.show_file", import_id=kept.id, show=one.value),
                translate(words),
                one is act,
                counts[one],
            )
            for one, words in TABS
        ],
        digest=plan.digest,
        fault=fault,
        say_fault=say_fault,
        show_value=show_value,
        **more,
    )
