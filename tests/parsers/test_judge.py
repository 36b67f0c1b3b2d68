"""Every rule on both sides of its edge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from parsers.judge import Facts, Thresholds, Verdict, judge
from parsers.problems import ProblemCode
from parsers.read import read_message
from parsers.reading import Problem, ReadReport, Span
from tests.parsers.corpus import forms_for

FORMS = {form.code: form for form in forms_for(Path("kb.txt"))}
SENT_ON = date(2025, 10, 3)
CALM = {"baru": 12, "aktif": 40}


def _judge(values: Mapping[str, int], form: str = "kb", period: str | None = "2025-09", **facts: object) -> Verdict:
    known = {"sent_on": SENT_ON, **facts}
    return judge(ReadReport(form, period, values), FORMS[form], Facts(**known))  # type: ignore[arg-type]


def _codes(verdict: Verdict) -> set[str]:
    return {finding.code.value for finding in verdict.findings}


def test_a_calm_report_passes() -> None:
    verdict = _judge(CALM, history={"2025-08": {"baru": 11, "aktif": 38}}, facility_type="PMB")
    assert verdict.findings == ()
    assert not verdict.is_refused


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"baru": 12}, "measure_missing"),
        ({"baru": 12, "aktif": 100_000}, "number_too_large"),
        ({"baru": -1, "aktif": 40}, "number_signed"),
        ({"baru": 12, "aktif": 40, "cabut.pil": 1}, "item_not_allowed"),
        ({"baru": 12, "aktif": 40, "lahir": 1}, "item_not_allowed"),
        ({"baru": 12, "baru.pil": 7, "baru.iud": 6, "aktif": 40}, "sum_exceeds_total"),
        ({"baru": 12, "baru.pil": 30, "aktif": 40}, "item_misplaced"),
        ({"baru": 12, "pasca": 8, "gugur": 5, "aktif": 40}, "parts_exceed_whole"),
        ({"baru": 12, "baru.pil": 3, "pasca.pil": 4, "aktif": 40}, "parts_exceed_whole"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, int], code: str) -> None:
    verdict = _judge(values)
    assert verdict.is_refused
    assert {finding.code for finding in verdict.refusals} == {code}


@pytest.mark.parametrize(
    "values",
    [
        {"baru": 12, "aktif": 99_999},
        {"baru": 12, "baru.pil": 6, "baru.iud": 6, "aktif": 40},
        {"baru": 12, "pasca": 7, "gugur": 5, "aktif": 40},
        {"baru": 12, "baru.pil": 4, "pasca.pil": 4, "aktif": 40},
        {"baru": 12, "baru.pil": 12, "baru.mal": 3, "aktif": 40},
        {"baru": 12, "aktif": 40, "cabut.implan2": 1},
    ],
)
def test_what_just_can_be_is_not_refused(values: dict[str, int]) -> None:
    assert not _judge(values).is_refused


def test_stock_must_add_up() -> None:
    right = {"awal.pil": 100, "terima.pil": 50, "keluar.pil": 30, "rusak.pil": 5, "akhir.pil": 115}
    assert not _judge(right, "alokon").is_refused
    wrong = _judge(right | {"akhir.pil": 116}, "alokon").refusals
    assert [(finding.code.value, finding.about["expected"]) for finding in wrong] == [("equation_fails", 115)]


def test_no_more_stock_goes_out_than_was_there() -> None:
    assert not _judge({"awal.pil": 100, "terima.pil": 50, "keluar.pil": 150}, "alokon").is_refused
    assert _codes(_judge({"awal.pil": 100, "terima.pil": 50, "keluar.pil": 151}, "alokon")) == {"parts_exceed_whole"}


@pytest.mark.parametrize(
    ("period", "sent_on", "code"),
    [
        ("2025-10", date(2025, 10, 24), "period_running"),
        ("2025-10", date(2025, 10, 25), None),
        ("2025-11", date(2025, 10, 31), "period_future"),
        ("2025-09", date(2025, 10, 1), None),
        ("2025-07", date(2025, 10, 31), None),
        ("2025-06", date(2025, 10, 1), "period_late"),
        ("2023-10", date(2025, 10, 1), "period_late"),
        ("2023-09", date(2025, 10, 1), "period_old"),
        (None, date(2025, 10, 1), "period_unclear"),
    ],
)
def test_months_are_judged_by_the_day_of_sending(period: str | None, sent_on: date, code: str | None) -> None:
    assert _codes(_judge(CALM, period=period, sent_on=sent_on)) == ({code} if code else set())


def test_fewer_users_now_than_new_ones_are_asked_about() -> None:
    assert _codes(_judge({"baru": 12, "aktif": 12})) == set()
    assert _codes(_judge({"baru": 13, "aktif": 12})) == {"active_below_new"}
    assert _codes(_judge({"baru": 13, "aktif.pil": 10, "aktif.iud": 2})) == {"active_below_new"}


def test_a_number_five_times_the_usual_is_asked_about() -> None:
    history = {f"2025-0{month}": {"baru": 6, "ulang": ulang} for month, ulang in ((8, 3), (7, 4), (6, 5))}
    asked = _judge({"baru": 6, "aktif": 40, "ulang": 20}, history=history)
    assert [(f.about["key"], f.about["usual"]) for f in asked.asks] == [("ulang", 4)]
    assert _codes(_judge({"baru": 6, "aktif": 40, "ulang": 19}, history=history)) == set()  # under 20
    assert _codes(_judge({"baru": 29, "aktif": 40}, history=history)) == set()  # under five times
    assert _codes(_judge({"baru": 30, "aktif": 40}, history=history)) == {"value_jumps"}


def test_only_the_last_six_months_are_usual() -> None:
    months = [f"2025-{month:02}" for month in range(1, 9)]
    history = {month: {"ulang": 100 if month < "2025-03" else 4} for month in months}
    assert _codes(_judge(CALM | {"ulang": 20}, history=history)) == {"value_jumps"}


@pytest.mark.parametrize(
    ("before", "now", "is_asked"),
    [(40, 60, False), (40, 61, True), (40, 20, False), (40, 19, True), (400, 500, False), (400, 501, True)],
)
def test_users_now_that_move_far_are_asked_about(before: int, now: int, is_asked: bool) -> None:
    verdict = _judge({"baru": 3, "aktif": now}, history={"2025-08": {"aktif": before}})
    assert _codes(verdict) == ({"value_moves"} if is_asked else set())


def test_a_digit_slip_is_one_question_not_two() -> None:
    verdict = _judge({"baru": 12, "aktif": 400}, history={"2025-08": {"baru": 10, "aktif": 40}})
    assert [finding.code.value for finding in verdict.asks] == ["value_jumps"]


def test_the_same_numbers_as_last_month_are_flagged() -> None:
    history = {"2025-08": {"baru": 12, "aktif": 40, "gagal": 0}}
    verdict = _judge(CALM, history=history)
    assert [finding.code.value for finding in verdict.flags] == ["same_as_last"]
    assert verdict.asks == ()
    assert _codes(_judge({"baru": 12, "aktif": 41}, history=history)) == set()


def test_the_month_before_counts_across_the_turn_of_the_year() -> None:
    verdict = _judge(CALM, period="2025-01", sent_on=date(2025, 2, 2), history={"2024-12": CALM})
    assert _codes(verdict) == {"same_as_last"}


def test_nothing_at_all_is_asked_about_where_there_is_usually_something() -> None:
    nothing = {"baru": 0, "aktif": 0}
    usual = {"2025-08": {"baru": 2, "aktif": 8}, "2025-07": {"baru": 2, "aktif": 8}, "2025-06": {"baru": 2, "aktif": 8}}
    assert _codes(_judge(nothing, history=usual)) == {"all_zero"}
    little = {month: values | {"aktif": 7} for month, values in usual.items()}
    assert _codes(_judge(nothing, history=little)) == set()
    assert _codes(_judge(nothing)) == set()


@pytest.mark.parametrize("facility_type", ["PMB", "PUSTU", "POLINDES"])
def test_operations_in_a_small_practice_are_asked_about(facility_type: str) -> None:
    values = CALM | {"aktif.mow": 1, "aktif.mop": 0}
    assert [f.about["item"] for f in _judge(values, facility_type=facility_type).asks] == ["mow"]
    assert _codes(_judge(values, facility_type="RS")) == set()


@pytest.mark.parametrize(
    ("facility_type", "values", "key"),
    [
        ("PMB", {"baru": 60, "aktif": 1500}, None),
        ("PMB", {"baru": 61, "aktif": 1500}, "baru"),
        ("PMB", {"baru": 60, "aktif": 1501}, "aktif"),
        ("PUSTU", {"baru": 40, "aktif": 800, "aktif.pil": 81}, "aktif.pil"),
        ("POLINDES", {"baru": 40, "aktif": 801}, "aktif"),
        ("PUSKESMAS", {"baru": 250, "aktif": 10_000}, None),
        ("PUSKESMAS", {"baru": 251, "aktif": 10_000}, "baru"),
        ("RS", {"baru": 200, "aktif": 3000, "aktif.iud": 81}, "aktif.iud"),
        ("PMB", {"baru": 1, "aktif": 1000, "aktif.suntik1": 125, "aktif.suntik3": 126}, "aktif.suntik"),
        ("PMB", {"baru": 1, "aktif": 1000, "aktif.suntik1": 125, "aktif.suntik3": 125}, None),
        (None, {"baru": 9000, "aktif": 90_000}, None),
    ],
)
def test_more_than_such_a_facility_can_have_is_asked_about(
    facility_type: str | None, values: dict[str, int], key: str | None
) -> None:
    asked = [finding.about["key"] for finding in _judge(values, facility_type=facility_type).asks]
    assert asked == ([key] if key else [])


def test_every_threshold_is_a_setting() -> None:
    limits = Thresholds(
        late_months=1, jump_least=5, jump_factor=2, move_least=1, move_percent=1, caps={"PMB": {"baru": 3}}
    )
    history = {"2025-07": {"baru": 2, "aktif": 38}, "2025-06": {"ulang": 3}}
    verdict = _judge(
        {"baru": 4, "aktif": 40, "ulang": 6}, period="2025-08", history=history, facility_type="PMB", thresholds=limits
    )
    assert _codes(verdict) == {"period_late", "value_jumps", "value_moves", "cap_exceeded"}


def test_opening_stock_is_last_months_closing_stock() -> None:
    history = {"2025-08": {"akhir.pil": 100, "akhir.iud": 5}}
    assert _codes(_judge({"awal.pil": 100, "akhir.pil": 100}, "alokon", history=history)) == set()
    asked = _judge({"awal.pil": 90, "akhir.pil": 90}, "alokon", history=history).asks
    assert [(f.code.value, f.about["value"], f.about["previous"]) for f in asked] == [("opening_differs", 90, 100)]


@pytest.mark.parametrize(("pieces", "is_asked"), [(143, False), (144, True), (288, True), (299, False), (300, True)])
def test_condoms_in_pieces_instead_of_dozens_are_asked_about_once(pieces: int, is_asked: bool) -> None:
    verdict = _judge({"awal.kondom": pieces, "akhir.kondom": pieces}, "alokon")
    assert [finding.code.value for finding in verdict.asks] == (["unit_doubtful"] if is_asked else [])


@pytest.mark.parametrize(
    ("expires_on", "code"),
    [
        (date(2025, 10, 2), "stock_expired"),
        (date(2025, 10, 3), "stock_expiring"),
        (date(2026, 3, 31), "stock_expiring"),
        (date(2026, 4, 1), None),
    ],
)
def test_stock_near_its_expiry_is_flagged(expires_on: date, code: str | None) -> None:
    verdict = _judge({"awal.pil": 10, "akhir.pil": 10}, "alokon", expires_on={"pil": expires_on})
    assert [finding.code.value for finding in verdict.flags] == ([code] if code else [])
    assert _codes(_judge({"awal.pil": 0, "akhir.pil": 0}, "alokon", expires_on={"pil": expires_on})) == set()


def test_a_full_list_of_items_under_another_total_is_flagged() -> None:
    items = ("suntik", "pil", "kondom", "iud", "implan", "mow", "mop")
    full = {"baru": 8, "aktif": 40} | {f"baru.{item}": 1 for item in items}
    assert _codes(_judge(full)) == {"sum_differs"}
    assert _codes(_judge(full | {"baru": 7})) == set()
    assert _codes(_judge({key: value for key, value in full.items() if key != "baru.mop"})) == set()


def test_an_item_and_its_kind_both_given_are_flagged() -> None:
    assert _codes(_judge(CALM | {"aktif.suntik": 5, "aktif.suntik3": 4})) == {"kinds_and_whole"}


def test_what_the_reader_already_asks_is_not_found_again() -> None:
    report = read_message("KB 0925 BARU 12 PIL 13", SENT_ON, tuple(FORMS.values())).reports[0]
    assert {problem.code for problem in report.problems} == {"measure_missing", "sum_exceeds_total"}
    assert judge(report, FORMS["kb"], Facts(SENT_ON)).findings == ()


def test_a_problem_of_another_key_hides_nothing() -> None:
    problem = Problem(ProblemCode.MEASURE_MISSING, "", Span(0, 0), {"key": "baru"})
    verdict = judge(ReadReport("kb", "2025-09", {}, problems=(problem,)), FORMS["kb"], Facts(SENT_ON))
    assert [finding.about["key"] for finding in verdict.findings] == ["aktif"]


def test_every_finding_names_what_its_code_promises() -> None:
    history = {"2025-08": {"baru": 3, "aktif": 40, "ulang": 2}}
    values = {"baru": 61, "aktif": 400, "aktif.mow": 1, "aktif.suntik": 2, "aktif.suntik3": 1, "ulang": 80, "pasca": 70}
    for finding in _judge(values, history=history, facility_type="PMB", period="2025-09").findings:
        needed = {key for key in finding.code.about if not key.startswith("[")}
        assert needed <= set(finding.about) <= {key.strip("[]") for key in finding.code.about}, finding
