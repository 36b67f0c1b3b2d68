"""What a midwife was asked and did not answer is in her reminder, and what she answers to that completes her report."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from gateway.remind import run
from gateway.store import outbox as outbox_store
from gateway.store.outbox import outbox
from gateway.store.reminders import KINDS
from tests.district import PHONES, District
from workers.sweep import sweep


@pytest.fixture(autouse=True)
def _one_clock(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database's clock show what the test's does."""
    monkeypatch.setattr(outbox_store, "database_now", lambda _session: district.runtime.now())


def remind(district: District, day: int) -> str:
    """Let the reminders of a morning go out, and return what Ani reads."""
    district.set_clock(datetime(2025, 10, day, 8, 0, tzinfo=ZoneInfo("Asia/Jakarta")))
    sweep(district.runtime)
    with district.database.session() as session:
        run.run_round(session, "14.03", district.runtime.ways, district.runtime.now())
        session.commit()
    district.pass_time(hours=3)
    district.send()
    hers = outbox.c.recipient == PHONES["ani"], outbox.c.kind.in_(KINDS), outbox.c.state == "delivered"
    with district.database.session(read_only=True) as session:
        return session.execute(select(outbox.c.text).where(*hers).order_by(outbox.c.id.desc())).scalars().first() or ""


def test_a_question_that_is_still_open_is_repeated_and_lives_two_days_longer(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12")
    assert "AKTIF belum ada. Balas: AKTIF <jumlah>" in remind(district, 5)
    district.pass_time(hours=40)
    sweep(district.runtime)
    assert district.say("ani", "AKTIF 40").startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40.")


def test_a_question_that_ran_out_is_asked_again_and_its_answer_completes_the_report(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12")
    assert "AKTIF belum ada. Balas: AKTIF <jumlah>" in remind(district, 7)
    assert district.say("ani", "AKTIF 40").startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40.")


def test_who_is_asked_something_else_is_reminded_of_that_first_and_both_are_completed(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12")
    district.pass_time(hours=49)
    sweep(district.runtime)
    district.set_clock(datetime(2025, 10, 6, 20, 0, tzinfo=ZoneInfo("Asia/Jakarta")))
    district.say("ani", "ALOKON 0825 PIL 100/50/30/110")
    text = remind(district, 7)
    assert "PIL SISA" in text
    assert "AKTIF <jumlah>" not in text
    assert "AKTIF belum ada" in district.say("ani", "PIL 100/50/30/120")
    assert district.say("ani", "AKTIF 40").startswith("KB Sep 25 PMB Ani: BARU 12 AKTIF 40.")
