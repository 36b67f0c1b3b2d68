"""A Klik-KB directory and an agreement for the district, as staff would have made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from gateway.store import agreements, klikkb
from gateway.store.agreements import KLIKKB, NewAgreement
from gateway.store.base import Session
from gateway.values import Scope
from tests.district import PHONES

NOW = datetime(2025, 10, 1, 3, 0, tzinfo=UTC)
LISTED: Sequence[tuple[str, str, str]] = (
    ("KK-001", "Ani", PHONES["ani"]),
    ("KK-002", "Wati", PHONES["wati"]),
    ("KK-003", "Sari", PHONES["clinic"]),
    ("KK-004", "Dewi", PHONES["clinic"]),
    ("KK-009", "Bidan Baru", "+6281230000077"),
)


def fill_directory(
    session: Session, listed: Sequence[tuple[str, str, str]] = LISTED, area: str = "14.03.01"
) -> Mapping[str, int]:
    """Put midwives into the directory and return their ids by Klik-KB id."""
    scope = Scope("14.03")
    row = {"area": "14.03", "file_name": "klik-kb.xlsx", "digest": "0" * 64, "applied_at": NOW, "user_id": None}
    counts = {"new": len(listed), "changed": 0, "gone": 0, "same": 0, "wrong": 0}
    seen = klikkb.last_import_id(session, scope=Scope(""))
    import_id = klikkb.begin_import(session, row | {"user_name": "Rina", "counts": counts}, scope=scope, seen=seen)
    place = {"area": area, "facility": "", "facility_id": None}
    rows = [{"klikkb_id": key, "name": name, "phone": phone or None} | place for key, name, phone in listed]
    klikkb.add_all(session, rows, import_id, NOW)
    return {key: one.id for key, one in klikkb.list_all(session, "14.03", scope=scope).items()}


def make_agreement(session: Session, **changed: Any) -> int:
    """Record an agreement with Klik-KB for the regency and this year, and return its id."""
    wanted: dict[str, Any] = {
        "partner": KLIKKB,
        "number": "12/PKS/2025",
        "title": "Berbagi rekap KB per bidan",
        "area": "14.03",
        "measures": {"kb": ("baru", "aktif")},
        "may_name": False,
        "may_phone": False,
        "legal_basis": "UU 27/2022 pasal 20",
        "starts_on": date(2025, 1, 1),
        "ends_on": date(2025, 12, 31),
        "recorded_by": "Budi",
        "recorded_at": NOW,
    }
    agreement_id = agreements.record(session, NewAgreement(**wanted | changed), scope=Scope(""))
    assert agreement_id is not None
    return agreement_id
