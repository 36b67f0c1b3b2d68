"""Read the whole corpus as `./kabar parse` does, and print how many messages of each class came out as they must.

    python -m tests.parsers.table

A class is what the corpus says of a message. What comes out otherwise is wrong; it is named, and the exit status is 1.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from click.testing import CliRunner

from gateway.cli import kabar
from parsers.read import read_message
from parsers.reading import (
    Command,
    CommandName,
    Fragment,
    Kind,
    OpenQuestion,
    Problem,
    Reading,
    ReadReport,
    Repair,
    RepairCode,
    Span,
)
from parsers.report_json import as_json
from tests.parsers.corpus import Case, corpus_files, forms_for, read_cases
from tests.parsers.outcome import write_outcome

CLASSES = ("read", "asked", "text", "command")


class Checked(NamedTuple):
    """One message of the corpus, and the outcome that it really had."""

    case: Case
    outcome: str

    @property
    def kind(self) -> str:
        """What the corpus says of it: read, asked about, a command, or text for staff."""
        first = self.case.outcome.partition(" ")[0]
        if first in ("text", "command"):
            return first
        return "asked" if " ?" in self.case.outcome else "read"

    @property
    def is_right(self) -> bool:
        """Whether it was read as its line says."""
        return self.outcome == self.case.outcome


def check_corpus() -> list[Checked]:
    """Read every message of the corpus and return what came out.

    All go through `./kabar parse`, but for answers, which need the open question, and the form that is only a test's.
    """
    shipped: list[Case] = []
    checked: list[Checked] = []
    for path in corpus_files():
        is_of_test = path.with_suffix(".toml").exists()
        for case in read_cases(path):
            if is_of_test or case.asked is not None:
                forms = forms_for(path)
                asked = read_message(case.asked, case.sent_on, forms).reports[0] if case.asked else None
                question = OpenQuestion(asked) if asked else None
                read = read_message(case.text, case.sent_on, forms, question)
                checked.append(Checked(case, write_outcome(read_json(as_json(read)))))
            else:
                shipped.append(case)
    written = zip(shipped, parse(shipped), strict=True)
    return checked + [Checked(case, write_outcome(read_json(line))) for case, line in written]


def parse(cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Return what `./kabar parse` writes about messages."""
    lines = [
        json.dumps({"id": number, "text": case.text, "on": case.sent_on.isoformat()})
        for number, case in enumerate(cases)
    ]
    result = CliRunner().invoke(kabar, ["parse"], input="\n".join(lines), catch_exceptions=False)
    for number, line in enumerate(result.stdout.splitlines()):
        found = json.loads(line)
        assert found["id"] == number, f"message {number} was answered by {found}"
        yield found


def read_json(written: Mapping[str, Any]) -> Reading:
    """Return the reading that a line of `./kabar parse` stands for."""
    command = written["command"]
    fragment = written.get("fragment")
    return Reading(
        Kind(written["kind"]),
        reports=tuple(
            ReadReport(form=one["form"], remark=one.get("remark", ""), **_parts(one)) for one in written["reports"]
        ),
        fragment=Fragment(form=fragment["form"], **_parts(fragment)) if fragment else None,
        command=Command(CommandName(command), written.get("rest", "")) if command else None,
        problems=_problems(written.get("problems", [])),
    )


def _parts(one: Mapping[str, Any]) -> dict[str, Any]:
    repairs = (
        Repair(RepairCode(repair["code"]), repair["written"], repair["read"], _span(repair["span"]))
        for repair in one["repairs"]
    )
    same = {name: one[name] for name in ("period", "facility", "values")}
    return same | {"repairs": tuple(repairs), "problems": _problems(one["problems"])}


def _problems(written: Sequence[Mapping[str, Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(one["code"], one["words"], Span(*one["span"]), one.get("about", {})) for one in written)


def _span(written: Sequence[int] | None) -> Span | None:
    return Span(*written) if written else None


def draw_table(checked: Sequence[Checked]) -> str:
    """Return the table of classes.

    Shape: a heading, a row for each class (its name, messages, right, wrong), a row for all.
    """
    all_of, right = Counter(one.kind for one in checked), Counter(one.kind for one in checked if one.is_right)
    rows = [(kind, all_of[kind], right[kind], all_of[kind] - right[kind]) for kind in CLASSES]
    rows.append(("all", all_of.total(), right.total(), all_of.total() - right.total()))
    heading = f"{'class':<8} {'messages':>8} {'right':>8} {'wrong':>8}"
    return "\n".join([heading, *(f"{name:<8} {count:>8} {good:>8} {bad:>8}" for name, count, good, bad in rows)])


def main() -> int:
    """Print the table, and what is wrong; 1 if anything is."""
    checked = check_corpus()
    print(draw_table(checked))
    wrong = [one for one in checked if not one.is_right]
    for one in wrong:
        print(f"{one.case.place}: {one.case.text!r}\n  must be: {one.case.outcome}\n  is:      {one.outcome}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
