"""Where facilities' reports of a month stand: one answer for STATUS, reminders and whoever else asks."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from gateway.calendar import month_days
from gateway.handle.standings import Stood, find_standings
from gateway.owing import Standing
from gateway.store import facilities, missing, months, questions, reports
from gateway.store.facilities import NewFacility
from gateway.store.reports import ReportKey
from gateway.values import ReportState, Scope
from tests.district import District
from workers.sweep import sweep

CLEAN = "KB 0925 BARU 12 AKTIF 40"
LACKING = "KB 0925 BARU 12"  # AKTIF is asked for
UNUSUAL = "KB 0925 BARU 12 AKTIF 2000"  # waits for YA


def stood(district: District, place: str = "PMB01", form: str = "kb", period: str = "2025-09") -> Stood:
    """Return where one facility's report stands now."""
    facility_id = district.ids[place]
    with district.database.session(read_only=True) as session:
        found = find_standings(session, [form], period, [facility_id], district.runtime.now())
    return found[form, facility_id]


def let_expire(district: District) -> None:
    """Let two days pass in which nobody answers."""
    district.pass_time(hours=49)
    sweep(district.runtime)


def ask_again(district: District, place: str = "PMB01") -> str:
    """Ask anew what was asked about a report, as a reminder does, and return what she is asked first."""
    question = stood(district, place).question
    assert question is not None
    with district.database.session() as session:
        first = questions.ask_again(session, question.id, district.runtime.now())
        session.commit()
    return first.text


def settle(district: District, becomes: ReportState) -> None:
    """Let staff settle the newest revision of Ani's report."""
    with district.database.session() as session:
        newest = reports.revisions(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))[-1]
        assert reports.set_state(session, newest.id, becomes, was=newest.state)
        session.commit()


class TestWhereItStands:
    """One midwife's report, from nothing to in."""

    def test_a_month_of_which_nothing_came_is_missing(self, district: District) -> None:
        assert stood(district) == Stood(Standing.MISSING)

    def test_a_report_that_counts_is_in(self, district: District) -> None:
        district.say("ani", CLEAN)
        assert stood(district).standing is Standing.IN

    def test_one_that_waits_for_yes_is_asked(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        found = stood(district)
        assert (found.standing, found.is_open) == (Standing.ASKED, True)
        assert found.question
        assert "Balas YA" in found.question.text

    def test_one_that_lacks_something_is_asked_though_it_was_never_stored(self, district: District) -> None:
        district.say("ani", LACKING)
        found = stood(district)
        assert (found.standing, found.is_open, found.report_id) == (Standing.ASKED, True, None)

    def test_one_for_yes_that_was_not_answered_is_with_staff_even_before_the_sweep(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        district.pass_time(hours=49)
        assert stood(district).standing is Standing.WITH_STAFF
        sweep(district.runtime)
        assert stood(district).standing is Standing.WITH_STAFF

    def test_one_that_lacks_something_and_was_not_answered_is_incomplete_even_before_the_sweep(
        self, district: District
    ) -> None:
        district.say("ani", LACKING)
        district.pass_time(hours=49)
        before = stood(district)
        sweep(district.runtime)
        assert before == stood(district)
        assert (before.standing, before.is_open) == (Standing.INCOMPLETE, False)
        assert before.question
        assert "AKTIF belum ada" in before.question.text

    def test_a_question_that_waits_for_its_turn_is_asked_but_not_open(self, district: District) -> None:
        district.say("ani", "ALOKON 0925 PIL 100/50/30/110")
        district.say("ani", LACKING)
        assert stood(district, form="alokon").is_open
        found = stood(district)
        assert (found.standing, found.is_open) == (Standing.ASKED, False)

    def test_what_a_midwife_drops_herself_is_missing(self, district: District) -> None:
        district.say("ani", LACKING)
        district.say("ani", "TIDAK")
        assert stood(district) == Stood(Standing.MISSING)

    def test_a_report_that_came_after_an_unanswered_question_and_was_taken_back_leaves_it_missing(
        self, district: District
    ) -> None:
        district.say("ani", LACKING)
        let_expire(district)
        district.say("ani", CLEAN)
        assert stood(district).standing is Standing.IN
        district.say("ani", "BATAL")
        assert stood(district) == Stood(Standing.MISSING, opening=1)

    def test_a_rejected_report_is_missing_and_opens_the_month_anew(self, district: District) -> None:
        district.say("ani", CLEAN)
        settle(district, ReportState.REJECTED)
        assert stood(district) == Stood(Standing.MISSING, opening=1)
        district.say("ani", CLEAN)
        assert (stood(district).standing, stood(district).opening) == (Standing.IN, 1)

    def test_a_closed_month_is_closed_and_opened_again_it_is_another_opening(self, district: District) -> None:
        district.close_month("kb", "2025-09")
        assert stood(district) == Stood(Standing.CLOSED)
        district.reopen_month("kb", "2025-09")
        assert stood(district) == Stood(Standing.MISSING, opening=1)
        assert stood(district, form="alokon") == Stood(Standing.MISSING)

    def test_a_request_for_a_closed_month_is_with_staff_once_it_is_open_again(self, district: District) -> None:
        district.close_month("kb", "2025-09")
        district.say("ani", CLEAN)
        assert stood(district).standing is Standing.CLOSED
        district.reopen_month("kb", "2025-09")
        assert stood(district).standing is Standing.WITH_STAFF

    def test_a_message_without_a_month_is_about_the_month_it_was_read_as(self, district: District) -> None:
        district.say("ani", "KB BARU 12")
        assert stood(district).standing is Standing.ASKED
        assert stood(district, period="2025-08").standing is Standing.MISSING

    def test_a_place_that_is_not_hers_means_her_only_one(self, district: District) -> None:
        district.say("ani", "KB PMB99 0925 BARU 12 AKTIF 40")
        assert stood(district).standing is Standing.ASKED

    def test_of_two_places_the_one_that_was_named_is_asked_about(self, district: District) -> None:
        district.say("wati", "KB PTK 0925 BARU 12")
        assert stood(district, "PTK").standing is Standing.ASKED
        assert stood(district, "PMB02").standing is Standing.MISSING

    def test_of_a_shared_phone_each_midwifes_place_stands_for_itself(self, district: District) -> None:
        district.say("clinic", "KB PMB05 0925 BARU 12")
        assert stood(district, "PMB05").standing is Standing.ASKED
        assert stood(district, "PMB04").standing is Standing.MISSING

    def test_a_waiting_report_left_behind_by_one_that_was_dropped_is_incomplete(self, district: District) -> None:
        district.say("ani", UNUSUAL)
        district.say("ani", "KB 0925 BARU 12 AKTIF banyak")
        district.say("ani", "TIDAK")
        found = stood(district)
        assert found.standing is Standing.INCOMPLETE
        assert ask_again(district)
        assert "Terima kasih" in district.say("ani", "YA")
        assert stood(district).standing is Standing.IN


class TestAskingAgain:
    """What was not answered in time is asked once more."""

    def test_an_answer_after_a_reminder_completes_the_report(self, district: District) -> None:
        first = district.keep("ani", LACKING)
        district.handle()
        let_expire(district)
        assert district.message(first).state == "for_staff"
        assert "AKTIF belum ada" in ask_again(district)
        assert (stood(district).standing, stood(district).is_open) == (Standing.ASKED, True)
        assert district.message(first).state == "done"
        assert district.say("ani", "AKTIF 40").startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40.")
        assert stood(district).standing is Standing.IN

    def test_unanswered_again_it_is_incomplete_again_and_with_staff_to_read(self, district: District) -> None:
        first = district.keep("ani", LACKING)
        district.handle()
        let_expire(district)
        ask_again(district)
        let_expire(district)
        assert stood(district).standing is Standing.INCOMPLETE
        assert district.message(first).state == "for_staff"

    def test_an_open_question_that_is_repeated_lives_on(self, district: District) -> None:
        district.say("ani", LACKING)
        district.pass_time(hours=47)
        assert ask_again(district)
        district.pass_time(hours=40)
        sweep(district.runtime)
        district.say("ani", "AKTIF 40")
        assert stood(district).standing is Standing.IN

    def test_behind_another_question_it_waits_for_its_turn(self, district: District) -> None:
        district.say("ani", LACKING)
        let_expire(district)
        district.say("ani", "ALOKON 0925 PIL 100/50/30/110")
        assert ask_again(district).startswith("ALOKON Sep 25: PIL SISA")
        assert (stood(district).standing, stood(district).is_open) == (Standing.ASKED, False)
        assert "AKTIF belum ada" in district.say("ani", "PIL 100/50/30/120")
        district.say("ani", "AKTIF 40")
        assert stood(district).standing is Standing.IN


PLACES = {"ani": "PMB01", "wati": "PTK", "budi": "DAMON", "clinic": "PMB05", "eve": "PMB06"}
TEXTS = (
    *("KB {place} 0925 BARU 12 AKTIF 40", "KB {place} 0925 BARU 12", "KB {place} 0925 BARU 12 AKTIF 9000"),
    *("KB 0925 BARU 12", "KB BARU 3", "KB {place} 0825 BARU 1", "ALOKON {place} 0925 PIL 100/50/30/110"),
    *("KB {place} 0925 BARU 12 AKTIF 41", "AKTIF 40", "PIL 100/50/30/120", "YA", "TIDAK", "BATAL", "STATUS"),
)
messages = st.tuples(st.sampled_from(sorted(PLACES)), st.sampled_from(TEXTS))
deeds = st.sampled_from([("wait", ""), ("sweep", ""), ("close", ""), ("reopen", ""), ("reject", "")])


def do(district: District, who: str, text: str) -> None:
    """Let one thing happen in the district."""
    if text:
        district.say(who, text.format(place=PLACES[who]))
    elif who == "wait":
        district.pass_time(hours=30)
    elif who == "sweep":
        sweep(district.runtime)
    elif who == "reopen":
        district.reopen_month("kb", "2025-09")
    elif who == "close":
        with district.database.session(read_only=True) as session:
            is_closed = months.is_closed(session, "kb", "2025-09", "14.03")
        if not is_closed:
            district.close_month("kb", "2025-09")
    elif (stood(district).report_id or 0) > 0:
        settle(district, ReportState.REJECTED)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(messages, messages, messages, deeds), min_size=1, max_size=8))
def test_many_asked_for_at_once_stand_as_each_does_by_itself(district: District, story: list[tuple[str, str]]) -> None:
    for who, text in story:  # the district remembers the stories before this one: the law holds at any time
        do(district, who, text)
    ids, forms, now = sorted(district.ids.values()), ["kb", "alokon"], district.runtime.now()
    with district.database.session(read_only=True) as session:
        for period in ("2025-08", "2025-09", "2025-10"):
            at_once = find_standings(session, forms, period, ids, now)
            assert set(at_once) == {(form, facility_id) for form in forms for facility_id in ids}
            for (form, facility_id), found in at_once.items():
                assert find_standings(session, [form], period, [facility_id], now) == {(form, facility_id): found}
                assert (found.question is not None) == (found.standing in (Standing.ASKED, Standing.INCOMPLETE))
                assert not found.is_open or found.standing is Standing.ASKED
            owing = missing.list_missing(session, "kb", period, month_days(period), "14", scope=Scope(""))
            assert {one.id for one in owing} == {
                facility_id for (form, facility_id), one in at_once.items() if form == "kb" and one.standing != "in"
            }
            assert not any(one.is_waiting and at_once["kb", one.id].standing is Standing.MISSING for one in owing)


def test_hundreds_of_facilities_take_no_more_questions_to_the_database_than_one(district: District) -> None:
    with district.database.session() as session:
        many = [NewFacility(f"1403002{n:02}", f"PMB {n}", f"P{n}", "PMB", "14.03.01") for n in range(99)]
        ids = [*district.ids.values(), *facilities.add_facilities(session, many)]
        session.commit()
    for who, text in (("ani", LACKING), ("budi", UNUSUAL), ("wati", "KB PTK 0925 BARU 1"), ("eve", CLEAN)):
        district.say(who, text)
    asked: list[str] = []
    with district.database.session(read_only=True) as session:
        event.listen(session, "before_cursor_execute", lambda *of: asked.append(of[2]))
        find_standings(session, ["kb"], "2025-09", [district.ids["PMB01"]], district.runtime.now())
        of_one = len(asked)
        find_standings(session, ["kb", "alokon"], "2025-09", ids, district.runtime.now())
    assert len(asked) - of_one <= of_one + 1  # of one there is no report that waits
