"""One report: its raw text, its values, how it was read, and every revision of it."""

from __future__ import annotations

from flask import Response

from gateway.review.pages import board, frame, show
from gateway.review.pages.board import ReportCard
from gateway.review.pages.sayings import say_flag, say_repair
from gateway.store import inbox, reports
from parsers.form import Form

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
