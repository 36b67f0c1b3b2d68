"""What was found in a report is said in words: every code, in both languages, with what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask, g

from gateway.forms import load_forms
from gateway.handle.closing import MONTH_CLOSED
from gateway.review.pages import language
from gateway.review.pages.sayings import PROBLEMS, REPAIRS, say_flag, say_problem
from parsers.judge import Finding
from parsers.problems import ProblemCode
from parsers.reading import NOWHERE, Problem, RepairCode

KB, ALOKON = (next(form for form in load_forms() if form.code == code) for code in ("kb", "alokon"))
SLOT = re.compile(r"%\((\w+)\)s")


@pytest.fixture(autouse=True)
def _in_a_request() -> Iterator[None]:
    with Flask(__name__).test_request_context():
        g.language = "id"
        yield


def test_every_problem_and_every_repair_has_words() -> None:
    assert set(PROBLEMS) == {*ProblemCode, MONTH_CLOSED}
    assert set(REPAIRS) == set(RepairCode)


@pytest.mark.parametrize("code", ProblemCode)
def test_a_sentence_names_only_what_its_problem_carries(code: ProblemCode) -> None:
    carried = {slot.strip("[]") for slot in code.about}
    assert set(SLOT.findall(PROBLEMS[code])) <= carried | {"words"}


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_what_is_named_is_named_as_the_form_names_it(spoken: str) -> None:
    g.language = spoken
    said = {
        "id": "Baru pasca salin + Baru pasca keguguran berjumlah 1.030, lebih dari Peserta baru (12).",
        "en": "New after birth + New after miscarriage make 1,030 together, more than New users (12).",
    }
    about: dict[str, str | int] = {"parts": "pasca+gugur", "whole": "baru", "sum": 1030, "total": 12}
    assert say_problem(Finding(ProblemCode.PARTS_EXCEED_WHOLE, about), KB) == said[spoken]


def test_months_and_days_are_said_in_words() -> None:
    running = Problem(ProblemCode.PERIOD_RUNNING, "", NOWHERE, {"period": "2025-09"})
    assert say_problem(running, KB) == "September 2025 belum selesai."
    twice = Problem(ProblemCode.KEY_TWICE, "", NOWHERE, {"key": "aktif", "first": 30, "second": 1040})
    assert say_problem(twice, KB) == "Peserta aktif tertulis dua kali: 30 dan 1.040."
    expired = {"code": "stock_expired", "about": {"key": "akhir.pil", "expires": "2025-08-31"}}
    assert say_flag(expired, ALOKON) == "Saldo akhir, Pil (siklus): stok sudah kedaluwarsa sejak 31 Agustus 2025."


@pytest.mark.parametrize("about", [{}, {"key": "%(words)s", "expires": "soon", "period": "2025-99"}])
@pytest.mark.parametrize("code", ProblemCode)
def test_what_was_kept_by_another_version_is_still_said(code: ProblemCode, about: dict[str, str]) -> None:
    assert say_problem({"code": str(code), "about": about}, None)
    assert "of_a_later_version" in say_problem({"code": "of_a_later_version"}, None)
