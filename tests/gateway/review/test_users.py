"""Users: inviting, changing and disabling them; nobody gives more than they have, and one administrator is left."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.runtime import Runtime
from gateway.store import audit, users
from gateway.store.audit import Wanted
from gateway.store.users import User
from gateway.values import Role, Scope
from tests.district import make_district
from tests.gateway.review.clocked import PASSWORD, ClockedRuntime, add_user, give_password, with_clock
from tests.gateway.review.visits import Page, sign_in

NEW = {"login": "budi@dinas.go.id", "name": "Budi Santoso", "role": "officer", "area": "14.03.01"}


@pytest.fixture
def clocked(runtime: Runtime) -> ClockedRuntime:
    """The gateway by the test's clock, in the district of Bengkalis."""
    make_district(runtime.database)
    return with_clock(runtime)


@pytest.fixture
def app(clocked: ClockedRuntime) -> Flask:
    """The application by the test's clock."""
    return create_app(clocked)


@pytest.fixture
def me(visitor: FlaskClient, clocked: ClockedRuntime) -> User:
    """Bengkalis' administrator, signed in."""
    return sign_in(visitor, clocked, "administrator", "14.03")


def find(runtime: Runtime, login: str) -> User:
    """Return a user as the database has them."""
    with runtime.database.session(read_only=True) as session:
        found = users.find_by_login(session, login)
    assert found, login
    return found


def link_of(answer: TestResponse) -> str:
    """Return the address of an invitation, without its server."""
    found = re.search(r'value="http://localhost(/invitation/\w{32})"', answer.text)
    assert found, answer.text
    return found.group(1)


def choose(app: Flask, link: str, password: str = PASSWORD) -> TestResponse:
    """Open a link in a fresh browser and choose a password."""
    return app.test_client().post(link, data={"password": password, "again": password})


def seen(user: User) -> str:
    """Return what the form holds of a user as they were seen."""
    return f"{user.role}:{user.area}:{user.is_active:d}"


def test_who_is_invited_chooses_a_password_and_is_in(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    link = link_of(visitor.post("/users/new", data=NEW))
    guest = app.test_client()
    assert "Budi Santoso" in guest.get(link).text
    faulty = guest.post(link, data={"password": "puskesmas2025", "again": "puskesmas2025"})
    assert faulty.status_code == 422
    assert "pertama ditebak" in faulty.text
    assert guest.post(link, data={"password": PASSWORD, "again": PASSWORD + "x"}).status_code == 422
    assert guest.post(link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert guest.get("/account").status_code == 200
    assert give_password(app.test_client(), NEW["login"]).status_code == 303
    budi = find(clocked, NEW["login"])
    assert (budi.role, budi.area) == (Role.OFFICER, "14.03.01")


def test_a_link_works_once_for_three_days_and_only_the_newest(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    first = link_of(visitor.post("/users/new", data=NEW))
    budi = find(clocked, NEW["login"])
    second = link_of(visitor.post(f"/users/{budi.id}/link"))
    assert choose(app, first).status_code == 404
    assert choose(app, second).status_code == 303
    again = choose(app, second, "lain lagi dari itu")
    assert again.status_code == 404
    assert "tidak berlaku lagi" in again.text
    third = link_of(visitor.post(f"/users/{budi.id}/link"))
    clocked.pass_time(hours=73)
    assert app.test_client().get(third).status_code == 404


def test_a_new_link_ends_where_the_user_is_signed_in_once_it_is_used(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    add_user(clocked, "sari")
    thief = app.test_client()
    give_password(thief, "sari")
    choose(app, link_of(visitor.post(f"/users/{find(clocked, 'sari').id}/link")), "lain sekali dari itu")
    assert thief.get("/account").status_code == 303
    assert give_password(app.test_client(), "sari").status_code == 422


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("login", "x", "2 sampai 100 huruf"),
        ("login", "demo.budi", "2 sampai 100 huruf"),
        ("login", "<b>budi", "2 sampai 100 huruf"),
        ("name", " ", "paling banyak 100 huruf"),
        ("role", "king", "tidak mengizinkan"),
        ("area", "72", "Tidak ada wilayah itu"),
        ("area", "14", "Tidak ada wilayah itu"),
        ("area", "", "seluruh Indonesia"),
        ("area", "Kota Palu", "Tidak ada wilayah itu"),
    ],
)
def test_what_cannot_be_given_is_said_beside_its_field_and_nobody_is_added(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User, field: str, typed: str, words: str
) -> None:
    answer = visitor.post("/users/new", data=NEW | {field: typed})
    assert answer.status_code == 422
    assert words in Page(answer).words
    assert "aria-invalid" in answer.text
    with clocked.database.session(read_only=True) as session:
        assert users.count_users(session) == 1


def test_an_area_may_be_written_by_name_and_several_of_one_name_are_to_choose_from(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    several = visitor.post("/users/new", data=NEW | {"area": "beng"})
    assert several.status_code == 422
    assert '<option value="14.03.01">Bengkalis (14.03.01)</option>' in several.text
    answer = visitor.post("/users/new", data=NEW | {"area": "kabupaten bengkalis"})
    assert answer.status_code == 200
    assert find(clocked, NEW["login"]).area == "14.03"


def test_a_login_that_is_taken_is_said_so(visitor: FlaskClient, clocked: ClockedRuntime, me: User) -> None:
    visitor.post("/users/new", data=NEW)
    answer = visitor.post("/users/new", data=NEW | {"login": NEW["login"].upper()})
    assert answer.status_code == 422
    assert "sudah dipakai" in answer.text


def test_fields_that_no_form_has_change_nothing(visitor: FlaskClient, clocked: ClockedRuntime, me: User) -> None:
    more = {"id": "1", "is_active": "0", "password_hash": "x", "totp_secret": "x", "user_id": "1", "created_at": "1"}
    visitor.post("/users/new", data=NEW | more)
    budi = find(clocked, NEW["login"])
    assert (budi.is_active, budi.has_totp) == (True, False)
    visitor.post("/account", data={"name": "Saya", "language": "id", "role": "administrator", "area": ""} | more)
    assert find(clocked, me.login).area == "14.03"


def test_other_rights_end_where_somebody_is_signed_in(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "sari")
    theirs = app.test_client()
    give_password(theirs, "sari")
    change = {"role": "viewer", "area": "14.03.01", "seen": seen(find(clocked, "sari"))}
    assert visitor.post(f"/users/{user_id}", data=change).status_code == 303
    sari = find(clocked, "sari")
    assert (sari.role, sari.area) == (Role.VIEWER, "14.03.01")
    assert theirs.get("/account").status_code == 303


def test_two_who_change_one_user_do_not_overwrite_each_other(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "sari")
    old = seen(find(clocked, "sari"))
    visitor.post(f"/users/{user_id}", data={"role": "viewer", "area": "14.03", "seen": old})
    late = visitor.post(f"/users/{user_id}", data={"role": "administrator", "area": "14.03", "seen": old})
    assert late.status_code == 409
    assert "orang lain telah mengubah" in late.text
    assert find(clocked, "sari").role == Role.VIEWER


def test_a_disabled_user_is_out_at_once_and_comes_back_when_enabled(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "sari")
    theirs = app.test_client()
    give_password(theirs, "sari")
    after = visitor.get(visitor.post(f"/users/{user_id}/disable").headers["Location"])
    assert f'action="/users/{user_id}/enable"' in after.text, "it can be undone"
    assert theirs.get("/account").status_code == 303
    assert give_password(theirs, "sari").status_code == 422
    visitor.post(f"/users/{user_id}/enable")
    assert give_password(theirs, "sari").status_code == 303


def test_nobody_changes_or_disables_themselves(visitor: FlaskClient, clocked: ClockedRuntime, me: User) -> None:
    add_user(clocked, "other", "administrator")
    visitor.post(f"/users/{me.id}/disable")
    answer = visitor.post(f"/users/{me.id}", data={"role": "viewer", "area": "14.03", "seen": seen(me)})
    assert answer.status_code == 422
    assert find(clocked, me.login) == me
    assert visitor.get(f"/users/{me.id}").status_code == 200


def test_the_last_administrator_stays(visitor: FlaskClient, clocked: ClockedRuntime, me: User) -> None:
    other_id = add_user(clocked, "other", "administrator")
    visitor.post(f"/users/{other_id}/disable")
    visitor.post(f"/users/{me.id}/disable")
    assert not find(clocked, "other").is_active
    assert find(clocked, me.login).is_active


def test_a_password_that_was_typed_long_ago_is_asked_for_again(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime
) -> None:
    add_user(clocked, "boss", "administrator")
    give_password(visitor, "boss")
    assert visitor.get("/users/new").status_code == 200
    visitor.environ_base["HTTP_X_CSRF_TOKEN"] = Page(visitor.get("/users/new")).hidden("csrf")
    clocked.pass_time(minutes=31)
    asked = visitor.post("/users/new", data=NEW)
    assert asked.headers["Location"].startswith("/account/confirm?next=")
    with clocked.database.session(read_only=True) as session:
        assert users.find_by_login(session, NEW["login"]) is None
    wrong = visitor.post("/account/confirm", data={"password": "wrong password", "next": "/users/new"})
    assert wrong.status_code == 422
    right = visitor.post("/account/confirm", data={"password": PASSWORD, "next": "/users/new"})
    assert right.headers["Location"] == "/users/new"
    assert visitor.get("/users/new").status_code == 200


@pytest.mark.parametrize("role", ["district", "officer", "viewer"])
def test_only_administrators_see_users(app: Flask, clocked: ClockedRuntime, role: str) -> None:
    other = app.test_client()
    sign_in(other, clocked, role)
    for path in ("/users", "/users/new", "/audit"):
        answer = other.get(path)
        assert answer.status_code == 403
        assert "tidak mengizinkan" in answer.text
    assert other.post("/users/new", data=NEW).status_code == 403


def test_a_lost_phone_takes_password_and_second_factor_away(
    app: Flask, visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "sari")
    link = link_of(visitor.post(f"/users/{user_id}/link", data={"clear": "1"}))
    assert give_password(app.test_client(), "sari").status_code == 422
    assert choose(app, link, "lain sekali dari itu").status_code == 303


def test_everything_that_is_done_to_users_is_written_down(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    visitor.post("/users/new", data=NEW)
    budi = find(clocked, NEW["login"])
    visitor.post(f"/users/{budi.id}", data={"role": "viewer", "area": "14.03", "seen": seen(budi)})
    for what in ("disable", "enable", "link"):
        visitor.post(f"/users/{budi.id}/{what}")
    with clocked.database.session(read_only=True) as session:
        found = audit.search(session, Wanted(noun="user", subject=str(budi.id)), scope=Scope("14.03"))
    assert [one.action for one in found] == ["renew_link", "enable", "disable", "change", "invite"]
    assert {one.user_name for one in found} == {me.name}
    assert found[3].details == {
        "name": "Budi Santoso",
        "role": ["officer", "viewer"],
        "area": ["14.03.01", "14.03"],
    }


def test_the_list_turns_its_pages(visitor: FlaskClient, clocked: ClockedRuntime, me: User) -> None:
    for number in range(55):
        add_user(clocked, f"user{number:02}", password="x")
    first = Page(visitor.get("/users"))
    (older,) = (str(attrs["href"]) for tag, attrs in first.tags if tag == "a" and attrs.get("rel") == "next")
    second = Page(visitor.get(older))
    names = [set(re.findall(r"User\d\d", page.words)) for page in (first, second)]
    assert len(names[0] | names[1]) == 55
    assert not names[0] & names[1]


def test_users_are_shown_in_english_too(visitor: FlaskClient, clocked: ClockedRuntime, me: User) -> None:
    words = Page(visitor.get("/users?lang=en")).words
    assert "Who may sign in" in words
    assert "Invite somebody" in words


def test_an_administrator_writes_the_number_that_lists_go_to(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "petugas", Role.OFFICER, "14.03.01")
    assert visitor.post(f"/users/{user_id}/phone", data={"phone": "0812-3000-0021"}).status_code == 303
    assert find(clocked, "petugas").phone == "+6281230000021"
    assert 'value="0812-3000-0021"' in visitor.get(f"/users/{user_id}").text
    with clocked.database.session(read_only=True) as session:
        [deed, *_] = audit.search(session, Wanted(noun="user", subject=str(user_id)), scope=Scope(""), limit=5)
    assert "81230000021" not in str(deed.details), "the audit holds no whole number"


def test_an_administrator_does_not_take_back_anybodys_stop(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "petugas", Role.OFFICER, "14.03.01")
    visitor.post(f"/users/{user_id}/phone", data={"phone": "081230000021"})
    with clocked.database.session() as session:
        users.set_stopped(session, "+6281230000021", clocked.now())
        session.commit()
    assert "STOP" in visitor.get(f"/users/{user_id}").text
    for phone in ("081230000022", "", "081230000021"):
        visitor.post(f"/users/{user_id}/phone", data={"phone": phone})
    assert find(clocked, "petugas").stopped_at is not None


def test_a_wrong_number_or_another_areas_user_is_not_taken(
    visitor: FlaskClient, clocked: ClockedRuntime, me: User
) -> None:
    user_id = add_user(clocked, "petugas", Role.OFFICER, "14.03.01")
    answer = visitor.post(f"/users/{user_id}/phone", data={"phone": "12"})
    assert answer.status_code == 422
    assert 'value="12"' in answer.text
    other = add_user(clocked, "lain", Role.OFFICER, "15.01.01")
    assert visitor.post(f"/users/{other}/phone", data={"phone": "081230000021"}).status_code == 404
    assert find(clocked, "lain").phone is None
