"""What staff have a midwife told or asked about her report: refused, corrected, sent back with a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.reply import compose
from gateway.reply.wordings import Wording, longest
from gateway.segments import fits_one_sms
from parsers.form import Form

ALL, MONTH = "all", "month"  # questions that are about no single figure


@dataclass(frozen=True, slots=True)
class About:
    """The report that a notice is about, as it is named in it."""

    form: Form
    facility: str
    period: str


def room_for_reason() -> int:
    """Return how many septets of a reason a notice has room for: a longer one is refused, never cut."""
    return longest("because")


def say_rejected(wording: Wording, about: About, reason: str, *, is_change: bool) -> str:
    """Return that a report is not used, why, and what to do now. `is_change`: what counted before goes on counting."""
    sentence = wording.answers["staff_rejected_change" if is_change else "staff_rejected"]
    return wording.fill(sentence, **_head(wording, about), because=_clean(reason))


def say_corrected(
    wording: Wording, about: About, before: Mapping[str, int], after: Mapping[str, int], reason: str
) -> str:
    """Return what staff changed in a report, each as `AKTIF 40 jadi 45`, and why; what does not fit is counted."""
    head = wording.fill(wording.parts["staff_changed"], **_head(wording, about))
    end = wording.fill(wording.parts["staff_changed_end"], because=_clean(reason))
    changes = compose.list_changes(wording, about.form, before, after)
    for told in range(len(changes), 0, -1):
        text = " ".join([head, *compose.say_changes(wording, changes, told), end])
        if fits_one_sms(text):
            return text
    return " ".join([head, *compose.say_changes(wording, changes, 0), end])


def list_questions(wording: Wording, about: About, values: Mapping[str, int]) -> dict[str, str]:
    """Return the questions that staff may choose from, each a whole SMS: is it all right, the month, each total?

    Shape: by ALL, MONTH or the key of the figure.
    """
    head = _head(wording, about)
    found = {
        ALL: wording.fill(wording.answers["staff_asks_all"], **head),
        MONTH: wording.fill(wording.answers["staff_asks_month"], **head),
    }
    ordered = compose.in_order(about.form, [key for key in values if compose.is_known(about.form, key)])
    for key in [key for key in ordered if "." not in key] or ordered:
        word = about.form.word_for(key)
        found[key] = wording.fill(wording.answers["staff_asks_figure"], **head, key=word, value=values[key])
    return found


def say_own_question(wording: Wording, about: About, words: str) -> str:
    """Return a question in staff's own words, behind the report that it is about; it is still to be checked."""
    return f"{compose.keyword(about.form)} {wording.month(about.period)}: {words}"


def _head(wording: Wording, about: About) -> dict[str, str]:
    return {
        "form": compose.keyword(about.form),
        "month": wording.month(about.period),
        "facility": about.facility,
    }


def _clean(reason: str) -> str:
    return reason.strip().rstrip(".,;:!")
