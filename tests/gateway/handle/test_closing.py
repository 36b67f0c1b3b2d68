"""A closed month: what still comes is a request, whoever sends it and however; nothing changes its figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.calendar import Calendar, Days
from gateway.errors import Raced, Unavailable
from gateway.review import decide, undo
from gateway.review.deeds import CannotDo, Why
from gateway.store import months, reports, wordings
from gateway.store.base import Database, Session
from gateway.store.wordings import ChosenSentence
from gateway.values import Scope
from tests.district import District, make_runtime
from tests.gateway.review.deciding import figures, key_of, office, revisions, seen, settle

KB = "KB 0925 BARU 12 AKTIF 40"
KEPT = "disimpan sebagai usulan"


def test_what_is_being_taken_is_there_before_the_month_is_closed(
    postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    database = open_database(postgresql_url)  # SQLite has one writer at a time, whoever it is
    district = District(make_runtime(database, tmp_path / "var"))
    with database.session() as taking:
        months.wait_for_closings(taking)
        with pytest.raises(Unavailable):
            district.close_month("kb", "2025-09")
    district.close_month("kb", "2025-09")
    assert months_closed(district, "14.03.01")


def test_a_request_is_flagged_with_the_reason_and_with_what_is_doubtful_in_it(district: District) -> None:
    district.close_month("kb", "2025-09")
    assert KEPT in district.say("budi", "KB 0925 BARU 500 AKTIF 2000")
    (kept,) = revisions(district, "DAMON")
    assert kept.state == "flagged"
    assert figures(district, "DAMON") is None
    with district.database.session(read_only=True) as session:
        codes = [flag["code"] for flag in reports.find_flags(session, kept.id)]
    assert codes[0] == "month_closed"
    assert "cap_exceeded" in codes


def test_a_yes_that_comes_after_the_closing_makes_a_request(district: District) -> None:
    assert "Benar?" in district.say("ani", "KB 0925 BARU 12 AKTIF 2000")
    district.close_month("kb", "2025-09")
    assert KEPT in district.say("ani", "YA")
    assert [one.state for one in revisions(district)] == ["flagged"]


def test_a_month_of_long_ago_is_as_closed_as_the_last_one(district: District) -> None:
    district.close_month("kb", "2024-11")
    assert KEPT in district.say("ani", "KB 1124 BARU 3 AKTIF 30")
    assert "Terima kasih" in district.say("ani", "KB 1224 BARU 3 AKTIF 30")


def test_a_month_closed_for_another_area_is_open_here(district: District) -> None:
    district.close_month("kb", "2025-09", "14")
    assert KEPT in district.say("ani", KB)
    district.reopen_month("kb", "2025-09", "14")
    district.close_month("kb", "2025-09", "14.03.01")
    assert months_closed(district, "14.03.02") is False


def months_closed(district: District, area: str) -> bool:
    """Return whether September is closed for an area."""
    with district.database.session(read_only=True) as session:
        return months.is_closed(session, "kb", "2025-09", area)


def test_closing_a_closed_month_is_told_and_keeps_one_closing(district: District) -> None:
    district.close_month("kb", "2025-09")
    with pytest.raises(Raced):
        district.close_month("kb", "2025-09")
    with district.database.session(read_only=True) as session:
        assert len(months.standing_closings(session, "14.03", scope=Scope("14.03"))) == 1


def test_each_opening_is_counted_so_that_reminders_of_it_are_others(district: District) -> None:
    for _ in range(2):
        district.close_month("kb", "2025-09")
        district.reopen_month("kb", "2025-09")
    with district.database.session(read_only=True) as session:
        found = months.closings_of_month(session, ["kb"], "2025-09", ["14.03.01"])
    assert found == {("kb", "14.03"): months.OfMonth(stands=False, reopened=2)}


def test_nobody_closes_or_opens_a_month_of_another_area(district: District) -> None:
    with district.database.session() as session:
        now, elsewhere = district.runtime.now(), Scope("14.04")
        assert months.close_month(session, "kb", "2025-09", "14.03", "x", now, "x", scope=elsewhere) is None
        closing_id = months.close_month(session, "kb", "2025-09", "14.03", "x", now, "x", scope=Scope("14"))
        assert closing_id is not None
        assert months.reopen_month(session, closing_id, "x", now, "x", scope=elsewhere) is None
        assert months.find_closing(session, closing_id, scope=elsewhere) is None
        assert months.is_closed(session, "kb", "2025-09", "14.03")


def _do(district: District, deed: Callable[..., object], session: Session) -> object:
    return deed(session, office(district), seen(district))


def test_staff_change_no_figures_of_a_closed_month_until_it_is_open_again(district: District) -> None:
    district.say("ani", KB)
    district.close_month("kb", "2025-09")
    district.say("ani", "RALAT AKTIF 45")
    for deed in (decide.approve, decide.accept):
        with pytest.raises(CannotDo) as refused:
            settle(district, partial(_do, district, deed))
        assert refused.value.why is Why.CLOSED
    assert figures(district) == {"baru": 12, "aktif": 40}
    district.reopen_month("kb", "2025-09")
    settle(district, lambda session: decide.approve(session, office(district), seen(district)))
    assert figures(district) == {"baru": 12, "aktif": 45}


def test_staff_may_turn_a_request_down_and_seal_what_counts_while_the_month_is_closed(district: District) -> None:
    district.say("ani", KB)
    district.close_month("kb", "2025-09")
    settle(district, lambda session: decide.approve(session, office(district), seen(district)))
    district.say("ani", "KB 0925 BARU 12 AKTIF 45")
    settle(district, lambda session: decide.reject(session, office(district), seen(district), "terlambat", tell=False))
    assert [one.state for one in revisions(district)] == ["approved", "rejected"]


def test_what_staff_decided_before_the_closing_is_not_undone_after_it(district: District) -> None:
    district.say("ani", KB)
    done = settle(
        district, lambda session: decide.reject(session, office(district), seen(district), "salah", tell=False)
    )
    district.close_month("kb", "2025-09")
    with pytest.raises(CannotDo) as refused:
        settle(district, lambda session: undo.undo(session, office(district), done.decision_id))
    assert refused.value.why is Why.CLOSED
    assert figures(district) is None


def test_status_names_the_due_day_that_the_area_chose(district: District) -> None:
    with district.database.session() as session:
        months.choose_days(session, Calendar("14", "", Days(8, 9, 10)), scope=Scope(""))
        months.choose_days(session, Calendar("14.03", "kb", Days(4, 9, 10)), scope=Scope("14.03"))
        assert not months.choose_days(session, Calendar("14", "kb", Days()), scope=Scope("14.03"))
        session.commit()
    assert "batas 4 Okt" in district.say("ani", "STATUS")
    with district.database.session() as session:
        assert months.drop_days(session, "14.03", "kb", scope=Scope("14.03"))
        assert not months.drop_days(session, "14", "", scope=Scope("14.03"))
        session.commit()
    assert "batas 8 Okt" in district.say("ani", "STATUS")


def test_a_sentence_that_the_area_chose_is_said_there_and_the_smallest_area_wins(district: District) -> None:
    choose(district, "", "text", "Nasional: {example}")
    choose(district, "14.03", "text", "Bengkalis: {example}")
    choose(district, "15", "text", "Jambi: {example}")
    assert district.say("ani", "besok rapat ya bu").startswith("Bengkalis: KB SEP25")
    assert district.say("eve", "is there a meeting tomorrow").startswith("We passed")
    with district.database.session() as session:
        wordings.drop_sentence(session, "14.03", "id", "answers.text", scope=Scope("14"))
        session.commit()
    assert district.say("ani", "besok rapat ya bu").startswith("Nasional: ")


def test_a_sentence_that_no_file_has_any_more_is_passed_over(district: District) -> None:
    choose(district, "", "gone_since", "lama")
    assert "Terima kasih" in district.say("ani", KB)


def choose(district: District, area: str, name: str, sentence: str) -> None:
    """Let an area say something in its own words."""
    chosen = ChosenSentence(area, "id", f"answers.{name}", sentence, "Bu Rina", district.runtime.now())
    with district.database.session() as session:
        assert wordings.choose_sentence(session, chosen, scope=Scope(area))
        session.commit()


def test_the_report_of_an_open_month_says_nothing_of_closing(district: District) -> None:
    district.close_month("alokon", "2025-09")
    assert "ditutup" not in district.say("ani", KB)
    assert reports_of(district) == ["accepted"]


def reports_of(district: District) -> list[str]:
    """Return the states of the revisions for Ani's September."""
    with district.database.session(read_only=True) as session:
        return [one.state for one in reports.revisions(session, key_of(district))]
