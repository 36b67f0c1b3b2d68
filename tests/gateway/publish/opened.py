"""A regency that has opened its figures: three kecamatan, who has what, a month to publish; and what nobody may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.calendar import month_days
from gateway.hiding import ALL
from gateway.opening import Openness, sum_up
from gateway.store import areas, facilities, open_figures, reporters, reports, settled
from gateway.store.areas import Area
from gateway.store.facilities import NewFacility
from gateway.store.open_figures import OpenMonth
from gateway.store.reports import NewReport, ReportKey
from gateway.store.settled import Selection
from gateway.values import ReportState, Scope
from tests.district import NOON, PHONES, District

AREA, MONTH = "14.03", "2025-09"
SECRET_NAME, SECRET_PHONE = "Kenari Rahasia", "+6281377770001"
PLACES = (
    NewFacility("140300201", "Puskesmas Duri", "DURI", "PUSKESMAS", "14.03.02", latitude=1.27, longitude=101.2),
    NewFacility("140300202", "RS Mandau", "RSM", "RS", "14.03.02"),
    NewFacility("140300203", "Pustu Lama 0813 7777 0001", "LAMA", "PUSTU", "14.03.02"),
    NewFacility("140300204", "PMB Kartini", "KARTINI", "PMB", "14.03.02", latitude=1.3, longitude=101.3),
    NewFacility("140300301", "Puskesmas Rupat", "RUPAT", "PUSKESMAS", "14.03.03"),
    NewFacility("140300302", "Polindes =Sungai", "SUNGAI", "POLINDES", "14.03.03"),
    NewFacility("140300303", "Pustu Rupat", "PRUPAT", "PUSTU", "14.03.03"),
)
KB: Mapping[str, Mapping[str, int]] = {  # September 2025: what each facility reported
    "PMB01": {"baru": 12, "baru.pil": 9, "baru.iud": 3, "aktif": 60},
    "PMB02": {"baru": 10, "baru.pil": 10, "aktif": 70},
    "PTK": {"baru": 21, "baru.pil": 14, "baru.suntik3": 7, "aktif": 80, "gugur": 1, "komplikasi": 2},
    "DURI": {"baru": 52, "baru.pil": 30, "baru.iud": 22, "aktif": 300},
    "RSM": {"baru": 37, "baru.mow": 30, "baru.pil": 7, "aktif": 100},
    "LAMA": {"baru": 20, "baru.suntik3": 20, "aktif": 90},
    "RUPAT": {"baru": 44, "baru.pil": 20, "baru.iud": 24, "aktif": 150},
    "SUNGAI": {"baru": 15, "baru.suntik3": 15, "aktif": 40},
    "PRUPAT": {"baru": 18, "baru.pil": 18, "aktif": 50},
}
ALOKON: Mapping[str, Mapping[str, int]] = {
    "PMB01": {"pil.akhir": 12, "kondom.akhir": 0},
    "PMB02": {"pil.akhir": 0},
    "DURI": {"pil.akhir": 873, "iud.akhir": 0, "implan2.akhir": 641},
    "SUNGAI": {"suntik3.akhir": 219},
}


def settle(
    district: District,
    name: str,
    values: Mapping[str, int],
    form: str = "kb",
    period: str = MONTH,
    state: ReportState = ReportState.APPROVED,
) -> None:
    """Keep a report of a facility as staff have left it."""
    named = {
        f"{key.partition('.')[2]}.{key.partition('.')[0]}" if form == "alokon" else key: one
        for key, one in values.items()
    }
    key = ReportKey(form, district.ids[name], period)
    sent = f"{name} {form} {period} {state}"
    new = NewReport(key, state, NOON, sent, named, f"{SECRET_NAME} {SECRET_PHONE}", {}, 1, 1, NOON)
    with district.database.session() as session:
        reports.add(session, new)
        session.commit()


def fill(district: District) -> None:
    """Give a district two more kecamatan, and a month of settled reports."""
    with district.database.session() as session:
        areas.add_areas(
            session,
            [
                Area("14.03.02", AREA, "district", "Mandau", "Asia/Jakarta"),
                Area("14.03.03", AREA, "district", "Rupat", "Asia/Jakarta"),
            ],
        )
        ids = facilities.add_facilities(session, PLACES)
        reporters.add_reporter(session, SECRET_NAME, [SECRET_PHONE], [ids[0]])
        session.commit()
    names = (place.short_name for place in PLACES)
    district.ids = {**district.ids, **dict(zip(names, ids, strict=True))}
    for name, values in KB.items():
        settle(district, name, values)
    for name, values in ALOKON.items():
        settle(district, name, values, "alokon")


def open_up(district: District, **chosen: object) -> Openness:
    """Open the regency's figures."""
    openness = Openness(AREA, is_on=True, first_period="2025-01", source="Dinas P2KB Bengkalis")
    openness = replace(openness, **chosen)  # type: ignore[arg-type]
    with district.database.session() as session:
        open_figures.choose_openness(session, openness, district.runtime.now(), scope=Scope(AREA))
        session.commit()
    return openness


def publish(district: District, period: str = MONTH) -> None:
    """Publish a month as the page does."""
    selection = Selection("kb", (period,), AREA, frozenset({ReportState.APPROVED}))
    form = next(form for form in district.runtime.forms if form.code == "kb")
    with district.database.session() as session:
        shown = sum_up(open_figures.read_reported(session, selection, scope=Scope(AREA)), form)
        there = len(settled.list_places(session, AREA, month_days(period), scope=Scope(AREA)))
        tables: dict[str, dict[str, dict[str, int | None]]] = {}
        for measure, table in shown.items():
            for (row, column), number in table.items():
                tables.setdefault(measure, {}).setdefault(row, {})[column] = number
        month = OpenMonth(period, tables, {"there": there, "settled": len(KB)}, "Bu Rina", district.runtime.now(), None)
        open_figures.publish_month(session, AREA, month, scope=Scope(AREA))
        session.commit()


def secrets_of(district: District) -> list[str]:
    """Return every phone number in the ways it may be written, and the names of who reports."""
    phones = [*PHONES.values(), SECRET_PHONE]
    shapes = [shape for phone in phones for shape in (phone, phone[1:], f"0{phone[3:]}", phone[-7:])]
    return [*shapes, "0813 7777 0001", SECRET_NAME, "Noni", "Bu Rina", "revision", ALL or "sent_at"]
