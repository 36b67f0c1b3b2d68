"""The daily forgetting: rung for once a day, in turns with others; and whom a backup brought back is erased again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import jobs
from gateway.forget import erase
from gateway.store import erasures
from gateway.store.base import Database
from gateway.values import Scope
from tests.district import PHONES, District, make_runtime
from workers import forgetting
from workers.errands import ERRANDS
from workers.sweep import sweep

BELL = f"kabar:bell:{jobs.ERRANDS}:{forgetting.NAME}"


@pytest.fixture
def ringing(sqlite_url: str, open_database: object, tmp_path: Path, redis_url: str) -> District:
    """A district with a queue server that hears."""
    database: Database = open_database(sqlite_url)  # type: ignore[operator]
    return District(make_runtime(database, tmp_path / "var", redis_url))


def is_rung(district: District) -> bool:
    """Sweep once, and tell whether that rang for forgetting; the bell is silent again afterwards."""
    redis = district.runtime.bells.redis
    sweep(district.runtime)
    return bool(redis.delete(BELL))


def test_it_is_rung_for_once_a_day(ringing: District) -> None:
    assert ERRANDS[forgetting.NAME] is forgetting.drain
    assert is_rung(ringing)
    forgetting.drain(ringing.runtime)
    ringing.pass_time(hours=23)
    assert not is_rung(ringing)
    ringing.pass_time(hours=2)
    assert is_rung(ringing)


def test_it_lets_others_have_their_turn(ringing: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "MOST", 1)
    ringing.say("ani", "kapan rapat?")
    ringing.send()
    ringing.pass_time(days=400)
    assert forgetting.drain(ringing.runtime) == 1
    assert ringing.runtime.bells.redis.delete(BELL)  # there may be more
    assert forgetting.drain(ringing.runtime) == 1
    assert forgetting.drain(ringing.runtime) == 0
    assert not ringing.runtime.bells.redis.exists(BELL)


def test_who_was_brought_back_is_erased_again_and_the_file_is_tidied(ringing: District) -> None:
    key = forgetting.key_of(ringing.runtime.settings)
    stone = erasures.Tombstone(erase.hash_phone(key, PHONES["ani"]), ringing.runtime.now())
    erase.write_list(ringing.runtime.settings.var, [stone])
    forgetting.drain(ringing.runtime)
    with ringing.database.session(read_only=True) as session:
        (erased,) = erasures.latest_erasures(session, scope=Scope(""))
        assert not erasures.find_by_phone(session, PHONES["ani"]).is_known
    assert (erased.user_name, erased.is_tidy) == (erase.RESTORED, True)


def test_whose_message_is_unread_is_looked_at_again_in_a_minute(ringing: District) -> None:
    key = forgetting.key_of(ringing.runtime.settings)
    forgetting.drain(ringing.runtime)  # of the backup, an hour ago
    ringing.pass_time(hours=1)
    assert not is_rung(ringing)
    ringing.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    stone = erasures.Tombstone(erase.hash_phone(key, PHONES["ani"]), ringing.runtime.now())
    erase.write_list(ringing.runtime.settings.var, [stone])
    forgetting.keep_step(ringing.runtime)  # the clock begins
    for _ in range(2):
        ringing.pass_time(minutes=1)
        assert is_rung(ringing)
        forgetting.drain(ringing.runtime)
    ringing.handle()
    ringing.pass_time(minutes=1)
    assert is_rung(ringing)
    forgetting.drain(ringing.runtime)
    ringing.pass_time(minutes=1)
    assert not is_rung(ringing)
    with ringing.database.session(read_only=True) as session:
        assert not erasures.find_by_phone(session, PHONES["ani"]).is_known
