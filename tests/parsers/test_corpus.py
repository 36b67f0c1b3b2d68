"""Every message of the corpus is read as its line says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parsers.form import Form
from parsers.read import read_message
from parsers.reading import OpenQuestion, Problem, Reading
from parsers.report_json import as_json
from tests.parsers.corpus import Case, corpus_files, forms_for, read_cases
from tests.parsers.outcome import write_outcome

CASES = [(path, case) for path in corpus_files() for case in read_cases(path)]


def _read(case: Case, forms: tuple[Form, ...]) -> Reading:
    question = OpenQuestion(read_message(case.asked, case.sent_on, forms).reports[0]) if case.asked else None
    return read_message(case.text, case.sent_on, forms, question)


@pytest.mark.parametrize(("path", "case"), CASES, ids=[case.place for _, case in CASES])
def test_a_message_is_read_as_the_corpus_says(path: Path, case: Case) -> None:
    assert f"{case.text!r} => {write_outcome(_read(case, forms_for(path)))}" == f"{case.text!r} => {case.outcome}"


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_every_question_quotes_the_message_and_names_what_its_code_promises(path: Path) -> None:
    for case in read_cases(path):
        reading = _read(case, forms_for(path))
        fragment = reading.fragment.problems if reading.fragment else ()
        for problem in (*(p for report in reading.reports for p in report.problems), *fragment, *reading.problems):
            if problem.words:
                assert case.text[problem.span.start : problem.span.end] == problem.words, case.place
            _assert_names_what_it_must(problem, case.place)


def _assert_names_what_it_must(problem: Problem, place: str) -> None:
    promised = getattr(problem.code, "about", None)
    assert promised is not None, f"{place}: {problem.code} is no ProblemCode"
    needed = {key for key in promised if not key.startswith("[")}
    allowed = needed | {key.strip("[]") for key in promised}
    assert needed <= set(problem.about) <= allowed, f"{place}: {problem}"


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_every_reading_can_be_written_as_json(path: Path) -> None:
    for case in read_cases(path):
        written = json.loads(json.dumps(as_json(_read(case, forms_for(path)))))
        assert {"kind", "clean", "command", "reports"} <= set(written), case.place


def test_the_corpus_has_at_least_four_hundred_messages() -> None:
    assert len(CASES) >= 400
