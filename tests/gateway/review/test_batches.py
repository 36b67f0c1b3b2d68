"""Batches: noting, changing and removing them, what expires, what is more than was reported, and who may see which."""

from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from gateway.app import create_app
from gateway.review.pages.batch_form import read_expiry
from gateway.store import audit, batches, register
from gateway.store.audit import Wanted
from gateway.store.batches import Batch, NewBatch, Source
from gateway.store.doubles import merge_facilities
from gateway.values import Scope
from tests.district import District
from tests.gateway.review.visits import Page, sign_in

COUNTRY = Scope("")
TYPED = {"item": "pil", "source": "apbn", "number": "b-17/a", "expires_on": "8/2027", "quantity": "120"}


def visit(district: District, role: str, area: str = "14.03") -> FlaskClient:
    """Return a browser in which somebody of this role and area is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


def note(district: District, place: str, **about: object) -> int:
    """Note a batch of a facility without a browser, and return its id."""
    given: dict[str, object] = {"item": "pil", "source": Source.APBN, "number": "A1", "quantity": 10}
    new = NewBatch(district.ids[place], **{"expires_on": None} | given | about)  # type: ignore[arg-type]
    with district.database.session() as session:
        batch_id = batches.add_batch(session, new, "Rina", district.runtime.now(), scope=COUNTRY)
        session.commit()
    assert batch_id
    return batch_id


def noted(district: District) -> list[Batch]:
    """Return every batch, by expiry."""
    with district.database.session(read_only=True) as session:
        return [one.batch for one in batches.list_batches(session, scope=COUNTRY)]


def deeds(district: District) -> list[tuple[str, str]]:
    """Return what was written down about batches, the newest first, with where."""
    with district.database.session(read_only=True) as session:
        found = audit.search(session, Wanted(), scope=COUNTRY, limit=20)
    return [(one.action, one.area) for one in found if one.noun == "batch"]


def test_a_batch_is_noted_changed_and_removed_and_each_is_written_down(rina: FlaskClient, district: District) -> None:
    facility = district.ids["PMB01"]
    assert "PMB Ani" in rina.get("/month/batches/new?q=ani").text
    answer = rina.post("/month/batches/new", data=TYPED | {"facility": facility})
    assert answer.headers["Location"] == f"/month/batches?facility={facility}"
    [batch] = noted(district)
    assert (batch.number, batch.expires_on, batch.quantity) == ("B-17/A", date(2027, 8, 31), 120)
    page = rina.get(f"/month/batches/{batch.id}")
    assert Page(page).hidden("version") == "0"
    assert 'value="31/8/2027"' in page.text  # as its hint writes a day
    changed = TYPED | {"quantity": "1.080", "state": "used_up", "version": "0"}
    assert rina.post(f"/month/batches/{batch.id}", data=changed).status_code == 303
    [batch] = noted(district)
    assert (batch.quantity, batch.state, batch.version) == (1080, "used_up", 1)
    assert "B-17/A" not in rina.get("/month/batches").text
    assert "B-17/A" in rina.get("/month/batches?state=used_up").text
    assert rina.post(f"/month/batches/{batch.id}/remove", data={"version": "1"}).status_code == 303
    assert noted(district) == []
    assert deeds(district) == [("remove", "14.03.01"), ("change", "14.03.01"), ("add", "14.03.01")]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"item": "mow"}, "Please choose one."),
        ({"source": "hibah"}, "Please choose one."),
        ({"number": "  "}, "Write the number that stands on the box"),
        ({"number": "9" * 41}, "Write the number that stands on the box"),
        ({"expires_on": "31/2/2027"}, "Write a day such as"),
        ({"expires_on": "13/2027"}, "Write a day such as"),
        ({"expires_on": "3/2207"}, "Write a day such as"),
        ({"quantity": "-1"}, "Write a whole number"),
        ({"quantity": "1,5"}, "Write a whole number"),
        ({"quantity": "1000000"}, "Write a whole number"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_nothing_is_lost(
    rina: FlaskClient, district: District, wrong: dict[str, str], fault: str
) -> None:
    given = {**TYPED, **wrong, "facility": str(district.ids["PMB01"])}
    answer = rina.post("/month/batches/new?lang=en", data=given)
    assert answer.status_code == 422
    assert fault in answer.text
    assert all(given[name] in answer.text for name in ("expires_on", "quantity"))
    assert noted(district) == []


def test_a_number_is_noted_once_for_each_item_and_source(rina: FlaskClient, district: District) -> None:
    here = {"facility": str(district.ids["PMB01"])}
    for more in ({}, {"source": "apbd"}, {"item": "suntik3"}, {"facility": str(district.ids["PMB02"])}):
        assert rina.post("/month/batches/new", data=TYPED | here | more).status_code == 303
    again = rina.post("/month/batches/new?lang=en", data=TYPED | here | {"number": "B-17/a "})
    assert again.status_code == 409
    assert "has a batch of this number already" in again.text
    first, other, *_ = noted(district)
    onto = TYPED | {"source": first.source, "item": first.item, "version": "0"}
    assert rina.post(f"/month/batches/{other.id}", data=onto).status_code == 409
    assert len(noted(district)) == 4


def test_who_saw_an_older_batch_is_told_and_changes_nothing(rina: FlaskClient, district: District) -> None:
    batch_id = note(district, "PMB01")
    assert rina.post(f"/month/batches/{batch_id}", data=TYPED | {"version": "0"}).status_code == 303
    late = rina.post(f"/month/batches/{batch_id}?lang=en", data=TYPED | {"version": "0", "quantity": "7"})
    assert (late.status_code, "Somebody else changed this batch" in late.text) == (409, True)
    assert rina.post(f"/month/batches/{batch_id}/remove", data={"version": "0"}).status_code == 409
    assert [one.quantity for one in noted(district)] == [120]


def test_what_has_expired_or_expires_soon_is_marked_and_found(rina: FlaskClient, district: District) -> None:
    for number, day in (("OLD", 2), ("LAST", 3)):
        note(district, "PMB01", number=number, expires_on=date(2025, 10, day))
    note(district, "PMB01", number="MARCH", expires_on=date(2026, 3, 31))
    note(district, "PMB01", number="APRIL", expires_on=date(2026, 4, 1))
    note(district, "PMB01", number="UNKNOWN")
    page = rina.get("/month/batches?lang=en").text
    order = [page.index(f">{number}<") for number in ("OLD", "LAST", "MARCH", "APRIL", "UNKNOWN")]
    assert order == sorted(order)
    assert (page.count(">Expired</span>"), page.count(">Expires soon</span>")) == (1, 2)
    soon = rina.get("/month/batches?expiry=soon").text
    assert [name for name in ("OLD", "LAST", "MARCH", "APRIL") if f">{name}<" in soon] == ["LAST", "MARCH"]
    assert [name for name in ("OLD", "LAST") if f">{name}<" in rina.get("/month/batches?expiry=expired").text] == [
        "OLD"
    ]
    month = rina.get("/month?lang=en").text
    assert "Batches of contraceptives in stock that have expired: 1." in month
    assert "Batches of contraceptives in stock that expire soon: 2." in month
    stranger = visit(district, "administrator", "14.04")
    assert "Batches of contraceptives" not in stranger.get("/month?lang=en").text


def test_batches_that_come_to_more_than_the_reported_stock_are_shown_as_a_difference(
    rina: FlaskClient, district: District
) -> None:
    district.say("ani", "ALOKON 0925 PIL 100/50/30/120")
    note(district, "PMB01", number="A1", quantity=100)
    assert "batches 100, reported 120 (Sep 25)" in rina.get("/month/batches?lang=en").text
    note(district, "PMB01", number="A2", quantity=45)
    note(district, "PMB01", number="A3", quantity=900, state="withdrawn")
    page = rina.get("/month/batches?lang=en").text
    assert "25 too many" in page
    assert "batches 145, reported 120 (Sep 25)" in page
    note(district, "PMB02", number="A1")
    assert "no stock reported" in rina.get(f"/month/batches?lang=en&facility={district.ids['PMB02']}").text


def test_a_stock_report_is_flagged_where_a_batch_expires_soon(rina: FlaskClient, district: District) -> None:
    note(district, "PMB01", expires_on=date(2025, 12, 31))
    district.say("ani", "ALOKON 0925 PIL 100/50/30/120")
    assert "the stock expires on" in rina.get("/queue?lang=en").text


def test_a_viewer_sees_batches_and_changes_none(district: District) -> None:
    batch_id = note(district, "PMB01")
    viewer = visit(district, "viewer")
    assert "A1" in viewer.get("/month/batches").text
    assert viewer.get("/month/batches/new").status_code == 403
    assert viewer.post("/month/batches/new", data=TYPED | {"facility": "1"}).status_code == 403
    assert viewer.get(f"/month/batches/{batch_id}").status_code == 403
    assert viewer.post(f"/month/batches/{batch_id}/remove", data={"version": "0"}).status_code == 403
    officer = visit(district, "officer", "14.03.01")
    assert officer.post(f"/month/batches/{batch_id}/remove", data={"version": "0"}).status_code == 303


def test_a_batch_of_another_area_is_not_there(district: District) -> None:
    batch_id = note(district, "PMB01")
    stranger = visit(district, "district", "15.01")
    facility = district.ids["PMB01"]
    for address in (
        f"/month/batches/{batch_id}",
        f"/month/batches?facility={facility}",
        "/month/batches?area=14.03",
        f"/month/batches/new?facility={facility}",
        "/month/batches/99999999999",
        "/month/batches?facility=99999999999",
    ):
        assert stranger.get(address).status_code == 404, address
    assert "A1" not in stranger.get("/month/batches").text
    for address in (f"/month/batches/{batch_id}", f"/month/batches/{batch_id}/remove"):
        assert stranger.post(address, data=TYPED | {"version": "0"}).status_code == 404
    assert stranger.post("/month/batches/new", data=TYPED | {"facility": str(facility)}).status_code == 404
    assert len(noted(district)) == 1


def test_batches_are_listed_page_by_page_in_one_order(rina: FlaskClient, district: District) -> None:
    for number in range(60):
        expires_on = date(2027, 1, 1 + number // 3) if number % 2 else None
        note(district, "PMB01", number=f"N{number:02}", expires_on=expires_on)
    with district.database.session(read_only=True) as session:
        whole = batches.list_batches(session, scope=COUNTRY, limit=100)
        first = batches.list_batches(session, scope=COUNTRY, limit=50)
        rest = batches.list_batches(session, scope=COUNTRY, after=first[-1].id, limit=50)
        back = batches.list_batches(session, scope=COUNTRY, before=rest[0].id, limit=50)
    assert first + rest == whole
    assert back == first
    assert "after=" in rina.get("/month/batches").text


def test_a_double_gives_its_batches_to_the_facility_that_stays(district: District) -> None:
    note(district, "PMB01", number="SAME", quantity=10, expires_on=date(2027, 1, 31))
    note(district, "PMB02", number="SAME", quantity=5, expires_on=date(2026, 12, 31))
    note(district, "PMB02", number="OTHER", quantity=3)
    with district.database.session() as session:
        winner, loser = (
            register.find_facility(session, district.ids[one], scope=COUNTRY) for one in ("PMB01", "PMB02")
        )
        assert winner
        assert loser
        assert merge_facilities(session, winner, loser, {}, scope=COUNTRY)
        session.commit()
    found = {one.number: (one.facility_id, one.quantity, one.expires_on) for one in noted(district)}
    here = district.ids["PMB01"]
    assert found == {"SAME": (here, 15, date(2026, 12, 31)), "OTHER": (here, 3, None)}


@given(
    st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"])
)
def test_an_expiry_is_read_in_every_way_that_it_is_written(day: date, written: str) -> None:
    assert read_expiry(day.strftime(written)) == (day, True)
    month, is_read = read_expiry(day.strftime("%m/%Y"))
    assert is_read
    assert month
    assert (month.year, month.month) == (day.year, day.month)
    assert month >= day
