"""The channels' page: how each one does, whose it is, what an SMS costs; never a secret."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.lines import ChannelHealth
from gateway.store import audit, channel_health, channels, traffic
from gateway.store.areas import Area, add_areas
from gateway.store.base import Database
from gateway.store.outbox import NewOutboxMessage, add, outbox
from gateway.values import Scope
from tests.district import PHONES, District, make_runtime
from tests.gateway.review.visits import sign_in

SECRET = "sangat-rahasia-sekali-123456"
OPTIONS = {"twilio": {"account_sid": f"AC{'0' * 32}", "auth_tokens": SECRET, "from_number": "+12025550123"}}


def hear(district: District, count: int, **back: float) -> None:
    """Let messages come, so many, a minute apart, so long ago."""
    now = district.runtime.now()
    district.pass_time(**{name: -value for name, value in back.items()})
    for _ in range(count):
        district.pass_time(minutes=1)
        district.keep("ani", "halo")
    district.set_clock(now)


def silent(district: District, scope: str = "") -> list[str]:
    """Return the channels that are silent against their usual."""
    with district.database.session(read_only=True) as session:
        found = channels.find_silent(session, district.runtime.now(), scope=Scope(scope), names=["simulator"])
    return [one.than for one in found]


def test_a_channel_is_silent_where_many_wrote_in_the_same_days_of_last_month(district: District) -> None:
    hear(district, 1, days=40)
    hear(district, 6, days=30, hours=5)
    hear(district, 1, hours=20)
    assert silent(district) == ["month"]
    hear(district, 1, hours=1)
    assert silent(district) == []


def test_a_quiet_time_is_no_silence_where_it_was_quiet_then_too(district: District) -> None:
    hear(district, 1, days=40)
    hear(district, 4, days=30, hours=5)
    hear(district, 1, hours=20)
    assert silent(district) == []


def test_a_young_channel_is_measured_by_the_week_before_and_a_new_one_by_nothing(district: District) -> None:
    hear(district, 1, hours=20)
    assert silent(district) == []
    hear(district, 1, days=9)
    hear(district, 6, days=7, hours=5)
    assert silent(district) == ["week"]


def test_the_silence_of_anothers_channel_is_not_told(district: District, budi: FlaskClient) -> None:
    hear(district, 1, days=40)
    hear(district, 6, days=30, hours=5)
    hear(district, 1, hours=20)
    assert budi.post("/channels/simulator", data={"area": "14.03", "price": "350"}).status_code == 303
    assert silent(district, "14.03") == silent(district, "14.03.01") == silent(district, "14") == ["month"]
    assert silent(district, "15.01") == []
    assert "Nothing has come since" in budi.get("/channels?lang=en").text


def test_the_price_and_the_area_are_kept_and_shown(district: District, budi: FlaskClient) -> None:
    budi.post("/channels/simulator", data={"area": "14.03", "price": "1.350"})
    page = budi.get("/channels").text
    assert 'value="1350"' in page
    assert re.search(r'value="14.03" selected', page)
    with district.database.session(read_only=True) as session:
        assert channels.prices_of(session, ["simulator"]) == {"simulator": 1350}


def test_a_budget_is_kept_and_says_what_is_left_of_it(district: District, budi: FlaskClient) -> None:
    chosen = {"area": "14.03", "price": "350", "budget": "10.000"}
    assert budi.post("/channels/simulator", data=chosen).status_code == 303
    page = budi.get("/channels?lang=en").text
    assert 'value="10000"' in page
    assert "22 reminders may still go out" in page
    assert "budget" not in budi.get("/month?lang=en").text
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    for count in range(23):
        add_message(district, f"m{count}")
    page = budi.get("/channels?lang=en").text
    assert "no more reminders this month" in page
    assert "Rp8,400, 24 SMS sent or waiting" in page
    alarm = "84 percent of this month’s budget of simulator is spent: no reminders go out, answers do."
    assert alarm in budi.get("/month?lang=en").text
    budi.post("/channels/simulator", data=chosen | {"budget": "8000"})
    assert "budget of simulator is spent (105 percent). Answers go out" in budi.get("/month?lang=en").text
    budi.post("/channels/simulator", data=chosen | {"budget": ""})
    assert "budget of simulator" not in budi.get("/month?lang=en").text
    with district.database.session(read_only=True) as session:
        details = [row.details["monthly_budget"] for row in session.execute(select(audit.audit.c.details))]
    assert details == [[None, 10000], [10000, 8000], [8000, None]]


def test_another_areas_budget_is_told_to_nobody_else(district: District, budi: FlaskClient) -> None:
    budi.post("/channels/simulator", data={"area": "14.03", "price": "350", "budget": "0"})
    officer, other = create_app(district.runtime).test_client(), create_app(district.runtime).test_client()
    sign_in(officer, district.runtime, "officer", "14.03.01")
    assert "budget of simulator is spent" in officer.get("/month?lang=en").text
    with district.database.session() as session:
        add_areas(session, [Area("15", None, "province", "Jambi", "Asia/Jakarta")])
        session.commit()
    sign_in(other, district.runtime, "administrator", "15")
    page = other.get("/month?lang=en")
    assert page.status_code == 200
    assert "budget" not in page.text


def add_message(district: District, ref: str) -> None:
    """Let a message wait to be sent."""
    with district.database.session() as session:
        add(session, NewOutboxMessage(None, "answer", "simulator", PHONES["ani"], ref, "t", district.runtime.now()))
        session.commit()


@pytest.mark.parametrize(
    "typed",
    [
        *({"price": "-1"}, {"price": "3,5"}, {"price": "1000000"}, {"area": "99.99"}),
        *({"budget": "-1", "price": "1"}, {"budget": "1000000001", "price": "1"}, {"price": "", "budget": "100"}),
    ],
)
def test_a_wrong_price_or_area_is_told_beside_it(budi: FlaskClient, typed: dict[str, str]) -> None:
    answer = budi.post("/channels/simulator", data={"area": "", "price": ""} | typed)
    assert answer.status_code == 422
    assert f"{next(iter(typed))}-simulator-fault" in answer.text


def test_what_waits_and_what_failed_today_is_counted(district: District) -> None:
    now = district.runtime.now()
    with district.database.session() as session:
        for at, state in [(now, "queued"), (now, "failed"), (now - timedelta(days=2), "failed"), (now, "delivered")]:
            ref = add(session, NewOutboxMessage(None, "answer", "simulator", PHONES["ani"], "x", "t", at))
            values = {"state": state, "sent_at": at if state == "delivered" else None}
            session.execute(outbox.update().where(outbox.c.ref == ref).values(values))
        [found] = traffic.traffic_of(session, ["simulator"], now, scope=Scope("14.03"))
    assert (found.waiting, found.failed, found.sent_at) == (1, 1, now)


def test_no_secret_of_a_channel_is_shown(database: Database, tmp_path: Path) -> None:
    runtime = make_runtime(database, tmp_path / "var", channels="twilio", channel_options=OPTIONS)
    browser = create_app(runtime).test_client()
    sign_in(browser, runtime, "administrator", "")
    page = browser.get("/channels")
    assert page.status_code == 200
    assert "auth_tokens" in page.text
    assert SECRET not in page.text
    assert OPTIONS["twilio"]["account_sid"] in page.text


@pytest.mark.parametrize("role", ["viewer", "officer", "district"])
def test_who_does_not_administer_is_told_so(district: District, role: str) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, "14.03")
    assert browser.get("/channels").status_code == 403
    assert browser.post("/channels/simulator", data={"area": "", "price": "1"}).status_code == 403


def test_an_administrator_of_one_area_cannot_take_anothers_channel(district: District, budi: FlaskClient) -> None:
    budi.post("/channels/simulator", data={"area": "14.03", "price": "350"})
    other = create_app(district.runtime).test_client()
    sign_in(other, district.runtime, "administrator", "15.01")
    assert "simulator" not in re.sub(r"<table.*?</table>", "", other.get("/channels").text, flags=re.DOTALL)
    assert other.post("/channels/simulator", data={"area": "15.01", "price": "1"}).status_code == 404
    assert budi.post("/channels/gone", data={"area": "", "price": "1"}).status_code == 404


def test_the_way_to_how_the_server_does_stands_there(budi: FlaskClient) -> None:
    page = budi.get("/channels?lang=id").text
    assert re.search(r'href="/status">Keadaan server sendiri', page)


def test_what_a_modem_says_of_itself_stands_there(district: District, budi: FlaskClient) -> None:
    now = district.runtime.now()
    health = ChannelHealth(True, "modem hidup / the modem is alive", now, 60, 80, "Rp 12.500")
    with district.database.session() as session:
        channel_health.save_health(session, "simulator", health, now)
        session.commit()
    page = budi.get("/channels?lang=en").text
    for words in ("the modem is alive", "60%", "80%", "Rp 12.500"):
        assert words in page
    ill = replace(health, is_well=False, words="modem mati; colokkan lagi / the modem is dead; plug it in again")
    with district.database.session() as session:
        channel_health.save_health(session, "simulator", ill, now)
        session.commit()
    page = budi.get("/channels?lang=en").text
    assert re.search(r'class="badge bad">to mend.*the modem is dead; plug it in again', page, re.DOTALL)
