"""The text of a report with the words marked that it was read from; where that cannot be told, nothing is marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from gateway.store.whole_reports import WholeReport
from parsers.form import Form
from parsers.read import read_message
from parsers.reading import READER_VERSION, Fragment, ReadReport, Span

USED, REPAIRED = "used", "repaired"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text. `kind` is USED, REPAIRED (read differently from what was written), or empty for the rest."""

    words: str
    kind: str = ""


def find_parts(report: WholeReport, values: Mapping[str, int], forms: Sequence[Form]) -> tuple[Part, ...] | None:
    """Return the text in pieces, marked by what was used of it; None where today's reader may read it differently.

    Only the reader that read it then can tell; it is asked again, and believed if it reads the same report.
    """
    if not report.text or report.reader_version != READER_VERSION:
        return None
    day = report.sent_at.astimezone(ZoneInfo(report.timezone)).date()
    reading = read_message(report.text, day, forms)
    found: list[ReadReport | Fragment] = [*reading.reports, *filter(None, [reading.fragment])]
    same = next((one for one in found if _is_same(one, report, values)), None)
    if same is None or not same.spans:
        return None
    repaired = [_span(repair) for repair in report.reading.get("repairs", ())]
    return cut_text(report.text, tuple(same.spans.values()), [span for span in repaired if span])


def cut_text(text: str, used: Sequence[Span], repaired: Sequence[Span]) -> tuple[Part, ...]:
    """Return a text in pieces. Pure; spans may lie within each other.

    >>> [(part.words, part.kind) for part in cut_text("bu AKTF 40", [Span(3, 10)], [Span(3, 7)])]
    [('bu ', ''), ('AKTF', 'repaired'), (' 40', 'used')]
    """
    kinds = [""] * len(text)
    for kind, spans in ((USED, used), (REPAIRED, repaired)):
        for span in spans:
            for at in range(max(0, span.start), min(span.end, len(text))):
                kinds[at] = kind
    pieces = groupby(range(len(text)), key=kinds.__getitem__)
    return tuple(Part("".join(text[at] for at in places), kind) for kind, places in pieces)


def _is_same(one: ReadReport | Fragment, report: WholeReport, values: Mapping[str, int]) -> bool:
    """Tell whether this is the reading that was kept: an answer or a correction gives a part of the report."""
    if one.form != report.form or one.period not in (None, report.period):
        return False
    return bool(one.values) and all(values.get(key) == value for key, value in one.values.items())


def _span(repair: Mapping[str, Any]) -> Span | None:
    kept = repair.get("span")
    return Span(*kept) if kept else None
