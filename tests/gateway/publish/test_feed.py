"""The open feed: what it holds, whom it protects, and that it costs little to be asked often."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.opening import FILES
from gateway.settling import Choices, SettlesAt
from gateway.store import export_choices, open_figures, reports
from gateway.store.base import Database
from gateway.values import ReportState, Scope
from tests.district import District
from tests.gateway.publish.opened import ALOKON, AREA, KB, MONTH, fill, open_up, publish, secrets_of, settle


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what the feed asks the store is asked of both kinds in the store's own tests."""
    return sqlite_url


@pytest.fixture
def anybody(district: District) -> FlaskClient:
    """A browser of nobody we know, and a regency with figures."""
    fill(district)
    return create_app(district.runtime).test_client()


def read(anybody: FlaskClient, name: str) -> Any:
    """Return a file of the feed as a program reads it."""
    answer = anybody.get(f"/open/v1/{AREA}/{name}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text))) if name.endswith(".csv") else answer.json


def states_of(anybody: FlaskClient) -> dict[str, dict[str, str]]:
    """Return what the feed says of each place, by its name or else its type and kecamatan."""
    found = read(anybody, "availability.json")["places"]
    return {one["name"] or f"{one['type']} {one['kecamatan']['name']}": one["methods"] for one in found}


def test_nothing_is_open_until_an_area_opens_it(anybody: FlaskClient, district: District) -> None:
    for name in FILES:
        answer = anybody.get(f"/open/v1/{AREA}/{name}")
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json; charset=utf-8")
        assert "tidak membuka" in answer.text
    open_up(district)
    assert anybody.get(f"/open/v1/{AREA}/totals.json").status_code == 200
    district.pass_time(minutes=2)
    open_up(district, is_on=False)
    assert anybody.get(f"/open/v1/{AREA}/totals.json").status_code == 404


@pytest.mark.parametrize("area", ["", "14", "14.03.01", "72.71", "14.0%25", "xx.xx"])
def test_only_the_regency_that_opened_is_open(anybody: FlaskClient, district: District, area: str) -> None:
    open_up(district)
    assert anybody.get(f"/open/v1/{area}/totals.json").status_code == 404


def test_who_has_what_is_told_in_words_with_the_month_it_is_from(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    states = states_of(anybody)
    assert (
        states["Puskesmas Duri"] | {"pil": "tersedia", "iud": "habis", "kondom": "tidak diketahui"}
        == states["Puskesmas Duri"]
    )
    assert states["RS Mandau"]["mow"] == "tersedia"
    assert states["Puskesmas Duri"]["mow"] == "tidak diketahui"
    assert states["Puskesmas Rupat"]["pil"] == "tidak diketahui"
    [duri] = [one for one in read(anybody, "availability.json")["places"] if one["name"] == "Puskesmas Duri"]
    assert (duri["period"], duri["kecamatan"]) == (MONTH, {"code": "14.03.02", "name": "Mandau"})
    rows = read(anybody, "availability.csv")
    [row] = [one for one in rows if (one["place"], one["method"]) == ("Puskesmas Duri", "implan2")]
    assert (row["state"], row["period"]) == ("tersedia", MONTH)
    [mow] = [one for one in rows if (one["place"], one["method"]) == ("RS Mandau", "mow")]
    assert mow["period"] == "2025-04/2025-09"


def test_the_last_settled_stock_of_three_months_is_what_counts(anybody: FlaskClient, district: District) -> None:
    settle(district, "RUPAT", {"pil.akhir": 5}, "alokon", "2025-07")
    settle(district, "RUPAT", {"pil.akhir": 0}, "alokon", "2025-08")
    settle(district, "RUPAT", {"pil.akhir": 9}, "alokon", MONTH, ReportState.ACCEPTED)
    settle(district, "PRUPAT", {"pil.akhir": 9}, "alokon", "2025-06")
    open_up(district)
    states = states_of(anybody)
    assert states["Puskesmas Rupat"]["pil"] == "habis"
    assert states["Pustu Rupat"]["pil"] == "tidak diketahui"
    with district.database.session() as session:
        export_choices.choose(session, Choices(AREA, SettlesAt.ACCEPTED), scope=Scope(AREA))
        session.commit()
    district.pass_time(minutes=2)
    assert states_of(anybody)["Puskesmas Rupat"]["pil"] == "tersedia"


def test_practices_have_no_name_and_no_place_unless_the_area_says_so(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    places = read(anybody, "availability.json")["places"]
    [practices] = [one for one in places if one["type"] == "PMB" and one["kecamatan"]["name"] == "Bengkalis"]
    assert (practices["name"], practices["facilities"], practices["methods"]["pil"]) == (None, 5, "tersedia")
    assert [one["properties"]["name"] for one in read(anybody, "availability.geojson")["features"]] == [
        "Puskesmas Duri"
    ]
    assert "Kartini" not in anybody.get(f"/open/v1/{AREA}/availability.json").text
    district.pass_time(minutes=2)
    open_up(district, names_practices=True)
    assert "PMB Kartini" in states_of(anybody)
    points = {
        one["properties"]["name"]: one["geometry"]["coordinates"]
        for one in read(anybody, "availability.geojson")["features"]
    }
    assert points == {"Puskesmas Duri": [101.2, 1.27], "PMB Kartini": [101.3, 1.3]}


def test_no_answer_holds_a_number_to_call_or_who_reports_or_a_stock(anybody: FlaskClient, district: District) -> None:
    open_up(district, names_practices=True)
    publish(district)
    pages = [f"/open/v1/{AREA}/{name}" for name in FILES]
    pages += [
        f"/embed/{AREA}{asked}" for asked in ("", "?kecamatan=14.03.02", "?method=pil&lang=en", "?kecamatan=14.03.01")
    ]
    stocks = {str(number) for values in ALOKON.values() for number in values.values() if number > 200}
    for page in pages:
        answer = anybody.get(page)
        assert answer.status_code == 200
        assert [one for one in secrets_of(district) if one in answer.text] == [], page
        assert [one for one in stocks if one in answer.text] == [], page
        assert "Set-Cookie" not in answer.headers


def test_a_published_month_adds_up_and_hides_what_is_small(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    assert read(anybody, "totals.json")["months"] == []
    district.pass_time(minutes=2)
    publish(district)
    file = read(anybody, "totals.json")
    [month] = file["months"]
    assert (month["period"], month["facilities"]) == (MONTH, {"there": 14, "settled": 9})
    figures = {(one["area"], one["measure"], one["method"]): one for one in month["figures"]}
    assert figures[AREA, "baru", "semua"]["value"] == sum(values["baru"] for values in KB.values())
    assert figures["14.03.01", "aktif", "semua"]["value"] == 210
    small = figures["14.03.01", "baru", "iud"]
    assert (small["value"], small["is_hidden"]) == (None, True)
    assert sum(one["is_hidden"] for one in figures.values() if one["method"] == "iud") >= 2
    assert file["licence"] == "CC BY 4.0"
    assert file["source"] == "Dinas P2KB Bengkalis lewat Kabar"
    assert "disembunyikan" in file["rule"]["id"]
    rows = {(row["area"], row["measure"], row["method"]): row for row in read(anybody, "totals.csv")}
    assert {key: row["value"] for key, row in rows.items()} == {
        key: "" if one["value"] is None else str(one["value"]) for key, one in figures.items()
    }


def test_illness_is_never_among_the_sums(anybody: FlaskClient, district: District) -> None:
    open_up(district, measures=("baru", "aktif", "ulang", "ganti"))
    publish(district)
    measures = {row["measure"] for row in read(anybody, "totals.csv")}
    assert measures <= {"baru", "aktif", "ulang", "ganti"}
    assert "gugur" not in json.dumps(read(anybody, "totals.json"))


def test_a_published_month_never_changes(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    publish(district)
    before = read(anybody, "totals.csv")
    settle(district, "PMB04", {"baru": 3, "baru.pil": 3, "aktif": 50})
    with district.database.session() as session:
        [one] = [
            one
            for one, _ in reports.latest_reports(session)
            if one.key.facility_id == district.ids["PMB01"] and one.key.form == "kb"
        ]
        reports.set_state(session, one.id, ReportState.REJECTED, was=ReportState.APPROVED)
        session.commit()
    district.pass_time(minutes=5)
    assert read(anybody, "totals.csv") == before


def test_a_withdrawn_month_is_gone_and_comes_back_as_it_was(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    publish(district)
    before = read(anybody, "totals.csv")
    for withdrawn_at, expected in ((district.runtime.now(), []), (None, before)):
        with district.database.session() as session:
            open_figures.withdraw_month(session, AREA, MONTH, withdrawn_at, scope=Scope(AREA))
            session.commit()
        district.pass_time(minutes=5)
        assert read(anybody, "totals.csv") == expected


def test_what_stands_before_the_first_month_or_is_not_chosen_is_not_shown(
    anybody: FlaskClient, district: District
) -> None:
    open_up(district, measures=("aktif",), shows_places=False)
    publish(district)
    assert {row["measure"] for row in read(anybody, "totals.csv")} == {"aktif"}
    assert read(anybody, "availability.json")["places"] == []
    district.pass_time(minutes=2)
    open_up(district, first_period="2025-10")
    assert read(anybody, "totals.json")["months"] == []


def test_nothing_asked_of_a_file_changes_it(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    publish(district)
    for name in FILES:
        plain = anybody.get(f"/open/v1/{AREA}/{name}").data
        asked = anybody.get(
            f"/open/v1/{AREA}/{name}?area=14.03.01&kecamatan=14.03.01&method=iud&period=2025-08&lang=en"
        )
        assert asked.data == plain


def test_a_file_is_kept_and_asked_for_again_without_being_sent_again(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    publish(district)
    for name in FILES:
        first = anybody.get(f"/open/v1/{AREA}/{name}")
        assert first.headers["Cache-Control"] == "public, max-age=300, stale-while-revalidate=600"
        assert first.headers["Access-Control-Allow-Origin"] == "*"
        tag = first.headers["ETag"]
        assert not tag.startswith("W/")
        again = anybody.get(f"/open/v1/{AREA}/{name}", headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        since = anybody.get(f"/open/v1/{AREA}/{name}", headers={"If-Modified-Since": first.headers["Last-Modified"]})
        assert since.status_code == 304


def test_a_compressed_file_holds_the_same_under_another_tag(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    plain = anybody.get(f"/open/v1/{AREA}/availability.json")
    small = anybody.get(f"/open/v1/{AREA}/availability.json", headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.data) == plain.data
    assert small.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in small.headers["Vary"]


def test_a_new_report_changes_a_file_within_minutes_and_its_tag(anybody: FlaskClient, district: District) -> None:
    open_up(district)
    before = anybody.get(f"/open/v1/{AREA}/availability.json")
    settle(district, "RUPAT", {"pil.akhir": 5}, "alokon")
    assert anybody.get(f"/open/v1/{AREA}/availability.json").headers["ETag"] == before.headers["ETag"]
    district.pass_time(seconds=61)
    after = anybody.get(f"/open/v1/{AREA}/availability.json", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.headers["Last-Modified"] > before.headers["Last-Modified"]


def test_a_spreadsheet_takes_no_name_for_a_formula(anybody: FlaskClient, district: District) -> None:
    with district.database.session() as session:
        session.exec_driver_sql("UPDATE facilities SET name = '=HYPERLINK(1)' WHERE short_name = 'SUNGAI'")
        session.commit()
    open_up(district)
    assert "'=HYPERLINK(1)" in {row["place"] for row in read(anybody, "availability.csv")}


def test_while_the_database_is_away_what_is_known_is_shown_and_else_it_is_said(
    anybody: FlaskClient, district: District
) -> None:
    open_up(district)
    shown = anybody.get(f"/open/v1/{AREA}/totals.json").data
    district.pass_time(minutes=5)
    away = Database("sqlite:////nowhere/kabar.db")
    anybody.application.extensions["kabar"] = replace(district.runtime, database=away)
    assert anybody.get(f"/open/v1/{AREA}/totals.json").data == shown
    stranger = create_app(anybody.application.extensions["kabar"]).test_client()
    answer = stranger.get(f"/open/v1/{AREA}/totals.json")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "coba lagi" in answer.text
    page = stranger.get(f"/embed/{AREA}")
    assert page.status_code == 503
    assert "Coba lagi sebentar" in page.text
