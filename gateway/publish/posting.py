"""/api/v1/reports, POST: a report from another system, judged as an SMS is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from flask import request
from pydantic import BeforeValidator, Field

from gateway.errors import Raced
from gateway.handle import accept, by_hand, closing
from gateway.handle.accept import Accepted, FromSystem
from gateway.handle.reading_json import to_json
from gateway.publish import problems
from gateway.publish.api import BASE, Answer, Caller, Operation, Resource
from gateway.publish.problems import Kind, Refusal
from gateway.publish.reports import ReportTold, tell_report
from gateway.publish.shapes import Asked, FacilityCode, FormCode, Instant, Period, Told
from gateway.review import enter
from gateway.review.enter import Checked
from gateway.store import audit, handed_reports, register, tokens, totals
from gateway.store.audit import NewAudit
from gateway.store.base import Session
from gateway.store.register import KnownFacility
from gateway.store.reports import ReportKey
from gateway.store.tokens import Posted, TokenScope
from parsers.form import Form
from parsers.judge import Finding
from parsers.problems import ProblemCode
from parsers.reading import Problem, ReadReport

resource = Resource("posting")
routes = resource.routes
RACES = 5  # times that a report which lost a race is judged again at once
LONGEST_KEY = 200
AHEAD = timedelta(minutes=5)  # a clock that is a little fast is forgiven; then the report was sent now
_KEY = "Idempotency-Key"


def _whole(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError("must be a whole number")  # noqa: TRY004  pydantic tells this one
    return given


Value = Annotated[int, Field(ge=0, le=10**9), BeforeValidator(_whole)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,20}(\.[a-z0-9_]{1,20})?$")]


class PostReport(Asked):
    """A report. Values are named `measure` or `measure.item`; what is left out was not reported, 0 is none."""

    form: FormCode
    facility: FacilityCode
    period: Period
    values: Annotated[dict[Key, Value], Field(max_length=300, examples=[{"baru": 12, "aktif": 40, "aktif.pil": 40}])]
    sent_at: Annotated[
        Instant | None,
        Field(description="When it was sent; of two reports of a month the later one counts. Without it: now."),
    ] = None
    remark: Annotated[str, Field(max_length=300)] = ""
    confirm: Annotated[
        tuple[Annotated[str, Field(pattern="^[0-9a-f]{16}$")], ...],
        Field(max_length=300, description="Doubtful, and yet so: `confirm` of each doubt in the answer before."),
    ] = ()


class Taken(Told):
    """What became of a report.

    `counts`: it is in the figures now. `outdated`: a later one is there. `unchanged`: the same is approved already.
    `proposed`, `closed`: staff decide.
    """

    decision: Literal["counts", "outdated", "unchanged", "proposed", "closed"]
    report: ReportTold


@dataclass(frozen=True, slots=True)
class Judged:
    """A report that can be stored, and what it is about."""

    form: Form
    facility: KnownFacility
    sent_at: datetime
    checked: Checked
    is_closed: bool


@resource.serve(
    Operation(
        name="postReport",
        method="POST",
        path="/reports",
        scope=TokenScope.WRITE_REPORTS,
        says={
            "en": "Send a report; it is judged as an SMS is. Sent again with its Idempotency-Key it is kept once.",
            "id": "Kirim laporan; diperiksa seperti SMS. Dengan Idempotency-Key yang sama disimpan sekali.",
        },
        body=PostReport,
        headers={_KEY: "1 to 200 printable characters, another one for each report"},
        taken={201: Taken, 200: Taken},
    )
)
def post_report(caller: Caller, _query: Asked, posted: PostReport) -> Answer:
    """Take a report, or tell what is wrong with it."""
    key = _read_key()
    for _ in range(RACES):
        try:
            return _take(caller, posted, key)
        except Raced:  # somebody else was quicker: what is there now decides
            continue
    raise Refusal(Kind.UNAVAILABLE, headers={"Retry-After": "1"})


def _read_key() -> str:
    key = request.headers.get(_KEY, "")
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable() or not key.isascii():
        raise Refusal(
            Kind.INVALID,
            f"Send a header {_KEY} of 1 to {LONGEST_KEY} printable characters, another one for each report.",
            f"Kirim header {_KEY} berisi 1 sampai {LONGEST_KEY} karakter, berbeda untuk setiap laporan.",
            faults=[{"at": _KEY, "fault": "is missing or too long", "fault_id": "belum ada atau terlalu panjang"}],
        )
    return key


def _take(caller: Caller, posted: PostReport, key: str) -> Answer:
    fingerprint = hashlib.sha256(posted.model_dump_json(exclude={"confirm"}).encode()).hexdigest()
    with caller.runtime.database.session() as session:
        before = tokens.find_posted(session, caller.token, key)
        if before is not None:
            return _tell_again(session, caller, before, fingerprint)
        judged = _judge(session, caller, posted)
        taken = _store(session, caller, judged, f"api:{caller.token.id}:{hashlib.sha256(key.encode()).hexdigest()}")
        kept = Posted(fingerprint, taken.report_id, taken.decision.value)
        tokens.keep_posted(session, caller.token, key, kept, caller.now)
        answer = _tell(session, caller, kept, 201)
        session.commit()
    return answer


def _judge(session: Session, caller: Caller, posted: PostReport) -> Judged:
    """Return a report that can be stored. Errors: Refusal telling what is wrong with it, or doubtful."""
    form = next((one for one in caller.runtime.forms if one.code == posted.form), None)
    if form is None:
        raise _refuse_form(posted)
    facility = register.find_by_codes(session, [posted.facility], scope=caller.scope).get(posted.facility)
    if facility is None or facility.merged_into is not None:
        raise _refuse([Finding(ProblemCode.FACILITY_UNKNOWN, {"facility": posted.facility})])
    if posted.sent_at is not None and posted.sent_at > caller.now + AHEAD:
        raise Refusal(Kind.INVALID, "sent_at has not come yet.", "sent_at belum tiba.")
    sent_at = min(posted.sent_at or caller.now, caller.now)
    beside = by_hand.gather(session, form, facility.id, posted.period, sent_at)
    report = ReadReport(form.code, posted.period, dict(posted.values), remark=posted.remark)
    unknown = _find_unknown(posted, form)
    checked = Checked(report, unknown) if unknown else enter.check(report, form, beside.facts, posted.confirm)
    if checked.refusals:
        raise _refuse(checked.refusals)
    if checked.unsure and not beside.is_closed:  # nobody is asked about a request: staff see what is doubtful
        raise _doubt(checked)
    return Judged(form, facility, sent_at, checked, beside.is_closed)


def _store(session: Session, caller: Caller, judged: Judged, key: str) -> Accepted:
    report, now = judged.checked.report, caller.now
    period = str(report.period)
    sent = FromSystem(
        key=key,
        sent_at=judged.sent_at,
        reading=_as_reading(caller, judged),
        values=report.values,
        form_version=judged.form.version,
        flags=_flags(judged.checked, period, is_closed=judged.is_closed),
    )
    about = ReportKey(judged.form.code, judged.facility.id, period)
    taken = accept.take_posted(session, about, sent, now, is_closed=judged.is_closed)
    totals.refresh_reports(session, [taken.report_id])
    told = {"form": judged.form.code, "period": period, "values": dict(report.values)}
    who, subject = f"API: {caller.token.name}"[:100], str(taken.report_id)
    audit.record(session, NewAudit(now, None, who, "post", "report", subject, judged.facility.area, told))
    return taken


def _tell_again(session: Session, caller: Caller, before: Posted, fingerprint: str) -> Answer:
    if before.fingerprint != fingerprint:
        raise Refusal(
            Kind.KEY_REUSED,
            "Another report was kept with this key. Give each report a key of its own.",
            "Laporan lain sudah disimpan dengan kunci ini. Beri setiap laporan kuncinya sendiri.",
        )
    return _tell(session, caller, before, 200)


def _tell(session: Session, caller: Caller, kept: Posted, status: int) -> Answer:
    found = handed_reports.find_handed(session, kept.report_id, scope=caller.scope)
    if found is None:  # its facility lies elsewhere by now
        raise Refusal(Kind.NOT_FOUND)
    chosen = handed_reports.every_choice(session, scope=caller.scope)
    told = Taken.model_validate({"decision": kept.decision, "report": tell_report(found, chosen)})
    return Answer(told, status, {"Location": f"{BASE}/reports/{kept.report_id}"})


def _find_unknown(posted: PostReport, form: Form) -> tuple[Finding, ...]:
    known = set(enter.lay_out(form).keys.values())
    parts = [(key, *key.partition(".")[::2]) for key in posted.values if key not in known]
    return tuple(
        Finding(ProblemCode.ITEM_NOT_ALLOWED, {"key": key, "measure": measure, "item": item})
        for key, measure, item in parts
    )


def _refuse_form(posted: PostReport) -> Refusal:
    return Refusal(
        Kind.INVALID,
        f"There is no form {posted.form}; see {BASE}/forms.",
        f"Tidak ada formulir {posted.form}; lihat {BASE}/forms.",
        faults=[{"at": "form", "fault": "is not known", "fault_id": "tidak dikenal"}],
    )


def _refuse(found: Sequence[Problem | Finding]) -> Refusal:
    said = problems.say_findings(found)
    return Refusal(Kind.REPORT_REFUSED, said[0]["title"], said[0]["title_id"], problems=said)


def _doubt(checked: Checked) -> Refusal:
    said = problems.say_findings(checked.unsure, [enter.sign(doubt) for doubt in checked.unsure])
    return Refusal(
        Kind.REPORT_DOUBTFUL,
        "Correct the numbers, or send them again with `confirm` of each doubt in the list `confirm`.",
        "Betulkan angkanya, atau kirim lagi dengan `confirm` setiap keraguan dalam daftar `confirm`.",
        problems=said,
    )


def _flags(checked: Checked, period: str, *, is_closed: bool) -> list[Mapping[str, Any]]:
    flags = [{"code": one.code.value, "about": dict(one.about)} for one in checked.flags]
    if not is_closed:
        return [*flags]
    doubts = [{"code": one.code.value, "about": dict(one.about)} for one in checked.unsure]
    return [closing.flag(period), *doubts, *flags]


def _as_reading(caller: Caller, judged: Judged) -> dict[str, Any]:
    """Return what is kept beside the revision: the report, which system sent it, and which doubts it confirmed."""
    checked, taught = judged.checked, judged.form.taught
    sure = [{"code": one.code.value, "about": dict(one.about)} for one in checked.asks if one not in checked.unsure]
    told = {"source": by_hand.BY_SYSTEM, "by": caller.token.name, "sure": sure}
    return to_json(checked.report) | {"by_hand": told} | ({"taught": taught} if taught else {})
