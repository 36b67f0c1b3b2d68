"""How reminders are said on the pages: rungs, audiences, verdicts, and the day on which something goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from gateway.ladder import Audience, OffDays, Rung
from gateway.remind.effect import HAND, rung_of
from gateway.remind.plan import Verdict
from gateway.review.pages import show
from gateway.review.pages.language import current_language, mark, translate, translate_count

AUDIENCES: Mapping[Audience, str] = {
    Audience.RESPONSIBLE: mark("responsible midwife"),
    Audience.REPORTERS: mark("all midwives of the facility"),
    Audience.OFFICERS: mark("kecamatan officers"),
    Audience.DISTRICT: mark("district office"),
    Audience.REPORTED: mark("midwives who reported"),
}
WORDING_NAMES: Mapping[str, str] = {
    "remind_before": mark("friendly, before the due day"),
    "remind_due": mark("today is the last day"),
    "remind_late": mark("it has not come yet"),
    "remind_officer": mark("list for the officers"),
    "remind_district": mark("summary for the district office"),
    "thanks_year": mark("thanks, with her year so far"),
}
OFF_DAYS: Mapping[OffDays, str] = {
    OffDays.NONE: mark("none: every day will do"),
    OffDays.HOLIDAYS: mark("public holidays"),
    OffDays.SUNDAYS: mark("public holidays and Sundays"),
    OffDays.WEEKENDS: mark("public holidays, Saturdays and Sundays"),
}
# What comes of a facility's report, or of an area's list: in a word or two, why, and how it is coloured.
VERDICTS: Mapping[Verdict, tuple[str, str, str]] = {
    Verdict.REMIND: (mark("Is reminded"), "", "good"),
    Verdict.REPORTED: (mark("Has reported"), "", "past"),
    Verdict.WITH_STAFF: (
        mark("Waits for you"),
        mark("A report has come and waits for your decision. She is not asked for it again."),
        "look",
    ),
    Verdict.CLOSED: (mark("Month closed"), mark("The month is closed; nobody is asked for it any more."), "past"),
    Verdict.NOT_ASKED: (
        mark("Not asked for"),
        mark("Facilities of this type are not asked for this form in this area."),
        "past",
    ),
    Verdict.NO_RUNG: (mark("No step then"), mark("No step of the ladder is due for it then."), "past"),
    Verdict.SENT: (mark("Reminded already"), mark("The step that is due has gone out."), "past"),
    Verdict.PAUSED: (mark("Paused"), mark("Reminders of this area are paused."), "wait"),
    Verdict.SKIPPED: (mark("Left out"), mark("This facility is left out."), "wait"),
    Verdict.NOBODY: (mark("Nobody there"), mark("Nobody with a phone answers for it."), "bad"),
    Verdict.AWAY: (mark("On leave"), mark("Everybody who answers for it is on leave."), "look"),
    Verdict.STOPPED: (mark("Sent STOP"), mark("Whoever answers for it wants no reminders."), "look"),
    Verdict.NO_CHANNEL: (mark("No channel"), mark("No channel may write to whoever answers for it."), "bad"),
    Verdict.QUIET: (mark("Night or day off"), mark("It is night there, or a day off: nobody is written to."), "wait"),
    Verdict.TODAY: (mark("Had one that day"), mark("Nobody is reminded twice on one day."), "past"),
    Verdict.BUDGET: (
        mark("Budget"),
        mark("What is left of the channel’s budget this month is kept for answers."),
        "look",
    ),
    Verdict.ALL_IN: (mark("Nothing to tell"), mark("Nobody is missing there."), "past"),
}
REASONS: Mapping[str, str] = {  # why a facility is left out; anything else is somebody's own words
    "leave": mark("on leave"),
    "closed": mark("closed for a while"),
}
OTHER = "other"


def say_days(days: int) -> str:
    """Return on which day a rung stands: "3 days before the due day"."""
    if days == 0:
        return translate(mark("on the due day"))
    if days < 0:
        return translate_count("%(count)s day before the due day", "%(count)s days before the due day", -days) % {
            "count": -days
        }
    return translate_count("%(count)s day after the due day", "%(count)s days after the due day", days) % {
        "count": days
    }


def say_rung(code: str, rungs: Mapping[str, Rung]) -> str:
    """Return what a rung of a ladder is called; one that it has no more by its code."""
    if rung_of(code) == HAND:
        return translate(mark("sent by hand"))
    if code == "again":
        return translate(mark("asked again: the report was taken back"))
    if code not in rungs:
        return code
    rung = rungs[code]
    return f"{say_days(rung.days)}, {translate(AUDIENCES[rung.audience])}"


def say_reason(reason: str) -> str:
    """Return why somebody is left out, in words; somebody's own words as they stand."""
    return translate(REASONS[reason]) if reason in REASONS else reason


def say_day(day: date, today: date | None) -> str:
    """Return a day as one speaks of it today: "tomorrow, Thursday 2 Oct"; without a today as a calendar has it."""
    named = format_date(day, "EEEE d MMM", locale=current_language())
    near = {today: mark("today"), today + timedelta(days=1): mark("tomorrow")} if today else {}
    return f"{translate(near[day])}, {named}" if day in near else str(named)


def say_hour(hour: int) -> str:
    """Return an hour as a clock shows it: 08.00 in Indonesian, 08:00 in English."""
    return f"{hour:02}{'.' if current_language() == 'id' else ':'}00"


def say_moment(at: datetime, zone: str, now: datetime | None = None) -> str:
    """Return an instant on a place's clock, as `say_day` has the day: "tomorrow, Thursday 2 Oct, 08:00"."""
    here, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date() if now else None
    clock = here.strftime("%H.%M" if current_language() == "id" else "%H:%M")
    return f"{say_day(here.date(), today)}, {clock}"


def say_people(count: int) -> str:
    """Return how many people there are."""
    return translate_count("%(count)s person", "%(count)s people", count) % {"count": show.show_count(count)}


def say_rupiah(cost: int | None) -> str:
    """Return what something costs; empty where nobody has said what an SMS costs."""
    return "" if cost is None else f"Rp{show.show_count(cost)}"
