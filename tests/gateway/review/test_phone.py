"""The start page: the phone sends as a provider would, and nothing that is typed or sent can do harm."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.forms import load_forms
from gateway.review.pages import phone
from gateway.runtime import Runtime, make_runtime
from gateway.store import inbox, outbox
from gateway.values import InboxState, WithheldReason
from parsers.read import read_message
from parsers.reading import Kind, RepairCode
from tests.gateway.review.visits import ANI, Page, keep, kept, make_settings, type_and_send

HOSTILE = (
    "<script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "{{ 7*7 }} {% raw %}",
    "AKTIF \u202e04\u202c \u200b\u2066x\u2069 \x07",
)


def test_a_message_typed_on_the_page_comes_in_as_a_webhook_would_bring_it(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    answer = type_and_send(visitor, "KB 0925 BARU 12\r\nAKTIF 40", reporter=str(ani))
    (message,) = kept(runtime)
    assert answer.status_code == 303
    assert (message.sender, message.text, message.channel, message.state) == (
        ANI,
        "KB 0925 BARU 12\nAKTIF 40",
        "simulator",
        "received",
    )
    page = visitor.get(answer.headers["Location"])
    assert "KB 0925 BARU 12" in page.text
    assert "Diterima, segera dibaca" in page.text


def test_a_double_click_keeps_one_message(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    key = Page(visitor.get("/phone")).hidden("key")
    fields = {"key": key, "text": "CEK", "reporter": str(ani)}
    first, second = visitor.post("/phone", data=fields), visitor.post("/phone", data=fields)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(kept(runtime)) == 1


def test_another_text_from_the_same_page_is_another_message(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    key = Page(visitor.get("/phone")).hidden("key")
    for text in ("CEK", "BANTU"):
        visitor.post("/phone", data={"key": key, "text": text, "reporter": str(ani)})
    assert [message.text for message in kept(runtime)] == ["CEK", "BANTU"]


def test_the_same_text_from_a_page_opened_anew_is_another_message(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    for _ in range(2):
        type_and_send(visitor, "CEK", reporter=str(ani))
    assert len(kept(runtime)) == 2


@pytest.mark.parametrize(
    ("text", "fields", "words"),
    [
        ("", {"reporter": "1"}, "Tulis dulu pesannya."),
        (" \r\n ", {"reporter": "1"}, "Tulis dulu pesannya."),
        ("KB " * 534, {"reporter": "1"}, "Pesan ini terlalu panjang"),
        ("KB 0925", {"reporter": "99"}, "Bidan ini sudah tidak ada"),
        ("KB 0925", {"number": "12"}, "Ini bukan nomor ponsel"),
        ("KB 0925", {"number": ""}, "Ini bukan nomor ponsel"),
        ("KB 0925", {"number": "<b>0812"}, "Ini bukan nomor ponsel"),
    ],
)
def test_what_cannot_be_sent_is_said_in_words_and_what_was_typed_stays(
    visitor: FlaskClient, runtime: Runtime, ani: int, text: str, fields: dict[str, str], words: str
) -> None:
    assert ani == 1
    answer = type_and_send(visitor, text, **fields)
    page = Page(answer)
    assert answer.status_code == 422
    assert words in page.words
    assert text.strip() in page.words
    assert any(attrs.get("aria-invalid") == "true" for _, attrs in page.tags)
    assert kept(runtime) == ()


def test_a_message_of_megabytes_is_told_off_in_words(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    answer = visitor.post("/phone", data={"text": "KB " * 100_000, "reporter": str(ani)})
    assert answer.status_code == 413
    assert "terlalu panjang" in answer.text
    assert kept(runtime) == ()


def test_an_unregistered_number_may_write_and_sees_its_conversation(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    answer = type_and_send(visitor, "Saya mau daftar", number="0812 0000 9001")
    (message,) = kept(runtime)
    assert message.sender == "+6281200009001"
    assert answer.headers["Location"] == f"/phone?message={message.id}#phone"
    page = visitor.get(answer.headers["Location"])
    assert "Nomor belum terdaftar" in page.text
    assert "0812-0000-9001" in page.text


def test_no_phone_number_stands_in_an_address(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    keep(runtime, "CEK")
    addresses = [
        str(attrs[name])
        for _, attrs in Page(visitor.get("/phone")).tags
        for name in ("href", "action", "hx-get")
        if name in attrs
    ]
    assert addresses
    assert not [address for address in addresses if re.search(r"(62|0)8[0-9]{7}", address.partition("?v=")[0])]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_only_ever_shown(visitor: FlaskClient, runtime: Runtime, ani: int, text: str) -> None:
    keep(runtime, text, InboxState.DEAD, fault=text)
    for response in (visitor.get(f"/phone?reporter={ani}"), visitor.get(f"/live?reporter={ani}")):
        page = Page(response)
        sources = [str(attrs.get("src")) for tag, attrs in page.tags if tag in {"script", "img", "iframe"}]
        assert all(source.startswith("/static/") for source in sources)
        assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x07]", response.text)
        assert text.split(" ", maxsplit=1)[0] in page.words


def test_a_hostile_text_that_was_refused_comes_back_as_text(visitor: FlaskClient, ani: int) -> None:
    answer = type_and_send(visitor, "</textarea><script>alert(1)</script>", reporter="99")
    assert "<script>alert" not in answer.text
    assert "</textarea><script>alert(1)</script>" in Page(answer).words


def test_invisible_characters_are_named_where_they_stand(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    keep(runtime, "AKTIF \u202e04")
    assert "AKTIF U+202E04" in Page(visitor.get(f"/phone?reporter={ani}")).words


def test_a_conversation_says_in_words_what_became_of_each_message(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    message_id = keep(runtime, "KB 0925 BARU 12 AKTIF 40", InboxState.DONE)
    with runtime.database.session() as session:
        answer = outbox.NewOutboxMessage(
            message_id, "answer", "simulator", ANI, "KB Sep 25: BARU 12", "t", datetime.now(UTC), WithheldReason.CAP
        )
        outbox.add(session, answer)
        session.commit()
    words = Page(visitor.get(f"/phone?reporter={ani}")).words
    assert "Sudah dibaca" in words
    assert "Tidak dikirim (karena nomor ini sudah cukup banyak dijawab)" in words


@pytest.mark.parametrize(
    ("state", "fault", "words"),
    [
        (InboxState.HELD, None, "./kabar reporters approve"),
        (InboxState.FOR_STAFF, None, "Ini bukan laporan, jadi perlu dibaca petugas."),
        (InboxState.FOR_STAFF, "text: missing", "text: missing"),
        (InboxState.DEAD, "KeyError: 'x'", "KeyError: 'x'"),
        (InboxState.DEAD, "KeyError: 'x'", "0123456789abcdef"),
    ],
)
def test_the_inbox_says_why_a_message_stays(
    visitor: FlaskClient, runtime: Runtime, ani: int, state: InboxState, fault: str | None, words: str
) -> None:
    keep(runtime, "Bu, obat habis", state, fault)
    assert words in Page(visitor.get("/phone")).words


def test_times_stand_on_the_clock_of_the_midwife(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    keep(runtime, "CEK")
    assert " WITA" in Page(visitor.get(f"/phone?reporter={ani}")).words
    assert " WIB" not in Page(visitor.get(f"/phone?reporter={ani}")).words


def test_the_page_asks_for_news_and_gets_some_only_when_there_are_some(
    visitor: FlaskClient, runtime: Runtime, ani: int
) -> None:
    seen = Page(visitor.get(f"/phone?reporter={ani}")).hidden("seen")
    assert visitor.get(f"/live?reporter={ani}&seen={seen}").status_code == 204
    message_id = keep(runtime, "CEK")
    news = visitor.get(f"/live?reporter={ani}&seen={seen}")
    assert news.status_code == 200
    assert "CEK" in news.text
    seen = Page(news).hidden("seen")
    assert visitor.get(f"/live?reporter={ani}&seen={seen}").status_code == 204
    with runtime.database.session() as session:
        inbox.finish(session, message_id, InboxState.DONE, datetime.now(UTC))
        session.commit()
    assert "Sudah dibaca" in visitor.get(f"/live?reporter={ani}&seen={seen}").text


def test_every_part_that_updates_itself_is_on_the_page_to_be_replaced(visitor: FlaskClient, ani: int) -> None:
    page = Page(visitor.get("/phone"))
    (poll,) = [attrs for _, attrs in page.tags if "hx-select-oob" in attrs]
    wished = [part.partition(":")[0].strip("#") for part in str(poll["hx-select-oob"]).split(",")]
    on_page = {attrs.get("id") for _, attrs in page.tags}
    in_news = {attrs.get("id") for _, attrs in Page(visitor.get(str(poll["hx-get"]))).tags}
    assert set(wished) <= on_page
    assert set(wished) <= in_news


def test_updates_can_be_paused(visitor: FlaskClient, ani: int) -> None:
    words = visitor.get(f"/phone?reporter={ani}&live=off").text
    assert "hx-trigger" not in words
    assert "Lanjutkan pembaruan" in words


def test_an_empty_house_says_what_to_do(visitor: FlaskClient) -> None:
    words = Page(visitor.get("/phone")).words
    for sentence in ("Bidan contoh belum dimuat.", "./kabar demo", "Belum ada pesan masuk.", "Belum ada laporan."):
        assert sentence in words


def test_without_a_simulator_the_page_says_why_there_is_no_phone(
    runtime: Runtime, visitor: FlaskClient, ani: int
) -> None:
    key = Page(visitor.get("/phone")).hidden("key")
    bare = create_app(replace(runtime, channels={})).test_client()
    words = Page(bare.get("/phone")).words
    assert "Di sini tidak ada ponsel." in words
    assert "KABAR_CHANNELS" in words
    assert bare.post("/phone", data={"key": key, "text": "CEK", "reporter": str(ani)}).status_code == 404


def test_a_database_that_is_away_is_told_in_words_and_what_was_typed_stays(tmp_path: Path) -> None:
    away = make_runtime(make_settings(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:1/none"))
    visitor = create_app(away).test_client()
    answer = visitor.post("/phone", data={"text": "KB 0925 BARU 12", "number": "081200009001"})
    assert answer.status_code == 503
    assert "KB 0925 BARU 12" in Page(answer).words
    assert "Kabar sedang tidak dapat menjangkau basis datanya" in answer.text


def test_a_message_that_could_not_be_kept_is_not_said_to_be(runtime: Runtime, visitor: FlaskClient, ani: int) -> None:
    key = Page(visitor.get("/phone")).hidden("key")
    (runtime.settings.var / "simulator.secret").write_text("another", encoding="ascii")  # its own channel refuses it
    answer = visitor.post("/phone", data={"key": key, "text": "KB 0925 BARU 12", "reporter": str(ani)})
    assert answer.status_code == 503
    assert "KB 0925 BARU 12" in Page(answer).words
    assert kept(runtime) == ()


def test_the_examples_show_what_they_are_named_for() -> None:
    report, hurried, incomplete, command = (
        read_message(text, date(2026, 11, 21), load_forms()) for text, _ in phone.EXAMPLES
    )
    values = {"baru": 12, "aktif": 40, "aktif.pil": 30}
    assert (report.is_clean, dict(report.reports[0].values), report.reports[0].repairs) == (True, values, ())
    assert (hurried.is_clean, dict(hurried.reports[0].values)) == (True, values)
    assert {repair.code for repair in hurried.reports[0].repairs} == {RepairCode.SPELLING, RepairCode.DIGITS}
    assert not incomplete.is_clean
    assert command.kind is Kind.COMMAND


def test_an_example_is_put_into_the_phone_and_not_sent(visitor: FlaskClient, runtime: Runtime, ani: int) -> None:
    for index, (text, _) in enumerate(phone.EXAMPLES):
        assert f">\n{text}</textarea>" in visitor.get(f"/phone?example={index}").text
    for nonsense in ("-1", "9", "x", "1.0"):
        assert "</textarea>" in visitor.get(f"/phone?example={nonsense}").text
    assert kept(runtime) == ()
