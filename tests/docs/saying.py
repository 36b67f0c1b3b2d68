"""A reading in the words that the pages use: what was read, what is asked, or who reads it instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway.reply import compose
from gateway.reply.wordings import Wording
from parsers.form import Form
from parsers.period import assumed_period
from parsers.read import read_message
from parsers.reading import Kind, ReadReport

SENT_ON = date(2025, 10, 3)  # the day of every example on the pages
WORDS = {"id": ("ditanya", "perintah", "untuk petugas"), "en": ("asked", "command", "for staff")}


def say_reading(text: str, forms: Sequence[Form], wording: Wording) -> str:
    """Return what a message is read as, as the pages write it."""
    asked, command, staff = WORDS[wording.code]
    reading = read_message(text, SENT_ON, forms)
    if reading.kind is Kind.COMMAND:
        assert reading.command is not None
        return f"{command} {reading.command.name}"
    if reading.kind is Kind.TEXT:
        return staff
    by_code = {form.code: form for form in forms}
    said = [_say_report(report, by_code[report.form], wording, asked) for report in reading.reports]
    return "; ".join(said)


def _say_report(report: ReadReport, form: Form, wording: Wording, asked: str) -> str:
    if report.problems:
        due = compose.typed_month(wording, assumed_period(SENT_ON))
        extra = {"due_month": due, "example": "", "choices": "", "facility_type": ""}
        question = compose.ask(wording, form, report.period, report.problems, extra)
        return f"{asked}: {question.partition(': ')[2]}"
    assert report.period is not None
    head = " ".join(filter(None, [compose.keyword(form), wording.month(report.period), report.facility]))
    values = ", ".join(f"{form.word_for(key)} {count}" for key, count in report.values.items())
    repairs = [compose.say_repair(wording, form, repair) for repair in report.repairs]
    return " ".join([f"{head}: {values}{'.' if repairs else ''}", *repairs])
