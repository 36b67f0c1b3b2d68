"""The phone on the pages dials: a session by forms alone, a step shown again for a step sent again, and in training."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway import sandbox
from gateway.app import create_app
from gateway.lines import DialogueState
from gateway.runtime import Runtime, utc_now
from gateway.store import reports
from tests.dialling import sessions_of
from tests.gateway.review.test_sandbox import every_row
from tests.gateway.review.visits import ANI, Page, sign_in


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what the store does on each is shown where hops are taken."""
    return sqlite_url


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what sandboxes are copied from, made once for all tests."""
    var = tmp_path_factory.mktemp("ground")
    sandbox.start_over(var, 0, utc_now())
    return var / "sandbox"


class Phone:
    """The phone on the page, in somebody's hand."""

    def __init__(self, browser: FlaskClient, **whose: str) -> None:
        self.browser = browser
        self.whose = whose
        self.page = Page(browser.get("/phone/ussd"))
        self.status = 200

    @property
    def fields(self) -> dict[str, str]:
        """What the form has hidden in it."""
        hidden = [attrs for tag, attrs in self.page.tags if tag == "input" and attrs.get("type") == "hidden"]
        return {str(one["name"]): str(one["value"]) for one in hidden if one["name"] in {"key", "session", "reporter"}}

    def send(self, typed: str = "", **more: str) -> str:
        """Send the form as it stands, and return the words of the page that follows."""
        return self.post(self.fields | self.whose | {"typed": typed} | more)

    def post(self, fields: dict[str, str]) -> str:
        """Send fields, and return the words of the page that follows."""
        answer = self.browser.post("/phone/ussd", data=fields)
        self.page, self.status = Page(answer), answer.status_code
        return self.page.words

    def walk(self, *typed: str) -> str:
        """Dial, then answer one screen after another; return the words of the last page."""
        words = self.send("*123#")
        for one in typed:
            words = self.send(one)
        return words


def stored(runtime: Runtime) -> list[dict[str, int]]:
    """Return the figures of every report that is stored."""
    with runtime.database.session(read_only=True) as session:
        return [dict(report.values) for report, _ in reports.latest_reports(session)]


def states(runtime: Runtime) -> list[str]:
    """Return what became of Ani's sessions."""
    with runtime.database.session(read_only=True) as session:
        return [one.state for one in sessions_of(session, ANI)]


def test_a_report_goes_in_screen_by_screen_by_forms_alone(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    phone = Phone(visitor)
    assert "Peserta AKTIF?" in phone.walk("1", "1", "5")
    assert "AKTIF 40" in phone.send("40")
    assert "Terima kasih" in phone.send("1")
    assert "Sesi selesai." in phone.page.words
    assert stored(runtime) == [{"baru": 5, "aktif": 40}]
    assert "session" not in phone.fields


def test_a_report_is_dialled_whole(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    code = Page(visitor.get("/phone/ussd?example=1"))
    dialled = next(attrs["value"] for tag, attrs in code.tags if tag == "input" and attrs.get("name") == "typed")
    phone = Phone(visitor)
    assert "BARU 13" in phone.send(str(dialled))
    phone.send("1")
    assert [values["baru"] for values in stored(runtime)] == [13]


def test_a_double_click_and_an_old_page_show_where_the_session_stands(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    phone = Phone(visitor)
    phone.walk("1", "1")
    old = phone.fields | {"typed": "5"}
    assert "Peserta AKTIF?" in phone.post(old)
    assert "Peserta AKTIF?" in phone.post(old)
    assert "AKTIF 40" in phone.send("40")
    assert "AKTIF 40" in phone.post(old | {"typed": "6"})
    phone.send("1")
    assert stored(runtime) == [{"baru": 5, "aktif": 40}]


def test_a_phone_that_is_put_down_leaves_a_draft_that_the_next_dial_offers(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    phone = Phone(visitor)
    phone.walk("1", "1", "5")
    assert "Dial kode layanannya" in phone.send("", over="1")
    assert states(runtime) == [DialogueState.DRAFT]
    assert "Lanjutkan" in phone.send("*123#")
    assert stored(runtime) == []


def test_a_number_that_is_not_registered_may_dial_and_is_told_how_to_register(visitor: FlaskClient, ani: int) -> None:
    phone = Phone(visitor)
    fields = {"key": phone.fields["key"], "typed": "*123#"}
    assert "DAFTAR" in phone.post(fields | {"number": "0812 0000 9001"})
    assert phone.status == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"typed": "1" * 183, "reporter": "1"}, "paling banyak 182 huruf"),
        ({"typed": "*123#", "reporter": "99"}, "Bidan ini sudah tidak ada"),
        ({"typed": "*123#", "reporter": "9" * 5000}, "Bidan ini sudah tidak ada"),
        ({"typed": "*123#", "number": "12"}, "Ini bukan nomor ponsel"),
    ],
)
def test_what_cannot_be_dialled_is_said_in_words(
    visitor: FlaskClient, runtime: Runtime, ani: int, fields: dict[str, str], words: str
) -> None:
    phone = Phone(visitor)
    assert words in phone.post(fields)
    assert phone.status == 422
    assert states(runtime) == []


def test_in_training_a_report_is_handled_at_once_and_gets_nowhere_else(
    runtime: Runtime, ground: Path, ani: int
) -> None:
    shutil.copytree(ground, runtime.settings.var / "sandbox")
    trainee = create_app(replace(runtime, channels={}, ussd={})).test_client()
    sign_in(trainee, runtime, "officer", "14.03.09")
    phone = Phone(trainee)
    before = every_row(runtime.database)
    assert "Terima kasih" in phone.walk("1", "1", "5", "40", "1")
    assert "Diterima" in Page(trainee.get("/phone")).words
    assert every_row(runtime.database) == before
    phone.walk("1", "1", "5")
    phone.send("", over="1")
    assert "Lanjutkan" in phone.send("*123#")
    trainee.environ_base.pop("HTTP_X_CSRF_TOKEN")
    phone.send("1")
    assert phone.status == 403


def test_where_there_is_no_phone_nobody_dials(runtime: Runtime, app: Flask) -> None:
    browser = create_app(replace(runtime, channels={}, ussd={})).test_client()
    assert browser.post("/phone/ussd", data={"typed": "*123#", "number": "081200009001"}).status_code == 404
