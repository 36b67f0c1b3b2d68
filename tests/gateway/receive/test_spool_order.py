"""What lay in the spool while later messages went by: it is read as of when it came, and holds up nothing."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, text

from gateway.spool import Contents
from tests.district import NOON
from tests.gateway.receive.conftest import Doors
from tests.gateway.receive.test_spooled import answers, away, new_users
from workers.sweep import sweep


def test_a_batal_that_lay_in_the_spool_takes_back_nothing_that_came_after_it(doors: Doors) -> None:
    doors.post("m1", "KB 0925 BARU 1 AKTIF 40")
    doors.district.handle()
    doors.runtime.clock[0] += timedelta(minutes=5)
    with away(doors):
        doors.post("m2", "BATAL")
    doors.runtime.clock[0] += timedelta(minutes=5)
    doors.post("m3", "KB 0925 BARU 3 AKTIF 40")
    doors.district.handle()
    sweep(doors.runtime)
    doors.district.handle()
    assert new_users(doors) == [3]
    assert len(answers(doors)) == 3


def test_a_batal_that_lay_in_the_spool_leaves_a_question_open_that_came_after_it(doors: Doors) -> None:
    with away(doors):
        doors.post("m1", "BATAL")
    doors.runtime.clock[0] += timedelta(minutes=5)
    doors.post("m2", "KB 0925 BARU 3")
    doors.district.handle()
    sweep(doors.runtime)
    doors.district.handle()
    doors.runtime.clock[0] += timedelta(minutes=5)
    doors.post("m3", "AKTIF 40")
    doors.district.handle()
    assert "BARU 3 AKTIF 40" in answers(doors)[-1].text


def test_one_that_loses_every_race_holds_up_no_other_and_no_sweep(doors: Doors) -> None:
    with away(doors):
        for key in ("m1", "m2", "m3"):
            doors.post(key)
            doors.runtime.clock[0] += timedelta(seconds=1)
    with doors.runtime.database.session() as session:
        for statement in never_keep("m1", session):
            session.execute(text(statement))
        session.commit()
    sweep(doors.runtime)
    assert [one.provider_id for one in doors.kept()] == ["m3", "m2"]
    assert doors.runtime.spool.look() == Contents(waiting=1, oldest_at=NOON), "it is tried again, and shows its age"


def never_keep(key: str, session: Connection) -> tuple[str, ...]:
    """Return what has a database refuse a message as if another session were in its way, always."""
    if session.dialect.name == "sqlite":
        refuse = f"BEFORE INSERT ON inbox WHEN NEW.provider_id = '{key}' BEGIN SELECT RAISE(ABORT, 'raced'); END"
        return (f"CREATE TRIGGER never_kept {refuse}",)
    raced = "$$ BEGIN RAISE unique_violation; END $$"
    refuse = f"BEFORE INSERT ON inbox FOR EACH ROW WHEN (NEW.provider_id = '{key}') EXECUTE FUNCTION never_kept()"
    return (
        f"CREATE FUNCTION never_kept() RETURNS trigger LANGUAGE plpgsql AS {raced}",
        f"CREATE TRIGGER never_kept {refuse}",
    )
