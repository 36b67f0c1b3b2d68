"""Figures that count are changed by who holds the phone: digits prove it where staff want that; it always hears."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.store import outbox, reports, thresholds
from gateway.store.base import Database
from gateway.store.reports import ReportKey
from gateway.store.thresholds import Threshold
from tests.district import PHONES, District, make_runtime
from workers.sweep import sweep

CLEAN, FORGED = "KB 0925 BARU 12 AKTIF 40", "KB 0925 BARU 12 AKTIF 55"
COUNTS = {"baru": 12, "aktif": 40}


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district that wants every change confirmed."""
    district = District(make_runtime(database, tmp_path, answers_per_hour=100))
    choose(district, 1)
    return district


def choose(district: District, least: int) -> None:
    """Let changes of so much be confirmed."""
    with district.database.session() as session:
        thresholds.choose(session, Threshold("14.03", "", "kb", "confirm_changes", least))
        session.commit()


def figures(district: District) -> Mapping[str, int]:
    """Return what counts for Ani's September."""
    with district.database.session(read_only=True) as session:
        found = reports.find_current(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))
    return found.values if found else {}


def states(district: District) -> list[str]:
    """Return the states of its revisions."""
    with district.database.session(read_only=True) as session:
        return [one.state for one in reports.revisions(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))]


def sent_to(district: District, who: str) -> list[str]:
    """Return what goes to a phone, newest first."""
    with district.database.session(read_only=True) as session:
        found = outbox.latest_to(session, [PHONES[who]])
    return [one.text for one in found if one.state != "withheld"]


def digits_in(question: str) -> str:
    """Return the digits that a question wants behind YA."""
    found = re.search(r"Balas YA ([0-9]{3})\.", question)
    assert found, question
    return found[1]


def wrong(digits: str) -> str:
    """Return other digits."""
    return f"{(int(digits) + 1) % 1000:03}"


def test_a_first_report_counts_at_once(district: District) -> None:
    assert district.say("ani", CLEAN).startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40.")


def test_other_figures_wait_for_the_digits_that_went_to_the_registered_phone(district: District) -> None:
    district.say("ani", CLEAN)
    asked = district.say("ani", FORGED)
    assert asked.startswith("KB Sep 25: AKTIF 55, tercatat 40.")
    assert (figures(district), states(district)) == (COUNTS, ["accepted", "waiting"])
    assert "AKTIF 40 jadi 55" in district.say("ani", f"Ya, {digits_in(asked)}.")
    assert figures(district) == {"baru": 12, "aktif": 55}


@pytest.mark.parametrize("written", ["YA", "iya", "Y", "ya bu", "YA terima kasih", "Betul, ya", "ok, makasih", "ya ya"])
def test_yes_alone_proves_nothing_and_is_asked_again(district: District, written: str) -> None:
    district.say("ani", CLEAN)
    asked = district.say("ani", FORGED)
    assert district.say("ani", written) == asked
    assert figures(district) == COUNTS


def test_the_digits_alone_are_a_yes(district: District) -> None:
    district.say("ani", CLEAN)
    asked = district.say("ani", FORGED)
    district.say("ani", digits_in(asked))
    assert figures(district) == {"baru": 12, "aktif": 55}


def test_who_guesses_three_times_has_lost_and_staff_see_it(district: District) -> None:
    district.say("ani", CLEAN)
    asked = district.say("ani", FORGED)
    guess = wrong(digits_in(asked))
    assert district.say("ani", f"YA {guess}") == asked
    assert district.say("ani", f"YA {guess}") == asked
    assert "tidak cocok" in district.say("ani", f"YA {guess}")
    assert (figures(district), states(district)) == (COUNTS, ["accepted", "flagged"])
    district.say("ani", f"YA {digits_in(asked)}")
    assert figures(district) == COUNTS


def test_a_change_that_nobody_confirms_goes_to_staff(district: District) -> None:
    district.say("ani", CLEAN)
    district.say("ani", FORGED)
    district.pass_time(hours=49)
    sweep(district.runtime)
    assert (figures(district), states(district)) == (COUNTS, ["accepted", "flagged"])


def test_no_leaves_what_counted(district: District) -> None:
    district.say("ani", CLEAN)
    district.say("ani", FORGED)
    assert "tidak kami pakai" in district.say("ani", "TIDAK")
    assert figures(district) == COUNTS


def test_a_correction_is_confirmed_like_any_change(district: District) -> None:
    district.say("ani", CLEAN)
    asked = district.say("ani", "RALAT AKTIF 41")
    assert figures(district) == COUNTS
    district.say("ani", f"YA {digits_in(asked)}")
    assert figures(district) == {"baru": 12, "aktif": 41}


def test_taking_back_what_counts_is_left_to_staff(district: District) -> None:
    district.say("ani", CLEAN)
    assert "kami teruskan ke petugas" in district.say("ani", "BATAL", provider_id="cancel")
    assert (figures(district), district.message("cancel").state) == (COUNTS, "for_staff")


def test_what_waits_can_still_be_taken_back(district: District) -> None:
    district.say("ani", CLEAN)
    district.say("ani", FORGED)
    district.say("ani", "BATAL")
    assert (figures(district), states(district)) == (COUNTS, ["accepted", "withdrawn"])


def test_a_change_smaller_than_the_district_chose_counts_at_once(district: District) -> None:
    choose(district, 10)
    district.say("ani", CLEAN)
    district.say("ani", "KB 0925 BARU 12 AKTIF 49")
    assert figures(district)["aktif"] == 49
    assert "Balas YA" in district.say("ani", "KB 0925 BARU 12 AKTIF 60")


def test_without_that_choice_a_change_counts_at_once_and_its_number_hears_of_it(district: District) -> None:
    choose(district, 0)
    district.say("ani", CLEAN)
    assert "AKTIF 40 jadi 55" in district.say("ani", FORGED)
    assert figures(district) == {"baru": 12, "aktif": 55}


def test_the_phone_whose_figures_counted_hears_once_that_another_one_changed_them(district: District) -> None:
    choose(district, 0)
    district.say("ani", CLEAN)
    assert len(sent_to(district, "ani")) == 1
    district.say("ani2", FORGED)
    newest, *before = sent_to(district, "ani")
    assert newest.startswith("KB Sep 25 PMB Ani baru saja diubah dari HP lain.")
    assert len(before) == 1
    district.say("ani2", FORGED + " ")
    assert len(sent_to(district, "ani")) == 2, "the second phone has replaced its own figures"


def test_the_notice_comes_once_a_change_was_confirmed(district: District) -> None:
    district.say("ani", CLEAN)
    asked = district.say("ani2", FORGED)
    assert len(sent_to(district, "ani")) == 1
    district.say("ani2", f"YA {digits_in(asked)}")
    assert "diubah dari HP lain" in sent_to(district, "ani")[0]


def test_a_message_that_changes_two_reports_tells_of_both(district: District) -> None:
    choose(district, 0)
    district.say("ani", CLEAN)
    district.say("ani", "KB 0825 BARU 3 AKTIF 38")
    district.say("ani2", "KB 0925 BARU 12 AKTIF 41\nKB 0825 BARU 3 AKTIF 39")
    assert figures(district)["aktif"] == 41
    assert sum("diubah dari HP lain" in text for text in sent_to(district, "ani")) == 2


def test_notices_of_a_flood_end_with_the_hours_answers(database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path))
    for active in range(40, 54):
        district.say("ani" if active % 2 else "ani2", f"KB 0925 BARU 12 AKTIF {active}")
    assert len(sent_to(district, "ani")) <= 10
    assert len(sent_to(district, "ani2")) <= 10
