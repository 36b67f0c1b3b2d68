"""The page of exports: asked for within one's area, taken with an audit, told where something has changed since."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.settling import SettlesAt
from gateway.store import audit, export_choices
from gateway.store.audit import Wanted
from tests.district import District
from tests.gateway.export.making import COUNTRY, find, settle
from tests.gateway.review.visits import Page, sign_in
from workers import exports as worker

ANI = {"baru": 12, "aktif": 40, "aktif.pil": 30}
FIELDS = {"format": "csv_machine", "form": "kb", "first": "2025-09", "last": "2025-09", "area": "14.03"}


def ask(browser: FlaskClient, **changes: str) -> str:
    """Ask for an export and return the address of its page."""
    answer = browser.post("/exports", data=FIELDS | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def deeds(district: District) -> list[str]:
    """Return what was done about files, the newest last."""
    with district.database.session(read_only=True) as session:
        found = audit.search(session, Wanted(noun="file"), scope=COUNTRY)
    return [f"{one.action} {one.subject}" for one in reversed(found)]


def test_an_export_is_made_by_the_worker_and_taken_from_its_page(district: District, rina: FlaskClient) -> None:
    settle(district, "PMB01", ANI)
    address = ask(rina)
    ref = address.rpartition("/")[2]
    waiting = rina.get(f"{address}?lang=en")
    assert "The file is being made." in waiting.text
    assert waiting.headers["Refresh"]
    assert worker.drain(district.runtime) == 1
    page = rina.get(f"{address}?lang=en")
    assert "Nothing has changed since" in page.text
    assert "Refresh" not in page.headers
    file = rina.get(f"{address}/file")
    assert file.headers["Content-Disposition"].startswith('attachment; filename="kabar-csv-machine-14.03-2025-09-')
    assert b"140300101" in file.data
    assert deeds(district) == [f"export {ref}", f"download {ref}"]


@pytest.mark.parametrize(("language", "made"), [("id", r"12\.00 WIB"), ("en", "12:00 WIB")])
def test_when_a_file_was_made_is_told_as_every_other_instant(
    district: District, rina: FlaskClient, language: str, made: str
) -> None:
    settle(district, "PMB01", ANI)
    address = ask(rina)
    worker.drain(district.runtime)
    page = " ".join(Page(rina.get(f"{address}?lang={language}")).words.split())
    assert re.search(f"Dibuat ?{made}", page)
    assert "Asia/Jakarta" not in page


def test_a_change_after_the_export_stands_in_the_list_and_on_its_page(district: District, rina: FlaskClient) -> None:
    settle(district, "PMB01", ANI)
    address = ask(rina)
    worker.drain(district.runtime)
    assert "Berubah setelah diekspor" not in rina.get("/exports").text
    settle(district, "PMB01", ANI | {"aktif": 45})
    assert "Berubah setelah diekspor" in rina.get("/exports").text
    page = rina.get(address).text
    assert "PMB Ani" in page
    assert "40 → <strong>45</strong>" in page


def test_before_anything_is_made_the_page_says_who_is_missing(district: District, rina: FlaskClient) -> None:
    settle(district, "PMB01", ANI)
    page = rina.get("/exports").text
    assert "1 / 7" in page
    assert "6 belum lapor" in page


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"first": "2025-09", "last": "2025-08"}, "Bulan terakhir lebih awal"),
        ({"format": "csv_excel", "first": "2023-01", "last": "2025-09"}, "paling banyak 12 bulan"),
    ],
)
def test_what_cannot_be_made_is_told_before_it_is_tried(rina: FlaskClient, changes: dict[str, str], told: str) -> None:
    answer = rina.post("/exports", data=FIELDS | changes)
    assert answer.status_code == 422
    assert told in answer.text


def test_an_area_that_is_not_ones_own_cannot_be_exported(district: District, rina: FlaskClient) -> None:
    assert rina.post("/exports", data=FIELDS | {"area": "72.71"}).status_code == 404
    stranger = create_app(district.runtime).test_client()
    sign_in(stranger, district.runtime, area="72.71")
    settle(district, "PMB01", ANI)
    address = ask(rina)
    worker.drain(district.runtime)
    assert stranger.get(address).status_code == 404
    assert stranger.get(f"{address}/file").status_code == 404


def test_who_may_only_look_exports_nothing(district: District) -> None:
    viewer = create_app(district.runtime).test_client()
    sign_in(viewer, district.runtime, "viewer")
    assert viewer.get("/exports").status_code == 403
    assert viewer.post("/exports", data=FIELDS).status_code == 403


def test_a_file_that_was_dropped_is_offered_to_be_made_again(district: District, rina: FlaskClient) -> None:
    settle(district, "PMB01", ANI)
    address = ask(rina)
    worker.drain(district.runtime)
    district.pass_time(days=8)
    sign_in(rina, district.runtime)
    worker.drain(district.runtime)
    answer = rina.get(f"{address}/file", follow_redirects=True)
    assert "Berkas ini sudah tidak ada" in answer.text
    assert find(district, address.rpartition("/")[2]).dropped_at


def test_a_district_chooses_from_when_on_it_hands_on_and_takes_it_back(district: District, rina: FlaskClient) -> None:
    fields = {"area": "14.03", "settles_at": "accepted", "injectable_as": "suntik3", "implant_as": "nonsense"}
    assert rina.post("/exports/choices", data=fields).status_code == 303
    with district.database.session(read_only=True) as session:
        chosen = export_choices.choices_around(session, "14.03.01", scope=COUNTRY)
    assert (chosen.settles_at, chosen.injectable_as, chosen.implant_as) == (SettlesAt.ACCEPTED, "suntik3", "")
    assert "laporan yang diterima atau disetujui" in rina.get("/exports").text
    assert rina.post("/exports/choices", data={"area": "14.03", "what": "drop"}).status_code == 303
    assert "hanya laporan yang sudah disetujui petugas" in rina.get("/exports").text


def test_an_officer_of_a_kecamatan_does_not_choose_how_things_are_handed_on(district: District) -> None:
    officer = create_app(district.runtime).test_client()
    sign_in(officer, district.runtime, "officer", "14.03.01")
    assert officer.get("/exports/choices").status_code == 403


def test_the_page_of_a_report_tells_that_it_changed_after_the_export(district: District, rina: FlaskClient) -> None:
    exported = settle(district, "PMB01", ANI)
    address = ask(rina)
    worker.drain(district.runtime)
    assert "Berubah setelah diekspor" not in rina.get(f"/reports/{exported}").text
    newer = settle(district, "PMB01", ANI | {"aktif": 45})
    page = rina.get(f"/reports/{newer}").text
    assert "Berubah setelah diekspor" in page
    assert address in page


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ("[siga.kb", "TOML"),
        ('[siga.kb]\ncolumns = [{number = "1", heading = "Baru", plus = ["barru"]}]', "siga.kb.columns[1].plus"),
        ("[sirika]\nsheets = 3", "SIRIKA"),
    ],
)
def test_a_layout_that_cannot_be_used_is_refused_with_the_place_of_its_fault(
    district: District, rina: FlaskClient, layout: str, told: str
) -> None:
    answer = rina.post("/exports/choices", data={"area": "14.03", "settles_at": "approved", "layout": layout})
    assert answer.status_code == 422
    assert told in answer.text
    with district.database.session(read_only=True) as session:
        assert export_choices.find_own_choices(session, "14.03", scope=COUNTRY) is None
