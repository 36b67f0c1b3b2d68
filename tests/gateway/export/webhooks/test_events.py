"""Events are the changes of states: for any history each change is noted once, and nothing else is."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from gateway.errors import SomebodyElse
from gateway.review import decide, undo
from gateway.review.deeds import CannotDo, Done
from gateway.store import events
from gateway.store.base import Database
from tests.databases import MigratedDatabases
from tests.district import District, make_runtime
from tests.gateway.export.webhooks.listening import Receiver, add_hook, report_states, tell
from tests.gateway.review.deciding import ACTS, KB, approve, office, seen, settle
from workers.sweep import sweep

DAYS_ON = {"hours": 80}
Step = Callable[[District, list[Done]], object]


def _act(name: str) -> Step:
    return lambda district, done: done.append(ACTS[name](district))


def _undo(district: District, done: list[Done]) -> None:
    if done:
        settle(district, lambda session: undo.undo(session, office(district), done.pop().decision_id))


def _approve_all(district: District, _done: list[Done]) -> None:
    settle(district, lambda session: decide.approve_many(session, office(district), [seen(district)]))


def _wait(district: District, _done: list[Done]) -> None:
    district.pass_time(**DAYS_ON)
    sweep(district.runtime)


def _say(text: str) -> Step:
    return lambda district, _done: district.say("ani", text)


TEXTS = (KB, "KB 0925 BARU 3 AKTIF 41", "KB 0925 BARU 45 AKTIF 9", "YA", "BATAL")
STEPS: dict[str, Step] = {
    **{f"say {text}": _say(text) for text in TEXTS},
    **{act: _act(act) for act in ACTS},
    "undo": _undo,
    "approve all": _approve_all,
    "wait for an answer": _wait,
    "close": lambda d, _: d.close_month("kb", "2025-09"),
    "reopen": lambda d, _: d.reopen_month("kb", "2025-09"),
}
histories = st.lists(st.sampled_from(sorted(STEPS)), min_size=4, max_size=12)


def walk(database: Database, history: list[str]) -> tuple[Counter[tuple[str, int]], Counter[tuple[str, int]]]:
    """Live through a history and return the changes that were seen from outside, and the events that were noted."""
    with tempfile.TemporaryDirectory() as var, Receiver() as receiver:
        district = District(make_runtime(database, Path(var), answers_per_hour=1000))
        add_hook(district, receiver)
        changed: Counter[tuple[str, int]] = Counter()
        done: list[Done] = []
        for name in history:
            before = report_states(district)
            with suppress(SomebodyElse, CannotDo, IndexError):
                STEPS[name](district, done)
                changed["month.closed", 0] += name == "close"
            for report_id, state in report_states(district).items():
                if state in ("accepted", "approved") and before.get(report_id) != state:
                    changed[f"report.{state}", report_id] += 1
            if name == "close":
                STEPS["reopen"](district, done)
        with database.session(read_only=True) as session:
            rows = session.execute(select(events.events.c.kind, events.events.c.subject_id)).all()
        return +changed, Counter((kind, 0 if kind == events.CLOSED else subject) for kind, subject in rows)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories)
def test_each_change_of_state_is_noted_once(migrated_sqlite: Path, history: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, Path(folder) / 'kabar.db')}")
        changed, noted = walk(database, history)
        database.dispose()
    assert noted == changed


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories)
def test_each_change_of_state_is_noted_once_on_postgresql(
    migrated_postgresql: MigratedDatabases, history: list[str]
) -> None:
    with migrated_postgresql.lend() as url:
        database = Database(url)
        changed, noted = walk(database, history)
        database.dispose()
    assert noted == changed


def _count(database: Database) -> int:
    with database.session(read_only=True) as session:
        return session.execute(select(func.count()).select_from(events.events)).scalar_one()


def test_nothing_is_noted_while_nobody_listens(district: District, receiver: Receiver) -> None:
    district.say("ani", KB)
    approve(district)
    district.close_month("kb", "2025-09")
    assert _count(district.database) == 0
    add_hook(district, receiver)
    district.say("wati", "KB PMB02 0925 BARU 2 AKTIF 3")
    assert _count(district.database) == 0, "the month is closed: nothing counts that comes now"
    district.reopen_month("kb", "2025-09")
    district.say("budi", KB)
    assert _count(district.database) == 1


def test_what_is_rolled_back_was_never_an_event(district: District, receiver: Receiver) -> None:
    add_hook(district, receiver)
    district.say("ani", KB)
    with district.database.session() as session:
        decide.approve(session, office(district), seen(district))
        session.rollback()
    tell(district)
    assert receiver.told == ["report.accepted"]
