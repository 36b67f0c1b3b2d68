"""A report by USSD: kept before each screen, answered once however often a hop comes, and never lost on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from gateway.lines import DialogueState
from gateway.receive import hops
from gateway.segments import fits_one_sms
from gateway.store import inbox as inbox_store
from gateway.store import thresholds
from gateway.store.base import Database
from gateway.store.facilities import facilities
from gateway.store.thresholds import Threshold
from gateway.values import InboxState, OutboxState, WithheldReason, lane_of
from parsers import dialogue as menu
from tests.dialling import UMB, Handset, dial_district, figures, received, revisions, to_be_sent
from tests.district import PHONES, District
from workers.sweep import sweep

WANTED = {"baru": 12, "aktif": 40}


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """The district with a USSD channel, on either database."""
    return dial_district(database, tmp_path / "var")


@pytest.fixture
def on_sqlite(sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path) -> District:
    """The district with a USSD channel, where the database makes no difference."""
    return dial_district(open_database(sqlite_url), tmp_path / "var")


def fill_in(phone: Handset, *numbers: str) -> None:
    """Dial, choose the KB report of the due month, and type its numbers, so that the summary waits."""
    phone.dial()
    phone.press_each("1", "1", *(numbers or ("12", "40")))


def test_a_report_by_ussd_is_stored_as_by_sms_and_its_answer_is_on_the_screen(district: District) -> None:
    phone = Handset(district)
    fill_in(phone)
    assert figures(district) is None, "nothing counts before it is confirmed"
    screen = phone.press("1")
    assert (figures(district), screen.ends) == (WANTED, True)
    [message], [answer] = received(district), to_be_sent(district)
    assert (message.channel, message.text, message.state) == (UMB, "KB PMB01 0925 BARU 12 AKTIF 40", InboxState.DONE)
    assert (answer.text, answer.state, answer.reason) == (screen.text, OutboxState.WITHHELD, WithheldReason.SHOWN)
    assert (phone.standings()[-1].state, district.send()) == (DialogueState.SENT, 0)


def test_a_confirmation_goes_by_sms_as_well_where_the_operator_wants_that(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    district = dial_district(open_database(sqlite_url), tmp_path / "var", ussd_confirms_by_sms=True)
    phone = Handset(district)
    fill_in(phone)
    screen = phone.press("1")
    [answer] = to_be_sent(district)
    assert (answer.text, answer.channel, answer.state) == (screen.text, "simulator", OutboxState.QUEUED)
    assert district.send() == 1


def test_an_sms_corrects_what_was_dialled_and_a_dialled_report_what_came_by_sms(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    phone.press("1")
    assert "41" in on_sqlite.say("ani", "RALAT AKTIF 41")
    assert figures(on_sqlite) == WANTED | {"aktif": 41}
    fill_in(phone, "12", "42")
    assert "42" in phone.press("1").text
    assert figures(on_sqlite) == WANTED | {"aktif": 42}
    assert [one.state for one in revisions(on_sqlite)] == ["replaced", "replaced", "accepted"]


def test_every_hop_may_come_twice_and_is_shown_the_same_screen(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    assert phone.dial() == phone.again()
    for typed in ("1", "1", "12", "40", "1"):
        assert phone.press(typed) == phone.again(typed) == phone.again(typed)
    assert (figures(on_sqlite), len(received(on_sqlite)), len(revisions(on_sqlite))) == (WANTED, 1, 1)


def test_a_hop_that_comes_six_times_at_once_is_taken_once(district: District) -> None:
    phone = Handset(district)
    fill_in(phone)
    phone._hop += 1
    start, screens = threading.Barrier(6), []

    def knock() -> None:
        mine = Handset(district)
        mine.session_id, mine._hop = phone.session_id, phone._hop
        start.wait()
        screens.append(mine.again("1"))

    peers = [threading.Thread(target=knock) for _ in range(6)]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.join()
    assert len(set(screens)) == 1
    assert (len(received(district)), len(revisions(district))) == (1, 1)


def test_two_phones_of_one_midwife_at_once_leave_two_revisions_of_which_one_counts(district: District) -> None:
    phones = [Handset(district, "ani"), Handset(district, "ani2")]
    fill_in(phones[0], "12", "40")
    fill_in(phones[1], "13", "41")
    start = threading.Barrier(2)

    def confirm(phone: Handset) -> None:
        start.wait()
        assert phone.press("1").ends

    peers = [threading.Thread(target=confirm, args=[phone]) for phone in phones]
    for peer in peers:
        peer.start()
    for peer in peers:
        peer.join()
    district.handle()
    assert sorted(one.state for one in revisions(district)) == ["accepted", "replaced"]
    assert figures(district) in (WANTED, {"baru": 13, "aktif": 41})


def test_a_dropped_session_is_a_draft_and_goes_on_where_it_was_by_any_channel(district: District) -> None:
    phone = Handset(district)
    phone.dial()
    waits = phone.press_each("1", "1", "12")
    phone.hang_up()
    assert phone.standings()[-1].state == DialogueState.DRAFT
    assert (received(district), figures(district)) == ((), None)
    other = Handset(district, name="simulator")
    offer = other.dial()
    assert "KB Sep 25" in offer.text
    assert "1 Lanjutkan" in offer.text
    assert other.press("9") == offer, "what is neither 1 nor 2 moves nothing"
    assert other.press("1") == waits
    other.press_each("40", "1")
    assert figures(district) == WANTED


def test_a_session_that_only_falls_silent_is_taken_up_as_well_even_when_its_offer_falls_silent(
    on_sqlite: District,
) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    offer = phone.dial()
    assert phone.dial() == offer
    phone.press("1")
    assert "BARU 12" in phone.again().text
    phone.press("1")
    assert figures(on_sqlite) == WANTED
    assert "1 Lanjutkan" not in phone.dial().text, "what was sent is no draft"


def test_who_begins_anew_is_not_offered_the_old_numbers_again(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    phone.hang_up()
    phone.dial()
    assert "lapor apa" in phone.press("2").text
    assert "1 Lanjutkan" not in phone.dial().text


def test_a_draft_is_closed_after_a_day_and_by_another_report_of_its_month(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    phone.hang_up()
    phone.dial("0925*13*41")
    phone.press("1")
    assert figures(on_sqlite) == {"baru": 13, "aktif": 41}
    assert phone.standings()[0].state == DialogueState.ABANDONED
    fill_in(phone, "14", "42")
    on_sqlite.pass_time(hours=25)
    sweep(on_sqlite.runtime)
    last = phone.standings()[-1]
    assert (last.state, last.stands.values) == (DialogueState.ABANDONED, {"baru": 14, "aktif": 42})
    assert "1 Lanjutkan" not in phone.dial().text


def test_a_whole_report_dialled_at_once_only_waits_to_be_confirmed(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    assert "AKTIF 40" in phone.dial("0925*12*40").text
    assert received(on_sqlite) == ()
    phone.press("1")
    assert figures(on_sqlite) == WANTED


def test_a_doubt_is_asked_on_the_screen_and_answered_there(on_sqlite: District) -> None:
    on_sqlite.say("ani", "KB 0825 BARU 12 AKTIF 40")
    phone = Handset(on_sqlite)
    fill_in(phone, "12", "400")
    asked = phone.press("1")
    assert (asked.ends, figures(on_sqlite)) == (False, None)
    assert "Benar?" in asked.text
    assert "400" in phone.press("1").text
    assert figures(on_sqlite) == {"baru": 12, "aktif": 400}
    on_sqlite.pass_time(minutes=6)
    assert on_sqlite.send() == 1, "only the answer to her SMS of August"
    assert [one.reason for one in to_be_sent(on_sqlite)] == [None, WithheldReason.SHOWN, WithheldReason.SHOWN]


def test_a_change_that_must_be_proven_needs_no_digits_on_the_screen_of_who_dials(on_sqlite: District) -> None:
    with on_sqlite.database.session() as session:
        thresholds.choose(session, Threshold("14.03", "", "kb", "confirm_changes", 1))
        session.commit()
    on_sqlite.say("ani", "KB 0925 BARU 12 AKTIF 40")
    phone = Handset(on_sqlite)
    fill_in(phone, "12", "41")
    assert "Betul diubah?" in phone.press("1").text
    assert figures(on_sqlite) == {"baru": 12, "aktif": 40}
    phone.press("1")
    assert figures(on_sqlite) == {"baru": 12, "aktif": 41}


def test_a_doubt_whose_session_was_cut_goes_by_sms_and_is_answered_by_sms(district: District) -> None:
    district.say("ani", "KB 0825 BARU 12 AKTIF 40")
    district.send()
    phone = Handset(district)
    fill_in(phone, "12", "400")
    phone.press("1")
    phone.hang_up()
    asked = to_be_sent(district)[-1]
    assert (asked.channel, asked.state) == ("simulator", OutboxState.QUEUED)
    assert asked.kind == "answer"
    assert "400" in district.say("ani", "YA")
    assert figures(district) == {"baru": 12, "aktif": 400}
    assert to_be_sent(district)[-2].reason == WithheldReason.SHOWN, "she has answered; it is asked no more"


def test_strangers_who_has_no_place_and_wrong_inputs_get_a_clear_screen(on_sqlite: District) -> None:
    stranger = Handset(on_sqlite, "stranger").dial()
    assert stranger.ends
    assert "DAFTAR" in stranger.text
    noplace = Handset(on_sqlite, "noplace")
    noplace.dial()
    assert "Tempat praktik Ibu belum kami catat" in noplace.press("1").text
    phone = Handset(on_sqlite)
    phone.dial()
    phone.press_each("1", "1")
    assert not phone.press("dua belas?").ends
    assert phone.press("12").text.endswith("Peserta AKTIF?\n00 Kembali")


def test_a_closed_month_is_said_to_be_and_what_is_sent_for_it_is_a_request(on_sqlite: District) -> None:
    on_sqlite.close_month("kb", "2025-09")
    phone = Handset(on_sqlite)
    phone.dial()
    assert "Sep 25 (ditutup)" in phone.press("1").text
    phone.press_each("1", "12", "40")
    assert "usulan" in phone.press("1").text
    assert (figures(on_sqlite), [one.state for one in revisions(on_sqlite)]) == (None, ["flagged"])


def test_a_database_that_is_away_shows_a_person_words_in_both_languages(
    on_sqlite: District, open_database: Callable[[str], Database]
) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    there = on_sqlite.runtime.database
    object.__setattr__(on_sqlite.runtime, "database", open_database("postgresql://nobody@127.0.0.1:1/kabar"))
    screen = phone.press("1")
    assert screen.ends
    assert "Dial lagi" in screen.text
    assert "Dial again" in screen.text
    phone.hang_up()
    object.__setattr__(on_sqlite.runtime, "database", there)
    assert "1 Lanjutkan" in phone.dial().text
    phone.press_each("1", "1")
    assert (figures(on_sqlite), len(received(on_sqlite))) == (WANTED, 1)


def test_a_fault_of_ours_shows_the_same_words_and_keeps_what_was_typed(
    on_sqlite: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    with monkeypatch.context() as broken, capture_logs() as events:
        broken.setattr(menu, "next_screen", lambda *_: 1 / 0)
        assert phone.press("1") == hops.AWAY
    assert [one["event"] for one in events] == ["hop_failed"]
    assert phone.again("1").ends
    assert figures(on_sqlite) == WANTED


def test_every_screen_of_the_door_fits_a_page(on_sqlite: District) -> None:
    assert fits_one_sms(hops.AWAY.text)
    for wording in on_sqlite.runtime.wordings.values():
        for name, sentence in wording.answers.items():
            if name.startswith("ussd_"):
                assert fits_one_sms(wording.fill(sentence, names="ALOKON Sep 25"))


def test_a_lane_that_a_worker_holds_leaves_the_report_to_it_and_the_screen_says_so(
    postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hops, "WAIT_SECONDS", 0.05)
    district = dial_district(open_database(postgresql_url), tmp_path / "var")
    phone = Handset(district)
    fill_in(phone)
    with district.database.session() as worker:
        assert inbox_store.hold_lane(worker, lane_of(PHONES["ani"]))
        screen = phone.press("1")
    assert screen.ends
    assert "lewat SMS" in screen.text
    assert received(district)[0].state == InboxState.RECEIVED
    assert phone.again("1") == screen
    assert district.handle() == 1
    [answer] = to_be_sent(district)
    assert (answer.channel, answer.state) == ("simulator", OutboxState.QUEUED)
    assert figures(district) == WANTED


def test_a_session_that_another_hop_holds_is_waited_for_no_longer_than_a_screen_may_take(
    postgresql_url: str, open_database: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hops, "WAIT_SECONDS", 0.05)
    district = dial_district(open_database(postgresql_url), tmp_path / "var")
    phone = Handset(district)
    fill_in(phone)
    with district.database.session() as other:
        other.execute(text("SELECT * FROM dialogues FOR UPDATE"))
        assert phone.press("1") == hops.AWAY
    assert phone.again("1").ends
    assert figures(district) == WANTED


def test_a_writer_on_sqlite_who_takes_long_is_waited_for_no_longer_than_a_screen_may_take(
    on_sqlite: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hops, "WAIT_SECONDS", 0.05)
    phone = Handset(on_sqlite)
    with on_sqlite.database.session() as writer:
        writer.execute(select(1))
        assert phone.dial() == hops.AWAY
    assert phone.again().text.startswith("Ibu mau lapor apa?")


def test_what_she_sent_before_is_handled_before_what_she_confirms_now(district: District) -> None:
    phone = Handset(district)
    fill_in(phone)
    district.keep("ani", "KB 0925 BARU 1 AKTIF 39")
    phone.press("1")
    assert [one.state for one in received(district)] == [InboxState.DONE, InboxState.DONE]
    assert (figures(district), len(revisions(district))) == (WANTED, 2)


def test_two_places_of_one_short_name_are_told_apart_by_their_codes(on_sqlite: District) -> None:
    with on_sqlite.database.session() as session:
        session.execute(update(facilities).where(facilities.c.short_name == "PTK").values(short_name="PMB02"))
        session.commit()
    phone = Handset(on_sqlite, "wati")
    phone.dial()
    assert "2 Pustu Teluk" in phone.press("1").text
    phone.press_each("2", "1", "12", "40", "1")
    assert figures(on_sqlite, "PTK") == WANTED


def test_a_draft_without_a_month_is_offered_by_its_report_alone(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    fill_in(phone)
    phone.press("1")
    assert "bulan apa" in phone.dial("12*40*30").text, "the month that is due was reported: which one is asked"
    phone.hang_up()
    assert phone.dial().text.splitlines()[0] == "Laporan KB belum selesai."


def test_a_session_that_never_ends_is_ended(on_sqlite: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hops, "MOST_HOPS", 5)
    phone = Handset(on_sqlite)
    fill_in(phone)
    assert phone.press("2").ends
    assert "1 Lanjutkan" in phone.dial().text


def test_logs_hold_neither_numbers_of_phones_nor_what_was_typed(on_sqlite: District) -> None:
    phone = Handset(on_sqlite)
    with capture_logs() as events:
        fill_in(phone, "1212", "4040")
        phone.press("1")
    hop = [one for one in events if one["event"] == "hop"]
    assert len(hop) == 6
    assert not any("1212" in str(one) or "4040" in str(one) for one in events)
