"""The reminders' page: what goes out next, to whom, in which words, at what cost, and why somebody gets none."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.remind import run
from gateway.store import channels, users
from gateway.store.users import NewUser
from gateway.values import Role, Scope
from tests.district import PHONES, District
from tests.gateway.review.visits import sign_in
from tests.reminding import at, letters, look, share_clock

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
COUNTRY = Scope("")


@pytest.fixture(autouse=True)
def the_day_before(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon of the day before the first reminders go, by every clock."""
    share_clock(district, monkeypatch)
    district.set_clock(at(1, 12))
    with district.database.session() as session:
        channels.choose_channel(session, "simulator", None, 350, scope=COUNTRY)
        session.commit()


def visit(district: District, role: str = "district", area: str = "14.03") -> FlaskClient:
    """Return a browser in which somebody of this role and area is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


def add_officer(district: District, area: str, phone: str | None, role: Role = Role.OFFICER) -> None:
    """Let somebody be an officer of an area who is told by SMS."""
    with district.database.session() as session:
        new = NewUser(f"petugas{area}{role}", "Pak Rahmat", role, area, "id", district.runtime.now())
        users.set_phone(session, users.add_user(session, new), phone, scope=COUNTRY)
        session.commit()


def stamp(moment: datetime) -> int:
    """Return an instant as addresses hold it."""
    return int(moment.timestamp())


def test_what_goes_out_tomorrow_is_told_with_how_many_and_at_what_cost(rina: FlaskClient) -> None:
    page = rina.get("/reminders?lang=en").text
    assert "tomorrow, Thursday 2 Oct, 08:00" in page
    assert "5 people, 5 SMS, Rp1,750" in page  # the one phone of two midwives gets one
    page = rina.get("/reminders?lang=id").text
    assert "besok, Kamis 2 Okt, 08.00" in page
    assert "5 orang, 5 SMS, Rp1.750" in page


def test_the_plan_is_what_goes_out_then(rina: FlaskClient, district: District) -> None:
    page = rina.get("/reminders").text
    assert look(district, 2, 8) == 5
    for one in letters(district):
        shown = re.sub(r"\s+", " ", page)
        assert one.text.replace("'", "&#39;") in shown, one.text


def test_the_amount_of_a_later_moment_leaves_out_what_the_ones_before_it_send(rina: FlaskClient) -> None:
    rina.get("/reminders")
    later = rina.get(f"/reminders/amount?lang=en&at={stamp(at(5, 8))}").text
    assert "5 people, 5 SMS" in later
    third = rina.get(f"/reminders?lang=en&at={stamp(at(8, 9))}").text
    assert "0 people, 0 SMS" in third  # the officers: nobody has told Kabar their number
    assert "No officer or office with a phone is known here." in third


def test_each_facility_has_its_verdict_and_they_narrow_the_list(rina: FlaskClient, district: District) -> None:
    district.say("ani", REPORT)
    page = rina.get("/reminders?lang=en").text
    assert "Has reported" in page
    assert "4 people, 4 SMS" in page
    only = rina.get("/reminders?lang=en&verdict=reported").text
    assert "PMB Ani" in only
    assert "PMB Wati" not in only
    assert "PMB Wati" in rina.get("/reminders?lang=en&verdict=nonsense").text


def test_lists_for_staff_stand_with_their_text(rina: FlaskClient, district: District) -> None:
    add_officer(district, "14.03.01", "+6281230000021")
    add_officer(district, "14.03", "+6281230000022", Role.DISTRICT)
    page = rina.get(f"/reminders?lang=en&at={stamp(at(8, 9))}").text
    assert "Pak Rahmat" in page
    assert "7 dari 7 belum masuk" in page
    assert "1 person, 1 SMS" in page
    district.set_clock(at(1, 13))
    district.say("ani", REPORT)
    district.set_clock(at(9, 12))
    rina = visit(district)
    assert "1 dari 7 masuk" in rina.get(f"/reminders?lang=en&at={stamp(at(10, 9))}").text


def test_a_viewer_sees_the_plan_but_no_numbers_and_nothing_to_press(district: District) -> None:
    page = visit(district, "viewer").get("/reminders?lang=en").text
    assert "5 people, 5 SMS" in page
    assert "Ani" in page
    assert not any(phone[-7:] in page.replace("-", "") for phone in PHONES.values())
    assert "Remind now" not in page
    assert "/skip" not in page


def test_an_officer_sees_the_plan_of_the_own_kecamatan(district: District) -> None:
    page = visit(district, "officer", "14.03.01").get("/reminders?lang=en").text
    assert "5 people, 5 SMS" in page
    assert "/reminders/ladder" not in page


def test_who_looks_after_the_country_sees_dates_and_chooses_a_regency(budi: FlaskClient) -> None:
    everywhere = budi.get("/reminders?area=&lang=en").text
    assert "Choose a kabupaten" in everywhere
    assert "tomorrow, Thursday 2 Oct, 08:00" in everywhere
    assert "people" not in everywhere
    assert "5 people, 5 SMS" in budi.get("/reminders?area=14.03&lang=en").text
    assert budi.get("/reminders/amount?area=").status_code == 404


@pytest.mark.parametrize("area", ["15.01", "14", "", "14.0", "x"])
def test_an_area_of_others_is_not_there(rina: FlaskClient, area: str) -> None:
    assert rina.get(f"/reminders?area={area}").status_code == 404
    assert rina.get(f"/reminders/amount?area={area}").status_code == 404


def test_an_address_with_nonsense_in_it_still_shows_what_goes_next(rina: FlaskClient) -> None:
    page = rina.get("/reminders?lang=en&at=99999999999999999999&after=1.x&verdict=%00").text
    assert "tomorrow, Thursday 2 Oct, 08:00" in page


def test_where_nothing_is_asked_for_the_page_says_so(rina: FlaskClient) -> None:
    assert "Nothing goes out in the coming weeks" in rina.get("/reminders?lang=en&form=alokon").text


def test_one_is_sent_by_hand_from_the_plan(rina: FlaskClient, district: District) -> None:
    about = {"form": "kb", "period": "2025-09", "area": "14.03", "back": "reminders"}
    answer = rina.post(f"/month/missing/{district.ids['PMB01']}/remind", data=about)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/reminders?")
    assert [one.to for one in letters(district)] == ["ani"]
    district.send()
    page = rina.get(f"/reminders?lang=en&at={stamp(at(2, 8))}").text
    assert "5 people, 5 SMS" in page  # tomorrow is another day


def test_the_moments_are_those_of_the_plan(district: District) -> None:
    with district.database.session(read_only=True) as session:
        plan = run.plan_regency(session, "14.03", district.runtime.ways, at(2, 8))
        opens = {line.window.opens_at for line in plan.lines if line.window}
    assert opens == {datetime(2025, 10, 2, 1, tzinfo=UTC)}


def test_a_long_list_is_turned_page_by_page(
    rina: FlaskClient, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.review.pages.paging.ROWS", 3)
    seen: list[str] = []
    address = "/reminders?lang=en"
    for _ in range(4):
        page = rina.get(address).text
        seen += re.findall(r'<th scope="row"><a href="/facilities/(\d+)"', page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        if not further:
            break
        address = further[1].replace("&amp;", "&")
    assert sorted(map(int, seen)) == sorted(district.ids.values())
