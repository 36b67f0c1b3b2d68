"""What staff decide: what it does to the figures, to whom it is told, and that it can be undone, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Barrier, Thread
from typing import TypeVar

import pytest
from sqlalchemy import select

from gateway.errors import SomebodyElse
from gateway.handle.accept import ByHand
from gateway.handle.reading_json import to_json
from gateway.reply.segments import fits_one_sms
from gateway.review import decide, undo
from gateway.review.deeds import CannotDo, Done, Office, Seen, Why, read_seen
from gateway.store import audit, decisions, outbox, questions, reports
from gateway.store.base import Database, Session
from gateway.store.reports import Report, ReportKey
from gateway.store.users import User
from gateway.values import ReportState, Role
from parsers.reading import ReadReport
from tests.district import PHONES, District, make_runtime

Found = TypeVar("Found")

KB = "KB 0925 BARU 12 AKTIF 40 PIL 30"
WANTED = {"baru": 12, "aktif": 40, "aktif.pil": 30}


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """The district on either database."""
    return District(make_runtime(database, tmp_path / "var"))


def office(district: District, name: str = "Sari", area: str = "14.03") -> Office:
    """Return somebody of the office, at the district's clock."""
    user = User(7, name.lower(), name, Role.DISTRICT, area, "id", True, False)
    runtime = district.runtime
    return Office(user, runtime.now(), {form.code: form for form in runtime.forms}, runtime.wordings)


def key_of(district: District, place: str = "PMB01") -> ReportKey:
    """Return what September's report of a facility is about."""
    return ReportKey("kb", district.ids[place], "2025-09")


def revisions(district: District, place: str = "PMB01") -> tuple[Report, ...]:
    """Return every revision of September's report of a facility."""
    with district.database.session(read_only=True) as session:
        return reports.revisions(session, key_of(district, place))


def figures(district: District, place: str = "PMB01") -> Mapping[str, int] | None:
    """Return what counts for September of a facility, None where nothing does."""
    with district.database.session(read_only=True) as session:
        found = reports.find_current(session, key_of(district, place))
    return found.values if found else None


def seen(district: District, place: str = "PMB01", nth: int = -1) -> Seen:
    """Return the newest revision, or another one, as somebody sees it now."""
    known = revisions(district, place)
    return Seen(known[nth].id, known[nth].state, known[-1].revision)


def settle(district: District, act: Callable[[Session], Found]) -> Found:
    """Do something in a session of its own and keep it."""
    with district.database.session() as session:
        found = act(session)
        session.commit()
    return found


def by_hand(values: Mapping[str, int], key: str = "page-1") -> ByHand:
    """Return a corrected report as it was typed."""
    reading = to_json(ReadReport("kb", "2025-09", dict(values)))
    return ByHand(key, reading, values, form_version=1, seen_id=None, made_by=0)


def correct(district: District, values: Mapping[str, int], *, tell: bool = True, key: str = "page-1") -> Done:
    """Have the newest revision corrected."""
    what = seen(district)
    return settle(
        district,
        lambda s: decide.correct(s, office(district), what, by_hand(values, key), "Salah ketik", tell=tell),
    )


def notices(district: District, name: str = "ani") -> list[str]:
    """Return what staff have had sent to a phone, oldest first."""
    with district.database.session(read_only=True) as session:
        found = outbox.latest_to(session, [PHONES[name]])
    return [one.text for one in found if one.kind in (decide.NOTICE, decide.QUESTION)][::-1]


def states(district: District, place: str = "PMB01") -> list[str]:
    """Return where every revision stands, oldest first."""
    return [one.state for one in revisions(district, place)]


def take_back(district: District, done: Done) -> bool:
    """Undo a decision and return whether its message had gone out."""
    undone = settle(district, lambda s: undo.undo(s, office(district), done.decision_id))
    assert undone is not None
    return undone.is_said


def flag_a_change(district: District) -> Done:
    """Report, approve, and report something else: the second one is for staff to decide."""
    district.say("ani", KB)
    approved = settle(district, lambda s: decide.approve(s, office(district), seen(district)))
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    assert states(district) == ["approved", "flagged"]
    return approved


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


def ask(district: District, text: str = "KB Sep 25: AKTIF 40, benar? Balas YA, atau AKTIF <jumlah>") -> Done:
    """Send the newest revision back with a question."""
    what = seen(district)
    return settle(district, lambda s: decide.send_back(s, office(district), what, text))


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
    settle(district, lambda s: decide.accepting.enter(s, key, made, district.runtime.now()))
    with pytest.raises(CannotDo) as told:
        ask(district)
    assert told.value.why is Why.NOBODY


def test_who_is_asked_need_not_answer_once_staff_have_decided(district: District) -> None:
    district.say("ani", KB)
    ask(district)
    settle(district, lambda s: decide.accept(s, office(district), seen(district)))
    assert figures(district) == WANTED
    assert "Tidak ada pertanyaan" in district.say("ani", "YA")


def reject(district: District) -> Done:
    """Reject the newest revision and tell its sender."""
    return settle(district, lambda s: decide.reject(s, office(district), seen(district), "Keliru", tell=True))


def approve(district: District) -> Done:
    """Approve the newest revision."""
    return settle(district, lambda s: decide.approve(s, office(district), seen(district)))


def withdraw(district: District) -> Done:
    """Approve the newest revision and withdraw the approval."""
    return settle(district, lambda s: decide.withdraw_approval(s, office(district), seen(district), "Keliru"))


STARTS: dict[str, Callable[[District], object]] = {
    "accepted": lambda d: d.say("ani", KB),
    "approved": lambda d: (d.say("ani", KB), approve(d)),
    "flagged": flag_a_change,
    "waiting": lambda d: (d.say("ani", KB), ask(d)),
}
ACTS: dict[str, Callable[[District], Done]] = {
    "approve": approve,
    "accept": lambda d: settle(d, lambda s: decide.accept(s, office(d), seen(d))),
    "reject": reject,
    "send back": lambda d: ask(d, "KB Sep 25: apakah bulannya benar? Balas YA"),
    "withdraw": withdraw,
    "correct": lambda d: correct(d, WANTED | {"aktif": 44}),
}
DOABLE = [
    *(("accepted", act) for act in ("approve", "reject", "send back", "correct")),
    *(("approved", act) for act in ("reject", "withdraw", "correct")),
    *(("flagged", act) for act in ("approve", "accept", "reject", "send back", "correct")),
    *(("waiting", act) for act in ("approve", "accept", "reject", "send back", "correct")),
]


@pytest.mark.parametrize(("start", "act"), DOABLE, ids=lambda value: value.replace(" ", "-"))
def test_undoing_a_decision_puts_figures_states_and_questions_back(district: District, start: str, act: str) -> None:
    STARTS[start](district)
    before, counted, asked = states(district), figures(district), _open_question(district)
    done = ACTS[act](district)
    assert (states(district), _open_question(district)) != (before, asked)
    take_back(district, done)
    assert states(district)[: len(before)] == before
    assert set(states(district)[len(before) :]) <= {"replaced"}
    assert figures(district) == counted
    assert _open_question(district) == asked


def _open_question(district: District) -> str | None:
    with district.database.session(read_only=True) as session:
        found = questions.open_questions(session, [PHONES["ani"]])
    return found[PHONES["ani"]].text if found else None


@pytest.mark.parametrize(("start", "act"), [(s, a) for s in STARTS for a in ACTS if (s, a) not in DOABLE], ids=str)
def test_what_a_state_does_not_allow_is_refused_and_changes_nothing(district: District, start: str, act: str) -> None:
    STARTS[start](district)
    before = states(district)
    with pytest.raises(SomebodyElse):
        ACTS[act](district)
    assert states(district) == before


def test_decisions_are_undone_one_after_the_other_and_each_once(district: District) -> None:
    district.say("ani", KB)
    first, second = approve(district), correct(district, WANTED | {"aktif": 45})
    with pytest.raises(CannotDo) as told:
        take_back(district, first)
    assert told.value.why is Why.CHANGED
    take_back(district, second)
    take_back(district, first)
    assert states(district) == ["accepted", "replaced"]
    with pytest.raises(CannotDo) as told:
        take_back(district, first)
    assert told.value.why is Why.UNDONE


def test_nothing_is_undone_once_something_came_in_or_a_day_is_over(district: District) -> None:
    district.say("ani", KB)
    done = reject(district)
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    with pytest.raises(CannotDo) as told:
        take_back(district, done)
    assert told.value.why is Why.CHANGED
    district.say("budi", "KB 0925 BARU 12 AKTIF 400")
    what = seen(district, "DAMON")
    done = settle(district, lambda s: decide.approve(s, office(district), what))
    district.pass_time(hours=25)
    with pytest.raises(CannotDo) as told:
        take_back(district, done)
    assert told.value.why is Why.LATE


def test_a_notice_that_has_not_gone_out_never_does_once_its_decision_is_undone(district: District) -> None:
    district.say("ani", KB)
    assert not take_back(district, reject(district))
    district.send()
    with district.database.session(read_only=True) as session:
        [notice] = [one for one in outbox.latest_to(session, [PHONES["ani"]]) if one.kind == decide.NOTICE]
    assert (notice.state, notice.reason) == ("withheld", "undone")
    done = reject(district)
    district.send()
    assert take_back(district, done), "it has gone out, and that is said"


def test_many_are_approved_at_once_and_what_was_seen_otherwise_is_left(district: District) -> None:
    district.say("ani", KB)
    district.say("budi", "KB 0925 BARU 12 AKTIF 400")
    district.say("eve", "KB 0925 BARU 2 AKTIF 30")
    what = [seen(district, place) for place in ("PMB01", "DAMON", "PMB06")]
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    many = settle(district, lambda s: decide.approve_many(s, office(district), what))
    assert many.left == (what[0].report_id,)
    assert states(district) == ["replaced", "accepted"]
    assert states(district, "DAMON") == states(district, "PMB06") == ["approved"]
    district.say("budi", "KB 0925 BARU 12 AKTIF 401")
    undone = settle(district, lambda s: undo.undo_many(s, office(district), many.batch))
    assert undone.left == (what[1].report_id,)
    assert states(district, "PMB06") == ["accepted"]
    assert states(district, "DAMON") == ["approved", "flagged"]


def test_what_lies_in_another_area_can_neither_be_decided_nor_undone(district: District) -> None:
    district.say("ani", KB)
    foreign = office(district, area="72.71")
    what = seen(district)
    with pytest.raises(SomebodyElse):
        settle(district, lambda s: decide.approve(s, foreign, what))
    assert settle(district, lambda s: decide.approve_many(s, foreign, [what])).done == ()
    done = approve(district)
    assert settle(district, lambda s: undo.undo(s, foreign, done.decision_id)) is None
    assert states(district) == ["approved"]


def test_every_decision_is_in_the_history_and_in_the_audit(district: District) -> None:
    district.say("ani", KB)
    take_back(district, reject(district))
    approve(district)
    with district.database.session(read_only=True) as session:
        history = decisions.history(session, key_of(district), scope=office(district).user.scope)
        done = session.execute(select(audit.audit.c.action).order_by(audit.audit.c.id)).scalars().all()
    assert [(one.action, one.undone_by) for one in history] == [("approve", None), ("reject", "Sari")]
    assert done == ["reject", "undo_reject", "approve"]


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
