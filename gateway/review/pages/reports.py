"""One report: its raw text, its values, how it was read, and every revision of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from flask import Response

from gateway.review.pages import board, frame, show
from gateway.review.pages.board import ReportCard
from gateway.review.pages.language import current_language, mark, translate
from gateway.store import inbox, reports
from parsers.form import Form
from parsers.problems import ProblemCode
from parsers.reading import RepairCode

REPAIRS: Mapping[str, str] = {
    RepairCode.SPELLING: mark("“%(written)s” was read as %(read)s."),
    RepairCode.DIGITS: mark("“%(written)s” was read as the number %(read)s."),
    RepairCode.PERIOD_ASSUMED: mark("No month was written; %(read)s was taken."),
    RepairCode.FORM_INFERRED: mark("No keyword was written; it was read as %(read)s."),
}
FLAGS: Mapping[str, str] = {
    ProblemCode.PERIOD_LATE: mark("This month lies %(months)s months back."),
    ProblemCode.SUM_DIFFERS: mark("%(key)s: the methods add up to %(sum)s, but the total says %(total)s."),
    ProblemCode.KINDS_AND_WHOLE: mark("A method and one of its kinds were both given: %(key)s."),
    ProblemCode.SAME_AS_LAST: mark("Every number equals the month before’s."),
    ProblemCode.STOCK_EXPIRED: mark("%(key)s: stock is past its expiry."),
    ProblemCode.STOCK_EXPIRING: mark("%(key)s: stock expires within months."),
}
UNKNOWN_FLAG = mark("Something that this page has no words for: %(code)s.")
UNKNOWN_REPAIR = mark("“%(written)s” was read as %(read)s.")

routes = frame.make_routes("reports")


@routes.get("/reports/<int:report_id>")
def show_report(report_id: int) -> Response:
    """Show one revision of a report and the others beside it."""
    runtime = frame.runtime_of_request()
    forms = {form.code: form for form in runtime.forms}
    with runtime.database.session(read_only=True) as session:
        report = reports.find_report(session, report_id) if report_id < 2**63 else None
        if report is None:
            return frame.answer("absent.html", 404)
        cards = board.make_cards(session, reports.revisions(session, report.key), forms)
        reading = reports.find_reading(session, report.id) or {}
        flags = reports.find_flags(session, report.id)
        message = inbox.find_by_id(session, report.inbox_id) if report.inbox_id else None
    card = next(card for card in cards if card.report.id == report.id)
    form = forms.get(report.key.form)
    return frame.answer(
        "report.html",
        card=card,
        cards=cards[::-1],
        changes={one.report.id: find_changes(cards, one, form) for one in cards},
        repairs=[say_repair(repair, form) for repair in reading.get("repairs", ())],
        flags=[say_flag(flag, form) for flag in flags],
        remark=str(reading.get("remark") or ""),
        message=message,
        form=form,
    )


def say_repair(repair: Mapping[str, Any], form: Form | None) -> str:
    """Return in words what was read differently from what was written. Shape: one of `reading_json`'s repairs."""
    code, read = repair.get("code", ""), str(repair.get("read", ""))
    if code == RepairCode.SPELLING:
        read = show.name_key(form, read)
    elif code == RepairCode.PERIOD_ASSUMED:
        read = show.show_month(read)
    elif code == RepairCode.FORM_INFERRED and form:
        read = form.name(current_language())
    words = translate(REPAIRS.get(code, UNKNOWN_REPAIR))
    return words % {"written": repair.get("written", ""), "read": read}


def say_flag(flag: Mapping[str, Any], form: Form | None) -> str:
    """Return in words what staff should look at. Shape: {"code", "about"} of a W rule (`parsers.problems`)."""
    about: Mapping[str, Any] = flag.get("about") or {}
    said = {name: show.show_count(value) if isinstance(value, int) else str(value) for name, value in about.items()}
    said |= {"code": str(flag.get("code", "")), "key": show.name_key(form, str(about.get("key", "")))}
    return translate(FLAGS.get(said["code"], UNKNOWN_FLAG)) % defaultdict(str, said)


def find_changes(
    cards: tuple[ReportCard, ...], card: ReportCard, form: Form | None
) -> list[tuple[str, int | None, int | None]]:
    """Return what a revision changed in the one that it replaces: name, before, after."""
    before = next((one.report for one in cards if one.report.id == card.report.replaces_id), None)
    if before is None:
        return []
    keys = dict.fromkeys((*before.values, *card.report.values))
    pairs = [(key, before.values.get(key), card.report.values.get(key)) for key in keys]
    return [(show.name_key(form, key), was, now) for key, was, now in pairs if was != now]
