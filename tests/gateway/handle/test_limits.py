"""What a district chooses instead of the forms' numbers: the smaller area and the very type of facility win."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.forms import load_forms
from gateway.handle.limits import find_fault, limits_for
from gateway.store import thresholds
from gateway.store.base import Database
from gateway.store.facilities import Facility
from gateway.store.thresholds import Threshold
from tests.district import District, make_runtime

KB = next(form for form in load_forms() if form.code == "kb")
PMB = Facility(1, "140300101", "PMB Ani", "PMB01", "PMB", "14.03.01", "Asia/Jakarta")


def test_without_a_choice_the_forms_own_numbers_hold() -> None:
    assert limits_for((), KB, PMB).caps is None


@pytest.mark.parametrize(
    ("chosen", "cap"),
    [
        ([Threshold("", "", "kb", "cap.suntik", 300)], 300),
        ([Threshold("", "", "kb", "cap.suntik", 300), Threshold("", "PMB", "kb", "cap.suntik", 310)], 310),
        ([Threshold("14.03", "", "kb", "cap.suntik", 320), Threshold("", "PMB", "kb", "cap.suntik", 310)], 320),
        ([Threshold("72.71", "", "kb", "cap.suntik", 999)], 250),
        ([Threshold("14.0", "", "kb", "cap.suntik", 999)], 250),
        ([Threshold("", "PUSTU", "kb", "cap.suntik", 999)], 250),
        ([Threshold("", "", "alokon", "cap.suntik", 999)], 250),
    ],
)
def test_the_smaller_area_wins_then_the_very_type(chosen: list[Threshold], cap: int) -> None:
    caps = limits_for(chosen, KB, PMB).caps or KB.caps
    assert caps["PMB"]["suntik"] == cap
    assert caps["PMB"]["pil"] == KB.caps["PMB"]["pil"], "what was not chosen stays"


def test_a_number_of_a_rule_is_chosen_by_its_name() -> None:
    assert limits_for([Threshold("", "", "kb", "jump_factor", 9)], KB, PMB).jump_factor == 9


@pytest.mark.parametrize(
    "wrong",
    [
        Threshold("", "", "anc", "jump_factor", 1),
        Threshold("", "", "kb", "jump", 1),
        Threshold("", "", "kb", "cap.vaksin", 1),
        Threshold("", "", "kb", "jump_factor", -1),
    ],
)
def test_a_number_that_no_rule_knows_is_refused_with_what_there_is(wrong: Threshold) -> None:
    assert find_fault(wrong, load_forms())


def test_a_district_that_allows_more_is_not_asked(database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path))
    assert "61" in district.say("ani", "KB 0925 BARU 61 AKTIF 400")
    assert "YA" in district.say("ani", "KB 0925 BARU 61 AKTIF 400")
    with database.session() as session:
        thresholds.choose(session, Threshold("14.03", "PMB", "kb", "cap.baru", 61))
        session.commit()
    assert district.say("ani", "KB 0925 BARU 61 AKTIF 400").startswith("KB Sep 25 PMB Ani: BARU 61")
    assert "62" in district.say("ani", "KB 0825 BARU 62 AKTIF 400")
