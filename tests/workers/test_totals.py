"""The totals' errand: figures follow the reports by themselves, a moment later."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from gateway import jobs
from gateway.errors import Unavailable
from gateway.store import totals
from gateway.store.base import Database
from tests.district import District, make_runtime
from workers import errands
from workers import totals as summing
from workers.sweep import sweep

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"


def new_users(district: District, area: str = "14.03") -> list[int]:
    """Return what the totals say of new users in an area."""
    table = totals.month_totals
    about = table.c.area == area, table.c.measure == "baru", table.c.item == ""
    with district.database.session(read_only=True) as session:
        return list(session.execute(select(table.c.quantity).where(*about)).scalars())


def test_the_figures_follow_a_report_and_its_correction(district: District) -> None:
    district.say("ani", FOUNDING)
    assert new_users(district) == []
    assert summing.drain(district.runtime) == 1
    assert new_users(district) == [12]
    district.say("ani", "RALAT BARU 14")
    summing.drain(district.runtime)
    assert new_users(district) == [14]
    district.say("ani", "BATAL")
    summing.drain(district.runtime)
    assert new_users(district) == []


def test_as_long_as_batches_are_full_there_is_another(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "BATCH", 1)
    for phone, words in (("ani", FOUNDING), ("budi", FOUNDING), ("eve", FOUNDING)):
        district.say(phone, words)
    assert summing.drain(district.runtime) == 3
    with district.database.session(read_only=True) as session:
        assert not totals.has_unsummed(session)


def test_the_sweep_rings_once_for_what_is_not_summed_up_and_for_nothing_else(
    database: Database, tmp_path: Path, redis_url: str
) -> None:
    district = District(make_runtime(database, tmp_path, redis_url))
    queue = jobs.rq_queue(district.runtime.bells.redis, jobs.ERRANDS)
    sweep(district.runtime)
    queue.empty()  # type: ignore[no-untyped-call]  # the first look at reminders, which comes once a minute
    district.say("ani", FOUNDING)
    sweep(district.runtime)
    sweep(district.runtime)
    assert [list(job.args) for job in queue.jobs] == [[summing.NAME]]
    summing.drain(district.runtime)
    queue.empty()  # type: ignore[no-untyped-call]
    sweep(district.runtime)
    assert queue.count == 0


def test_a_batch_whose_commit_fails_is_summed_up_the_next_time(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.say("ani", FOUNDING)
    with monkeypatch.context() as patch:
        patch.setattr(totals, "refresh", _sum_up_and_lose_the_database)
        with pytest.raises(Unavailable):
            summing.drain(district.runtime)
    assert new_users(district) == []
    assert summing.drain(district.runtime) == 1
    assert new_users(district) == [12]


_refresh = totals.refresh


def _sum_up_and_lose_the_database(*session: object) -> int:
    _refresh(*session)  # type: ignore[arg-type]
    raise Unavailable("the database went away")


@pytest.mark.parametrize("name", ["nothing", 7, None, "workers.totals.drain"])
def test_only_errands_of_the_list_are_run(name: object) -> None:
    with pytest.raises(ValueError, match="there is no errand"):
        errands.run_errand(name)
