"""Broadcasts: seen before they go, each number once, behind every answer, by day only, stopped when staff say so."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.calendar import Hours
from gateway.ladder import Manners
from gateway.store import audit, broadcasts, ladders, mornings, outbox, reporters
from gateway.store.audience import Audience, Routes, count_audience, list_people
from gateway.store.outbox import NewOutboxMessage
from gateway.values import ChannelLimits, Scope
from tests.district import PHONES, District
from tests.gateway.review.visits import Page, sign_in
from workers import broadcasts as errand
from workers.sweep import sweep

TEXT = "Rapat bidan Senin jam 9 di Puskesmas Damon."
ALL = {"area": "14.03", "text_id": TEXT, "form": "kb", "period": "2025-09"}
EVENING = datetime(2025, 10, 3, 14, 0, tzinfo=UTC)  # 21:00 in Bengkalis


@pytest.fixture
def app(district: District) -> Flask:
    """The web application in the district."""
    return create_app(district.runtime)


@pytest.fixture
def rina(app: Flask, district: District) -> FlaskClient:
    """A browser in which somebody of the regency's office is signed in."""
    browser = app.test_client()
    sign_in(browser, district.runtime)
    return browser


def draft(browser: FlaskClient, **typed: object) -> str:
    """Write a broadcast and return its address."""
    answer = browser.post("/broadcasts/new", data=ALL | typed)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def confirm(browser: FlaskClient, address: str) -> int:
    """See a draft and confirm it; return the answer's status."""
    seen = Page(browser.get(address)).hidden("seen")
    return browser.post(f"{address}/confirm", data={"seen": seen}).status_code


def rows(district: District) -> list[tuple[str, str, str]]:
    """Return (recipient, state, text) of every message of a broadcast."""
    columns = outbox.outbox.c
    statement = select(columns.recipient, columns.state, columns.text).where(columns.kind == broadcasts.KIND)
    with district.database.session(read_only=True) as session:
        return [tuple(row) for row in session.execute(statement.order_by(columns.recipient))]


def tile(page: str, name: str) -> str:
    """Return the value of a tile."""
    found = re.search(rf'class="name">{name}</p>\s*<p class="value">([^<]*)<', page)
    return found[1] if found else ""


def test_a_preview_counts_numbers_segments_and_cost_before_anything_goes(rina: FlaskClient, district: District) -> None:
    page = rina.get(f"{draft(rina)}?lang=en").text
    assert tile(page, "Numbers") == "6", "Ani has two phones, the clinic's two midwives share one, Noni has no facility"
    assert tile(page, "SMS in all") == "6"
    assert tile(page, "Cost") == "unknown"
    assert "0812-3000-0001" in page
    assert rows(district) == []


def test_confirmed_once_or_twice_each_number_is_written_to_once(rina: FlaskClient, district: District) -> None:
    address = draft(rina)
    seen = Page(rina.get(address)).hidden("seen")
    assert rina.post(f"{address}/confirm", data={"seen": seen}).status_code == 303
    assert rina.post(f"{address}/confirm", data={"seen": seen}).status_code == 303
    assert "satu kali" in rina.get(address).text
    errand.drain(district.runtime)
    errand.drain(district.runtime)
    recipients = [recipient for recipient, _, _ in rows(district)]
    assert len(recipients) == 6
    assert sorted(set(recipients)) == recipients
    assert {text for _, _, text in rows(district)} == {TEXT}
    with district.database.session(read_only=True) as session:
        sent = session.execute(select(audit.audit.c.details).where(audit.audit.c.action == "send")).scalars().all()
    assert [one["recipients"] for one in sent] == [6]
    assert "+62" not in str(sent)


def test_a_large_group_is_queued_piece_by_piece_and_nobody_is_left_out(
    rina: FlaskClient, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "PIECE", 2)
    address = draft(rina)
    confirm(rina, address)
    assert len(rows(district)) == 2
    assert errand.drain(district.runtime) == 4
    assert len(rows(district)) == 6
    with district.database.session(read_only=True) as session:
        assert not broadcasts.has_unqueued(session)


@pytest.mark.parametrize(
    ("wished", "reached"),
    [
        ({"language": "en"}, {"eve"}),
        ({"types": ["PUSKESMAS", "PUSTU"]}, {"budi", "wati"}),
        ({"about": "reported"}, {"ani", "ani2"}),
        ({"about": "missing", "types": ["PMB"]}, {"wati", "clinic", "eve"}),
        ({"about": "reported", "period": "2025-08"}, set()),
    ],
)
def test_a_group_is_who_was_wished_for(
    rina: FlaskClient, district: District, wished: dict[str, object], reached: set[str]
) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    page = rina.get(draft(rina, **wished))
    numbers = {name for name, phone in PHONES.items() if f"0812-3000-{phone[-4:]}" in page.text}
    assert numbers == reached


def test_each_reads_her_language_and_the_other_text_where_there_is_none(rina: FlaskClient, district: District) -> None:
    confirm(rina, draft(rina, text_en="Meeting on Monday."))
    texts = {recipient: text for recipient, _, text in rows(district)}
    assert texts[PHONES["eve"]] == "Meeting on Monday."
    assert texts[PHONES["ani"]] == TEXT
    page = rina.get(draft(rina), query_string={"lang": "en"}).text
    assert "they get the other one" in page


def test_who_has_sent_stop_gets_nothing_also_after_it_was_queued(rina: FlaskClient, district: District) -> None:
    district.say("budi", "STOP")
    address = draft(rina)
    assert tile(rina.get(f"{address}?lang=en").text, "Numbers") == "5"
    confirm(rina, address)
    district.say("eve", "STOP")
    states = {recipient: state for recipient, state, _ in rows(district)}
    assert states[PHONES["budi"]] == states[PHONES["eve"]] == "withheld"
    assert states[PHONES["ani"]] == "queued"


def test_an_answer_goes_before_a_broadcast_that_was_there_first(rina: FlaskClient, district: District) -> None:
    confirm(rina, draft(rina))
    answer = NewOutboxMessage(None, "answer", "simulator", PHONES["ani"], "jawaban", "t", district.runtime.now())
    with district.database.session() as session:
        outbox.add(session, answer)
        session.execute(outbox.outbox.update().values(next_try_at=None, send_until=None))  # by day, on this machine
        first = outbox.claim(session, "simulator", ChannelLimits(per_second=1000)).messages
    assert [one.text for one in first] == ["jawaban"]


def test_at_night_it_waits_for_the_morning_and_what_is_left_in_the_evening_for_the_next(
    rina: FlaskClient, district: District
) -> None:
    district.set_clock(EVENING)
    sign_in(rina, district.runtime)
    address = draft(rina)
    assert "mulai 4 Okt, 08.00 WIB" in rina.get(address).text
    confirm(rina, address)
    columns = outbox.outbox.c
    times = select(columns.next_try_at, columns.send_until).distinct()
    morning, night = datetime(2025, 10, 4, 1, 0, tzinfo=UTC), datetime(2025, 10, 4, 13, 0, tzinfo=UTC)
    with district.database.session() as session:
        assert session.execute(times).all() == [(morning, night)]
        assert mornings.wait_for_morning(session, night - timedelta(seconds=1)) == 0
        assert mornings.wait_for_morning(session, night) == 6
        day = timedelta(days=1)
        assert session.execute(times).all() == [(morning + day, night + day)]
        assert mornings.wait_for_morning(session, night + 5 * day + timedelta(hours=1)) == 6
        assert session.execute(times).all() == [(morning + 6 * day, night + 6 * day)]


def test_the_preview_goes_by_the_hours_that_the_area_chose(rina: FlaskClient, district: District) -> None:
    with district.database.session() as session:
        ladders.choose_manners(session, Manners("14.03", Hours(14, 16)), scope=Scope(""))
        session.commit()
    assert "mulai 14.00 WIB" in rina.get(draft(rina)).text, "at noon"


def test_a_message_whose_evening_has_come_is_not_claimed(rina: FlaskClient, district: District) -> None:
    confirm(rina, draft(rina))  # its evening is long past by this machine's clock
    with district.database.session() as session:
        assert outbox.claim(session, "simulator", ChannelLimits()).messages == ()


def test_the_rest_is_stopped_and_the_page_tells_how_far_it_came(rina: FlaskClient, district: District) -> None:
    address = draft(rina)
    confirm(rina, address)
    with district.database.session() as session:
        columns = outbox.outbox.c
        first = session.execute(select(columns.id).order_by(columns.id).limit(1)).scalar_one()
        session.execute(outbox.outbox.update().where(columns.id == first).values(state="sent"))
        session.commit()
    assert rina.post(f"{address}/stop").status_code == 303
    assert sorted(state for _, state, _ in rows(district)) == ["sent"] + ["withheld"] * 5
    page = rina.get(f"{address}?lang=en").text
    assert tile(page, "Sent") == "1"
    assert tile(page, "Withheld") == "5"
    assert "you stopped the broadcast" in page
    rina.post(f"{address}/stop")
    assert "sudah selesai" in rina.get(f"{address}?lang=id").text


def test_a_group_that_has_changed_is_seen_again_before_it_goes(rina: FlaskClient, district: District) -> None:
    address = draft(rina, about="missing")
    seen = Page(rina.get(address)).hidden("seen")
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    assert rina.post(f"{address}/confirm", data={"seen": seen}).status_code == 422
    assert rows(district) == []
    assert confirm(rina, address) == 303
    assert len(rows(district)) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ā" * 71, "UCS-2"),
        ("Transfer dana 12345", "dana"),
        ("a" * 161, "2 SMS"),
    ],
)
def test_what_a_text_costs_is_told_while_it_is_written(rina: FlaskClient, text: str, told: str) -> None:
    page = rina.post("/broadcasts/weigh?lang=en", data={"text_id": text}).text
    assert told in page
    assert told in rina.get(draft(rina, text_id=text) + "?lang=en").text


@pytest.mark.parametrize("typed", [{"text_id": " "}, {"text_id": "a" * 460}])
def test_a_text_that_cannot_go_is_told_beside_it_and_stays(rina: FlaskClient, typed: dict[str, str]) -> None:
    answer = rina.post("/broadcasts/new", data=ALL | typed)
    assert answer.status_code == 422
    assert "text_id-fault" in answer.text
    assert typed["text_id"].strip() in answer.text


def test_a_draft_is_changed_and_thrown_away(rina: FlaskClient, district: District) -> None:
    address = draft(rina)
    assert TEXT in rina.get(f"{address}/edit").text
    assert rina.post(f"{address}/edit", data=ALL | {"text_id": "Rapat batal."}).status_code == 303
    assert "Rapat batal." in rina.get(address).text
    assert rina.post(f"{address}/drop").status_code == 303
    assert "Rapat batal." not in rina.get("/broadcasts").text
    assert rina.get(f"{address}/edit").status_code == 404


def test_another_area_neither_sees_nor_sends_nor_stops_it(app: Flask, rina: FlaskClient, district: District) -> None:
    address = draft(rina)
    other = app.test_client()
    sign_in(other, district.runtime, area="15.01")
    assert other.get(address).status_code == 404
    for what in ("confirm", "stop", "drop", "edit"):
        assert other.post(f"{address}/{what}", data=ALL | {"area": "15.01"}).status_code == 404, what
    assert other.post("/broadcasts/new", data=ALL).status_code == 404
    assert TEXT not in other.get("/broadcasts").text
    assert confirm(rina, address) == 303


@pytest.mark.parametrize("role", ["viewer", "officer"])
def test_who_may_not_send_to_many_is_told_so(app: Flask, district: District, role: str) -> None:
    browser = app.test_client()
    sign_in(browser, district.runtime, role, "14.03.01")
    for address in ("/broadcasts", "/broadcasts/new", "/broadcasts/1"):
        assert browser.get(address).status_code == 403, address
    assert browser.post("/broadcasts/new", data=ALL).status_code == 403


def test_the_list_and_the_empty_list_speak_both_languages(rina: FlaskClient) -> None:
    assert "Belum ada siaran" in rina.get("/broadcasts?lang=id").text
    assert "No broadcast yet" in rina.get("/broadcasts?lang=en").text
    draft(rina)
    assert TEXT in rina.get("/broadcasts").text


def test_who_is_bound_to_a_channel_is_written_to_by_that_one_only(district: District) -> None:
    routes = Routes({"simulator": "", "modem": "14.03", "twilio": ""}, only_bound={"simulator"})
    assert routes.choose("simulator", "twilio", "14.03.01") == "simulator"
    assert routes.choose("gone", "twilio", "14.03.01") is None
    assert routes.choose(None, "simulator", "14.03.01") == "modem"
    assert routes.choose(None, "twilio", "14.03.01") == "twilio"
    assert routes.choose(None, "gone", "15.01.01") == "twilio"
    with district.database.session() as session:
        reporters.add_reporter(session, "Tamu", ["+6281230000077"], [district.ids["PMB01"]], only_channel="twilio")
        session.commit()
        whom = Audience("14.03")
        shares = count_audience(session, whom, Routes({"simulator": ""}), scope=Scope("14.03"))
    assert sum(one.count for one in shares if one.channel is None) == 1


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_page_by_page_every_number_is_listed_once(district: District, limit: int) -> None:
    found: list[str] = []
    place: int | None = 0
    with district.database.session(read_only=True) as session:
        while place is not None:
            page, place = list_people(
                session, Audience("14.03"), Routes({"simulator": ""}), scope=Scope("14"), after=place, limit=limit
            )
            found += [one.phone for one in page]
    assert len(found) == len(set(found)) == 6


def test_the_sweep_rings_for_a_broadcast_that_was_not_wholly_queued(
    rina: FlaskClient, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm(rina, draft(rina))
    rung: list[object] = []
    monkeypatch.setattr(type(district.runtime.bells), "ring", lambda _self, _queue, lane: rung.append(lane))
    sweep(district.runtime)
    assert errand.NAME in rung
    errand.drain(district.runtime)
    rung.clear()
    sweep(district.runtime)
    assert errand.NAME not in rung
