"""No screen asks the database more when there is more: that is counted, on every screen there is."""

from __future__ import annotations

from pathlib import Path

from bench.nation import Size, fill
from bench.pages import Screen, measure
from gateway.runtime import make_runtime
from gateway.store import schema
from tests.gateway.review.visits import make_settings

FEW, MANY = 12, 70  # facilities: less than a page of them, and several


def look_everywhere(folder: Path, count: int) -> dict[str, Screen]:
    """Fill a district with so many facilities and a year of their messages, and open every screen once."""
    url = f"sqlite:///{folder / str(count)}.db"
    schema.upgrade(url)
    runtime = make_runtime(make_settings(folder, url))
    try:
        with runtime.database.session() as session:
            fill(session, Size(count, is_national=False), runtime.now())
        return measure(runtime, rounds=1, warm_up=0)
    finally:
        runtime.database.dispose()


def test_no_screen_asks_more_questions_when_there_is_more_to_show(tmp_path: Path) -> None:
    few, many = look_everywhere(tmp_path, FEW), look_everywhere(tmp_path, MANY)
    grown = {
        f"{address} ({who})": (few[address].questions[who], asked)
        for address, screen in many.items()
        for who, asked in screen.questions.items()
        if address in few and asked > few[address].questions[who]
    }
    broken = {address for address, screen in many.items() if screen.status >= 500}
    assert not broken
    assert not grown, "questions with few rows, and with many"
    assert len(many) > 30, "every screen was looked at"
