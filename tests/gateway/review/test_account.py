"""One's own account: name and language, password, second factor and recovery codes, and where one is signed in."""

from __future__ import annotations

import re
import stat
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from gateway import keybox
from gateway.app import create_app
from gateway.redact import Secret
from gateway.review.pages.account import find_browser
from gateway.runtime import Runtime
from gateway.store import factors, users
from tests.gateway.review.clocked import (
    PASSWORD,
    ClockedRuntime,
    add_user,
    cookie,
    give_password,
    take_token,
    token_of,
)
from tests.gateway.review.visits import Page

OTHER = "lain sekali dari itu"


@pytest.fixture
def app(clocked: ClockedRuntime) -> Flask:
    """The application by the test's clock."""
    return create_app(clocked)


@pytest.fixture
def sari(visitor: FlaskClient) -> FlaskClient:
    """Sari's browser, signed in."""
    give_password(visitor, "sari")
    take_token(visitor)
    return visitor


def find_sari(clocked: ClockedRuntime) -> users.User:
    """Return sari as the database has her."""
    with clocked.database.session(read_only=True) as session:
        found = users.find_by_login(session, "sari")
    assert found
    return found


def read_secret(page: TestResponse) -> str:
    """Return the secret that the set-up page shows, as somebody types it into the app."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
    assert found
    return found.group(1).replace(" ", "")


def set_up_code(visitor: FlaskClient, clocked: ClockedRuntime) -> tuple[pyotp.TOTP, list[str]]:
    """Set up the second factor and return the app and the recovery codes."""
    page = visitor.get("/account/code")
    app = pyotp.TOTP(read_secret(page))
    locked = Page(page).hidden("secret")
    kept = visitor.post("/account/code", data={"secret": locked, "code": app.at(clocked.now())})
    assert kept.status_code == 200, kept.text
    take_token(visitor)
    return app, re.findall(r"<code>([\w-]{19})</code>", kept.text)


def give_code(visitor: FlaskClient, code: str) -> TestResponse:
    """Sign in with the password, then with a code."""
    give_password(visitor, "sari")
    form = visitor.get("/login/code")
    return visitor.post("/login/code", data={"code": code, "csrf": token_of(form)})


def test_name_and_language_are_kept_and_the_pages_speak_it(app: Flask, sari: FlaskClient) -> None:
    sari.post("/account", data={"name": "Sari Dewi", "language": "en"})
    page = sari.get("/account")
    assert "My account" in page.text
    assert "Sari Dewi" in page.text
    assert sari.post("/account", data={"name": " ", "language": "en"}).status_code == 422
    assert sari.post("/account", data={"name": "x" * 101, "language": "id"}).status_code == 422


def test_another_password_needs_the_old_one_and_signs_out_everywhere_else(app: Flask, sari: FlaskClient) -> None:
    elsewhere = app.test_client()
    give_password(elsewhere, "sari")
    stolen = cookie(sari)
    wrong = sari.post("/account/password", data={"old": "wrong password", "password": OTHER, "again": OTHER})
    assert wrong.status_code == 422
    weak = sari.post("/account/password", data={"old": PASSWORD, "password": "sari lestari", "again": "sari lestari"})
    assert "nama masuk Anda sendiri" in weak.text
    assert sari.post("/account/password", data={"old": PASSWORD, "password": OTHER, "again": OTHER}).status_code == 303
    assert sari.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    thief = app.test_client()
    thief.set_cookie("kabar_session", stolen)
    assert thief.get("/account").status_code == 303
    assert give_password(app.test_client(), "sari").status_code == 422
    assert give_password(app.test_client(), "sari", OTHER).status_code == 303


def test_a_second_factor_is_asked_for_after_the_password(
    app: Flask, sari: FlaskClient, clocked: ClockedRuntime
) -> None:
    phone, _ = set_up_code(sari, clocked)
    clocked.pass_time(seconds=60)
    browser = app.test_client()
    answer = give_password(browser, "sari")
    assert answer.headers["Location"].startswith("/login/code")
    half = cookie(browser)
    assert browser.get("/account").status_code == 303, "the password alone opens nothing"
    assert give_code(browser, "000000").status_code == 422
    assert give_code(browser, phone.at(clocked.now())).status_code == 303
    assert browser.get("/account").status_code == 200
    thief = app.test_client()
    thief.set_cookie("kabar_session", half)
    assert thief.get("/account").status_code == 303, "with the second factor comes a new token"


def test_a_code_works_once_and_not_from_long_ago(app: Flask, sari: FlaskClient, clocked: ClockedRuntime) -> None:
    phone, _ = set_up_code(sari, clocked)
    assert give_code(app.test_client(), phone.at(clocked.now())).status_code == 422, "setting up has used it"
    clocked.pass_time(minutes=3)
    old = phone.at(clocked.now())
    assert give_code(app.test_client(), old).status_code == 303
    assert give_code(app.test_client(), old).status_code == 422
    clocked.pass_time(seconds=30)
    assert give_code(app.test_client(), phone.at(clocked.now() - timedelta(seconds=90))).status_code == 422


def test_each_recovery_code_works_once_however_it_is_typed(
    app: Flask, sari: FlaskClient, clocked: ClockedRuntime
) -> None:
    _, codes = set_up_code(sari, clocked)
    assert len(set(codes)) == 10
    typed = codes[0].upper().replace("-", " ")
    assert give_code(app.test_client(), typed).status_code == 303
    assert give_code(app.test_client(), codes[0]).status_code == 422
    assert give_code(app.test_client(), codes[1]).status_code == 303
    assert "Sisa kode pemulihan: 8" in sari.get("/account").text
    renewed = re.findall(r"<code>([\w-]{19})</code>", sari.post("/account/recovery").text)
    assert give_code(app.test_client(), codes[2]).status_code == 422
    assert give_code(app.test_client(), renewed[0]).status_code == 303


def test_codes_cannot_be_guessed_quickly(app: Flask, sari: FlaskClient, clocked: ClockedRuntime) -> None:
    phone, _ = set_up_code(sari, clocked)
    clocked.pass_time(minutes=2)
    for number in range(5):
        assert give_code(app.test_client(), f"00000{number}").status_code == 422
    assert give_code(app.test_client(), phone.at(clocked.now())).status_code == 429


def test_the_second_factor_is_awaited_for_ten_minutes(app: Flask, sari: FlaskClient, clocked: ClockedRuntime) -> None:
    phone, _ = set_up_code(sari, clocked)
    browser = app.test_client()
    give_password(browser, "sari")
    token = token_of(browser.get("/login/code"))
    clocked.pass_time(minutes=11)
    late = browser.post("/login/code", data={"code": phone.at(clocked.now()), "csrf": token})
    assert late.headers["Location"].startswith("/login")
    assert browser.get("/account").status_code == 303


def test_secrets_are_locked_in_the_database_with_a_key_that_only_we_read(
    sari: FlaskClient, clocked: ClockedRuntime
) -> None:
    phone, codes = set_up_code(sari, clocked)
    with clocked.database.session(read_only=True) as session:
        rows = repr([tuple(row) for row in session.execute(select(users.users))])
        rows += repr([tuple(row) for row in session.execute(select(factors.recovery_codes))])
    assert phone.secret not in rows
    assert not [code for code in codes if code in rows or code.replace("-", "") in rows]
    key = clocked.settings.var / keybox.KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert keybox.unlock(Secret("another key of at least 32 characters"), keybox.lock(Secret("k" * 32), "x")) is None


def test_the_picture_for_the_app_needs_no_style_and_no_file(sari: FlaskClient) -> None:
    page = Page(sari.get("/account/code"))
    assert [tag for tag, _ in page.tags].count("svg") == 1
    assert not [tag for tag, attrs in page.tags if "style" in attrs]
    (link,) = (str(attrs["href"]) for tag, attrs in page.tags if tag == "a" and "otpauth" in str(attrs.get("href")))
    assert link.startswith("otpauth://totp/Kabar:sari?secret=")


def test_another_users_set_up_page_is_not_taken(app: Flask, sari: FlaskClient, clocked: ClockedRuntime) -> None:
    add_user(clocked, "budi")
    budi = app.test_client()
    give_password(budi, "budi")
    page = budi.get("/account/code")
    code = pyotp.TOTP(read_secret(page)).at(clocked.now())
    sari.post("/account/code", data={"secret": Page(page).hidden("secret"), "code": code})
    with clocked.database.session(read_only=True) as session:
        user = users.find_by_login(session, "sari")
    assert user
    assert not user.has_totp


def test_changing_proofs_asks_for_the_password_again_after_a_while(sari: FlaskClient, clocked: ClockedRuntime) -> None:
    set_up_code(sari, clocked)
    clocked.pass_time(minutes=31)
    for path in ("/account/recovery", "/account/code/drop", "/account/code"):
        assert sari.post(path).headers["Location"].startswith("/account/confirm"), path
    assert sari.get("/account/code").headers["Location"].startswith("/account/confirm")
    assert sari.post("/account/confirm", data={"password": PASSWORD, "next": "//evil.example"}).location == "/account"
    take_token(sari)
    assert sari.post("/account/code/drop").headers["Location"] == "/account"
    assert give_password(sari, "sari").headers["Location"] == "/"


def test_where_one_is_signed_in_is_listed_and_can_be_ended(app: Flask, sari: FlaskClient) -> None:
    phone, library = app.test_client(), app.test_client()
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"}
    for browser in (phone, library):
        browser.post("/login", data={"login": "sari", "password": PASSWORD}, headers=agent)
    page = sari.get("/account")
    assert page.text.count("Chrome, Android") == 2
    (first, _) = re.findall(r'action="(/account/visits/\d+/end)"', page.text)
    sari.post(first)
    assert sorted(browser.get("/account").status_code for browser in (phone, library)) == [200, 303]
    sari.post("/account/elsewhere")
    assert {browser.get("/account").status_code for browser in (phone, library)} == {303}
    assert sari.get("/account").status_code == 200


def test_a_role_that_must_have_a_second_factor_sees_nothing_before_it_has_one(
    clocked: ClockedRuntime, visitor: FlaskClient
) -> None:
    strict = ClockedRuntime(
        **{name: getattr(clocked, name) for name in Runtime.__dataclass_fields__ if name != "settings"},
        settings=clocked.settings.model_copy(update={"code_roles": "district, administrator"}),
        clock=clocked.clock,
    )
    browser = create_app(strict).test_client()
    give_password(browser, "sari")
    for path in ("/users", "/audit"):
        assert browser.get(path).headers["Location"] == "/account/code"
    take_token(browser, "/account/code")
    set_up_code(browser, strict)
    assert browser.get("/audit").status_code == 403, "signed in, and refused for the role"
    assert "Matikan" not in browser.get("/account").text


def test_ones_own_number_is_kept_as_it_can_be_dialled_and_taken_away_again(
    sari: FlaskClient, clocked: ClockedRuntime
) -> None:
    assert sari.post("/account/phone", data={"phone": "0812 3000 0021"}).status_code == 303
    assert find_sari(clocked).phone == "+6281230000021"
    assert 'value="0812-3000-0021"' in sari.get("/account").text
    assert sari.post("/account/phone", data={"phone": " "}).status_code == 303
    assert find_sari(clocked).phone is None


@pytest.mark.parametrize("typed", ["12", "021-555-1234", "sari", "0812"])
def test_what_is_no_mobile_number_is_told_beside_it_and_stays(
    sari: FlaskClient, clocked: ClockedRuntime, typed: str
) -> None:
    answer = sari.post("/account/phone", data={"phone": typed})
    assert answer.status_code == 422
    assert "Ini bukan nomor HP" in answer.text
    assert f'value="{typed}"' in answer.text
    assert find_sari(clocked).phone is None


def test_who_sent_stop_takes_it_back_or_gives_another_number(sari: FlaskClient, clocked: ClockedRuntime) -> None:
    def stop(phone: str) -> None:
        with clocked.database.session() as session:
            users.set_stopped(session, phone, clocked.now())
            session.commit()

    sari.post("/account/phone", data={"phone": "081230000021"})
    stop("+6281230000021")
    assert "Anda sudah mengirim STOP" in sari.get("/account").text
    sari.post("/account/phone", data={"phone": "081230000021"})
    assert find_sari(clocked).stopped_at is not None, "the same number has still sent STOP"
    sari.post("/account/phone/again")
    assert find_sari(clocked).stopped_at is None
    stop("+6281230000021")
    sari.post("/account/phone", data={"phone": "081230000022"})
    assert find_sari(clocked).stopped_at is None


def test_an_unknown_browser_is_called_by_nothing() -> None:
    assert find_browser("curl/8") == ""
