"""Which agreement holds on a day, and why none does."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.store import agreements
from gateway.store.agreements import KLIKKB, Agreement, Lack
from gateway.store.base import Database
from gateway.values import Scope
from tests.klikkb import NOW, make_agreement

COUNTRY = Scope("")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough."""
    return sqlite_url


@pytest.mark.parametrize(
    ("on", "found"),
    [
        (date(2024, 12, 31), Lack.NOT_YET),
        (date(2025, 1, 1), "12/PKS/2025"),
        (date(2025, 12, 31), "12/PKS/2025"),
        (date(2026, 1, 1), Lack.ENDED),
    ],
)
def test_an_agreement_holds_from_its_first_day_to_its_last(database: Database, on: date, found: object) -> None:
    with database.session() as session:
        make_agreement(session)
        held = agreements.find_in_force(session, KLIKKB, "14.03.01", on, "kb", scope=COUNTRY)
    assert (held.number if isinstance(held, Agreement) else held) == found


def test_an_agreement_holds_for_its_area_its_partner_and_its_forms_only(database: Database) -> None:
    on = date(2025, 10, 1)
    with database.session() as session:
        make_agreement(session)
        assert agreements.find_in_force(session, KLIKKB, "14", on, "kb", scope=COUNTRY) is Lack.NONE
        assert agreements.find_in_force(session, KLIKKB, "72.71", on, "kb", scope=COUNTRY) is Lack.NONE
        assert agreements.find_in_force(session, KLIKKB, "14.03", on, "kb", scope=Scope("72")) is Lack.NONE
        assert agreements.find_in_force(session, "dinkes", "14.03", on, "kb", scope=COUNTRY) is Lack.NONE
        assert agreements.find_in_force(session, KLIKKB, "14.03", on, "alokon", scope=COUNTRY) is Lack.FORM


def test_a_revoked_agreement_holds_no_more_and_cannot_be_revoked_again(database: Database) -> None:
    on = date(2025, 10, 1)
    with database.session() as session:
        wide = make_agreement(session, area="", number="1/PUSAT")
        near = make_agreement(session)
        held = agreements.find_in_force(session, KLIKKB, "14.03", on, scope=COUNTRY)
        assert isinstance(held, Agreement)
        assert held.id == near  # the nearest area's comes first
        assert agreements.revoke(session, near, "Budi", "salah", NOW, scope=Scope("72")) is None
        assert agreements.revoke(session, near, "Budi", "salah", NOW, scope=Scope("14.03"))
        assert agreements.revoke(session, near, "Budi", "salah", NOW, scope=Scope("14.03")) is None
        held = agreements.find_in_force(session, KLIKKB, "14.03", on, scope=COUNTRY)
        assert isinstance(held, Agreement)
        assert held.id == wide
        agreements.revoke(session, wide, "Budi", "berakhir", NOW, scope=COUNTRY)
        assert agreements.find_in_force(session, KLIKKB, "14.03", on, scope=COUNTRY) is Lack.REVOKED


def test_an_agreement_is_near_its_end_in_its_last_thirty_days(database: Database) -> None:
    with database.session() as session:
        make_agreement(session)
        (held,) = agreements.list_agreements(session, "14.03.01", scope=COUNTRY)
    assert [held.is_near_end(date(2025, month, 1)) for month in (11, 12)] == [False, True]
    assert not held.is_near_end(date(2026, 1, 1))
