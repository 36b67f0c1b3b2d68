"""Mornings: what is left in the evening goes on when people of its own area are up, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from gateway.calendar import Hours
from gateway.ladder import Manners
from gateway.store import broadcasts, facilities, ladders, mornings, outbox, reminders, reporters, users
from gateway.store.areas import Area, add_areas
from gateway.store.audience import Audience, Routes
from gateway.store.facilities import NewFacility
from gateway.store.users import NewUser
from gateway.values import Role, Scope
from tests.district import PHONES, District

NIGHT = datetime(2025, 10, 3, 13, 30, tzinfo=UTC)  # 20:30 in Bengkalis, 22:30 in Jayapura
EAST = "+6281230000071"  # reports in Jayapura, where people are written to from 10 to 16 o'clock
STAFF = "+6281230000072"
UNKNOWN = "+6281230000073"
Wait = tuple[datetime | None, datetime | None]


@pytest.fixture
def country(district: District) -> District:
    """The district and another one two hours ahead, which chose other hours; and an officer with a phone."""
    zone = "Asia/Jayapura"
    with district.database.session() as session:
        add_areas(
            session,
            [
                Area("91", None, "province", "Papua", zone),
                Area("91.71", "91", "regency", "Kota Jayapura", zone),
                Area("91.71.01", "91.71", "district", "Abepura", zone),
            ],
        )
        (place,) = facilities.add_facilities(session, [NewFacility("917100101", "PMB Ema", "E", "PMB", "91.71.01")])
        reporters.add_reporter(session, "Ema", [EAST], [place])
        ladders.choose_manners(session, Manners("91.71", Hours(10, 16)), scope=Scope(""))
        users.add_user(session, NewUser("yosef", "Yosef", Role.OFFICER, "91.71", "id", NIGHT))
        session.execute(users.users.update().values(phone=STAFF))
        session.commit()
    district.set_clock(NIGHT)
    return district


def at(day: int, hour: int) -> datetime:
    """Return an instant of that October, in UTC."""
    return datetime(2025, 10, day, hour, 0, tzinfo=UTC)


def keep(district: District, recipient: str, kind: str, until: datetime | None, **columns: object) -> int:
    """Let a message wait until an evening."""
    row: dict[str, object] = {"kind": kind, "channel": "simulator", "recipient": recipient, "text": "x"}
    row |= {"state": "queued", "trace_id": "t", "ref": f"{kind}{recipient}", "attempts": 0, "refusals": 0}
    row |= {"created_at": at(2, 1), "send_until": until}
    with district.database.session() as session:
        found = session.execute(insert(outbox.outbox).returning(outbox.outbox.c.id), row | {"priority": 1} | columns)
        message_id = int(found.scalar_one())
        session.commit()
    return message_id


def link(district: District, message_id: int, area: str) -> None:
    """Let a message be a reminder of an area."""
    about = {"form": "kb", "period": "2025-09", "subject": f"area:{area}", "rung": "list", "opening": 0, "area": area}
    with district.database.session() as session:
        statement = insert(reminders.reminders).returning(reminders.reminders.c.id)
        found = session.execute(statement, about | {"closes_at": at(9, 1), "created_at": at(2, 1)}).scalar_one()
        session.execute(insert(reminders.reminder_messages), {"reminder_id": found, "outbox_id": message_id})
        session.commit()


def move(district: District, clock: datetime) -> tuple[int, dict[str, Wait]]:
    """Let what is left wait for the morning; return how many that was, and when each may go now."""
    columns = outbox.outbox.c
    with district.database.session() as session:
        moved = mornings.wait_for_morning(session, clock)
        session.commit()
        rows = session.execute(select(columns.recipient, columns.next_try_at, columns.send_until)).all()
    return moved, {row.recipient: (row.next_try_at, row.send_until) for row in rows}


def test_each_waits_for_the_morning_of_her_own_area(country: District) -> None:
    keep(country, PHONES["ani"], "broadcast", at(3, 13))
    keep(country, EAST, "broadcast", at(3, 7))
    moved, waits = move(country, NIGHT)
    assert moved == 2
    assert waits == {PHONES["ani"]: (at(4, 1), at(4, 13)), EAST: (at(4, 1), at(4, 7))}  # 08:00 and 10:00 there


def test_reminders_wait_as_broadcasts_do_by_the_area_that_they_are_about(country: District) -> None:
    keep(country, PHONES["ani"], "reminder", at(3, 13))
    link(country, keep(country, UNKNOWN, "reminder_staff", at(3, 7)), "91.71")
    keep(country, STAFF, "broadcast", at(3, 7))
    moved, waits = move(country, NIGHT)
    east = (at(4, 1), at(4, 7))
    assert (moved, waits) == (3, {PHONES["ani"]: (at(4, 1), at(4, 13)), UNKNOWN: east, STAFF: east})


def test_who_is_of_no_area_waits_for_the_usual_hours_after_her_evening(country: District) -> None:
    keep(country, UNKNOWN, "broadcast", at(1, 11))
    _, waits = move(country, NIGHT)
    assert waits == {UNKNOWN: (at(3, 23), at(4, 11))}


def test_hours_that_an_area_changes_hold_for_what_waits_already(country: District) -> None:
    keep(country, EAST, "broadcast", at(3, 7))
    with country.database.session() as session:
        ladders.choose_manners(session, Manners("91.71", Hours(6, 22)), scope=Scope(""))
        session.commit()
    _, waits = move(country, at(3, 7) + timedelta(minutes=1))
    assert waits == {EAST: (at(2, 21), at(3, 13))}, "her evening is later now, and it goes on today"


def test_what_is_no_broadcast_nor_late_stays_as_it_is(country: District) -> None:
    keep(country, PHONES["ani"], "answer", None, priority=0)
    keep(country, PHONES["budi"], "broadcast", at(3, 14))
    keep(country, PHONES["eve"], "broadcast", at(3, 13), state="sending")
    keep(country, PHONES["wati"], "broadcast", at(3, 13), state="delivered")
    moved, waits = move(country, NIGHT)
    assert moved == 0
    assert set(waits.values()) == {(None, None), (None, at(3, 14)), (None, at(3, 13))}


def test_a_broadcast_is_queued_for_the_hours_of_each_area(country: District) -> None:
    country.set_clock(at(3, 9))  # 16:00 in Bengkalis, 18:00 in Jayapura
    routes = Routes({"simulator": ""})
    with country.database.session() as session:
        draft = broadcasts.add_draft(session, Audience(""), {"id": "Rapat"}, (1, "x"), at(3, 9), scope=Scope(""))
        assert draft
        broadcasts.confirm(session, draft, 7, at(3, 9), scope=Scope(""))
        found = broadcasts.find_broadcast(session, draft, scope=Scope(""))
        assert found
        broadcasts.queue_piece(session, found, routes, at(3, 9))
        session.commit()
    _, waits = move(country, at(3, 9))
    assert waits[EAST] == (at(4, 1), at(4, 7))
    assert waits[PHONES["ani"]] == (None, at(3, 13))
