"""A report's page: what it shows of a report, what can be done there, and what is said where it cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.handle.reading_json import to_json
from gateway.review.pages.written import REPAIRED, USED, cut_text
from gateway.runtime import Runtime
from gateway.store import outbox, reports
from gateway.store.reports import NewReport, Report, ReportKey
from gateway.values import ReportState
from parsers.reading import ReadReport, Repair, RepairCode, Span
from tests.district import PHONES, District
from tests.gateway.review.visits import Page, sign_in

KB = "Ass bu, KB 0925 BARU 12 AKTUF 40 PIL 30 makasih"
SENT_AT = datetime(2026, 10, 3, 1, 30, tzinfo=UTC)
REPAIRS = (
    Repair(RepairCode.SPELLING, "aktf", "aktif", Span(0, 4)),
    Repair(RepairCode.DIGITS, "4O", "40", Span(5, 7)),
    Repair(RepairCode.PERIOD_ASSUMED, "", "2026-09"),
    Repair(RepairCode.FORM_INFERRED, "", "kb"),
)


@pytest.fixture
def officer(district: District) -> FlaskClient:
    """The browser of somebody of the district's office."""
    visitor = create_app(district.runtime).test_client()
    sign_in(visitor, district.runtime)
    return visitor


def add_report(runtime: Runtime, values: dict[str, int], text: str = "KB 0926", **others: Any) -> int:
    """Add a revision of PMB Ani of Palu for September 2026 that counts, and return its id."""
    replaces_id, repairs = others.get("replaces_id"), others.get("repairs", ())
    with runtime.database.session() as session:
        if replaces_id:
            reports.set_state(session, replaces_id, ReportState.REPLACED, was=ReportState.ACCEPTED)
        sent_at = SENT_AT + timedelta(hours=1 if replaces_id else 0)
        new = NewReport(
            key=ReportKey("kb", 1, "2026-09"),
            state=ReportState.ACCEPTED,
            sent_at=sent_at,
            sent_key=text,
            values=values,
            text=text,
            reading=to_json(ReadReport("kb", "2026-09", values, repairs=repairs, remark="terima kasih")),
            form_version=1,
            reader_version=1,
            created_at=sent_at,
            replaces_id=replaces_id,
            flags=others.get("flags", ()),
        )
        report_id = reports.add(session, new)
        session.commit()
    return report_id


def words_of(answer: TestResponse) -> str:
    """Return what stands on a page, with blanks as one blank."""
    return " ".join(Page(answer).words.split())


def revisions(district: District, place: str = "PMB01") -> tuple[Report, ...]:
    """Return the revisions of a facility's report for September 2025."""
    with district.database.session(read_only=True) as session:
        return reports.revisions(session, ReportKey("kb", district.ids[place], "2025-09"))


def act(officer: FlaskClient, report: Report, deed: str, **fields: str) -> TestResponse:
    """Decide about a report as its page, opened now, lets one do."""
    seen = Page(officer.get(f"/reports/{report.id}")).hidden("seen")
    return officer.post(f"/reports/{report.id}/{deed}", data={"seen": seen} | fields, follow_redirects=True)


def sent_to(district: District, name: str) -> list[str]:
    """Return what staff have had sent to a phone."""
    with district.database.session(read_only=True) as session:
        found = outbox.latest_to(session, [PHONES[name]])
    return [one.text for one in found if one.kind in ("notice", "question")]


@pytest.fixture
def palu(visitor: FlaskClient, runtime: Runtime, ani: int) -> FlaskClient:
    """The browser of somebody of Palu's office."""
    sign_in(visitor, runtime, area="72.71")
    return visitor


def test_a_report_stands_with_its_labels_in_the_forms_order(palu: FlaskClient, runtime: Runtime) -> None:
    report_id = add_report(runtime, {"aktif.pil": 1030, "aktif": 1500, "baru": 12, "cabut.iud": 2})
    page = words_of(palu.get(f"/reports/{report_id}"))
    indonesian = page[page.index("Angka dan bulan-bulan sebelumnya") :]
    places = [
        indonesian.index(words) for words in ("Peserta baru 12", "Peserta aktif 1.500", "Peserta aktif, Pil 1.030")
    ]
    assert places == sorted(places)
    assert "Users now 1,500" in words_of(palu.get(f"/reports/{report_id}?lang=en"))


def test_a_report_says_its_month_its_time_and_its_state_in_words(palu: FlaskClient, runtime: Runtime) -> None:
    report_id = add_report(runtime, {"baru": 12})
    indonesian = words_of(palu.get(f"/reports/{report_id}"))
    for words in ("PMB Ani September 2026 · Laporan bulanan KB", "Diterima", "revisi 1", "09.30 WITA"):
        assert words in indonesian
    english = words_of(palu.get(f"/reports/{report_id}?lang=en"))
    for words in ("PMB Ani September 2026 · Monthly family-planning report", "Accepted", "09:30 WITA"):
        assert words in english


def test_a_revision_says_what_it_replaces_and_what_it_changed(palu: FlaskClient, runtime: Runtime) -> None:
    first = add_report(runtime, {"baru": 12, "aktif": 40, "aktif.pil": 30}, "KB 0926 lama")
    second = add_report(runtime, {"baru": 12, "aktif": 45, "aktif.iud": 3}, "RALAT KB 0926", replaces_id=first)
    page = palu.get(f"/reports/{second}")
    assert "Berubah: Peserta aktif 40 → 45; Peserta aktif, Pil 30 → –; Peserta aktif, IUD – → 3" in words_of(page)
    links = [str(attrs.get("href")) for tag, attrs in Page(page).tags if tag == "a"]
    assert f"/reports/{first}" in links
    old = words_of(palu.get(f"/reports/{first}"))
    assert "KB 0926 lama" in old
    assert "Yang dihitung revisi 2" in old


def test_a_report_names_everything_that_was_read_differently(palu: FlaskClient, runtime: Runtime) -> None:
    report_id = add_report(runtime, {"aktif": 40}, "aktf 4O terima kasih", repairs=REPAIRS)
    words = words_of(palu.get(f"/reports/{report_id}"))
    for sentence in (
        "“aktf” dibaca Peserta aktif.",
        "“4O” dibaca sebagai angka 40.",
        "Bulannya tidak ditulis; dianggap September 2026.",
        "Kata kuncinya tidak ditulis; dibaca sebagai Laporan bulanan KB.",
        "Catatan: terima kasih",
    ):
        assert sentence in words


def test_a_hostile_report_of_an_older_form_is_only_ever_shown(palu: FlaskClient, runtime: Runtime) -> None:
    hostile = "<script>alert(1)</script>"
    repairs = (Repair(RepairCode.SPELLING, f"%(read)s{hostile}", hostile, Span(0, 1)),)
    report_id = add_report(runtime, {"unknown": 3, "aktif.unknown": 4}, hostile, repairs=repairs)
    answer = palu.get(f"/reports/{report_id}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert hostile in Page(answer).words


@pytest.mark.parametrize("path", ["/reports/7", f"/reports/{'9' * 30}"])
def test_a_report_that_is_not_there_is_said_not_to_be(palu: FlaskClient, path: str) -> None:
    assert palu.get(path).status_code == 404
    assert palu.post(f"{path}/approve", data={"seen": "7.accepted.1"}).status_code == 404


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ({"code": "period_late", "about": {"period": "2025-09", "months": 14}}, "Bulan ini sudah 14 bulan yang lalu."),
        ({"code": "of_a_later_version", "about": {}}, "of_a_later_version"),
        ({"code": "sum_differs"}, "jumlah alat/caranya"),
    ],
    ids=str,
)
def test_a_report_says_what_staff_should_look_at(
    palu: FlaskClient, runtime: Runtime, flag: dict[str, Any], words: str
) -> None:
    report_id = add_report(runtime, {"aktif": 40}, flags=(flag,))
    page = words_of(palu.get(f"/reports/{report_id}"))
    assert words in page[page.index("Yang perlu dilihat") :]


def test_the_words_that_were_used_are_marked_and_the_others_are_not(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    text = officer.get(f"/reports/{revisions(district)[-1].id}").text
    assert '<mark class="used"><bdi>BARU 12</bdi></mark>' in text
    assert '<mark class="repaired"><bdi>AKTUF</bdi></mark>' in text
    assert '<mark class="used"><bdi>Ass' not in text


def test_nothing_is_marked_where_the_text_is_not_the_whole_report(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    district.say("ani", "KB BARU 13")  # another month is due by then: it is asked, not read as this one
    district.say("ani", "RALAT AKTIF 45")
    newest = revisions(district)[-1]
    with district.database.session() as session:
        session.execute(reports.reports.update().values(reader_version=0))
        session.commit()
    page = words_of(officer.get(f"/reports/{newest.id}"))
    assert "Kata mana yang dipakai tidak diketahui" in page


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=5))
def test_a_text_cut_at_its_spans_is_the_same_text(text: str, spans: list[tuple[int, int]]) -> None:
    made = [Span(*span) for span in spans]
    parts = cut_text(text, made[::2], made[1::2])
    assert "".join(part.words for part in parts) == text
    assert {part.kind for part in parts} <= {"", USED, REPAIRED}


def test_the_months_before_stand_beside_the_figures_and_a_jump_is_named(
    officer: FlaskClient, district: District
) -> None:
    for month in ("0725", "0825"):
        district.say("ani", f"KB {month} BARU 12 AKTIF 41")
    district.say("ani", "KB 0925 BARU 12 AKTIF 400")
    page = words_of(officer.get(f"/reports/{revisions(district)[-1].id}"))
    assert "Peserta aktif 400 (janggal) 41 41 – – – –" in page
    assert "Peserta aktif 400; biasanya di sini sekitar 41." in page
    assert "AKTIF 400, biasanya sekitar 41. Benar?" in page
    assert "Belum dijawab." in page


def test_approving_says_so_and_can_be_undone_at_once(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    answer = act(officer, report, "approve")
    assert "PMB Ani, September 2025: disetujui." in words_of(answer)
    [undo] = {str(a["action"]) for tag, a in Page(answer).tags if tag == "form" and "undo" in str(a.get("action"))}
    undone = officer.post(undo, follow_redirects=True)
    assert "Dibatalkan oleh District" in words_of(undone)
    assert revisions(district)[-1].state == ReportState.ACCEPTED


def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    assert act(officer, report, "reject", reason=" ").status_code == 422
    long = "Angka PIL di laporan ini tidak sama dengan catatan di register"
    answer = act(officer, report, "reject", reason=long, tell="1")
    assert answer.status_code == 422
    assert "Kelebihan" in answer.text
    assert f'value="{long}"' in answer.text
    assert "ditolak." in words_of(act(officer, report, "reject", reason=long))
    assert sent_to(district, "ani") == []


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "Tulis dulu pertanyaannya."),
        ("Hubungi 081234567", "empat angka berturut-turut"),
        ("Bu, nomor batch berapa?", "nomor"),
        ("Bu, sudah benar? ✅", "✅"),
        ("Apakah angka AKTIF ini sudah benar, Bu? " * 5, "untuk satu SMS"),
    ],
    ids=str,
)
def test_a_question_that_would_not_arrive_is_not_sent(
    officer: FlaskClient, district: District, words: str, fault: str
) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    answer = act(officer, report, "send_back", question="own", words=words)
    assert answer.status_code == 422
    assert fault in words_of(answer)
    assert sent_to(district, "ani") == []
    assert revisions(district)[-1].state == ReportState.ACCEPTED


@pytest.mark.parametrize(
    ("fields", "sms"),
    [
        ({"question": "own", "words": "AKTIF naik banyak,\nbetul Bu?"}, "KB Sep 25: AKTIF naik banyak, betul Bu?"),
        ({"question": "aktif"}, "KB Sep 25 PMB Ani: AKTIF 40, benar? Balas YA, atau AKTIF <jumlah>"),
    ],
    ids=["own", "chosen"],
)
def test_a_report_is_sent_back_with_a_chosen_or_an_own_question(
    officer: FlaskClient, district: District, fields: dict[str, str], sms: str
) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    assert "pertanyaannya dikirim lewat SMS" in words_of(act(officer, report, "send_back", **fields))
    assert sent_to(district, "ani") == [sms]
    district.say("ani", "AKTIF 45")
    assert revisions(district)[-1].values["aktif"] == 45


def test_the_second_of_two_people_is_told_who_was_first(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    other = create_app(district.runtime).test_client()
    sign_in(other, district.runtime, role="officer", area="14.03.01")
    seen = Page(officer.get(f"/reports/{report.id}")).hidden("seen")
    act(other, report, "approve")
    answer = officer.post(f"/reports/{report.id}/reject", data={"seen": seen, "reason": "Keliru"})
    assert answer.status_code == 409
    assert "Anda didahului: Officer 1 menyetujuinya." in words_of(answer)
    assert revisions(district)[-1].state == ReportState.APPROVED


def test_who_decides_while_an_sms_comes_in_is_told_of_the_revision(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    seen = Page(officer.get(f"/reports/{report.id}")).hidden("seen")
    district.say("ani", "KB 0925 BARU 12 AKTIF 45")
    answer = officer.post(f"/reports/{report.id}/approve", data={"seen": seen})
    assert answer.status_code == 409
    assert "Sementara itu revisi 2 masuk." in words_of(answer)
    assert [one.state for one in revisions(district)] == ["replaced", "accepted"]


def test_a_viewer_sees_no_phone_number_and_nothing_to_do(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    viewer = create_app(district.runtime).test_client()
    sign_in(viewer, district.runtime, role="viewer")
    page = viewer.get(f"/reports/{report.id}")
    assert "0812-3000-0001" in words_of(officer.get(f"/reports/{report.id}"))
    assert "0812-3000-0001" not in words_of(page)
    assert "/approve" not in page.text
    refused = viewer.post(f"/reports/{report.id}/approve", data={"seen": f"{report.id}.accepted.1"})
    assert refused.status_code == 403
    assert revisions(district)[-1].state == ReportState.ACCEPTED


def test_a_report_of_another_area_is_as_if_it_were_not_there(district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    foreign = create_app(district.runtime).test_client()
    sign_in(foreign, district.runtime, area="72.71")
    assert foreign.get(f"/reports/{report.id}").status_code == 404
    sent = foreign.post(f"/reports/{report.id}/approve", data={"seen": f"{report.id}.accepted.1"})
    assert sent.status_code == 404
    assert revisions(district)[-1].state == ReportState.ACCEPTED


def test_undoing_what_went_out_by_sms_says_that_it_did(officer: FlaskClient, district: District) -> None:
    district.say("ani", KB)
    [report] = revisions(district)
    answer = act(officer, report, "reject", reason="Keliru", tell="1")
    assert "bidan diberi tahu lewat SMS" in words_of(answer)
    district.send()
    undo = next(str(a["action"]) for tag, a in Page(answer).tags if tag == "form" and "undo" in str(a.get("action")))
    assert "SMS tentang ini sudah terkirim" in words_of(officer.post(undo, follow_redirects=True))
    assert "sudah dibatalkan" in words_of(officer.post(undo, follow_redirects=True))
