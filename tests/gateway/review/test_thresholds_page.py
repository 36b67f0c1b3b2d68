"""The thresholds' page: in plain words, within a range, for one's own area only; and what is chosen is gone by."""

from __future__ import annotations

from dataclasses import fields

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.review.pages.thresholds import MEANINGS
from gateway.store import thresholds
from parsers.judge import Thresholds
from tests.district import District
from tests.gateway.review.visits import sign_in

CAP = {"area": "14.03", "type": "PMB", "form": "kb", "name": "cap.aktif", "value": "30"}
ASKED = "lebih dari batas wajar"


def test_every_threshold_has_its_meaning() -> None:
    assert set(MEANINGS) == {field.name for field in fields(Thresholds)} - {"caps"}


def test_what_is_chosen_is_gone_by_and_the_forms_number_comes_back(rina: FlaskClient, district: District) -> None:
    assert rina.post("/thresholds", data=CAP).status_code == 303
    assert f"{ASKED} 30" in district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    page = rina.get("/thresholds?type=PMB&lang=en").text
    assert "chosen here" in page
    rina.post("/thresholds", data=CAP | {"what": "drop"})
    assert ASKED not in district.say("eve", "KB 0925 BARU 12 AKTIF 40")
    assert "chosen here" not in rina.get("/thresholds?type=PMB&lang=en").text


def test_a_page_of_a_smaller_area_shows_whose_choice_counts_there(rina: FlaskClient) -> None:
    rina.post("/thresholds", data=CAP)
    page = rina.get("/thresholds?area=14.03.01&type=PMB&lang=en").text
    assert "Kabupaten Bengkalis, " in page
    assert "Chosen elsewhere in your area" in rina.get("/thresholds?lang=en").text


@pytest.mark.parametrize(
    "typed",
    [
        {"value": "-1"},
        {"value": "x"},
        {"value": "100000"},
        {"value": ""},
        {"name": "running_month_from_day", "value": "32", "type": ""},
        {"name": "jump_factor", "value": "1"},
    ],
)
def test_a_number_out_of_range_is_told_beside_it_and_stays(
    rina: FlaskClient, district: District, typed: dict[str, str]
) -> None:
    answer = rina.post("/thresholds", data=CAP | typed)
    assert answer.status_code == 422
    assert 'id="fault"' in answer.text
    assert f'value="{typed["value"]}"' in answer.text or not typed["value"]
    with district.database.session(read_only=True) as session:
        assert thresholds.all_thresholds(session) == ()


@pytest.mark.parametrize(
    "typed", [{"name": "cap.x"}, {"name": "x"}, {"form": "x"}, {"type": "x"}, {"area": "15.01"}, {"area": ""}]
)
def test_what_is_no_threshold_of_ones_own_area_is_not_there(rina: FlaskClient, typed: dict[str, str]) -> None:
    assert rina.post("/thresholds", data=CAP | typed).status_code == 404
    asked = {key: value for key, value in typed.items() if key != "name"}
    assert not asked or rina.get("/thresholds", query_string=asked).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "officer"])
def test_who_may_not_choose_is_told_so(district: District, role: str) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, "14.03")
    assert browser.get("/thresholds").status_code == 403
    assert browser.post("/thresholds", data=CAP).status_code == 403


def test_an_administrator_of_the_country_chooses_for_all(district: District) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, "administrator", "")
    assert browser.post("/thresholds", data=CAP | {"area": "", "type": ""}).status_code == 303
    assert f"{ASKED} 30" in district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    assert "Whole country" in browser.get("/thresholds?lang=en").text
