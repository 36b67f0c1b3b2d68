"""A nation to look at: facilities, midwives, a year of messages and reports, written as fast as can be."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from sqlalchemy import Table, func, insert, select, text

from gateway.calendar import report_month, shift
from gateway.enrol.areas import read_areas
from gateway.store import audit, decisions, registrations, reporters, reports, totals
from gateway.store.areas import areas
from gateway.store.base import Session, is_postgresql
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.values import lane_of

NATION = 33_014  # facilities that report family planning
MONTHS = 12
STOCK_MONTHS = 6
DISTRICT = "14.03"
CHUNK = 5000
KINDS = ("PMB", "PMB", "PMB", "PMB_JEJARING", "PUSTU", "POLINDES", "PUSKESMAS", "KLINIK", "RS")
METHODS = ("suntik1", "suntik3", "pil", "kondom", "iud", "implan2", "mow")
SUPPLIES = ("pil", "suntik3", "kondom", "iud")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: facilities, whether they are spread over the country or over one regency, and how many months.

    Shape: in a smaller nation that `is_dense` a kecamatan has as many facilities as in the whole one.
    """

    facilities: int
    is_national: bool
    months: int = MONTHS
    is_dense: bool = False


def fill(session: Session, size: Size, now: datetime) -> None:
    """Write everything into an empty database, and sum it up. Commits as it goes."""
    inside = fill_places(session, size)
    fill_people(session, size.facilities)
    sent = _Sent(size, now)
    write_rows(session, inbox, sent.received())
    write_rows(session, reports.reports, sent.reported())
    write_rows(session, reports.report_values, sent.values())
    write_rows(session, outbox, sent.answered())
    write_rows(session, registrations.registrations, _registrations(size.facilities // 100, now))
    write_rows(session, audit.audit, _audit(size.facilities, inside, now))
    write_rows(session, decisions.decisions, sent.decided())
    while totals.refresh(session, 20_000):
        session.commit()
    session.commit()


def fill_places(session: Session, size: Size) -> list[str]:
    """Write areas and facilities, and return the kecamatan that these are in."""
    every = read_areas()
    write_rows(session, areas, ({name: getattr(area, name) for name in area.__slots__} for area in every))
    inside = [area.code for area in every if area.code.count(".") == 2]
    if not size.is_national:
        inside = [code for code in inside if code.startswith(f"{DISTRICT}.")]
    elif size.is_dense:
        inside = inside[: max(1, len(inside) * size.facilities // NATION)]
    write_rows(session, facilities, facility_rows(size.facilities, inside))
    return inside


def fill_people(session: Session, count: int) -> None:
    """Write a midwife for each facility: reporter, facility and phone have the same number."""
    write_rows(session, reporters.reporters, _people(count))
    write_rows(session, reporters.reporter_phones, _phones(count))
    write_rows(session, reporters.reporter_facilities, _places(count))


def write_rows(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows in bulk: COPY where there is one. Ids stand in the rows, so that the next one is told afterwards."""
    if is_postgresql(session):
        _copy(session, table, rows)
        if "id" in table.c:
            most = session.execute(select(func.max(table.c.id))).scalar_one()
            session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), :most)"), {"most": most})
    else:
        waiting = iter(rows)
        while chunk := list(islice(waiting, CHUNK)):
            session.execute(insert(table), chunk)
    session.commit()


def _copy(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    all_rows = iter(rows)
    first = next(all_rows)
    names = ", ".join(f'"{name}"' for name in first)
    raw: Any = session.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in chain([first], all_rows):
            copy.write_row(_plain(row))


def _plain(row: Mapping[str, Any]) -> list[Any]:
    return [json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()]


def phone_of(number: int) -> str:
    """Return a midwife's phone."""
    return f"+62812{number:08}"


def facility_rows(count: int, inside: list[str]) -> Iterator[dict[str, Any]]:
    """Yield facilities, spread over these kecamatan."""
    for number in range(1, count + 1):
        kind, area = KINDS[number % len(KINDS)], inside[number % len(inside)]
        yield {
            "id": number,
            "code": f"{number:09}",
            "type": kind,
            "name": f"{kind.title()} {number:05}",
            "short_name": f"F{number:05}",
            "area": area,
            "is_active": True,
            "ownership": "pemerintah" if kind in {"PUSKESMAS", "PUSTU", "POLINDES"} else None,
        }


def _people(count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield {"id": number, "name": f"Bidan {number:05}", "language": "id", "is_active": True}


def _phones(count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield {"phone": phone_of(number), "reporter_id": number}


def _places(count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield {"reporter_id": number, "facility_id": number, "is_responsible": True}


def _registrations(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(1, max(count, 10) + 1):
        words = f"DAFTAR Bidan Baru {number}"
        row = {"phone": phone_of(90_000_000 + number), "channel": "simulator", "words": words}
        yield {"id": number} | row | {"asked_at": now - timedelta(minutes=number), "state": "waiting"}


def _audit(count: int, inside: list[str], now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        who = {"user_id": 1, "user_name": "Petugas", "action": "approve", "noun": "report", "subject": str(number)}
        area = inside[number % len(inside)]
        yield {"id": number, "at": now - timedelta(minutes=count - number)} | who | {"area": area, "details": {}}


class _Sent:
    """A year of reports, one SMS each, made anew for every table: nothing of it is held in memory."""

    def __init__(self, size: Size, now: datetime) -> None:
        self._count = size.facilities
        self._now = now
        newest = report_month(now.date())
        self._periods = [shift(newest, step) for step in range(1 - size.months, 1)]

    def _each(self) -> Iterator[tuple[int, int, str, str, str, random.Random]]:
        """Yield (id, facility, form, period, state, chance) of every report, in the order they came."""
        number = 0
        for period in self._periods:
            is_newest, has_stock = period == self._periods[-1], period in self._periods[-STOCK_MONTHS:]
            for facility in range(1, self._count + 1):
                for form in ("kb", "alokon") if has_stock and facility % 5 == 0 else ("kb",):
                    chance = random.Random(f"{facility}{period}{form}")
                    if chance.random() < (0.3 if is_newest else 0.03):
                        continue
                    number += 1
                    draw = chance.random()
                    state = "approved" if not is_newest else "flagged" if draw < 0.05 else "accepted"
                    yield number, facility, form, period, "waiting" if is_newest and draw > 0.98 else state, chance

    def _at(self, number: int, period: str) -> datetime:
        following = shift(period, 1)
        first = datetime(int(following[:4]), int(following[5:]), 1, tzinfo=UTC)
        return min(first + timedelta(hours=number * 7 % 200, seconds=number % 3600), self._now)

    def received(self) -> Iterator[dict[str, Any]]:
        """Yield a message for each report, and in each hundred one of another kind."""
        last = 0
        for number, facility, form, period, _, _ in self._each():
            at, last = self._at(number, period), number
            yield self._message(
                number, phone_of(facility), f"{form.upper()} {period[5:]}{period[2:4]} BARU 1", at, "done"
            )
        for extra in range(1, max(last // 100, 60) + 1):
            state = ("for_staff", "held", "dead")[extra % 3]
            phone = phone_of(80_000_000 + extra) if state == "held" else phone_of(1 + extra % self._count)
            at = self._now - timedelta(minutes=extra)
            yield self._message(last + extra, phone, "Bu besok jadi rapat di puskesmas?", at, state)

    def _message(self, number: int, phone: str, words: str, at: datetime, state: str) -> dict[str, Any]:
        return {
            "id": number,
            "channel": "simulator",
            "provider_id": f"bench-{number}",
            "sender": phone,
            "recipient": "",
            "text": words,
            "sent_at": at,
            "received_at": at,
            "lane": lane_of(phone),
            "state": state,
            "is_answered": False,
            "attempts": 0,
            "rounds": 0,
            "trace_id": f"{number:032}",
        }

    def reported(self) -> Iterator[dict[str, Any]]:
        """Yield the reports."""
        for number, facility, form, period, state, _ in self._each():
            at = self._at(number, period)
            yield {
                "id": number,
                "form": form,
                "facility_id": facility,
                "period": period,
                "revision": 1,
                "state": state,
                "sent_at": at,
                "sent_key": f"bench-{number}",
                "inbox_id": number,
                "reporter_id": facility,
                "text": f"{form.upper()} {period[5:]}{period[2:4]} BARU 1",
                "reading": {"form": form, "period": period, "repairs": [], "problems": []},
                "flags": [{"code": "same_as_last", "about": {}}] if state == "flagged" else [],
                "form_version": 1,
                "reader_version": 1,
                "created_at": at,
                "is_summed": False,
            }

    def values(self) -> Iterator[dict[str, Any]]:
        """Yield ten values of each report of users, and eight of each report of stock."""
        for number, _, form, _, _, chance in self._each():
            if form == "kb":
                counts = {item: chance.randint(0, 40) for item in METHODS}
                yield self._value(number, "aktif", "", sum(counts.values()))
                yield self._value(number, "baru", "", chance.randint(0, 30))
                yield self._value(number, "ulang", "", chance.randint(0, 60))
                for item, quantity in counts.items():
                    yield self._value(number, "aktif", item, quantity)
            else:
                for item in SUPPLIES:
                    yield self._value(number, "keluar", item, chance.randint(0, 30))
                    yield self._value(number, "akhir", item, max(0, chance.randint(-10, 120)))

    def _value(self, report_id: int, measure: str, item: str, quantity: int) -> dict[str, Any]:
        return {"report_id": report_id, "measure": measure, "item": item, "quantity": quantity}

    def answered(self) -> Iterator[dict[str, Any]]:
        """Yield the answer to each report; some did not arrive."""
        for number, facility, _, period, _, chance in self._each():
            at = self._at(number, period)
            draw = chance.random()
            state = "failed" if draw < 0.004 else "unsure" if draw < 0.006 else "delivered"
            yield {
                "id": number,
                "inbox_id": number,
                "kind": "answer",
                "channel": "simulator",
                "recipient": phone_of(facility),
                "text": "Terima kasih. Salah? balas RALAT. Ref BBC",
                "state": state,
                "ref": f"{number:016}",
                "attempts": 1,
                "refusals": 0,
                "segments": 1,
                "trace_id": f"{number:032}",
                "created_at": at,
                "sent_at": at,
            }

    def decided(self) -> Iterator[dict[str, Any]]:
        """Yield the approval of each report of users of the last months."""
        count = 0
        for number, facility, form, period, state, _ in self._each():
            if state == "approved" and period in self._periods[-STOCK_MONTHS:]:
                count += 1
                yield {
                    "id": count,
                    "report_id": number,
                    "form": form,
                    "facility_id": facility,
                    "period": period,
                    "user_id": 1,
                    "user_name": "Petugas",
                    "action": "approve",
                    "reason": "",
                    "at": self._at(number, period) + timedelta(days=1),
                    "state_before": "accepted",
                    "state_after": "approved",
                    "changes": {},
                    "newest": 1,
                }
