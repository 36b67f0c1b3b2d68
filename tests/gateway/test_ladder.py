"""Ladders and manners: which counts where, and which cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import ladder
from gateway.calendar import Hours, areas_around
from gateway.ladder import FARTHEST, MOST_RUNGS, WORDINGS, Audience, Ladder, Manners, Rung
from tests.ladders import KABAR, LADDERS

AREAS = ("", "14", "14.03", "14.03.01", "14.03.02", "14.04", "15", "15.03")
DUE = Rung("due", 0, 8, Audience.RESPONSIBLE, "remind_due")

areas = st.sampled_from(AREAS)
chosen = st.lists(
    st.builds(Ladder, areas, st.sampled_from(["", "kb", "gudang"]), st.booleans(), st.just(frozenset()), st.just(())),
    unique_by=lambda one: (one.area, one.form),
)


@given(chosen, areas, st.sampled_from(["kb", "gudang", "other"]))
def test_the_ladder_of_the_nearest_area_counts_and_there_that_of_the_form_itself(
    these: list[Ladder], area: str, form: str
) -> None:
    found = ladder.find_ladder(these, area, form)
    fitting = [(one, wanted) for one in areas_around(area) for wanted in (form, "")]
    first = next((pair for pair in fitting if any((it.area, it.form) == pair for it in these)), None)
    assert (found.area, found.form) == (first or ("", form))


@given(chosen, areas)
def test_of_ladders_that_are_equally_near_the_one_that_was_chosen_counts(these: list[Ladder], area: str) -> None:
    everywhere = Ladder("", "kb", False, frozenset({"Puskesmas"}), KABAR)
    others = [one for one in these if (one.area, one.form) != ("", "kb")]
    with_it = ladder.find_ladder([*LADDERS, *others, everywhere], area, "kb")
    assert with_it is ladder.find_ladder([*others, everywhere], area, "kb")


def test_a_form_that_nobody_chose_is_not_asked_for() -> None:
    assert ladder.find_ladder(LADDERS, "14.03.01", "kb").asks("Puskesmas")
    assert not ladder.find_ladder(LADDERS, "14.03.01", "gudang").asks("Puskesmas")
    assert not ladder.find_ladder([], "14.03.01", "kb").asks("Puskesmas")


def test_a_form_may_be_asked_of_some_types_of_facilities_only() -> None:
    some = Ladder("", "gudang", True, frozenset({"Puskesmas"}), KABAR)
    assert some.asks("Puskesmas")
    assert not some.asks("Praktik Bidan")
    assert not replace(some, is_on=False).asks("Puskesmas")


@given(st.lists(st.builds(Manners, areas), unique_by=lambda one: one.area), areas)
def test_the_manners_of_the_nearest_area_count(these: list[Manners], area: str) -> None:
    nearest = next((one for one in areas_around(area) if one in {it.area for it in these}), None)
    found = ladder.find_manners(these, area)
    assert found == (Manners() if nearest is None else Manners(nearest))


def test_kabar_comes_with_a_ladder_that_asks_before_on_and_after_the_day_and_tells_staff() -> None:
    assert ladder.find_fault(KABAR, Hours()) is None
    assert [one.days for one in KABAR if one.group is Audience.RESPONSIBLE] == [-3, 0, 2]
    assert {one.audience for one in KABAR if one.is_on} == set(Audience) - {Audience.REPORTED}


FAULTS = [
    (replace(DUE, code="Due"), "code"),
    (replace(DUE, code="again"), "code"),  # of a report that was taken back
    (replace(DUE, code="hand"), "code"),  # of one that staff send
    (replace(DUE, code="hand-2025-10-03"), "code"),
    (replace(DUE, code="d" * 17), "code"),
    (replace(DUE, code=""), "code"),
    (replace(DUE, days=1), "twice"),
    (replace(DUE, code="late", days=FARTHEST + 1), "days"),
    (replace(DUE, code="late", days=-FARTHEST - 1), "days"),
    (replace(DUE, code="late", days=1, hour=7), "hour"),
    (replace(DUE, code="late", days=1, hour=20), "hour"),
    (replace(DUE, code="late", days=1, wording="remind_officer"), "wording"),
    (replace(DUE, code="late", audience=Audience.REPORTERS), "same_day"),
]


@pytest.mark.parametrize(("rung", "fault"), FAULTS)
def test_a_rung_that_cannot_be_is_named_with_its_fault(rung: Rung, fault: str) -> None:
    assert ladder.find_fault([DUE, rung], Hours()) == (rung.code, fault)


def test_a_ladder_has_an_end() -> None:
    many = [replace(DUE, code=f"d{days}", days=days) for days in range(MOST_RUNGS + 1)]
    assert ladder.find_fault(many[:MOST_RUNGS], Hours()) is None
    assert ladder.find_fault(many, Hours()) == (many[-1].code, "too_many")


def test_rungs_of_one_day_may_speak_to_different_people_or_be_off() -> None:
    officer = Rung("officer", 0, 8, Audience.OFFICERS, "remind_officer")
    thanks = Rung("thanks", 0, 8, Audience.REPORTED, "thanks_year")
    unused = replace(DUE, code="spare", is_on=False)
    assert ladder.find_fault([DUE, officer, thanks, unused], Hours()) is None


@pytest.mark.parametrize("audience", Audience)
def test_every_audience_has_a_wording_of_its_own(audience: Audience) -> None:
    for other in set(Audience) - {audience}:
        of_facilities = {audience, other} <= ladder.OF_FACILITIES
        assert set(WORDINGS[audience]).isdisjoint(WORDINGS[other]) or of_facilities


def test_a_fault_in_the_file_of_rungs_is_told_with_the_rung() -> None:
    text = (
        'asked = ["kb"]\n[[rung]]\ncode = "due"\ndays = 99\nhour = 8\naudience = "responsible"\nwording = "remind_due"'
    )
    with pytest.raises(ValueError, match="rung due: days"):
        ladder.load_ladders(text)
