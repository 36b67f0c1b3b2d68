"""What staff type is read strictly, judged by the rules of an SMS, and shown again as it was."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.forms import load_forms
from gateway.review.enter import ALL, check, find_changes, find_keys, lay_out, read_count, read_fields, sign
from parsers.form import Form
from parsers.judge import Facts, Finding
from parsers.numbers import MOST
from parsers.problems import ProblemCode

FORMS = load_forms()
KB, ALOKON = (next(form for form in FORMS if form.code == code) for code in ("kb", "alokon"))
FACTS = Facts(date(2025, 10, 3), "PMB")


def codes(found: tuple[object, ...]) -> set[str]:
    return {str(one.code) for one in found}  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_every_key_of_a_form_has_its_field_exactly_once(form: Form) -> None:
    counted = {f"{measure.code}.{item}" for measure in form.measures.values() for item in measure.items}
    keys = list(lay_out(form).keys.values())
    assert counted <= set(keys)
    assert len(keys) == len(set(keys))


def test_forms_lie_as_they_do_on_paper() -> None:
    sheet = lay_out(KB)
    assert sheet.rows[0] == "baru"
    assert sheet.columns[0] == ALL
    assert ("cabut", "pil") not in sheet.keys
    stock = lay_out(ALOKON)
    assert stock.rows[0] == "pil"
    assert stock.columns[0] == "awal"
    assert "mow" not in stock.rows


@pytest.mark.parametrize(
    ("written", "count"),
    [("12", 12), ("1.500", 1500), ("007", 7), ("0", 0), ("-", 0), ("Nihil", 0), ("tidak ada", 0), ("dua belas", 12)],
)
def test_a_count_is_read_as_people_write_it(written: str, count: int) -> None:
    assert read_count(written) == count


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("-5", "number_signed"),
        ("12,5", "number_not_whole"),
        ("5-7", "number_range"),
        ("999999", "number_too_large"),
        ("3O", "number_garbled"),
        ("12 orang", "number_garbled"),
        ("(5)", "number_garbled"),
        ("5 7", "number_garbled"),
        ("²", "number_garbled"),
        ("banyak", "number_garbled"),
    ],
)
def test_what_is_no_count_is_refused_beside_its_field(written: str, code: str) -> None:
    report = read_fields({"baru": written, "aktif": "40"}, KB, "2025-09")
    checked = check(report, KB, FACTS)
    assert codes(checked.refusals) == {code}
    assert [find_keys(one, KB) for one in checked.refusals] == [("baru",)]
    assert not checked.is_taken


@given(st.text(max_size=20))
def test_whatever_is_typed_is_a_count_or_a_reason(written: str) -> None:
    found = read_count(" ".join(written.split()))
    assert found in ProblemCode if isinstance(found, ProblemCode) else 0 <= found <= MOST


def test_left_empty_is_not_zero() -> None:
    report = read_fields({"baru": "0", "aktif": "40", "aktif.pil": " ", "aktif.iud": "0"}, KB, "2025-09")
    assert report.values == {"baru": 0, "aktif": 40, "aktif.iud": 0}


def test_an_empty_form_and_a_missing_total_are_refused() -> None:
    assert codes(check(read_fields({}, ALOKON, "2025-09"), ALOKON, FACTS).refusals) == {"values_missing"}
    only_new = check(read_fields({"baru": "2"}, KB, "2025-09"), KB, FACTS)
    assert [(str(one.code), find_keys(one, KB)) for one in only_new.refusals] == [("measure_missing", ("aktif",))]


def test_rules_that_refuse_an_sms_refuse_what_is_typed() -> None:
    typed = {"awal.pil": "100", "terima.pil": "50", "keluar.pil": "30", "akhir.pil": "130"}
    checked = check(read_fields(typed, ALOKON, "2025-09"), ALOKON, FACTS)
    assert [(str(one.code), find_keys(one, ALOKON)) for one in checked.refusals] == [("equation_fails", ("akhir.pil",))]


def test_a_doubt_is_ticked_for_the_number_it_was_about() -> None:
    report = read_fields({"baru": "12", "aktif": "10"}, KB, "2025-09")
    asked = check(report, KB, FACTS)
    assert codes(asked.unsure) == {"active_below_new"}
    ticks = [sign(doubt) for doubt in asked.unsure]
    assert check(report, KB, FACTS, ticks).is_taken
    other = check(read_fields({"baru": "12", "aktif": "9"}, KB, "2025-09"), KB, FACTS, ticks)
    assert codes(other.unsure) == {"active_below_new"}


@given(st.data())
def test_values_shown_and_typed_again_are_the_same(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    keys = sorted(lay_out(form).keys.values())
    values = data.draw(st.dictionaries(st.sampled_from(keys), st.integers(0, MOST)))
    typed = {key: str(value) for key, value in values.items()}
    again = read_fields(typed, form, "2025-09")
    assert again.values == values
    assert not again.problems
    assert find_changes(values, again.values, form) == ()


def test_changes_stand_in_the_forms_order_with_what_was_not_given() -> None:
    before, after = {"aktif": 40, "baru": 12, "aktif.pil": 3}, {"aktif": 45, "baru": 12, "aktif.iud": 0}
    assert find_changes(before, after, KB) == (("aktif", 40, 45), ("aktif.pil", 3, None), ("aktif.iud", None, 0))
    assert find_changes({"old": 1}, {}, None) == (("old", 1, None),)


def test_a_problem_without_a_field_has_none() -> None:
    assert find_keys(Finding(ProblemCode.PERIOD_RUNNING, {"period": "2025-10"}), KB) == ()
