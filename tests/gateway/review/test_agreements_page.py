"""Agreements on their pages: recorded whole by administrators, seen by the district, revoked with a reason."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from gateway.store import agreements, audit
from gateway.store.agreements import Agreement
from gateway.store.audit import Wanted
from gateway.values import Scope
from tests.district import District
from tests.klikkb import make_agreement

GOOD = {
    "area": "14.03",
    "partner": "klikkb",
    "number": "12/PKS/2025",
    "title": "Berbagi rekap KB per bidan",
    "legal_basis": "UU 27/2022 pasal 20",
    "starts_on": "2025-01-01",
    "ends_on": "2025-12-31",
    "kb.baru": "1",
    "kb.aktif": "1",
    "may_name": "1",
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough."""
    return sqlite_url


def held(district: District) -> tuple[Agreement, ...]:
    """Return every agreement."""
    with district.database.session(read_only=True) as session:
        return agreements.list_agreements(session, "", scope=Scope(""))


def test_an_agreement_is_recorded_as_it_was_signed(district: District, budi: FlaskClient, rina: FlaskClient) -> None:
    assert budi.post("/klikkb/agreements/new", data=GOOD).status_code == 303
    (one,) = held(district)
    assert (one.partner, one.area, one.measures) == ("klikkb", "14.03", {"kb": ("baru", "aktif")})
    assert (one.may_name, one.may_phone) == (True, False)
    page = rina.get("/klikkb/agreements").text
    assert "12/PKS/2025" in page
    assert "berlaku" in page
    with district.database.session(read_only=True) as session:
        (done,) = audit.search(session, Wanted(noun="agreement"), scope=Scope("14.03"))
    assert (done.action, done.details["name"]) == ("record", "12/PKS/2025")


@pytest.mark.parametrize(
    "changed",
    [
        {"number": ""},
        {"title": " "},
        {"legal_basis": ""},
        {"starts_on": "kemarin"},
        {"ends_on": "2024-12-31"},
        {"kb.baru": "", "kb.aktif": ""},
        {"partner": "other", "other": ""},
        {"partner": "other", "other": "Klik-KB"},
        {"number": "x" * 101},
    ],
)
def test_what_is_missing_or_wrong_is_told_at_its_field_and_what_was_typed_stays(
    district: District, budi: FlaskClient, changed: dict[str, str]
) -> None:
    answer = budi.post("/klikkb/agreements/new", data=GOOD | changed)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert "Berbagi rekap" in answer.text or "title" in changed
    assert held(district) == ()


def test_only_an_administrator_records_and_revokes(district: District, rina: FlaskClient, budi: FlaskClient) -> None:
    with district.database.session() as session:
        agreement_id = make_agreement(session)
        session.commit()
    assert rina.get("/klikkb/agreements/new").status_code == 403
    assert rina.post("/klikkb/agreements/new", data=GOOD).status_code == 403
    assert rina.post(f"/klikkb/agreements/{agreement_id}/revoke", data={"why": "salah"}).status_code == 403
    budi.post(f"/klikkb/agreements/{agreement_id}/revoke", data={"why": " "})
    assert held(district)[0].revoked_at is None
    budi.post(f"/klikkb/agreements/{agreement_id}/revoke", data={"why": "salah tanggal"})
    assert (held(district)[0].revoked_why, held(district)[0].revoked_at) == ("salah tanggal", district.runtime.now())
    assert "Dicabut" in rina.get("/klikkb/agreements").text
    assert budi.post(f"/klikkb/agreements/{agreement_id}/revoke", data={"why": "lagi"}).status_code == 404


def test_an_agreement_with_somebody_else_is_no_agreement_with_klik_kb(district: District, budi: FlaskClient) -> None:
    budi.post("/klikkb/agreements/new", data=GOOD | {"partner": "other", "other": "Dinas Kesehatan"})
    assert [one.partner for one in held(district)] == ["Dinas Kesehatan"]
    assert "Belum ada perjanjian dengan Klik-KB" in budi.get("/klikkb?area=14.03").text
