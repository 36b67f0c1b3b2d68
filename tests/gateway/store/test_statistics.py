"""What the statistics of PostgreSQL do not know yet, what waits and a new month, is found without going through it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from gateway.store import facilities, inbox, reports, totals
from gateway.store.areas import Area, add_areas
from gateway.store.base import Database, Session
from gateway.store.facilities import NewFacility
from gateway.store.reports import NewReport, ReportKey
from gateway.values import LANES, ReportState
from tests.gateway.store.test_plans import collecting

NOW = datetime(2025, 10, 3, 5, 0, tzinfo=UTC)
WAITING = 20  # messages in each lane
VILLAGES = 1000

_MESSAGES = text(
    "INSERT INTO inbox (channel, provider_id, sender, recipient, text, sent_at, received_at, lane, state, is_answered,"
    " attempts, rounds, trace_id) SELECT 'generic', :state || number, '+62812' || number, '', 'x', :now, :now,"
    " number % :lanes, :state, false, 0, 0, 'x' FROM generate_series(1, :count) AS number"
)
_FIGURES = text(
    "INSERT INTO month_totals (form, period, area, measure, item, quantity)"
    " SELECT 'kb', :period, code, 'baru', '', 5 FROM areas"
)


def test_a_batch_reads_its_lane_and_not_all_that_waits(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(postgresql_url)
    with database.session() as session, collecting(database) as statements:
        session.execute(_MESSAGES, {"state": "done", "count": 3000, "now": NOW, "lanes": LANES})
        session.execute(text("ANALYZE inbox"))
        session.execute(_MESSAGES, {"state": "received", "count": WAITING * LANES, "now": NOW, "lanes": LANES})
        statements.clear()
        assert len(inbox.next_batch(session, 7, NOW, 100)) == WAITING
        ((statement, parameters),) = statements.items()
        assert count_visited(session, statement, parameters) <= 3 * WAITING


def test_summing_up_a_new_month_reads_the_areas_around_and_not_all_that_have_reported(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(postgresql_url)
    with database.session() as session, collecting(database) as statements:
        facility_id = _fill_areas(session)
        for month in range(1, 9):
            session.execute(_FIGURES, {"period": f"2025-{month:02}"})
        session.execute(text("ANALYZE"))
        session.execute(_FIGURES, {"period": "2025-09"})
        reports.add(session, _report(facility_id))
        statements.clear()
        assert totals.refresh(session) == 1
        reading = {words: given for words, given in statements.items() if "month_totals" in words}
        visited = [
            count_visited(session, words, given) for words, given in reading.items() if words.startswith("SELECT")
        ]
    assert len(visited) >= 3
    assert max(visited) < VILLAGES / 10


def test_what_waits_for_staff_is_found_without_going_through_what_is_done(
    postgresql_url: str, open_database: Callable[[str], Database]
) -> None:
    database = open_database(postgresql_url)
    with database.session() as session, collecting(database) as statements:
        session.execute(_MESSAGES, {"state": "held", "count": 2, "now": NOW, "lanes": LANES})
        session.execute(_MESSAGES, {"state": "done", "count": 3000, "now": NOW, "lanes": LANES})
        session.execute(text("ANALYZE inbox"))
        statements.clear()
        assert len(inbox.latest_messages(session, states=["held", "dead"])) == 2
        ((statement, parameters),) = statements.items()
        assert "'held'" in statement  # a bound one is not told from others by a plan that is kept
        assert count_visited(session, statement, parameters) <= 10


def count_visited(session: Session, statement: str, parameters: Any) -> int:
    """Return how many rows a statement looks at, those that it does not want included."""
    explained = session.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    plan = explained if isinstance(explained, list) else json.loads(explained)
    return int(sum(_visited(plan[0]["Plan"])))


def _visited(node: dict[str, Any]) -> Iterator[float]:
    rows = node["Actual Rows"] + sum(number for name, number in node.items() if name.startswith("Rows Removed"))
    yield rows * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _visited(below)


def _fill_areas(session: Session) -> int:
    """Put a kecamatan with a thousand villages there, and far from it a facility in one without; return its id."""
    here = [("14", None), ("14.03", "14"), ("14.03.01", "14.03")]
    there = [("11", None), ("11.01", "11"), ("11.01.01", "11.01")]
    villages = [(f"11.01.01.{number}", "11.01.01") for number in range(2000, 2000 + VILLAGES)]
    add_areas(session, [Area(code, parent, "x", code, "Asia/Jakarta") for code, parent in (*here, *there, *villages)])
    place = NewFacility("123456789", "PMB Ani", "PMB01", "PMB", "14.03.01")
    return facilities.add_facilities(session, [place])[0]


def _report(facility_id: int) -> NewReport:
    return NewReport(
        key=ReportKey("kb", facility_id, "2025-09"),
        state=ReportState.ACCEPTED,
        sent_at=NOW,
        sent_key="x",
        values={"baru": 5},
        text="x",
        reading={},
        form_version=1,
        reader_version=1,
        created_at=NOW,
    )
