"""The list of reports: narrowed down within an area, a page at a time, and handed out as a file."""

from __future__ import annotations

import csv
import io
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.spreadsheet import write_row
from gateway.store import areas, audit, facilities, inbox, reports
from gateway.store.areas import Area
from gateway.store.base import Database, Session
from gateway.store.facilities import NewFacility
from gateway.store.report_list import PAGE
from gateway.store.reports import NewReport, ReportKey
from gateway.values import ReportState
from tests import district
from tests.district import District
from tests.gateway.review.visits import Page, sign_in

FLAG = {"code": "same_as_last", "about": {"period": "2025-07"}}


@pytest.fixture
def here(database: Database, tmp_path_factory: pytest.TempPathFactory) -> District:
    """Bengkalis with reports of two facilities, and beside it a facility in another kecamatan."""
    made = District(district.make_runtime(database, tmp_path_factory.mktemp("var")))
    for text in ("KB 0925 BARU 12 AKTIF 40", "KB 0925 BARU 12 AKTIF 41"):
        made.say("ani", text)
    with database.session() as session:
        areas.add_areas(session, [Area("14.03.02", "14.03", "district", "Bantan", "Asia/Jakarta")])
        [there] = facilities.add_facilities(session, [NewFacility("140300201", "PMB Sri", "PMB99", "PMB", "14.03.02")])
        message = inbox.latest_messages(session)[0].id
        add(session, made, made.ids["PMB01"], {"baru": 11, "aktif": 38}, inbox_id=message, flags=[FLAG])
        stock = {"awal.pil": 100, "terima.pil": 50, "keluar.pil": 30, "akhir.pil": 120}
        add(session, made, made.ids["DAMON"], stock, "alokon", "2025-09", inbox_id=message)
        add(session, made, there, {"baru": 3, "aktif": 7}, made_by=1)
        session.commit()
    return made


def add(
    session: Session,
    here: District,
    facility_id: int,
    values: dict[str, int],
    form: str = "kb",
    period: str = "2025-08",
    **others: object,
) -> None:
    """Add a report as if it had been sent now."""
    now = here.runtime.now()
    new = NewReport(
        key=ReportKey(form, facility_id, period),
        state=ReportState.ACCEPTED,
        sent_at=now,
        sent_key=str(facility_id),
        values=values,
        text="",
        reading={},
        form_version=1,
        reader_version=1,
        created_at=now,
        **others,  # type: ignore[arg-type]
    )
    reports.add(session, new)


@pytest.fixture
def app(here: District) -> Flask:
    """The web application of the district."""
    return create_app(here.runtime)


@pytest.fixture
def staff(app: Flask, here: District) -> FlaskClient:
    """The browser of somebody of the kabupaten."""
    client = app.test_client()
    sign_in(client, here.runtime, "district", "14.03")
    return client


def rows(answer: TestResponse) -> list[int]:
    """Return the ids of the reports that a page lists."""
    links = [str(attrs["href"]) for tag, attrs in Page(answer).tags if tag == "a" and "href" in attrs]
    return [int(link.removeprefix("/reports/")) for link in links if link.removeprefix("/reports/").isdecimal()]


def figures(answer: TestResponse) -> str:
    return " ".join(Page(answer).words.split())


def links(answer: TestResponse) -> dict[str, str]:
    """Return where the page leads to newer and older reports."""
    return {
        str(a["rel"]): str(a["href"]) for tag, a in Page(answer).tags if tag == "a" and a.get("rel") in ("prev", "next")
    }


def test_every_revision_is_listed_newest_first_with_its_main_figures(staff: FlaskClient) -> None:
    answer = staff.get("/reports")
    ids = rows(answer)
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert "Peserta baru 12 Peserta aktif 41" in figures(answer)
    assert "Pil (siklus) 120" in figures(answer)


WISHES = {
    "area=14.03.02": 1,
    "area=14.03.01": 4,
    "area=14.03": 5,
    "area=72": 0,
    "words=pmb+ani": 3,
    "words=%25": 0,
    "period=2025-09": 3,
    "form=alokon": 1,
    "state=replaced": 1,
    "state=replaced&state=accepted&form=kb": 4,
    "way=hand": 1,
    "way=sms": 4,
    "flagged=1": 1,
    "form=nothing&period=soon&state=lost&way=pigeon&area=%27--&facility=x&before=x": 5,
}


def test_the_list_is_narrowed_down(staff: FlaskClient) -> None:
    assert {wished: len(rows(staff.get(f"/reports?{wished}"))) for wished in WISHES} == WISHES


def test_what_narrows_the_list_can_be_taken_away(staff: FlaskClient, here: District) -> None:
    answer = staff.get(f"/reports?facility={here.ids['PMB01']}&period=2025-09&state=accepted&state=replaced")
    chips = [str(a["href"]) for tag, a in Page(answer).tags if tag == "a" and a.get("class") == "chip"]
    without = [parse_qs(urlsplit(url).query) for url in chips]
    assert len(chips) == 4
    assert {"period": ["2025-09"], "state": ["accepted", "replaced"]} in without
    assert {"facility": [str(here.ids["PMB01"])], "period": ["2025-09"], "state": ["replaced"]} in without
    assert "PMB Ani" in answer.text
    assert "Tidak ada laporan yang cocok." in staff.get("/reports?state=rejected").text


def test_nobody_sees_another_areas_reports_by_any_filter(app: Flask, here: District) -> None:
    officer = app.test_client()
    sign_in(officer, here.runtime, "officer", "14.03.02")
    for wished in ("", "area=14.03.01", "area=14.03", f"facility={here.ids['PMB01']}", "words=ani", "before=9"):
        answer = officer.get(f"/reports?{wished}")
        assert "PMB Ani" not in answer.text
    for wished in ("", "area=14.03.01", f"facility={here.ids['PMB01']}"):
        assert "PMB Ani" not in officer.get(f"/reports.csv?{wished}").text
    assert len(rows(officer.get("/reports"))) == 1


def test_pages_go_on_where_the_one_before_ended_and_back(staff: FlaskClient, here: District) -> None:
    with here.database.session() as session:
        new = [NewFacility(f"14030{n:04}", f"Pustu {n}", f"P{n}", "PUSTU", "14.03.02") for n in range(300, 360)]
        for facility_id in facilities.add_facilities(session, new):
            add(session, here, facility_id, {"baru": 1})
        session.commit()
    first = staff.get("/reports?form=kb")
    assert set(links(first)) == {"next"}
    second = staff.get(links(first)["next"])
    assert set(links(second)) == {"prev"}
    seen = rows(first) + rows(second)
    assert len(rows(first)) == PAGE
    assert len(seen) == len(set(seen)) == 64
    assert rows(staff.get(links(second)["prev"])) == rows(first)


def test_the_file_holds_what_the_list_holds_and_is_written_down(staff: FlaskClient, here: District) -> None:
    answer = staff.get("/reports.csv?period=2025-09&state=accepted")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="kabar-laporan-2025-09.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbf")
    table = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert [(row["Faskes"], row["Bulan"], row["Peserta aktif"]) for row in table] == [
        ("Puskesmas Damon", "2025-09", ""),
        ("PMB Ani", "2025-09", "41"),
    ]
    assert table[0]["Saldo akhir, Pil (siklus)"] == "120"
    with here.database.session(read_only=True) as session:
        [row] = [row for row in session.execute(audit.audit.select()).mappings() if row["action"] == "export"]
    assert (row["area"], row["details"]["period"]) == ("14.03", "2025-09")


def test_a_viewer_sees_the_list_and_takes_no_file(app: Flask, here: District) -> None:
    viewer = app.test_client()
    sign_in(viewer, here.runtime, "viewer", "14.03")
    page = viewer.get("/reports")
    assert len(rows(page)) == 5
    assert "/reports.csv" not in page.text
    assert "/reports/new" not in page.text
    assert viewer.get("/reports.csv").status_code == 403


@given(st.lists(st.text(max_size=20), min_size=1))
def test_no_cell_of_the_file_is_a_formula(cells: list[str]) -> None:
    [row] = csv.reader(io.StringIO(write_row(cells), newline=""), delimiter=";")
    assert all(cell in (written, f"'{written}") for cell, written in zip(row, cells, strict=True))
    assert not [cell for cell in row if cell.lstrip()[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20")]
    assert write_row([-3]) == "-3\r\n"


def test_two_revisions_stand_side_by_side_with_what_differs(staff: FlaskClient, here: District) -> None:
    with here.database.session(read_only=True) as session:
        old, new = reports.revisions(session, ReportKey("kb", here.ids["PMB01"], "2025-09"))
    answer = staff.get(f"/reports/{old.id}/compare/{new.id}")
    assert "1 angka berbeda" in figures(answer)
    assert "Peserta aktif 40 41 +1" in figures(answer)
    assert "Peserta baru 12 12" not in figures(answer)
    assert "Peserta baru 12 12" in figures(staff.get(f"/reports/{old.id}/compare/{new.id}?all=1"))
    assert "KB 0925 BARU 12 AKTIF 40" in figures(answer)
    assert "berlaku sekarang" in figures(answer)
    assert staff.get(f"/reports/{old.id}/compare").headers["Location"] == f"/reports/{old.id}/compare/{new.id}"
    assert staff.get(f"/reports/{new.id}/compare").headers["Location"] == f"/reports/{old.id}/compare/{new.id}"


def test_only_revisions_of_one_report_of_ones_own_area_are_compared(
    app: Flask, staff: FlaskClient, here: District
) -> None:
    with here.database.session(read_only=True) as session:
        old, new = reports.revisions(session, ReportKey("kb", here.ids["PMB01"], "2025-09"))
        [other] = reports.revisions(session, ReportKey("kb", here.ids["PMB01"], "2025-08"))
    assert staff.get(f"/reports/{old.id}/compare/{other.id}").status_code == 404
    assert staff.get(f"/reports/{old.id}/compare/{'9' * 30}").status_code == 404
    assert staff.get(f"/reports/{other.id}/compare").headers["Location"] == f"/reports/{other.id}"
    stranger = app.test_client()
    sign_in(stranger, here.runtime, "officer", "14.03.02")
    assert stranger.get(f"/reports/{old.id}/compare/{new.id}").status_code == 404
    assert stranger.get(f"/reports/{old.id}/compare").status_code == 404


@pytest.mark.parametrize("path", ["/reports", "/reports?state=rejected"])
def test_the_list_speaks_both_languages(staff: FlaskClient, path: str) -> None:
    assert "<h1>Laporan</h1>" in staff.get(path).text
    assert "<h1>Reports</h1>" in staff.get(f"{path}{'&' if '?' in path else '?'}lang=en").text


def test_an_empty_district_is_told_what_to_do(app: Flask, here: District) -> None:
    stranger = app.test_client()
    sign_in(stranger, here.runtime, "district", "72.71")
    assert "Belum ada laporan." in stranger.get("/reports").text
