"""A report by hand: staff type what came on paper or by phone, by the rules of an SMS; and they correct reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.handle import accept
from gateway.handle.accept import ByHand
from gateway.handle.reading_json import to_json
from gateway.review.enter import lay_out, read_fields
from gateway.review.pages import sheet
from gateway.store import audit, months, reports
from gateway.store.base import Database
from gateway.store.reports import Report, ReportKey
from gateway.values import ReportState, Scope
from tests import district
from tests.district import District
from tests.gateway.review.visits import Page, sign_in

GOOD = {
    "n-baru": "12",
    "n-aktif": "40",
    "n-aktif.pil": "30",
    "source": "paper",
    "who": "Bidan Ani",
    "received_on": "2025-10-02",
}
STOOD = "KB 0925 BARU 12 AKTIF 40 PIL 30"


@pytest.fixture
def here(database: Database, tmp_path_factory: pytest.TempPathFactory) -> District:
    """The district of Bengkalis at noon on 3 October 2025."""
    return District(district.make_runtime(database, tmp_path_factory.mktemp("var")))


@pytest.fixture
def app(here: District) -> Flask:
    """The web application of the district."""
    return create_app(here.runtime)


@pytest.fixture
def officer(app: Flask, here: District) -> FlaskClient:
    """The browser of a kecamatan officer."""
    client = app.test_client()
    sign_in(client, here.runtime, "officer", "14.03.01")
    return client


def words_of(answer: TestResponse) -> str:
    return " ".join(Page(answer).words.split())


def open_form(visitor: FlaskClient, here: District, place: str = "PMB01", **wished: str) -> dict[str, str]:
    """Open the form of a facility and return its hidden fields."""
    page = Page(visitor.get("/reports/new", query_string={"facility": str(here.ids[place])} | wished))
    return {name: page.hidden(name) for name in ("facility", "form", "period", "key", "seen")}


def post(visitor: FlaskClient, hidden: Mapping[str, str], **typed: str) -> TestResponse:
    return visitor.post(
        "/reports/new", data=dict(hidden) | GOOD | {name.replace("__", "."): v for name, v in typed.items()}
    )


def revisions(here: District, form: str = "kb", period: str = "2025-09") -> tuple[Report, ...]:
    with here.database.session(read_only=True) as session:
        return reports.revisions(session, ReportKey(form, here.ids["PMB01"], period))


def correction(visitor: FlaskClient, report_id: int) -> dict[str, str]:
    """Open a correction and return everything that its form holds."""
    page = Page(visitor.get(f"/reports/{report_id}/correct"))
    fields = {str(a["name"]): str(a.get("value") or "") for tag, a in page.tags if tag == "input" and "name" in a}
    return {name: value for name, value in fields.items() if name not in ("tell", "sure")}


def looked(answer: TestResponse) -> str:
    """Return the mark of the changes that a page shows."""
    return next(str(a["value"]) for tag, a in Page(answer).tags if tag == "button" and a.get("name") == "looked")


def test_a_report_on_paper_is_found_typed_and_counts(officer: FlaskClient, here: District) -> None:
    found = officer.get("/reports/new?q=ani")
    assert "PMB Ani" in found.text
    assert "PMB Wati" not in found.text
    form = officer.get(f"/reports/new?facility={here.ids['PMB01']}")
    assert "Laporan bulanan KB, September 2025" in words_of(form)
    kept = post(officer, open_form(officer, here))
    assert kept.status_code == 303
    [report] = revisions(here)
    assert (report.state, report.values) == ("accepted", {"baru": 12, "aktif": 40, "aktif.pil": 30})
    assert kept.headers["Location"].endswith(f"/reports/{report.id}")
    assert report.made_by
    assert report.inbox_id is None
    with here.database.session(read_only=True) as session:
        reading = reports.find_reading(session, report.id) or {}
    assert reading["by_hand"]["who"] == "Bidan Ani"


def test_zero_and_left_empty_are_kept_apart(officer: FlaskClient, here: District) -> None:
    post(officer, open_form(officer, here), **{"n-baru": "0", "n-aktif__pil": "", "n-aktif__iud": "0"})
    assert revisions(here)[0].values == {"baru": 0, "aktif": 40, "aktif.iud": 0}


def test_the_page_sent_twice_makes_one_revision(officer: FlaskClient, here: District) -> None:
    hidden = open_form(officer, here)
    first, second = post(officer, hidden), post(officer, hidden)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(revisions(here)) == 1


def test_what_breaks_a_rule_is_refused_beside_its_field_and_stays_typed(officer: FlaskClient, here: District) -> None:
    answer = post(officer, open_form(officer, here), **{"n-aktif__pil": "50", "n-baru": "1O"})
    assert answer.status_code == 422
    assert "“1O” tidak terbaca sebagai angka." in words_of(answer)
    again = post(officer, open_form(officer, here), **{"n-aktif__pil": "50"})
    assert "Peserta aktif: jumlah rinciannya 50, lebih dari totalnya, 40." in words_of(again)
    fields = {a.get("name"): a for tag, a in Page(again).tags if tag == "input"}
    assert fields["n-aktif.pil"]["value"] == "50"
    assert fields["n-aktif"]["aria-invalid"] == "true"
    assert fields["who"]["value"] == "Bidan Ani"
    assert revisions(here) == ()


def test_what_is_missing_about_the_paper_is_said(officer: FlaskClient, here: District) -> None:
    answer = post(officer, open_form(officer, here), who=" ", received_on="2025-10-04", source="pigeon")
    assert answer.status_code == 422
    for words in ("Tulis siapa yang melaporkan.", "Tanggal ini belum tiba.", "Pilih cara laporan ini diterima."):
        assert words in words_of(answer)


def test_a_doubt_is_asked_and_a_tick_answers_it(officer: FlaskClient, here: District) -> None:
    hidden = open_form(officer, here)
    asked = post(officer, hidden, **{"n-baru": "41"})
    assert asked.status_code == 422
    assert "Peserta aktif 40, kurang dari 41 peserta baru bulan ini." in words_of(asked)
    signs = [str(a["value"]) for tag, a in Page(asked).tags if tag == "input" and a.get("name") == "sure"]
    kept = officer.post("/reports/new", data=hidden | GOOD | {"n-baru": "41", "sure": signs})
    assert kept.status_code == 303
    assert revisions(here)[0].state == "accepted"


def test_last_months_numbers_stand_beside_the_fields(officer: FlaskClient, here: District) -> None:
    here.say("ani", "KB 0825 BARU 11 AKTIF 1038")
    page = words_of(officer.get(f"/reports/new?facility={here.ids['PMB01']}"))
    assert "bulan sebelumnya: 1.038" in page
    assert "Angka kecil adalah angka Agustus 2025." in page
    assert "Agustus 2025 (masuk)" in page
    assert "September 2025 (sekarang)" in page


def test_stock_is_typed_by_item_and_movement(officer: FlaskClient, here: District) -> None:
    hidden = open_form(officer, here, form="alokon")
    stock = {"n-awal.pil": "100", "n-terima.pil": "50", "n-keluar.pil": "30", "n-akhir.pil": "120"}
    paper = {name: GOOD[name] for name in ("source", "who", "received_on")}
    assert officer.post("/reports/new", data=hidden | paper | stock).status_code == 303
    [report] = revisions(here, "alokon")
    assert report.values == {"awal.pil": 100, "terima.pil": 50, "keluar.pil": 30, "akhir.pil": 120}


def test_a_month_that_is_in_is_corrected_and_not_entered(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    page = officer.get(f"/reports/new?facility={here.ids['PMB01']}")
    assert "Laporan September 2025 sudah ada." in words_of(page)
    assert f"/reports/{revisions(here)[0].id}/correct" in page.text


def test_a_report_that_comes_in_while_staff_type_is_not_overwritten(officer: FlaskClient, here: District) -> None:
    hidden = open_form(officer, here)
    here.say("ani", "KB 0925 BARU 9 AKTIF 35")
    answer = post(officer, hidden)
    assert answer.status_code == 409
    assert "Ada yang lebih dulu" in words_of(answer)
    fields = {a.get("name"): a.get("value") for tag, a in Page(answer).tags if tag == "input"}
    assert fields["n-aktif"] == "40"
    assert [report.values["aktif"] for report in revisions(here)] == [35]


def test_a_closed_month_takes_nothing(app: Flask, officer: FlaskClient, here: District) -> None:
    hidden = open_form(officer, here)
    with here.database.session() as session:
        months.close_month(
            session, "kb", "2025-09", "14.03", "Rina", here.runtime.now(), "selesai", scope=Scope("14.03")
        )
        session.commit()
    answer = post(officer, hidden)
    assert answer.status_code == 422
    assert "September 2025 sudah ditutup." in words_of(answer)
    assert "Silakan minta ke kantor kabupaten" in words_of(answer)
    assert revisions(here) == ()


@pytest.mark.parametrize("path", ["/reports/new?facility={id}", "/reports/{report}/correct"])
def test_another_area_is_as_if_it_were_not_there(app: Flask, here: District, path: str) -> None:
    here.say("ani", STOOD)
    stranger = app.test_client()
    sign_in(stranger, here.runtime, "district", "72.71")
    path = path.format(id=here.ids["PMB01"], report=revisions(here)[0].id)
    assert stranger.get(path).status_code == 404
    there = "/reports/new" if "new" in path else path
    assert stranger.post(there, data={"facility": str(here.ids["PMB01"])} | GOOD).status_code == 404
    assert len(revisions(here)) == 1


def test_a_viewer_types_nothing(app: Flask, here: District) -> None:
    viewer = app.test_client()
    sign_in(viewer, here.runtime, "viewer", "14.03")
    assert viewer.get("/reports/new").status_code == 403
    assert viewer.post("/reports/new", data=GOOD).status_code == 403
    assert viewer.get("/reports/1/correct").status_code == 403
    assert viewer.post("/reports/1/correct").status_code == 403


@pytest.mark.parametrize("wished", ["facility=x", "facility=9999", "facility=1&form=x", "facility=1&period=2025-13"])
def test_what_cannot_be_is_said_not_to_be_there(officer: FlaskClient, here: District, wished: str) -> None:
    assert officer.get(f"/reports/new?{wished}").status_code == 404


def test_a_reports_page_tells_where_it_came_from(officer: FlaskClient, here: District) -> None:
    asked = post(officer, hidden := open_form(officer, here), **{"n-baru": "41", "source": "call"})
    signs = [str(a["value"]) for tag, a in Page(asked).tags if tag == "input" and a.get("name") == "sure"]
    kept = officer.post("/reports/new", data=hidden | GOOD | {"n-baru": "41", "source": "call", "sure": signs})
    page = words_of(officer.get(kept.headers["Location"]))
    assert "dari telepon Bidan Ani pada 2 Oktober 2025." in page
    assert "Sudah ditanyakan dan benar: Peserta aktif 40, kurang dari 41 peserta baru bulan ini." in page


def test_a_page_that_comes_back_late_tells_what_became_of_it(officer: FlaskClient, here: District) -> None:
    hidden = open_form(officer, here)
    post(officer, hidden)
    with here.database.session() as session:
        reports.set_state(session, revisions(here)[0].id, ReportState.REJECTED, was=ReportState.ACCEPTED)
        session.commit()
    again = post(officer, hidden)
    assert "Halaman ini sudah pernah disimpan" in words_of(officer.get(again.headers["Location"]))
    assert [report.state for report in revisions(here)] == ["rejected"]


def test_what_staff_enter_is_written_down(officer: FlaskClient, here: District) -> None:
    post(officer, open_form(officer, here))
    with here.database.session(read_only=True) as session:
        rows = session.execute(audit.audit.select()).mappings().all()
    [row] = [row for row in rows if row["noun"] == "report"]
    assert (row["action"], row["area"], row["details"]["values"]["aktif"]) == ("enter", "14.03.01", 40)


@pytest.mark.parametrize(("language", "title"), [("id", "Masukkan laporan"), ("en", "Enter a report")])
def test_the_form_speaks_both_languages(officer: FlaskClient, here: District, language: str, title: str) -> None:
    page = officer.get(f"/reports/new?facility={here.ids['PMB01']}&lang={language}")
    assert f"<h1>{title}</h1>" in page.text


def test_a_correction_is_seen_before_it_is_kept(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    first = revisions(here)[0]
    typed = correction(officer, first.id)
    assert typed["n-aktif.pil"] == "30"
    typed |= {"n-aktif": "45", "n-aktif.pil": "", "reason": "salah tulis"}
    preview = officer.post(f"/reports/{first.id}/correct", data=typed)
    assert preview.status_code == 200
    assert "Peserta aktif 40 45 Peserta aktif, Pil 30 tidak diisi" in words_of(preview)
    assert len(revisions(here)) == 1
    kept = officer.post(f"/reports/{first.id}/correct", data=typed | {"looked": looked(preview), "tell": "1"})
    assert kept.status_code == 303
    before, after = revisions(here)
    assert (before.state, after.state, after.reason) == ("replaced", "accepted", "salah tulis")
    assert after.values == {"baru": 12, "aktif": 45}
    assert after.replaces_id == before.id
    twice = officer.post(f"/reports/{first.id}/correct", data=typed | {"looked": looked(preview), "tell": "1"})
    assert twice.status_code == 303
    assert len(revisions(here)) == 2


def test_what_is_changed_after_it_was_shown_is_shown_again(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    first = revisions(here)[0]
    typed = correction(officer, first.id) | {"n-aktif": "45", "reason": "salah tulis"}
    preview = officer.post(f"/reports/{first.id}/correct", data=typed)
    other = officer.post(f"/reports/{first.id}/correct", data=typed | {"n-aktif": "46", "looked": looked(preview)})
    assert other.status_code == 200
    assert "Peserta aktif 40 46" in words_of(other)
    assert len(revisions(here)) == 1


def test_a_correction_needs_a_reason_and_a_change(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    first = revisions(here)[0]
    typed = correction(officer, first.id)
    same = officer.post(f"/reports/{first.id}/correct", data=typed | {"reason": "x"})
    assert same.status_code == 422
    assert "Belum ada yang berubah." in words_of(same)
    bare = officer.post(f"/reports/{first.id}/correct", data=typed | {"n-aktif": "45"})
    assert bare.status_code == 422
    assert "Tulis alasannya" in words_of(bare)
    dropped = {"n-aktif": "45", "reason": "salah nomor", "tell": "1"}
    assert "kata lain" in words_of(officer.post(f"/reports/{first.id}/correct", data=typed | dropped))
    assert len(revisions(here)) == 1


def test_somebody_else_was_first_and_nothing_typed_is_lost(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    first = revisions(here)[0]
    typed = correction(officer, first.id) | {"n-aktif": "45", "reason": "salah tulis"}
    preview = officer.post(f"/reports/{first.id}/correct", data=typed)
    here.say("ani", "KB 0925 BARU 12 AKTIF 44")
    late = officer.post(f"/reports/{first.id}/correct", data=typed | {"looked": looked(preview)})
    assert late.status_code == 409
    assert "Ada yang lebih dulu" in words_of(late)
    second = revisions(here)[-1]
    assert f'action="/reports/{second.id}/correct"' in late.text
    assert "Peserta aktif 44 45" in words_of(late)
    assert second.values["aktif"] == 44
    assert second.state == "accepted"


def test_a_correction_of_what_was_approved_is_approved(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    first = revisions(here)[0]
    with here.database.session() as session:
        reports.set_state(session, first.id, ReportState.APPROVED, was=ReportState.ACCEPTED)
        session.commit()
    typed = correction(officer, first.id) | {"n-aktif": "45", "reason": "salah tulis"}
    preview = officer.post(f"/reports/{first.id}/correct", data=typed)
    officer.post(f"/reports/{first.id}/correct", data=typed | {"looked": looked(preview)})
    assert [(one.state, one.values["aktif"]) for one in revisions(here)] == [("replaced", 40), ("approved", 45)]


def test_what_is_shown_for_correction_and_sent_back_changes_nothing(officer: FlaskClient, here: District) -> None:
    here.say("ani", "KB 0925 BARU 12 PIL 5 SUNTIK3 7 PASCA 2 AKTIF 1040 PIL 30 IUD 0 MAL 4 CABUT IUD 1 GAGAL 0")
    report = revisions(here)[0]
    typed = correction(officer, report.id)
    shown = {name[2:]: int(value) for name, value in typed.items() if name.startswith("n-") and value}
    assert shown == dict(report.values)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_typed_kept_shown_and_typed_again_is_the_same(here: District, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(here.runtime.forms))
    keys = sorted(lay_out(form).keys.values())
    values = data.draw(st.dictionaries(st.sampled_from(keys), st.integers(0, 99_999), max_size=40))
    about = ReportKey(form.code, here.ids["PMB01"], "2025-06")
    with here.database.session() as session:  # nothing is committed: every example finds the month empty
        typed = read_fields(sheet.as_typed(values), form, "2025-06")
        accept.enter(session, about, ByHand("k", to_json(typed), typed.values, 1, None, 1), here.runtime.now())
        [kept] = reports.revisions(session, about)
        again = read_fields(sheet.as_typed(kept.values), form, "2025-06")
    assert (again.values, again.problems) == (values, ())


def test_a_report_that_no_longer_stands_leads_to_the_one_that_does(officer: FlaskClient, here: District) -> None:
    here.say("ani", STOOD)
    here.say("ani", "KB 0925 BARU 12 AKTIF 44")
    old, new = revisions(here)
    page = officer.get(f"/reports/{old.id}/correct")
    assert f"/reports/{new.id}/correct" in page.text
    assert re.search(r"Koreksi yang berlaku sekarang", page.text)


def test_time_is_told_as_of_the_facilitys_own_clock(officer: FlaskClient, here: District) -> None:
    here.set_clock(datetime(2025, 9, 30, 17, 30, tzinfo=UTC))  # 00:30 on 1 October in Bengkalis
    assert "September 2025 (sekarang)" in words_of(officer.get(f"/reports/new?facility={here.ids['PMB01']}"))
