"""The facilities' pages: the list, adding, changing, closing; nobody sees or touches another area's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.runtime import Runtime
from gateway.store import audit, register
from gateway.store.audit import Wanted
from gateway.store.facilities import NewFacility
from gateway.store.register import KnownFacility
from gateway.values import Scope
from tests.gateway.review.registry import make_registry, version_on
from tests.gateway.review.visits import sign_in

NEW = {"code": "140300155", "name": "PMB Cahaya", "type": "PMB", "area": "14.03.01", "ownership": "swasta"}


@pytest.fixture
def ids(runtime: Runtime, visitor: FlaskClient) -> Mapping[str, int]:
    """The registry's facilities, with somebody of the district signed in."""
    found = make_registry(runtime)
    sign_in(visitor, runtime)
    return found


def facility(runtime: Runtime, facility_id: int) -> KnownFacility:
    """Return a facility as it stands now."""
    with runtime.database.session(read_only=True) as session:
        found = register.find_facility(session, facility_id, scope=Scope(""))
    assert found
    return found


def as_form(one: KnownFacility, **others: Any) -> dict[str, Any]:
    """Return what the form of a facility would send."""
    names = ("name", "short_name", "type", "area", "version")
    return {name: getattr(one, name) for name in names} | others


def test_the_list_holds_the_own_area_and_nothing_else(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    page = visitor.get("/facilities").text
    assert "Puskesmas Damon" in page
    assert "PMB Bunga" in page
    assert "PMB Jauh" not in page
    assert "PMB Jauh" not in visitor.get("/facilities?area=72.71").text


def test_an_officer_sees_only_her_kecamatan(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    sign_in(visitor, runtime, role="officer", area="14.03.03")
    page = visitor.get("/facilities").text
    assert "PMB Bunga" in page
    assert "PMB Ani" not in page
    assert visitor.get(f"/facilities/{ids['PMB01']}").status_code == 404
    assert visitor.get(f"/facilities/{ids['PMB01']}/edit").status_code == 404


@pytest.mark.parametrize("words", ["damon", "140300100", "PUSKESMAS dam"])
def test_a_facility_is_found_by_its_name_or_code(visitor: FlaskClient, ids: Mapping[str, int], words: str) -> None:
    page = visitor.get("/facilities", query_string={"words": words}).text
    assert "Puskesmas Damon" in page
    assert "PMB Ani" not in page


def test_a_list_that_is_empty_says_what_to_do(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    page = visitor.get("/facilities?words=tidakada").text
    assert "/imports?kind=facilities" in page


def test_pages_of_a_long_list_hold_each_facility_once(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    new = [NewFacility(f"1403{n:03}77", f"PMB Nomor {n:03}", f"N{n}", "PMB", "14.03.01") for n in range(120)]
    with runtime.database.session() as session:
        register.add_all(session, new, scope=Scope("14.03"))
        session.commit()
    seen: list[str] = []
    address = "/facilities?words=nomor"
    while address:
        page = visitor.get(address).text
        seen += [line.split("<")[0] for line in page.split("<bdi>")[1:] if line.startswith("PMB Nomor")]
        older = page.partition('rel="next" href="')[2].partition('"')[0]
        address = older.replace("&amp;", "&")
    assert seen == [f"PMB Nomor {n:03}" for n in range(120)]


def test_a_facility_is_added_and_written_down(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    answer = visitor.post("/facilities/new", data=NEW)
    assert answer.status_code == 303
    page = visitor.get(answer.headers["Location"]).text
    assert "PMB Cahaya" in page
    assert "PMBCAHAYA" in page, "a short name was made from the name"
    with runtime.database.session(read_only=True) as session:
        (done,) = audit.search(session, Wanted(noun="facility"), scope=Scope("14.03"))
    assert (done.action, done.details["after"]["code"]) == ("add", "140300155")


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("code", "14030015", "seharusnya 9"),
        ("code", "727100155", "14.03"),
        ("code", "140300101", "milik faskes lain"),
        ("name", "", "Wajib diisi"),
        ("type", "WARUNG", "WARUNG"),
        ("area", "72.71.01", "tidak dikenal"),
        ("area", "14.03", "bukan kecamatan"),
        ("short_name", "12345", "huruf"),
        ("latitude", "200", "koordinat"),
        ("opened_on", "2199-01-01", "belum"),
        ("dhis2_uid", "123", "UID"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(
    visitor: FlaskClient, ids: Mapping[str, int], field: str, typed: str, said: str
) -> None:
    answer = visitor.post("/facilities/new", data=NEW | {"kemenkes_code": "KEEP-ME"} | {field: typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert "KEEP-ME" in answer.text
    assert "PMB Cahaya" not in visitor.get("/facilities").text


def test_a_change_is_kept_with_what_was_before(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    one = facility(runtime, ids["DAMON"])
    answer = visitor.post(f"/facilities/{one.id}/edit", data=as_form(one, name="Puskesmas Damon Baru"))
    assert answer.status_code == 303
    assert facility(runtime, one.id).name == "Puskesmas Damon Baru"
    with runtime.database.session(read_only=True) as session:
        (done,) = audit.search(session, Wanted(noun="facility", action="change"), scope=Scope("14.03"))
    assert done.details["before"]["name"] == "Puskesmas Damon"
    assert done.details["after"]["name"] == "Puskesmas Damon Baru"


def test_the_second_of_two_is_told_and_changes_nothing(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = facility(runtime, ids["DAMON"])
    assert visitor.post(f"/facilities/{one.id}/edit", data=as_form(one, name="Pertama")).status_code == 303
    late = visitor.post(f"/facilities/{one.id}/edit", data=as_form(one, name="Kedua"))
    assert late.status_code == 409
    assert "Kedua" in late.text, "what was typed is kept"
    assert facility(runtime, one.id).name == "Pertama"


def test_an_officer_cannot_move_a_facility_out_of_her_kecamatan(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    sign_in(visitor, runtime, role="officer", area="14.03.03")
    one = facility(runtime, ids["BUNGA"])
    answer = visitor.post(f"/facilities/{one.id}/edit", data=as_form(one, area="14.03.01"))
    assert answer.status_code == 422
    assert facility(runtime, one.id).area == "14.03.03"


def test_two_places_of_one_midwife_are_never_called_the_same(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = facility(runtime, ids["PMB02"])  # Wati reports for it, and for PTK
    answer = visitor.post(f"/facilities/{one.id}/edit", data=as_form(one, short_name="ptk"))
    assert answer.status_code == 422
    assert "Wati" in answer.text


def test_a_closed_facility_opens_again_and_its_closed_time_is_known(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    at = f"/facilities/{ids['DAMON']}"
    closed = visitor.post(f"{at}/close", data={"version": version_on(visitor, at), "closed_on": "2025-06-30"})
    assert closed.status_code == 303
    one = facility(runtime, ids["DAMON"])
    assert (one.is_active, str(one.closed_on)) == (False, "2025-06-30")
    assert visitor.post(f"{at}/reopen", data={"version": version_on(visitor, at)}).status_code == 303
    one = facility(runtime, ids["DAMON"])
    assert (one.is_active, str(one.closed_on)) == (True, "2025-06-30")
    assert one.reopened_on


def test_a_viewer_reads_and_changes_nothing(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    sign_in(visitor, runtime, role="viewer")
    page = visitor.get(f"/facilities/{ids['PMB01']}")
    assert page.status_code == 200
    assert "81230000001" not in page.text.replace("-", "")
    assert visitor.get("/facilities/new").status_code == 403
    assert visitor.post("/facilities/new", data=NEW).status_code == 403
    assert visitor.post(f"/facilities/{ids['PMB01']}/close", data={"version": "0"}).status_code == 403


@pytest.mark.parametrize("language", ["id", "en"])
def test_each_page_is_there_in_both_languages(visitor: FlaskClient, ids: Mapping[str, int], language: str) -> None:
    for address in ("/facilities", "/facilities/new", f"/facilities/{ids['DAMON']}", "/areas", "/areas?code=14.03"):
        page = visitor.get(f"{address}{'&' if '?' in address else '?'}lang={language}")
        assert page.status_code == 200, address
        assert f'<html lang="{language}">' in page.text


def test_areas_outside_the_own_one_are_not_browsed(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    assert "Bantan" in visitor.get("/areas").text
    assert visitor.get("/areas?code=72.71").status_code == 404
