"""Registry files in and out: upload, look at what would happen row by row, apply just that; export, and a template."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from flask import Response, request, stream_with_context, url_for

from gateway.enrol import apply, writing_files
from gateway.enrol.columns import FIELDS, REGISTRY, WANTED, Kind, recognise
from gateway.enrol.plan import Act, Plan
from gateway.enrol.reading_files import FileFault, FileFaultCode, Sheet, read_sheet
from gateway.errors import Raced
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate, translate_count
from gateway.review.pages.registry_words import FIELD_NAMES, say_fault
from gateway.review.pages.reporters import today
from gateway.review.permit import Action
from gateway.store import imports, register, roster
from gateway.store.base import Session
from gateway.store.imports import KeptImport, NewImport
from gateway.values import Scope

KEPT = timedelta(hours=1)
LARGEST = 6 << 20  # bytes of a form with its file; the file itself is told off in words before that
SHOWN = 200  # rows of one kind on a page; the file of the wrong ones holds them all
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_FAULTS: Mapping[FileFaultCode, str] = {
    FileFaultCode.EMPTY: mark(
        "There is nothing in this file: one row that names the columns is needed, and rows below it."
    ),
    FileFaultCode.TOO_LARGE: mark("This file is larger than %(most)s MB. Cut it in two."),
    FileFaultCode.TOO_MANY_ROWS: mark(
        "This file has more than %(most)s rows. Cut it in two, or let the operator import it."
    ),
    FileFaultCode.TOO_MANY_COLUMNS: mark("This file has more than %(most)s columns."),
    FileFaultCode.MACROS: mark("This workbook holds macros, which are never taken. Save it as .xlsx without them."),
    FileFaultCode.OLD_OR_LOCKED: mark(
        "This workbook is of an old kind or under a password. Save it as .xlsx without one."
    ),
    FileFaultCode.TRAP: mark("Unpacked, this file is far larger than a register can be. It was not opened."),
    FileFaultCode.UNREADABLE: mark("This file cannot be read. It must be .xlsx or .csv; open it and save it anew."),
}
TABS = (
    (Act.WRONG, mark("With errors")),
    (Act.NEW, mark("New")),
    (Act.CHANGED, mark("Changed")),
    (Act.SAME, mark("Unchanged")),
)

routes = frame.make_routes("imports", largest=LARGEST)


@routes.get("/imports")
def show_import() -> Response:
    """Show the form that takes a file."""
    frame.demand(Action.REGISTER)
    return _show_upload(_kind(request.args.get("kind", "")))


@routes.post("/imports")
def upload() -> Response:
    """Read a file and keep it for an hour; nothing of the registry changes."""
    frame.demand(Action.REGISTER)
    runtime, kind = frame.runtime_of_request(), _kind(request.form.get("kind", ""))
    file = request.files.get("file")
    content = b""
    if file:
        content = file.read()
        file.close()  # a larger one lies in a temporary file
    try:
        sheet = read_sheet(content)
    except FileFault as fault:
        words = translate(FILE_FAULTS[fault.code]) % {"most": fault.most}
        return _show_upload(kind, fault=words, status=422)
    now = runtime.now()
    new = NewImport(
        user_id=frame.visitor().id,
        kind=kind.value,
        file_name=PurePath((file.filename if file else "") or "-").name[:200],
        digest=hashlib.sha256(content).hexdigest(),
        sheet={"columns": list(sheet.columns), "rows": [[number, list(row)] for number, row in sheet.rows]},
        columns=recognise(kind, sheet.columns),
        kept_at=now,
        expires_at=now + KEPT,
    )
    with runtime.database.session() as session:
        import_id = imports.keep_import(session, new)
        session.commit()
    return frame.go("imports.show_preview", import_id=import_id)


@routes.get("/imports/<int:import_id>")
def show_preview(import_id: int) -> Response:
    """Show what an import would do, row by row; nothing is done yet."""
    frame.demand(Action.REGISTER)
    return _show_preview(import_id)


@routes.post("/imports/<int:import_id>/columns")
def set_columns(import_id: int) -> Response:
    """Take the columns of a file for the fields that somebody chose."""
    frame.demand(Action.REGISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        kept = imports.find_import(session, import_id, REGISTRY, user_id=user.id, now=runtime.now())
        if kept is None:
            return _tell_expired()
        known = FIELDS[Kind(kept.kind)]
        chosen = [request.form.get(f"column{at}", "") for at in range(len(kept.columns))]
        fields = [field if field in known else "" for field in chosen]
        twice = {field for field in fields if field and field != "phones" and fields.count(field) > 1}
        if twice:
            words = translate(mark("Two columns are both taken for: %(field)s."))
            name = translate(FIELD_NAMES[min(twice)])
            return _show_preview(import_id, fault=words % {"field": name}, status=422)
        imports.set_columns(session, import_id, fields, user_id=user.id)
        session.commit()
    return frame.go("imports.show_preview", import_id=import_id)


@routes.post("/imports/<int:import_id>/apply")
def apply_import(import_id: int) -> Response:
    """Do just what was looked at; if the registry has changed since, nothing, and it is shown anew."""
    frame.demand(Action.REGISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    late = translate(
        mark("The registry has changed since you looked, so nothing was done. This is what would happen now.")
    )
    with runtime.database.session() as session:
        kept = imports.find_import(session, import_id, REGISTRY, user_id=user.id, now=runtime.now())
        if kept is None:
            return _tell_expired()
        plan = _plan(session, kept)
        if plan.digest != request.form.get("digest"):
            return _show_preview(import_id, fault=late, status=409)
        counts = plan.count()
        if counts[Act.WRONG] and request.form.get("only_good") != "1":
            words = translate(mark("Some rows have errors. Tick that the good ones are to be taken without them."))
            return _show_preview(import_id, fault=words, status=422)
        try:
            apply.apply_plan(session, Kind(kept.kind), plan, scope=user.scope)
        except Raced:
            session.rollback()
            return _show_preview(import_id, fault=late, status=409)
        details = {"file": kept.file_name, "digest": kept.digest, **{act.value: count for act, count in counts.items()}}
        by = (user.id, user.name, user.area)
        apply.write_down(session, Kind(kept.kind), plan, details, by=by, now=runtime.now())
        imports.drop_import(session, import_id, user_id=user.id)
        session.commit()
    done = counts[Act.NEW] + counts[Act.CHANGED]
    said = translate_count("%(num)s row was taken over.", "%(num)s rows were taken over.", done) % {"num": done}
    return frame.go(f"{kept.kind}.show_{kept.kind}", said=said)


@routes.get("/imports/<int:import_id>/faults.csv")
def download_faults(import_id: int) -> Response:
    """Give out every row that has an error, with what is wrong with it in words."""
    frame.demand(Action.REGISTER)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:
        kept = imports.find_import(session, import_id, REGISTRY, user_id=user.id, now=runtime.now())
        if kept is None:
            return _tell_expired()
        plan = _plan(session, kept)
    wrong = plan.of(Act.WRONG)
    rows = ((str(row.number), row.key, row.name, " ".join(map(say_fault, row.faults))) for row in wrong)
    return send_file(
        b"".join(writing_files.write_table(("baris", "kunci", "nama", "yang salah"), rows)), "csv", "errors"
    )


@routes.get("/imports/export/<any(facilities, reporters):kind>.<any(xlsx, csv):form>")
def export(kind: str, form: str) -> Response:
    """Give out the registry of the visitor's area, as a file that can be imported again."""
    frame.demand(Action.EXPORT)
    if kind == Kind.REPORTERS.value:
        frame.demand(Action.SEE_PHONES)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session() as session:
        frame.audit(session, "export", "file", kind, user.area, form=form)
        session.commit()
    rows = _rows_of(Kind(kind), user.scope)
    if form == "csv":
        return send_file(stream_with_context(writing_files.write_csv(Kind(kind), rows)), form, kind)
    return send_file(writing_files.write_workbook(Kind(kind), rows), form, kind)


@routes.get("/imports/template/<any(facilities, reporters):kind>.xlsx")
def download_template(kind: str) -> Response:
    """Give out an empty file with its columns named, example rows, and notes."""
    frame.demand(Action.REGISTER)
    chosen = Kind(kind)
    content = writing_files.write_workbook(chosen, writing_files.EXAMPLES[chosen], with_notes=True)
    return send_file(content, "xlsx", f"contoh-{kind}")


def _rows_of(kind: Kind, scope: Scope) -> Iterator[tuple[str, ...]]:
    day = today()
    with frame.runtime_of_request().database.session(read_only=True) as session:
        if kind is Kind.FACILITIES:
            found = register.stream_facilities(session, scope=scope)
            yield from (writing_files.facility_row(one) for one in found if one.merged_into is None)
        else:
            people = roster.stream_reporters(session, scope=scope, today=day)
            yield from (writing_files.reporter_row(one) for one in people)


def send_file(content: Any, form: str, name: str) -> Response:
    """Return a file to be kept: `form` is xlsx or csv, `name` what it holds."""
    response = Response(content, mimetype=XLSX if form == "xlsx" else "text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="kabar-{name}-{today().isoformat()}.{form}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _kind(written: str) -> Kind:
    return Kind(written) if written in set(REGISTRY) else Kind.FACILITIES


def _plan(session: Session, kept: KeptImport) -> Plan:
    runtime = frame.runtime_of_request()
    return apply.make_plan(
        session,
        Kind(kept.kind),
        as_sheet(kept),
        kept.columns,
        scope=frame.visitor().scope,
        today=today(),
        region=runtime.settings.region,
    )


def as_sheet(kept: KeptImport) -> Sheet:
    """Return a kept file as it was read."""
    rows = tuple((int(number), tuple(row)) for number, row in kept.sheet["rows"])
    return Sheet(tuple(kept.sheet["columns"]), rows)


def _tell_expired() -> Response:
    words = mark("This file was kept for an hour, and is gone. Please upload it again.")
    return frame.go("imports.show_import", said=words, tone="look")


def _show_upload(kind: Kind, fault: str = "", status: int = 200) -> Response:
    return frame.answer("imports.html", status, kind=kind.value, fault=fault)


def _show_preview(import_id: int, fault: str = "", status: int = 200) -> Response:
    runtime, user = frame.runtime_of_request(), frame.visitor()
    with runtime.database.session(read_only=True) as session:
        kept = imports.find_import(session, import_id, REGISTRY, user_id=user.id, now=runtime.now())
        if kept is None:
            return _tell_expired()
        kind = Kind(kept.kind)
        missing = [field for field in WANTED[kind] if field not in kept.columns]
        plan = Plan((), "") if missing else _plan(session, kept)
    counts = plan.count()
    chosen = request.args.get("show", "")
    act = Act(chosen) if chosen in set(Act) else next((one for one, _ in TABS if counts[one]), Act.SAME)
    parts = [
        (
            url_for("imports.show_preview", import_id=import_id, show=one.value),
            translate(words),
            one is act,
            counts[one],
        )
        for one, words in TABS
    ]
    return frame.answer(
        "import_preview.html",
        status,
        kept=kept,
        kind=kind.value,
        columns=list(zip(kept.sheet["columns"], kept.columns, strict=True)),
        samples=[row for _, row in kept.sheet["rows"][:1]],
        fields=[(field, translate(FIELD_NAMES[field])) for field in FIELDS[kind]],
        field_names={field: translate(words) for field, words in FIELD_NAMES.items()},
        missing=[translate(FIELD_NAMES[field]) for field in missing],
        rows=plan.of(act)[:SHOWN],
        is_cut=counts[act] > SHOWN,
        act=act.value,
        counts={one.value: count for one, count in counts.items()},
        parts=parts,
        digest=plan.digest,
        fault=fault,
        say_fault=say_fault,
        show_value=show_value,
    )


def show_value(value: Any) -> str:
    """Return a value of a plan as the preview shows it."""
    if isinstance(value, bool):
        return translate(mark("yes")) if value else translate(mark("no"))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "–" if value is None or value == "" else str(value)
