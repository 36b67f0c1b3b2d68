"""How values look: nothing hidden stays hidden, times on the clock of the place, states all in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from types import SimpleNamespace

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from gateway.review.pages import frame, show
from gateway.review.pages.show import StateWords, find_pieces
from gateway.values import InboxState, OutboxState, ReportState, WithheldReason

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


@given(st.text())
def test_every_character_of_a_text_is_shown_or_named(text: str) -> None:
    pieces = find_pieces(text)
    back = "".join(chr(int(piece.words.replace("U+", "0x"), 0)) if piece.is_mark else piece.words for piece in pieces)
    assert back == text.replace("\r\n", "\n")


@given(st.text())
def test_what_is_shown_as_words_hides_nothing(text: str) -> None:
    shown = "".join(piece.words for piece in find_pieces(text) if not piece.is_mark)
    hidden = {mark for mark in shown if unicodedata.category(mark) in {"Cc", "Cf"}} - {
        "\n",
        "\t",
        "\N{ZERO WIDTH JOINER}",
    }
    assert not hidden


def test_an_emoji_of_several_parts_stays_whole() -> None:
    (piece,) = find_pieces("terima kasih 👩‍⚕️")
    assert not piece.is_mark


@pytest.mark.parametrize(
    ("states", "words"),
    [(InboxState, show.INBOX_STATES), (OutboxState, show.OUTBOX_STATES), (ReportState, show.REPORT_STATES)],
)
def test_every_state_has_words_and_a_colour(states: type[StrEnum], words: Mapping[str, StateWords]) -> None:
    assert set(words) == set(states)
    assert {state.tone for state in words.values()} <= {"good", "wait", "look", "bad", "past"}


def test_every_reason_for_holding_an_answer_back_has_words() -> None:
    assert set(show.WITHHELD_REASONS) == set(WithheldReason)


@pytest.mark.parametrize(
    ("language", "at", "zone", "words"),
    [
        ("id", datetime(2026, 11, 21, 13, 5, tzinfo=UTC), "Asia/Jakarta", "20.05 WIB"),
        ("en", datetime(2026, 11, 21, 13, 5, tzinfo=UTC), "Asia/Jakarta", "20:05 WIB"),
        ("id", datetime(2026, 11, 21, 13, 5, tzinfo=UTC), "Asia/Jayapura", "22.05 WIT"),
        ("id", datetime(2026, 11, 20, 16, 30, tzinfo=UTC), "Asia/Makassar", "00.30 WITA"),
        ("id", datetime(2026, 5, 2, 1, 0, tzinfo=UTC), "Asia/Makassar", "2 Mei, 09.00 WITA"),
        ("en", datetime(2026, 5, 2, 1, 0, tzinfo=UTC), "Asia/Makassar", "2 May, 09:00 WITA"),
        ("id", datetime(2025, 5, 2, 1, 0, tzinfo=UTC), "Asia/Makassar", "2 Mei 2025, 09.00 WITA"),
    ],
)
def test_a_time_stands_on_the_clock_of_its_place(language: str, at: datetime, zone: str, words: str) -> None:
    with Flask(__name__).app_context():
        g.language = language
        assert show.show_time(at, zone, NOW) == words


def test_numbers_and_months_are_written_as_each_language_writes_them() -> None:
    with Flask(__name__).app_context():
        g.language = "id"
        assert (show.show_count(1500), show.show_month("2026-05")) == ("1.500", "Mei 2026")
        g.language = "en"
        assert (show.show_count(1500), show.show_month("2026-05")) == ("1,500", "May 2026")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("+6281200000101", "0812-0000-0101"),
        ("+60123456789", "+60123456789"),
        ("TELKOMSEL", "TELKOMSEL"),
        ("2345", "2345"),
    ],
)
def test_a_number_is_shown_as_it_is_dialled_at_home(address: str, words: str) -> None:
    assert show.show_phone(address) == words


@pytest.mark.parametrize(
    ("role", "words"), [("officer", "0812-3456-7890"), ("viewer", "+62812•••7890"), (None, "+62812•••7890")]
)
def test_who_needs_no_whole_numbers_sees_them_masked(role: str | None, words: str) -> None:
    app = Flask(__name__)
    frame.register(app)
    with app.app_context():
        g.visit = SimpleNamespace(user=SimpleNamespace(role=role), awaits_code=False) if role else None
        assert app.jinja_env.filters["phone"]("+6281234567890") == words


def test_a_day_is_written_as_people_here_write_it() -> None:
    with Flask(__name__).app_context():
        g.language = "id"
        assert show.show_date(date(2025, 10, 3)) == "3 Okt 2025"
