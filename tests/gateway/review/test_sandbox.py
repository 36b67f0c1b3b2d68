"""The phone for training: what staff practise there stays there, and is theirs alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway import sandbox
from gateway.app import create_app
from gateway.channels.base import SmsChannel
from gateway.runtime import Runtime, utc_now
from gateway.store import schema
from gateway.store.base import Database, metadata
from gateway.values import ChannelLimits, HttpRequest, InboundSms, OutboundSms, SentSms
from tests.gateway.review.visits import Page, sign_in

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
FAR = {"REMOTE_ADDR": "203.0.113.9"}


class Recorder(SmsChannel):
    """A real channel's place: whatever is handed to it is written down, and would have gone out."""

    name = "modem1"
    limits = ChannelLimits(per_second=100.0)

    def __init__(self) -> None:
        self.sent: list[OutboundSms] = []

    def verify(self, request: HttpRequest, now: datetime) -> None:
        """Take everybody's word."""

    def read_sms(self, request: HttpRequest) -> tuple[InboundSms, ...]:
        """Bring nothing."""
        return ()

    def send(self, sms: OutboundSms) -> SentSms:
        """Write it down."""
        self.sent.append(sms)
        return SentSms(provider_id=sms.ref)


@pytest.fixture
def modem() -> Recorder:
    """The only channel of the house: there is no simulator, as in a district at work."""
    return Recorder()


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what sandboxes are copied from, made once for all tests."""
    var = tmp_path_factory.mktemp("ground")
    sandbox.start_over(var, 0, utc_now())
    return var / "sandbox"


@pytest.fixture
def app(runtime: Runtime, modem: Recorder, ground: Path) -> Flask:
    """A district at work."""
    shutil.copytree(ground, runtime.settings.var / "sandbox")
    return create_app(replace(runtime, channels={"modem1": modem}))


@pytest.fixture
def trainee(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser somewhere, signed in as a kecamatan officer."""
    return sign_in_afar(app, runtime)


def sign_in_afar(app: Flask, runtime: Runtime) -> FlaskClient:
    """Return a browser on another computer that is signed in as somebody new."""
    browser = app.test_client()
    sign_in(browser, runtime, "officer", "14.03.09")
    browser.environ_base |= FAR
    return browser


def practise(browser: FlaskClient, text: str, **fields: str) -> str:
    """Send a text by the phone of the first midwife, or by another one, and return the page that follows."""
    page = Page(browser.get("/phone"))
    chosen = fields or {"reporter": page.hidden("reporter")}
    answer = browser.post("/phone", data={"key": page.hidden("key"), "text": text} | chosen)
    assert answer.status_code == 303, answer.text
    return Page(browser.get(answer.headers["Location"])).words


def every_row(database: Database) -> Mapping[str, list[tuple[object, ...]]]:
    """Return all that a database holds, table by table."""
    assert schema.newest_version()  # every table is known by now
    with database.session(read_only=True) as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def test_a_trainee_sends_a_report_and_is_answered_at_once(trainee: FlaskClient) -> None:
    words = practise(trainee, REPORT)
    assert "BARU 12 AKTIF 40 (PIL 30)" in words
    assert "Sampai di ponsel" in words
    assert "Latihan: tidak ada yang masuk ke data sebenarnya" in words


def test_whatever_is_done_in_training_the_real_database_stays_as_it_is(
    trainee: FlaskClient, runtime: Runtime, modem: Recorder, ani: int
) -> None:
    before = every_row(runtime.database)
    for text in (REPORT, "KB 0925 BARU 13", "AKTIF 41", "YA", "BATAL", "CEK", "BANTU", "STOP", "DAFTAR Rina", "\u202e"):
        practise(trainee, text)
    practise(trainee, "DAFTAR Rina PMB Rina", number="0812 0000 0101")
    trainee.get("/live")
    assert trainee.post("/phone/new").status_code == 303
    practise(trainee, REPORT)
    assert every_row(runtime.database) == before
    assert modem.sent == []


def test_in_training_every_message_is_answered_however_many_there_are(trainee: FlaskClient) -> None:
    for _ in range(15):
        words = practise(trainee, "CEK")
    assert "sudah cukup banyak dijawab" not in words


def test_starting_over_makes_the_practice_data_new(trainee: FlaskClient) -> None:
    practise(trainee, REPORT)
    again = Page(trainee.get(trainee.post("/phone/new").headers["Location"])).words
    assert "BARU 12 AKTIF 40 (PIL 30)" not in again
    assert "Bahan latihan sudah seperti baru." in again
    assert "BARU 12 AKTIF 40 (PIL 30)" in practise(trainee, REPORT)


def test_two_trainees_do_not_meet(app: Flask, runtime: Runtime) -> None:
    first, second = sign_in_afar(app, runtime), sign_in_afar(app, runtime)
    practise(first, REPORT)
    assert "BARU 12 AKTIF 40 (PIL 30)" not in Page(second.get("/phone")).words
    second.post("/phone/new")
    assert "BARU 12 AKTIF 40 (PIL 30)" in Page(first.get("/phone")).words


def test_a_double_click_in_training_keeps_one_message(trainee: FlaskClient) -> None:
    page = Page(trainee.get("/phone"))
    fields = {"key": page.hidden("key"), "text": "CEK", "reporter": page.hidden("reporter")}
    first, second = trainee.post("/phone", data=fields), trainee.post("/phone", data=fields)
    assert first.headers["Location"] == second.headers["Location"]
    assert trainee.get(first.headers["Location"]).text.count('class="hers"') == 1


def test_a_report_of_training_leads_to_no_real_page(trainee: FlaskClient) -> None:
    practise(trainee, REPORT)
    links = [str(attrs.get("href")) for tag, attrs in Page(trainee.get("/phone")).tags if tag == "a"]
    assert not [link for link in links if link.startswith("/reports/")]


def test_training_needs_somebody_signed_in_and_a_form_of_ours(app: Flask, trainee: FlaskClient) -> None:
    stranger = app.test_client()
    assert stranger.get("/phone", environ_overrides=FAR).headers["Location"].startswith("/login")
    assert stranger.post("/phone/new").status_code == 403
    trainee.environ_base.pop("HTTP_X_CSRF_TOKEN")
    assert trainee.post("/phone", data={"text": REPORT, "number": "081200000101"}).status_code == 403
    assert trainee.post("/phone/new").status_code == 403


def test_beside_the_simulator_nothing_can_be_made_anew(runtime: Runtime) -> None:
    here = create_app(runtime).test_client()
    sign_in(here, runtime)
    assert "Latihan: tidak ada" not in here.get("/phone").text
    assert here.post("/phone/new").status_code == 404
