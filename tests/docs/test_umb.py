"""The USSD session of the midwives' guide goes as it is written there."""

from __future__ import annotations

import re

from gateway.forms import load_forms
from parsers.dialogue import Dialogue, next_screen
from tests.docs.pages import page
from tests.parsers.handset import CODE, make_ground, play

GUIDE = "docs/panduan-bidan.md"


def test_the_session_of_the_guide_goes_as_it_is_written() -> None:
    [session] = page(GUIDE).blocks("umb")
    assert play(session).strip() == session.strip()


def test_what_the_guide_types_at_once_shows_the_whole_report() -> None:
    section = page(GUIDE).text.partition("## Lapor lewat UMB")[2]
    typed = [code for code in re.findall(r"`([0-9*#]+)`", section) if "*" in code and code != f"{CODE}#"]
    assert len(typed) == 2
    for code in typed:
        inputs = code[len(CODE) + 1 : -1].split("*") if code.startswith(CODE) else [code]
        shown = next_screen(Dialogue(), inputs, make_ground()).text
        assert "BARU 12\nAKTIF 40" in shown, code
        assert "1 Kirim" in shown


def test_the_words_that_the_guide_quotes_stand_on_the_screens() -> None:
    assert {form.code for form in load_forms()} == {form.code for form in make_ground().forms}
    shown = next_screen(Dialogue(), ["0925", "12", "40"], make_ground()).text
    for words in ("1 Kirim", "2 Ubah/tambah", "00 Kembali"):
        assert words in shown
