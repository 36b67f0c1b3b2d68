"""What an answer of a DHIS2 means, whatever its generation: told by what it does, not by its version. Pure.

Three kinds are known: up to 2.37 a bare import summary, HTTP 200 whatever came of it; 2.38 to 2.42 a summary in an
envelope, HTTP 409 for a warning; from 2.43 HTTP 200 for a warning, and nothing is stored where one code is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.errors import KabarError, Permanent, Retryable
from gateway.export.dhis2.reasons import Reason, name_reason
from gateway.mapping import Cell

LONGEST = 200  # characters of what they say, shown beside our words
# From 2.43, of a code that could not be looked up: which value it was stands only in front of the arguments.
_LOOKED_UP = {*(f"E{code}" for code in range(8100, 8112)), "E8126", "E8127"}
_FIRST_NUMBER = re.compile(r"(\d+)(?:-|$)")


class Course(StrEnum):
    """What is to be done after an answer."""

    READ_BACK = "read_back"  # what is there now tells
    WAIT = "wait"  # later again, and read back first
    ONCE = "once"  # once more at most
    PARK = "park"  # never again by itself: it would go the same way
    HALT = "halt"  # nor any other facility of this push


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that was not taken. `said` is what they said of it, to be shown and never judged by."""

    reason: Reason
    code: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer means. `cells` are troubles by the place of a value in what was sent; `whole` are of all of it.

    `stored` is how many values they say they took, None where no import was answered.
    """

    course: Course
    whole: tuple[Trouble, ...] = ()
    cells: Mapping[int, Trouble] = field(default_factory=dict)
    stored: int | None = None
    after_seconds: float | None = None

    @property
    def is_unheard(self) -> bool:
        """Tell whether it may have been taken, though nobody said so."""
        return self.stored is None and self.course is Course.READ_BACK

    @property
    def is_clean(self) -> bool:
        """Tell whether an import was answered without any trouble."""
        return self.stored is not None and not self.whole and not self.cells


@dataclass(frozen=True, slots=True)
class Sent:
    """What an answer is an answer to: the cells in their order, and where they went."""

    cells: Sequence[Cell]
    data_set: str
    org_unit: str
    their_period: str


def hear(status: int, headers: Mapping[str, str], body: bytes, sent: Sent) -> Heard:
    """Return what an answer to an import means."""
    summary = find_summary(read_object(body))
    return hear_other(status, headers, body) if summary is None else _hear_summary(summary, sent)


def hear_fault(fault: KabarError) -> Heard:
    """Return what it means that no answer came. Errors: none; a fault of ours is raised where it happens."""
    if isinstance(fault, Retryable):
        reason = Reason.CERTIFICATE if fault.code == "certificate" else Reason.UNREACHED
        return Heard(Course.WAIT, (Trouble(reason),))
    if isinstance(fault, Permanent):
        return Heard(Course.HALT, (Trouble(Reason.ADDRESS, said=_cut(str(fault))),))
    return Heard(Course.READ_BACK, (Trouble(Reason.CUT),))


def hear_other(status: int, headers: Mapping[str, str], body: bytes) -> Heard:
    """Return what an answer without an import summary means."""
    found = read_object(body)
    said = _cut(str(found.get("message") or "")) if found is not None else ""
    code = str(found.get("errorCode") or "") if found is not None else ""

    def so(course: Course, reason: Reason) -> Heard:
        return Heard(course, (Trouble(reason, code or str(status), said),), after_seconds=_read_wait(headers))

    if status == 401:
        return so(Course.HALT, Reason.LOGIN)
    if status == 403:
        return so(Course.HALT, Reason.FORBIDDEN)
    if 300 <= status < 400:
        return so(Course.HALT, Reason.MOVED)
    if status in (408, 504):
        return so(Course.READ_BACK, Reason.TIMED_OUT)
    if status in (429, 502, 503):
        return so(Course.WAIT, Reason.BUSY)
    if found is not None and _is_task(found):
        return so(Course.READ_BACK, Reason.ASYNC)
    if code and name_reason(code) is not Reason.OTHER:
        return so(Course.PARK, name_reason(code))
    if status == 415:
        return so(Course.PARK, Reason.MEDIA)
    if status == 404:
        return so(Course.HALT, Reason.NOT_FOUND)
    if status >= 500:
        return so(Course.ONCE, Reason.UNREADABLE if found is not None else Reason.BUSY)
    if found is None and (b"<" in body[:100] or "html" in headers.get("content-type", "")):
        return so(Course.HALT, Reason.PAGE)
    if found is None:
        return so(Course.READ_BACK, Reason.CUT)
    return so(Course.PARK, Reason.UNREADABLE if status >= 400 else Reason.STRANGE)


def read_object(body: bytes) -> Mapping[str, Any] | None:
    """Return a body as a JSON object; None for anything else, such as a page to sign in."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def find_summary(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the import summary: the answer itself, or what its envelope holds."""
    if found is None:
        return None
    inner = found.get("response")
    for one in (found, inner if isinstance(inner, dict) else {}):
        if isinstance(one.get("importCount"), dict) or one.get("responseType") == "ImportSummary":
            return one
    return None


def _hear_summary(summary: Mapping[str, Any], sent: Sent) -> Heard:
    whole: list[Trouble] = []
    cells: dict[int, Trouble] = {}
    conflicts = [one for one in summary.get("conflicts") or () if isinstance(one, dict)]
    is_error = summary.get("status") == "ERROR"
    rejected = _numbers(summary.get("rejectedIndexes"), len(sent.cells))
    for conflict in conflicts:
        trouble = _name_trouble(conflict, sent, is_error=is_error)
        places = _find_places(conflict, sent) or _find_rejected(conflict, rejected, sent, is_only=len(conflicts) == 1)
        for place in places:
            cells.setdefault(place, trouble)
        if not places:
            whole.append(trouble)
    said = _cut(str(summary.get("description") or ""))
    if not conflicts and summary.get("status") not in ("SUCCESS", "OK"):
        whole.append(Trouble(Reason.UNREADABLE if said else Reason.STRANGE, said=said))
    stored = _stored(summary)
    if is_error and not stored:  # one fault had all of it refused
        first = next(iter((*cells.values(), *whole)))
        cells = {at: cells.get(at, Trouble(Reason.WITH_OTHERS, first.code)) for at in range(len(sent.cells))}
    return Heard(Course.READ_BACK, tuple(whole), cells, stored)


def _name_trouble(conflict: Mapping[str, Any], sent: Sent, *, is_error: bool) -> Trouble:
    said, code = _cut(str(conflict.get("value") or "")), str(conflict.get("errorCode") or "")
    if code:
        return Trouble(name_reason(code), code, said)
    about = conflict.get("object")  # the oldest kind says what it is about, and nothing else that can be relied upon
    if about == sent.data_set:
        reason = Reason.DATA_SET
    elif about == sent.org_unit:
        reason = Reason.ORG_UNIT if is_error else Reason.ABOUT_UNIT
    elif about is None or about == sent.their_period:
        reason = Reason.ABOUT_PERIOD
    elif any(about == cell.category_option_combo for cell in sent.cells):
        reason = Reason.COMBO
    elif any(about == cell.data_element for cell in sent.cells):
        reason = Reason.ABOUT_CELL
    else:
        reason = Reason.OTHER
    return Trouble(reason, "", said)


def _find_places(conflict: Mapping[str, Any], sent: Sent) -> tuple[int, ...]:
    """Return which of the sent values a conflict is about; none when it does not tell."""
    most = len(sent.cells)
    if found := _numbers(conflict.get("indexes"), most):
        return found
    objects = conflict.get("objects")
    if conflict.get("errorCode") in _LOOKED_UP and isinstance(objects, dict):
        first = _FIRST_NUMBER.match(str(objects.get("args") or ""))
        return (int(first[1]),) if first and int(first[1]) < most else ()
    return ()


def _find_rejected(
    conflict: Mapping[str, Any], rejected: tuple[int, ...], sent: Sent, *, is_only: bool
) -> tuple[int, ...]:
    """Return which of the rejected values a conflict without indexes is about: all of them where it is the only one."""
    if is_only:
        return rejected
    about = conflict.get("object")
    named = ((at, sent.cells[at]) for at in rejected)
    return tuple(at for at, cell in named if about and about in (cell.data_element, cell.category_option_combo))


def _numbers(found: object, most: int) -> tuple[int, ...]:
    listed = found if isinstance(found, list) else []
    return tuple(one for one in listed if isinstance(one, int) and 0 <= one < most)


def _stored(summary: Mapping[str, Any]) -> int:
    """Return how many values they took; ones that are there already count as `ignored` without a conflict."""
    counts = summary.get("importCount")
    given = counts if isinstance(counts, dict) else {}
    return sum(int(given.get(name) or 0) for name in ("imported", "updated", "deleted"))


def _is_task(found: Mapping[str, Any]) -> bool:
    inner = found.get("response")
    return isinstance(inner, dict) and bool(inner.get("jobType") or inner.get("relativeNotifierEndpoint"))


def _read_wait(headers: Mapping[str, str]) -> float | None:
    """Return how long they ask us to wait, in seconds; a date is not read, our own waits are long enough."""
    given = headers.get("retry-after", "").strip()
    return float(given) if re.fullmatch(r"[0-9]{1,6}", given) else None


def _cut(said: str) -> str:
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
