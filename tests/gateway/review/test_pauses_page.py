"""Pausing an area's reminders, leaving one facility out, and ending both: within one's area and rights."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.store import audit, pauses
from gateway.store.audit import Wanted
from gateway.values import Scope
from tests.district import District
from tests.gateway.review.visits import sign_in
from tests.reminding import at, look, share_clock, told

COUNTRY = Scope("")


@pytest.fixture(autouse=True)
def the_day_before(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon of the day before the first reminders go."""
    share_clock(district, monkeypatch)
    district.set_clock(at(1, 12))


def visit(district: District, role: str, area: str = "14.03") -> FlaskClient:
    """Return a browser in which somebody of this role and area is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


def standing(district: District, day: int = 2) -> tuple[pauses.Pause, ...]:
    """Return the pauses that hold on a day of October."""
    with district.database.session(read_only=True) as session:
        return pauses.pauses_on(session, ["14.03.01"], at(day).date())


def deeds(district: District) -> list[str]:
    """Return what was written down about pauses, the newest first."""
    with district.database.session(read_only=True) as session:
        found = audit.search(session, Wanted(), scope=COUNTRY, limit=20)
    return [f"{one.action} {one.noun}" for one in found if one.action in ("pause", "skip", "end_pause")]


def test_nobody_of_a_paused_area_is_reminded_until_it_ends(rina: FlaskClient, district: District) -> None:
    answer = rina.post("/reminders/pauses", data={"area": "14.03", "reason": "banjir", "until": "2025-10-02"})
    assert answer.status_code == 303
    assert look(district, 2, 8) == 0
    page = visit(district, "district").get("/reminders?lang=en").text
    assert "paused until Thu, 2 Oct 2025. banjir" in page
    assert look(district, 3, 8) == 5
    assert deeds(district) == ["pause reminders"]


def test_a_pause_without_a_day_lasts_until_somebody_ends_it(rina: FlaskClient, district: District) -> None:
    rina.post("/reminders/pauses", data={"area": "14.03", "reason": "pelatihan", "until": ""})
    [pause] = standing(district, 30)
    assert "until somebody ends it" in rina.get("/reminders/pauses?lang=en").text
    assert rina.post(f"/reminders/pauses/{pause.id}/end").status_code == 303
    assert standing(district, 30) == ()
    assert rina.post(f"/reminders/pauses/{pause.id}/end").status_code == 404
    assert deeds(district) == ["end_pause reminders", "pause reminders"]
    assert "Nothing is paused" in rina.get("/reminders/pauses?lang=en").text


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"reason": "", "until": ""}, "Please write why"),
        ({"reason": "x" * 201, "until": ""}, "Please write why"),
        ({"reason": "banjir", "until": "besok"}, "This is no day"),
        ({"reason": "banjir", "until": "2025-09-30"}, "This day has passed"),
        ({"reason": "banjir", "until": "9999-12-31"}, "This is no day"),
    ],
)
def test_a_pause_that_cannot_be_is_told_beside_its_field_and_what_was_typed_stays(
    rina: FlaskClient, district: District, typed: dict[str, str], fault: str
) -> None:
    answer = rina.post("/reminders/pauses?lang=en", data=typed | {"area": "14.03"})
    assert answer.status_code == 422
    assert fault in answer.text
    assert typed["reason"] in answer.text
    assert typed["until"] in answer.text
    assert standing(district) == ()


def test_one_facility_is_left_out_and_told_of_again(rina: FlaskClient, district: District) -> None:
    facility = district.ids["PMB01"]
    assert "PMB Ani" in rina.get(f"/reminders/facilities/{facility}/skip").text
    answer = rina.post(f"/reminders/facilities/{facility}/skip", data={"why": "leave", "until": "2025-10-20"})
    assert answer.status_code == 303
    assert "Left out" in rina.get("/reminders?lang=en").text
    assert "on leave" in rina.get("/reminders?lang=en").text
    look(district, 2, 8)
    assert "ani" not in told(district)
    page = visit(district, "district").get(f"/facilities/{facility}?lang=en").text
    assert "Left out of reminders" in page
    [pause] = standing(district)
    rina = visit(district, "district")
    again = rina.post(f"/reminders/pauses/{pause.id}/end", data={"back": "facility"})
    assert again.headers["Location"] == f"/facilities/{facility}"
    assert deeds(district) == ["end_pause facility", "skip facility"]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, "Please choose one"),
        ({"why": "holiday"}, "Please choose one"),
        ({"why": "other", "reason": " "}, "Please write why"),
        ({"why": "leave", "until": "2025-02-30"}, "This is no day"),
    ],
)
def test_a_facility_is_not_left_out_without_a_reason(
    rina: FlaskClient, district: District, typed: dict[str, str], fault: str
) -> None:
    answer = rina.post(f"/reminders/facilities/{district.ids['PMB01']}/skip?lang=en", data=typed)
    assert answer.status_code == 422
    assert fault in answer.text
    assert standing(district) == ()


def test_a_reason_in_own_words_is_kept_as_it_was_written(rina: FlaskClient, district: District) -> None:
    rina.post(
        f"/reminders/facilities/{district.ids['PMB01']}/skip", data={"why": "other", "reason": "rumah <b>banjir</b>"}
    )
    assert "rumah &lt;b&gt;banjir&lt;/b&gt;" in rina.get("/reminders/pauses").text
    assert "cuti" not in rina.get("/reminders/pauses").text


def test_an_officer_leaves_a_facility_out_but_pauses_no_area(district: District) -> None:
    officer = visit(district, "officer", "14.03.01")
    assert officer.post("/reminders/pauses", data={"area": "14.03.01", "reason": "x"}).status_code == 403
    assert (
        officer.post(f"/reminders/facilities/{district.ids['PMB01']}/skip", data={"why": "closed"}).status_code == 303
    )
    [pause] = standing(district)
    assert officer.post(f"/reminders/pauses/{pause.id}/end").status_code == 303
    visit(district, "district").post("/reminders/pauses", data={"area": "14.03", "reason": "x"})
    [pause] = standing(district)
    assert "Remind again" not in officer.get("/reminders/pauses?lang=en").text
    assert officer.post(f"/reminders/pauses/{pause.id}/end").status_code in (403, 404)
    assert standing(district) == (pause,)


def test_a_viewer_sees_pauses_and_changes_none(rina: FlaskClient, district: District) -> None:
    rina.post("/reminders/pauses", data={"area": "14.03", "reason": "banjir"})
    [pause] = standing(district)
    viewer = visit(district, "viewer")
    assert "banjir" in viewer.get("/reminders/pauses").text
    assert viewer.get(f"/reminders/facilities/{district.ids['PMB01']}/skip").status_code == 403
    assert viewer.post("/reminders/pauses", data={"area": "14.03", "reason": "x"}).status_code == 403
    assert viewer.post(f"/reminders/pauses/{pause.id}/end").status_code == 403
    assert standing(district) == (pause,)


def test_what_lies_elsewhere_is_not_there(district: District) -> None:
    stranger = visit(district, "district", "15.01")
    assert stranger.get("/reminders/pauses?area=14.03").status_code == 404
    assert stranger.post("/reminders/pauses", data={"area": "14.03", "reason": "x"}).status_code == 404
    facility = district.ids["PMB01"]
    assert stranger.get(f"/reminders/facilities/{facility}/skip").status_code == 404
    assert stranger.post(f"/reminders/facilities/{facility}/skip", data={"why": "closed"}).status_code == 404
    assert stranger.get("/reminders/facilities/99999999999/skip").status_code == 404
    assert stranger.post("/reminders/pauses/99999999999/end").status_code == 404
    assert standing(district) == ()
