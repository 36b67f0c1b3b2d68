"""What a transcript cannot say: time that passes, messages out of order or twice, loops, floods, and what staff did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.receive import keep
from gateway.store import questions, reporters, reports
from gateway.store.base import Database
from gateway.store.reports import ReportKey
from gateway.values import InboundSms, ReportState, read_sender
from tests.district import NOON, PHONES, District, make_runtime
from workers.sweep import sweep

CLEAN = "KB 0925 BARU 12 AKTIF 40"
LACKING = "KB 0925 BARU 12"  # AKTIF is asked for
UNUSUAL = "KB 0925 BARU 12 AKTIF 2000"  # waits for YA
COUNTS = {"baru": 12, "aktif": 40}


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district in which the hourly limit on answers is out of the way."""
    return District(make_runtime(database, tmp_path, answers_per_hour=100))


def figures(district: District, month: str = "2025-09", form: str = "kb", place: str = "PMB01") -> Mapping[str, int]:
    """Return the numbers that count; empty where none do."""
    with district.database.session(read_only=True) as session:
        found = reports.find_current(session, ReportKey(form, district.ids[place], month))
    return found.values if found else {}


def states(district: District, month: str = "2025-09", form: str = "kb") -> list[str]:
    """Return the states of the revisions of Ani's report."""
    with district.database.session(read_only=True) as session:
        return [one.state for one in reports.revisions(session, ReportKey(form, district.ids["PMB01"], month))]


def has_question(district: District, who: str = "ani") -> bool:
    """Return whether a question is open."""
    with district.database.session(read_only=True) as session:
        return bool(questions.open_questions(session, [PHONES[who]]))


def approve(district: District) -> None:
    """Let staff approve what counts for September."""
    with district.database.session() as session:
        found = reports.find_current(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))
        assert found
        assert reports.set_state(session, found.id, ReportState.APPROVED, was=found.state)
        session.commit()


def has_stopped(district: District, who: str = "ani") -> bool:
    """Return whether a reporter gets no reminders."""
    with district.database.session(read_only=True) as session:
        [reporter] = reporters.find_by_phones(session, [PHONES[who]])[PHONES[who]]
    return reporter.stopped_at is not None


class TestAQuestionGrowsOld:
    """An open question lives for 48 hours."""

    def test_within_two_days_the_answer_is_put_in(self, district: District) -> None:
        district.say("ani", LACKING)
        district.pass_time(hours=47)
        sweep(district.runtime)
        assert district.say("ani", "AKTIF 40").startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40.")

    def test_after_two_days_an_answer_is_no_longer_put_in(self, district: District) -> None:
        district.say("ani", LACKING)
        district.pass_time(hours=49)
        sweep(district.runtime)
        assert not has_question(district)
        assert "petugas" in district.say("ani", "AKTIF 40")
        assert figures(district) == {}

    def test_a_report_that_waited_goes_to_staff_and_a_late_yes_decides_nothing(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        assert states(district) == ["waiting"]
        district.pass_time(hours=49)
        sweep(district.runtime)
        assert states(district) == ["flagged"]
        assert "Tidak ada pertanyaan" in district.say("ani", "YA")
        assert states(district) == ["flagged"]
        assert figures(district) == {}

    def test_a_report_that_could_not_be_stored_goes_to_staff_as_it_stands(self, district: District) -> None:
        asked = district.keep("ani", LACKING)
        district.handle()
        district.pass_time(hours=49)
        sweep(district.runtime)
        assert district.message(asked).state == "for_staff"

    def test_a_new_question_is_asked_even_if_nobody_swept_the_old_one_away(self, district: District) -> None:
        district.say("ani", LACKING)
        district.pass_time(hours=49)
        again = district.keep("ani", LACKING)
        district.handle()
        sweep(district.runtime)
        district.pass_time(seconds=2)
        district.handle()
        answer = district.answer(again)
        assert answer
        assert "AKTIF belum ada" in answer.text


class TestOutOfOrder:
    """Messages that arrive late, early or twice."""

    def test_an_older_report_that_comes_later_changes_nothing_and_is_told_so(self, district: District) -> None:
        district.say("ani", CLEAN)
        answer = district.say("ani", "KB 0925 BARU 1 AKTIF 20", sent_at=NOON - timedelta(hours=1))
        assert "dikirim sesudah ini" in answer
        assert figures(district) == COUNTS

    def test_a_whole_correction_stands_when_the_original_comes_after_it(self, district: District) -> None:
        district.say("ani", "RALAT KB 0925 BARU 12 AKTIF 45")
        district.say("ani", CLEAN, sent_at=NOON - timedelta(hours=1))
        assert figures(district) == {"baru": 12, "aktif": 45}

    @pytest.mark.parametrize("correction", ["RALAT AKTIF 45", "RALAT KB 0925 AKTIF 45"])
    def test_part_of_a_correction_before_its_original_never_stands_for_a_whole(
        self, district: District, correction: str
    ) -> None:
        answer = district.say("ani", correction)
        assert "Terima kasih" not in answer, "nothing was there to correct: she is told so, or asked for the rest"
        assert figures(district) == {}
        district.say("ani", CLEAN, sent_at=NOON - timedelta(hours=1))
        assert figures(district) == COUNTS

    def test_a_part_before_its_own_report_is_seen_by_staff_and_can_be_said_again(self, district: District) -> None:
        part = district.keep("ani", "AKTIF 40")
        whole = district.keep("ani", LACKING, sent_at=NOON - timedelta(seconds=5))
        district.handle()
        assert district.message(part).state == "for_staff"
        asked = district.answer(whole)
        assert asked
        assert "AKTIF belum ada" in asked.text
        district.say("ani", "AKTIF 40")
        assert figures(district) == COUNTS

    def test_a_report_and_its_missing_part_in_one_batch_are_one_report(self, district: District) -> None:
        district.keep("ani", LACKING)
        district.keep("ani", "AKTIF 40")
        district.handle()
        assert figures(district) == COUNTS
        assert not has_question(district)

    def test_a_message_that_comes_twice_is_stored_and_answered_once(self, district: District) -> None:
        district.keep("ani", CLEAN, "same")
        district.handle()
        district.keep("ani", CLEAN, "same")
        assert district.handle() == 0
        assert states(district) == ["accepted"]

    def test_an_answer_that_comes_twice_is_put_in_once(self, district: District) -> None:
        district.say("ani", LACKING)
        district.say("ani", "AKTIF 40", provider_id="same")
        assert district.say("ani", "AKTIF 40", provider_id="same").startswith("KB Sep 25 PMB Ani")
        assert states(district) == ["accepted"]

    def test_yes_twice_decides_once(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        district.pass_time(seconds=1)
        first, second = district.keep("ani", "YA"), district.keep("ani", "YA")
        district.handle()
        answers = [district.answer(one) for one in (first, second)]
        assert ["Terima kasih" in one.text for one in answers if one] == [True, False]
        assert states(district) == ["accepted"]

    def test_a_yes_sent_before_a_question_was_asked_does_not_answer_it(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        district.say("ani", "KB 0825 BARU 12 AKTIF 3000")  # waits for its turn
        district.pass_time(seconds=1)
        district.keep("ani", "YA")
        second = district.keep("ani", "YA")  # a nervous finger: she has not seen the question about August
        district.handle()
        assert states(district, "2025-08") == ["waiting"]
        said = district.answer(second)
        assert said
        assert said.text.startswith("KB Agu 25: AKTIF 3.000")
        district.say("ani", "YA")
        assert states(district, "2025-08") == ["accepted"]

    def test_the_last_report_is_the_last_one_sent_not_the_last_to_arrive(self, district: District) -> None:
        district.say("ani", CLEAN)
        district.say("ani", "KB 0825 BARU 3 AKTIF 38", sent_at=NOON - timedelta(hours=1))
        assert "KB Sep 25" in district.say("ani", "RALAT AKTIF 45")
        assert (figures(district)["aktif"], figures(district, "2025-08")["aktif"]) == (45, 38)

    def test_a_late_old_report_does_not_stand_in_the_way_of_cancelling(self, district: District) -> None:
        district.say("ani", CLEAN)
        district.say("ani", "KB 0925 BARU 1 AKTIF 20", sent_at=NOON - timedelta(hours=1))
        assert "sudah dibatalkan" in district.say("ani", "BATAL")
        assert figures(district) == {}


class TestGuards:
    """Who is not answered, and that nothing is lost for it."""

    @pytest.mark.parametrize("first", [CLEAN, LACKING, UNUSUAL])
    def test_our_own_words_sent_back_are_not_answered_and_change_nothing(self, district: District, first: str) -> None:
        echoed = district.say("ani", first)
        before = figures(district), has_question(district)
        echo = district.keep("ani", echoed.upper())
        district.handle()
        answer = district.answer(echo)
        assert answer
        assert (answer.state, answer.reason) == ("withheld", "loop")
        assert (figures(district), has_question(district)) == before

    def test_the_eleventh_answer_in_an_hour_is_withheld_and_its_report_is_stored(
        self, database: Database, tmp_path: Path
    ) -> None:
        district = District(make_runtime(database, tmp_path))
        for active in range(30, 40):
            assert district.say("ani", f"KB 0925 BARU 12 AKTIF {active}")
        eleventh = district.keep("ani", CLEAN)
        district.handle()
        answer = district.answer(eleventh)
        assert answer
        assert (answer.state, answer.reason) == ("withheld", "cap")
        assert figures(district) == COUNTS
        district.pass_time(hours=1, seconds=1)
        assert district.say("ani", "STATUS")

    @pytest.mark.parametrize("sender", ["TELKOMSEL", "3636", "BKKBN-KB"])
    def test_short_and_named_senders_are_kept_for_staff_and_never_answered(
        self, district: District, sender: str
    ) -> None:
        kept = district.keep(sender, CLEAN)
        district.handle()
        answer = district.answer(kept)
        assert answer
        assert (answer.state, district.message(kept).state) == ("withheld", "for_staff")

    def test_our_own_number_is_never_answered(self, district: District) -> None:
        sender = read_sender(PHONES["ani"])
        sms = InboundSms("own", sender, CLEAN, recipient=sender.address, sent_at=NOON)
        with district.database.session() as session:
            keep.keep_sms(session, "simulator", sms, NOON)
            session.commit()
        district.handle()
        answer = district.answer("own")
        assert answer
        assert (answer.state, district.message("own").state) == ("withheld", "for_staff")
        assert figures(district) == {}

    def test_an_unknown_number_is_answered_once_a_day_and_all_it_sends_is_held(self, district: District) -> None:
        assert "DAFTAR" in district.say("stranger", CLEAN)
        assert district.say("stranger", CLEAN, provider_id="second") == ""
        assert district.message("second").state == "held"
        district.pass_time(hours=24)
        assert "DAFTAR" in district.say("stranger", CLEAN)


class TestReminders:
    """STOP ends reminders, not answers."""

    @pytest.mark.parametrize(("stop", "start"), [("STOP", "MULAI"), ("berhenti", "start")])
    def test_stop_ends_reminders_and_start_brings_them_back(self, district: District, stop: str, start: str) -> None:
        district.say("ani", stop)
        assert has_stopped(district)
        assert "Terima kasih" in district.say("ani", CLEAN)
        district.say("ani", start)
        assert not has_stopped(district)

    def test_stop_from_a_shared_phone_holds_for_both_who_share_it(self, district: District) -> None:
        district.say("clinic", "STOP")
        with district.database.session(read_only=True) as session:
            both = reporters.find_by_phones(session, [PHONES["clinic"]])[PHONES["clinic"]]
        assert [one.stopped_at is not None for one in both] == [True, True]


class TestAfterApproval:
    """Staff have approved September."""

    @pytest.fixture(autouse=True)
    def _approved(self, district: District) -> None:
        district.say("ani", CLEAN)
        approve(district)

    def test_other_numbers_are_a_proposal_that_staff_see(self, district: District) -> None:
        assert "sudah disetujui" in district.say("ani", "KB 0925 BARU 12 AKTIF 45")
        assert states(district) == ["approved", "flagged"]
        assert figures(district) == COUNTS

    def test_a_correction_is_a_proposal_too(self, district: District) -> None:
        assert "sudah disetujui" in district.say("ani", "RALAT AKTIF 45")
        assert states(district) == ["approved", "flagged"]

    def test_the_same_numbers_change_nothing(self, district: District) -> None:
        assert "isinya sama" in district.say("ani", CLEAN)
        assert states(district) == ["approved", "replaced"]

    def test_it_cannot_be_taken_back(self, district: District) -> None:
        assert "Tidak ada laporan yang bisa dibatalkan" in district.say("ani", "BATAL")
        assert figures(district) == COUNTS

    def test_a_proposal_taken_back_leaves_the_approved_report_and_says_so(self, district: District) -> None:
        district.say("ani", "KB 0925 BARU 12 AKTIF 45")
        answer = district.say("ani", "BATAL")
        assert states(district) == ["approved", "withdrawn"]
        assert "belum ada" not in answer
        assert "tetap berlaku" in answer


class TestTakingBack:
    """BATAL, TIDAK and RALAT."""

    def test_a_month_taken_back_is_missing_and_an_older_message_does_not_bring_it_back(
        self, district: District
    ) -> None:
        district.say("ani", CLEAN)
        assert "belum ada" in district.say("ani", "BATAL")
        answer = district.say("ani", "KB 0925 BARU 1 AKTIF 20", sent_at=NOON - timedelta(hours=1))
        assert figures(district) == {}
        assert "belum ada" in answer, "nothing counts for the month, and she is told so"
        assert "belum masuk" in district.say("ani", "STATUS")
        district.say("ani", CLEAN)
        assert figures(district) == COUNTS

    def test_part_of_a_report_does_not_fill_a_month_that_was_taken_back(self, district: District) -> None:
        district.say("ani", CLEAN)
        district.say("ani", "BATAL")
        assert "BARU belum ada" in district.say("ani", "RALAT AKTIF 45")
        assert figures(district) == {}
        district.say("ani", "BARU 12")
        assert figures(district) == {"baru": 12, "aktif": 45}

    def test_what_came_before_does_not_come_back(self, district: District) -> None:
        district.say("ani", CLEAN)
        district.say("ani", "KB 0925 BARU 12 AKTIF 45")
        district.say("ani", "BATAL")
        assert states(district) == ["replaced", "withdrawn"]
        assert figures(district) == {}

    def test_no_leaves_nothing_that_counts_and_asks_anew_when_it_is_sent_again(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        district.say("ani", "TIDAK")
        assert figures(district) == {}
        assert not has_question(district)
        assert "Balas YA" in district.say("ani", UNUSUAL)

    def test_no_to_a_change_leaves_what_counted_and_that_can_be_taken_back(self, district: District) -> None:
        district.say("ani", CLEAN)
        district.say("ani", UNUSUAL)
        district.say("ani", "TIDAK")
        assert figures(district) == COUNTS
        assert "sudah dibatalkan" in district.say("ani", "BATAL")
        assert figures(district) == {}

    def test_a_change_that_waits_is_taken_back_and_what_counted_stays(self, district: District) -> None:
        district.say("ani", CLEAN)
        district.say("ani", UNUSUAL)
        assert "tetap berlaku" in district.say("ani", "BATAL")
        assert figures(district) == COUNTS
        assert not has_question(district)

    def test_cancelling_while_a_report_is_asked_about_drops_that_one_and_no_older_one(self, district: District) -> None:
        district.say("ani", "KB 0825 BARU 3 AKTIF 38")
        district.say("ani", LACKING)
        assert "tidak kami pakai" in district.say("ani", "BATAL")
        assert not has_question(district)
        assert figures(district, "2025-08") == {"baru": 3, "aktif": 38}

    def test_no_is_followed_by_the_question_that_waited(self, district: District) -> None:
        district.say("ani", "KB 0925 BARU 12 KB 0825 BARU 3")
        answer = district.say("ani", "TIDAK")
        assert "KB Agu 25: AKTIF belum ada" in answer
        district.say("ani", "AKTIF 38")
        assert (figures(district), figures(district, "2025-08")) == ({}, {"baru": 3, "aktif": 38})

    def test_a_correction_of_another_month_leaves_this_one_alone(self, district: District) -> None:
        district.say("ani", "KB 0825 BARU 3 AKTIF 38")
        district.say("ani", CLEAN)
        assert "AKTIF 38 jadi 39" in district.say("ani", "RALAT KB 0825 AKTIF 39")
        assert figures(district, "2025-08") == {"baru": 3, "aktif": 39}
        assert figures(district) == COUNTS


class TestTwoForms:
    """A question about one form, and a report of the other."""

    def test_a_report_of_another_form_is_taken_and_the_question_stays_open(self, district: District) -> None:
        district.say("ani", "ALOKON 0925 PIL 100/50/30/110")
        assert "Terima kasih" in district.say("ani", CLEAN)
        assert figures(district) == COUNTS
        assert has_question(district)
        district.say("ani", "PIL 100/50/30/120")
        assert figures(district, form="alokon")["akhir.pil"] == 120
        assert not has_question(district)
