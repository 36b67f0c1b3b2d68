"""The session that the page of USSD shows goes as it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.store.base import Database
from tests.dialling import Handset, dial_district
from tests.docs.pages import page


def test_the_session_on_the_page_goes_as_it_is_written(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    phone = Handset(dial_district(open_database(sqlite_url), tmp_path / "var"))
    [block] = page("docs/ussd.md").blocks("ussd")
    lines = [line for line in block.splitlines() if line and not line.startswith("(")]
    assert len(lines) == 16
    for typed, shown in zip(lines[::2], lines[1::2], strict=True):
        screen = phone.dial() if typed == "dial" else phone.press(typed.removeprefix("> "))
        assert screen.text.replace("\n", " / ") == shown
    assert screen.ends
