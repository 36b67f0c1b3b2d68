"""A report's page, and how reports stand on the start page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.handle.reading_json import to_json
from gateway.runtime import Runtime
from gateway.store import reports
from gateway.store.reports import NewReport, ReportKey
from gateway.values import ReportState
from parsers.reading import ReadReport, Repair, RepairCode, Span
from tests.gateway.review.visits import Page, sign_in

SENT_AT = datetime(2026, 10, 3, 1, 30, tzinfo=UTC)
REPAIRS = (
    Repair(RepairCode.SPELLING, "aktf", "aktif", Span(0, 4)),
    Repair(RepairCode.DIGITS, "4O", "40", Span(5, 7)),
    Repair(RepairCode.PERIOD_ASSUMED, "", "2026-09"),
    Repair(RepairCode.FORM_INFERRED, "", "kb"),
)


@pytest.fixture(autouse=True)
def _signed_in(visitor: FlaskClient, runtime: Runtime) -> None:
    """Let the browser be signed in for Palu, where Bidan Ani reports from."""
    sign_in(visitor, runtime, area="72.71")


def add_report(
    runtime: Runtime,
    values: dict[str, int],
    text: str = "KB 0926",
    replaces_id: int | None = None,
    repairs: tuple[Repair, ...] = (),
    flags: tuple[dict[str, Any], ...] = (),
) -> int:
    """Add a revision for September 2026 that counts, in place of another one if told so, and return its id."""
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
            flags=flags,
        )
        report_id = reports.add(session, new)
        session.commit()
    return report_id


def words_of(visitor: FlaskClient, path: str) -> str:
    """Return what stands on a page, with blanks as one blank."""
    return " ".join(Page(visitor.get(path)).words.split())


def test_a_report_stands_with_its_labels_in_the_forms_order(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    report_id = add_report(runtime, {"aktif.pil": 1030, "aktif": 1500, "baru": 12, "cabut.iud": 2})
    for path in ("/phone", f"/reports/{report_id}"):
        assert "Peserta baru 12 Peserta aktif 1.500 Pil 1.030 Pencabutan – IUD 2" in words_of(visitor, path)
    assert "New users 12 Users now 1,500 Pill 1,030" in words_of(visitor, f"/reports/{report_id}?lang=en")


def test_a_report_says_its_month_its_time_and_its_state_in_words(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    report_id = add_report(runtime, {"baru": 12})
    indonesian = words_of(visitor, f"/reports/{report_id}")
    assert "PMB Ani Diterima September 2026 · Laporan bulanan KB · revisi 1 · dikirim" in indonesian
    assert "09.30 WITA" in indonesian
    english = words_of(visitor, f"/reports/{report_id}?lang=en")
    assert "PMB Ani Accepted September 2026 · Monthly family-planning report · revision 1 · sent" in english
    assert "09:30 WITA" in english


def test_a_revision_says_what_it_replaces_and_what_it_changed(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    first = add_report(runtime, {"baru": 12, "aktif": 40, "aktif.pil": 30}, "KB 0926 lama")
    second = add_report(runtime, {"baru": 12, "aktif": 45, "aktif.iud": 3}, "RALAT KB 0926", replaces_id=first)
    words = words_of(visitor, f"/reports/{second}")
    assert "Berubah: Peserta aktif 40 → 45; Peserta aktif, Pil 30 → –; Peserta aktif, IUD – → 3" in words
    assert "Revisi 1" in words
    assert "Diganti" in words
    links = [str(attrs.get("href")) for tag, attrs in Page(visitor.get("/phone")).tags if tag == "a"]
    assert f"/reports/{first}" in links
    assert "KB 0926 lama" in words_of(visitor, f"/reports/{first}")


def test_a_report_names_everything_that_was_read_differently(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    report_id = add_report(runtime, {"aktif": 40}, "aktf 4O terima kasih", repairs=REPAIRS)
    words = words_of(visitor, f"/reports/{report_id}")
    for sentence in (
        "“aktf” dibaca Peserta aktif.",
        "“4O” dibaca sebagai angka 40.",
        "Bulannya tidak ditulis; dianggap September 2026.",
        "Kata kuncinya tidak ditulis; dibaca sebagai Laporan bulanan KB.",
        "Catatan: terima kasih",
    ):
        assert sentence in words


def test_a_hostile_report_is_only_ever_shown(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    hostile = "<script>alert(1)</script>"
    repairs = (Repair(RepairCode.SPELLING, f"%(read)s{hostile}", hostile, Span(0, 1)),)
    report_id = add_report(runtime, {"unknown": 3, "aktif.unknown": 4}, hostile, repairs=repairs)
    for path in (f"/reports/{report_id}", "/phone"):
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert hostile in Page(answer).words


@pytest.mark.parametrize("path", ["/reports/7", f"/reports/{'9' * 30}"])
def test_a_report_that_is_not_there_is_said_not_to_be(visitor: FlaskClient, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "Laporan ini tidak ada" in answer.text


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ({"code": "period_late", "about": {"period": "2025-09", "months": 14}}, "Bulan ini sudah 14 bulan yang lalu."),
        (
            {"code": "sum_differs", "about": {"key": "aktif", "sum": 1030, "total": 1500}},
            "Peserta aktif: jumlah alat/caranya 1.030, tetapi totalnya ditulis 1.500.",
        ),
        ({"code": "of_a_later_version", "about": {}}, "of_a_later_version"),
        ({"code": "sum_differs"}, "jumlah alat/caranya"),
    ],
    ids=str,
)
def test_a_report_says_what_staff_should_look_at(
    visitor: FlaskClient, runtime: Runtime, ani: int, flag: dict[str, Any], words: str
) -> None:
    report_id = add_report(runtime, {"aktif": 40}, flags=(flag,))
    page = words_of(visitor, f"/reports/{report_id}")
    assert "Perlu dilihat petugas" in page
    assert words in page
