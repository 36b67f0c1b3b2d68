"""The hands of whoever has exports made: settled reports of the small district, an export made, its file read."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.export import run
from gateway.settling import Choices, SettlesAt
from gateway.store import export_choices, exports, reports
from gateway.store.exports import Export, Wanted
from gateway.store.reports import NewReport, ReportKey
from gateway.values import ReportState, Scope
from tests.district import District

COUNTRY = Scope("")
SEPTEMBER = "2025-09"


def settle(
    district: District,
    place: str,
    values: Mapping[str, int],
    *,
    period: str = SEPTEMBER,
    form: str = "kb",
    state: ReportState = ReportState.APPROVED,
) -> int:
    """Have a facility's report of a month counted as it is given, in place of the one that counted; return its id."""
    key = ReportKey(form, district.ids[place], period)
    now = district.runtime.now()
    with district.database.session() as session:
        before = reports.find_current(session, key)
        if before is not None:
            reports.set_state(session, before.id, ReportState.REPLACED, was=before.state)
        new = NewReport(
            key=key,
            values=values,
            state=state,
            sent_at=now,
            sent_key=f"{place}{period}",
            text="",
            reading={},
            form_version=1,
            reader_version=1,
            created_at=now,
        )
        report_id = reports.add(session, new)
        session.commit()
    return report_id


def choose(district: District, settles_at: SettlesAt, area: str = "14.03") -> None:
    """Have an area hand on from this state on."""
    with district.database.session() as session:
        export_choices.choose(session, Choices(area, settles_at), scope=COUNTRY)
        session.commit()


def ask(district: District, wanted: Wanted) -> Export:
    """Ask for an export as somebody of the office."""
    with district.database.session() as session:
        export = exports.ask(session, wanted, (7, "Rina"), district.runtime.now(), scope=COUNTRY)
        session.commit()
    assert export
    return export


def make(
    district: District,
    name: str = "csv_machine",
    *,
    form: str = "kb",
    first: str = SEPTEMBER,
    last: str = SEPTEMBER,
    area: str = "14.03",
) -> Export:
    """Have an export made, and return it as it stands then."""
    asked = ask(district, Wanted(name, form, first, last, area))
    run.make_next(district.database, district.runtime.forms, district.runtime.now)
    return find(district, asked.ref)


def find(district: District, ref: str) -> Export:
    """Return an export as it stands."""
    with district.database.session(read_only=True) as session:
        found = exports.find_export(session, ref, scope=COUNTRY)
    assert found
    return found


def read(district: District, export: Export) -> bytes:
    """Return an export's file."""
    with district.database.session(read_only=True) as session:
        return b"".join(exports.read_parts(session, export, scope=COUNTRY))
