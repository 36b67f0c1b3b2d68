"""The destinations' pages: who may add one, that its secret is never seen again, and what trying it says in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from gateway import keybox
from gateway.app import create_app
from gateway.store import audit, destinations
from gateway.store.audit import Wanted
from gateway.store.destinations import KeptDestination
from gateway.values import Scope
from tests.district import District
from tests.gateway.channels.standin import Reply
from tests.gateway.export.dhis2.metadata_server import TOKEN, MetadataServer, make_known
from tests.gateway.review.visits import sign_in

COUNTRY = Scope("")
TYPED = {"name": "ASDK", "address": "https://dhis2.example.go.id/", "area": "14.03", "auth": "token", "secret": TOKEN}


@pytest.fixture
def server(district: District) -> Iterator[MetadataServer]:
    with MetadataServer(make_known(district.runtime.forms[0], ["140300101"])) as found:
        yield found


@pytest.fixture
def office(district: District) -> FlaskClient:
    """A browser of the district's office, where the operator has allowed this machine."""
    return visit(district)


def visit(district: District, role: str = "district", area: str = "14.03") -> FlaskClient:
    settings = district.runtime.settings.model_copy(update={"private_hosts": "127.0.0.1"})
    runtime = replace(district.runtime, settings=settings)
    browser = create_app(runtime).test_client()
    sign_in(browser, runtime, role, area)
    return browser


def add(browser: FlaskClient, **changes: str) -> int:
    """Add a destination and return its id."""
    answer = browser.post("/destinations/new", data=TYPED | changes)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rpartition("/")[2])


def find(district: District, destination_id: int) -> KeptDestination:
    with district.database.session(read_only=True) as session:
        found = destinations.find_destination(session, destination_id, scope=COUNTRY)
    assert found
    return found


def try_it(browser: FlaskClient, destination_id: int) -> str:
    """Press Try it, and return the page that follows."""
    browser.post(f"/destinations/{destination_id}/try")
    return browser.get(f"/destinations/{destination_id}").text


def test_a_secret_is_kept_locked_and_never_seen_again(district: District, office: FlaskClient) -> None:
    made = add(office)
    for address in ("/destinations", f"/destinations/{made}", f"/destinations/{made}/edit"):
        page = office.get(address).text
        assert TOKEN not in page
    assert "••••4092" in office.get(f"/destinations/{made}").text
    kept = find(district, made)
    assert TOKEN not in kept.destination.secret_locked
    key = keybox.read_key("", district.runtime.settings.var)
    assert keybox.unlock(key, kept.destination.secret_locked) == TOKEN
    assert TOKEN not in _audit(district)


def _audit(district: District) -> str:
    with district.database.session(read_only=True) as session:
        return repr(audit.search(session, Wanted(), scope=COUNTRY))


def test_a_secret_is_never_shown_even_beside_what_was_typed_wrong(office: FlaskClient) -> None:
    answer = office.post("/destinations/new", data=TYPED | {"address": "http://dhis2.example.go.id"})
    assert answer.status_code == 422
    assert TOKEN not in answer.text
    assert "harus diawali https://" in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "Beri nama"),
        ({"address": "https://10.1.2.3"}, "KABAR_PRIVATE_HOSTS"),
        ({"address": "https://2130706433/"}, "empat angka"),
        ({"address": "https://kabar:rahasia@dhis2.example.go.id"}, "kata sandi di dalam alamat"),
        ({"address": "dhis2"}, "bukan alamat"),
        ({"secret": ""}, "belum diisi"),
        ({"secret": "sembarang"}, "d2pat_"),
        ({"auth": "basic"}, "nama pengguna"),
        ({"area": "72.71"}, "wilayah Anda"),
    ],
)
def test_what_is_typed_wrong_is_told_in_words(office: FlaskClient, changes: dict[str, str], said: str) -> None:
    answer = office.post("/destinations/new", data=TYPED | changes)
    assert answer.status_code == 422
    assert said in answer.text


def test_two_destinations_of_one_name_would_be_mistaken_for_each_other(office: FlaskClient) -> None:
    add(office)
    assert office.post("/destinations/new", data=TYPED).status_code == 422


def test_what_the_browser_showed_behind_the_address_is_cut_off(district: District, office: FlaskClient) -> None:
    made = add(office, address="https://dhis2.example.go.id/asdk/dhis-web-login/")
    assert find(district, made).destination.address == "https://dhis2.example.go.id/asdk"


def test_a_secret_does_not_follow_to_another_server_by_itself(district: District, office: FlaskClient) -> None:
    made = add(office)
    elsewhere = TYPED | {"address": "https://thief.example.com", "secret": ""}
    assert office.post(f"/destinations/{made}/edit", data=elsewhere).status_code == 422
    assert find(district, made).destination.address == "https://dhis2.example.go.id"
    renamed = TYPED | {"name": "ASDK Riau", "secret": ""}
    assert office.post(f"/destinations/{made}/edit", data=renamed).status_code == 303
    assert find(district, made).destination.name == "ASDK Riau"


def test_a_renewed_secret_takes_the_place_of_the_old_one(district: District, office: FlaskClient) -> None:
    made = add(office)
    before = find(district, made)
    district.pass_time(minutes=10)
    new = "d2p_1234567890abcdefghijklmnopqrstuvwxyzABCDWXYZ"
    assert office.post(f"/destinations/{made}/edit", data=TYPED | {"secret": new}).status_code == 303
    after = find(district, made)
    assert (after.secret_end, before.secret_end) == ("WXYZ", "4092")
    key = keybox.read_key("", district.runtime.settings.var)
    assert keybox.unlock(key, after.destination.secret_locked) == new
    assert "renewed" in _audit(district)


def test_a_secret_is_taken_only_from_who_typed_their_password_lately(district: District, office: FlaskClient) -> None:
    district.pass_time(minutes=40)
    answer = office.post("/destinations/new", data=TYPED)
    assert answer.status_code == 303
    assert "/account/confirm" in answer.headers["Location"]
    with district.database.session() as session:
        assert destinations.list_destinations(session, scope=COUNTRY) == ()


def test_trying_says_who_answered_and_sends_nothing(
    district: District, office: FlaskClient, server: MetadataServer
) -> None:
    page = try_it(office, add(office, address=server.url))
    assert "2.40.3" in page
    assert "Sambungannya baik" in page
    assert {one.method for one in server.seen} == {"GET"}


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (Reply.of_json({}, 401), "tidak menerima token"),
        (Reply(302, headers={"Location": "/login"}), "halaman lain"),
        (Reply(200, b"<html></html>"), "bukan DHIS2"),
        (Reply.of_json({}, 403), "melarang"),
        (Reply(500), "gangguan"),
    ],
)
def test_each_way_it_can_go_wrong_is_told_with_what_to_do(
    office: FlaskClient, server: MetadataServer, instead: Reply, said: str
) -> None:
    server.instead = instead
    page = try_it(office, add(office, address=server.url))
    assert said in page
    assert 'class="note bad"' in page


def test_who_answers_nothing_at_all_is_told_as_that(office: FlaskClient, server: MetadataServer) -> None:
    made = add(office, address=server.url)
    server.__exit__(None, None, None)
    assert "tidak dapat dihubungi" in try_it(office, made)


def test_what_was_switched_off_can_be_switched_on_again(district: District, office: FlaskClient) -> None:
    made = add(office)
    office.post(f"/destinations/{made}/off")
    assert not find(district, made).destination.is_on
    office.post(f"/destinations/{made}/on")
    assert find(district, made).destination.is_on


def test_officers_have_no_way_to_destinations(district: District, office: FlaskClient) -> None:
    made = add(office)
    officer = visit(district, "officer", "14.03.01")
    for address in ("/destinations", f"/destinations/{made}", "/destinations/new"):
        assert officer.get(address).status_code == 403
    assert officer.post(f"/destinations/{made}/try").status_code == 403


def test_a_key_that_changed_is_told_and_not_stumbled_over(district: District, office: FlaskClient) -> None:
    made = add(office)
    (district.runtime.settings.var / keybox.KEY_FILE).write_text("another key of at least thirty-two marks")
    assert "KABAR_SECRET_KEY" in re.sub(r"\s+", " ", try_it(office, made))
