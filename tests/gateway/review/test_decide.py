"""What staff decide: what it does to the figures, and to whom it is told; on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Barrier, Thread

import pytest

from gateway.errors import SomebodyElse
from gateway.handle import accept
from gateway.review import decide
from gateway.review.deeds import CannotDo, Office, Seen, Why, read_seen
from gateway.segments import fits_one_sms
from gateway.store import decisions
from gateway.store.base import Session
from gateway.values import ReportState
from tests.district import District
from tests.gateway.review.deciding import (
    KB,
    WANTED,
    ask,
    by_hand,
    correct,
    figures,
    flag_a_change,
    key_of,
    notices,
    office,
    revisions,
    seen,
    settle,
    states,
)


def test_an_approved_report_goes_on_counting_and_its_month_says_so(district: District) -> None:
    district.say("ani", KB)
    settle(district, lambda s: decide.approve(s, office(district), seen(district)))
    assert states(district) == ["approved"]
    assert figures(district) == WANTED


def test_a_rejected_report_leaves_the_month_missing_and_its_sender_hears_why(district: District) -> None:
    district.say("ani", KB)
    what = seen(district)
    settle(district, lambda s: decide.reject(s, office(district), what, "Angka PIL terlalu besar.", tell=True))
    assert figures(district) is None
    [told] = notices(district)
    assert told.startswith("KB Sep 25 PMB Ani: laporan tidak kami pakai. Angka PIL terlalu besar. Mohon kirim ulang")
    assert "belum masuk" in district.say("ani", "STATUS")
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 10")
    assert figures(district) == WANTED | {"aktif.pil": 10}


def test_nobody_is_told_where_staff_did_not_want_it(district: District) -> None:
    district.say("ani", KB)
    settle(district, lambda s: decide.reject(s, office(district), seen(district), "Uji coba", tell=False))
    assert notices(district) == []


def test_a_correction_counts_and_is_told_in_the_senders_language(district: District) -> None:
    district.say("ani", KB)
    correct(district, WANTED | {"aktif": 45})
    assert figures(district) == WANTED | {"aktif": 45}
    assert notices(district) == ["KB Sep 25 PMB Ani: Dinas mengubah AKTIF 40 jadi 45. Salah ketik. Salah? balas RALAT"]
    district.say("eve", "KB 0925 BARU 12 AKTIF 40")
    what = seen(district, "PMB06")
    made = by_hand({"baru": 12, "aktif": 41})
    settle(district, lambda s: decide.correct(s, office(district), what, made, "By phone", tell=True))
    assert notices(district, "eve")[0].startswith("KB Sep 25 PMB Eve: the office changed AKTIF 40 now 41. By phone.")


def test_a_corrected_revision_says_who_made_it_and_why_and_the_corrected_one_stays_approved(district: District) -> None:
    district.say("ani", KB)
    settle(district, lambda s: decide.approve(s, office(district), seen(district)))
    correct(district, WANTED | {"aktif": 45})
    assert states(district) == ["replaced", "approved"]
    made = revisions(district)[-1]
    assert (made.made_by, made.reason, made.inbox_id) == (7, "Salah ketik", None)


def test_a_correction_of_many_figures_is_one_sms_that_counts_the_rest(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 GANTI 3 ULANG 4 PASCA 2 CABUT IUD 1")
    correct(district, {"baru": 13, "aktif": 1500, "ganti": 1, "ulang": 2, "pasca": 1, "cabut.iud": 2})
    [told] = notices(district)
    assert fits_one_sms(told)
    assert "+" in told
    assert "Salah ketik" in told


def test_a_correction_sent_twice_is_made_once(district: District) -> None:
    district.say("ani", KB)
    correct(district, WANTED | {"aktif": 45})
    with pytest.raises(SomebodyElse):
        correct(district, WANTED | {"aktif": 45})
    assert states(district) == ["replaced", "accepted"]


def test_an_approved_change_takes_the_place_of_what_was_approved(district: District) -> None:
    flag_a_change(district)
    settle(district, lambda s: decide.approve(s, office(district), seen(district)))
    assert states(district) == ["replaced", "approved"]
    assert figures(district) == WANTED | {"aktif": 45}


def test_a_rejected_change_leaves_what_was_approved_and_says_so(district: District) -> None:
    flag_a_change(district)
    settle(district, lambda s: decide.reject(s, office(district), seen(district), "Sudah benar", tell=True))
    assert states(district) == ["approved", "rejected"]
    assert notices(district)[-1].endswith("Laporan sebelumnya tetap berlaku.")


def test_a_report_whose_approval_is_withdrawn_can_be_changed_by_its_sender_again(district: District) -> None:
    district.say("ani", KB)
    settle(district, lambda s: decide.approve(s, office(district), seen(district)))
    settle(district, lambda s: decide.withdraw_approval(s, office(district), seen(district), "Keliru"))
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    assert figures(district) == WANTED | {"aktif": 45}


@pytest.mark.parametrize(
    ("answer", "wanted"), [("YA", WANTED), ("AKTIF 45", WANTED | {"aktif": 45}), ("TIDAK", None)], ids=str
)
def test_what_is_sent_back_waits_for_its_senders_answer_and_takes_it(
    district: District, answer: str, wanted: Mapping[str, int] | None
) -> None:
    district.say("ani", KB)
    ask(district)
    assert figures(district) is None
    assert notices(district) == ["KB Sep 25: AKTIF 40, benar? Balas YA, atau AKTIF <jumlah>"]
    district.say("ani", answer)
    assert figures(district) == wanted


def test_a_question_of_staff_waits_behind_the_one_that_is_open(district: District) -> None:
    district.say("wati", "KB PMB02 0925 BARU 12 AKTIF 40")
    district.say("wati", "KB PTK 0925 BARU 3")  # asked for AKTIF
    what = seen(district, "PMB02")
    done = settle(district, lambda s: decide.send_back(s, office(district), what, "KB Sep 25: benar? Balas YA"))
    assert done.waits_its_turn
    assert notices(district, "wati") == []
    assert "benar? Balas YA" in district.say("wati", "AKTIF 20")


def test_a_report_that_nobody_sent_cannot_be_sent_back(district: District) -> None:
    key = key_of(district)
    made = by_hand({"baru": 1, "aktif": 2})
    settle(district, lambda s: accept.enter(s, key, made, district.runtime.now()))
    with pytest.raises(CannotDo) as told:
        ask(district)
    assert told.value.why is Why.NOBODY


def test_who_is_asked_need_not_answer_once_staff_have_decided(district: District) -> None:
    district.say("ani", KB)
    ask(district)
    settle(district, lambda s: decide.accept(s, office(district), seen(district)))
    assert figures(district) == WANTED
    assert "Tidak ada pertanyaan" in district.say("ani", "YA")


def test_of_two_people_one_decides_and_the_other_is_told(district: District) -> None:
    district.say("ani", KB)
    what, start, said = seen(district), Barrier(2), []

    def work(name: str, act: Callable[[Session, Office], object]) -> None:
        start.wait()
        try:
            settle(district, lambda s: act(s, office(district, name)))
            said.append("done")
        except SomebodyElse:
            said.append("somebody else")

    both = [
        Thread(target=work, args=("Sari", lambda s, o: decide.approve(s, o, what))),
        Thread(target=work, args=("Budi", lambda s, o: decide.reject(s, o, what, "Keliru", tell=False))),
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(said) == ["done", "somebody else"]
    with district.database.session(read_only=True) as session:
        [kept] = decisions.history(session, key_of(district), scope=office(district).user.scope)
    assert states(district) == [ReportState.APPROVED if kept.action == "approve" else ReportState.REJECTED]


def test_what_was_seen_is_read_back_from_its_field() -> None:
    assert read_seen(str(Seen(12, "flagged", 3))) == Seen(12, "flagged", 3)
    assert [read_seen(written) for written in ("", "1.accepted", "1.x.2", "٣.accepted.1", "9" * 30)] == [None] * 5
