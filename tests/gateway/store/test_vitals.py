"""The vitals: what is asked at each scrape goes by indexes, so that it costs the same however long the past."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import event, insert, text

from gateway import metrics
from gateway.store import vitals
from gateway.store.base import Database, database_now
from gateway.store.outbox import NewOutboxMessage, add
from gateway.store.reminders import reminders
from tests.district import NOON, District, make_runtime

WHOLE = re.compile(
    r"SCAN (inbox|outbox|reports|exports|push_turns|events|hook_deliveries)\b(?!.*ix_outbox_channel_open)"
)


def test_no_question_of_a_scrape_goes_through_all_that_ever_was(sqlite_url: str, tmp_path: Path) -> None:
    district = District(make_runtime(Database(sqlite_url), tmp_path))
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    house = metrics.House(district.runtime, cached_seconds=0)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(house)
    district.pass_time(minutes=1)
    event.listen(district.database.engine, "before_cursor_execute", note)
    generate_latest(registry)
    event.remove(district.database.engine, "before_cursor_execute", note)
    questions = [(said, given) for said, given in asked if said.lstrip().startswith("SELECT")]
    assert len(questions) > 15
    with district.database.session(read_only=True) as session:
        plans = [
            (said, row.detail)
            for said, given in questions
            for row in session.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given)
        ]
    district.database.dispose()
    assert not [(detail, said) for said, detail in plans if WHOLE.search(detail)]


def test_what_waits_for_its_hour_is_not_late_and_what_was_refused_is(database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path))
    with database.session() as session:
        now = database_now(session)
        made = now - timedelta(hours=3)
        for number, next_try_at in enumerate((None, now + timedelta(hours=5), now - timedelta(hours=1))):
            add(session, _message(str(number), made, next_try_at))
        session.execute(text("UPDATE outbox SET channel = 'late' WHERE next_try_at IS NULL"))
        session.execute(text("UPDATE outbox SET channel = 'morning' WHERE next_try_at IS NOT NULL"))
        found = vitals.unsent_by_channel(session)
        assert (found["late"].queued, found["late"].since) == (1, made)
        assert (found["morning"].queued, found["morning"].since) == (2, now - timedelta(hours=1))
        session.execute(text("UPDATE outbox SET refusals = 1"))
        assert vitals.unsent_by_channel(session)["morning"].since == made
    assert district.ids


def test_an_hour_has_what_came_and_what_went_in_it(database: Database, tmp_path: Path) -> None:
    district = District(make_runtime(database, tmp_path))
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    district.send()
    hours = [NOON - timedelta(hours=1), NOON]
    with database.session(read_only=True) as session:
        found = vitals.count_by_hour(session, ["simulator"], hours)
        none = vitals.count_by_hour(session, ["other"], hours)
    assert found == {hours[0]: (0, 0), hours[1]: (1, 1)}
    assert none[hours[1]][0] == 0


def test_reminders_are_counted_from_an_instant_on(database: Database, tmp_path: Path) -> None:
    make = {"form": "kb", "period": "2025-09", "rung": "due", "opening": 0, "area": "14.03", "closes_at": NOON}
    with database.session() as session:
        for number, hours in enumerate((30, 2, 1)):
            row = {"subject": str(number), "facility_id": None, "created_at": NOON - timedelta(hours=hours)}
            session.execute(insert(reminders), make | row)
        assert vitals.count_reminders(session, NOON - timedelta(hours=3)) == 2


def _message(number: str, made: Any, next_try_at: Any) -> NewOutboxMessage:
    return NewOutboxMessage(
        inbox_id=None,
        kind=f"trial{number}",
        channel="simulator",
        recipient="+6281230000001",
        text="halo",
        trace_id="t",
        created_at=made,
        next_try_at=next_try_at,
    )
