"""A lost phone, or a forged number: all that came by it since a day is refused at once."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from gateway.runtime import Runtime
from gateway.store import reports
from gateway.store.reports import ReportKey
from gateway.values import ReportState
from tests.district import NOON, PHONES, District
from tests.gateway.review.registry import reporter_id
from tests.gateway.review.visits import sign_in


def states(district: District) -> dict[str, list[str]]:
    """Return the states of Ani's reports by month."""
    with district.database.session(read_only=True) as session:
        keys = {month: ReportKey("kb", district.ids["PMB01"], month) for month in ("2025-07", "2025-08", "2025-09")}
        return {month: [one.state for one in reports.revisions(session, key)] for month, key in keys.items()}


@pytest.fixture
def address(district: District, runtime: Runtime, visitor: FlaskClient) -> str:
    """Where what Ani sent is refused: two reports of a good day, and two of the day after her phone was lost."""
    district.say("ani", "KB 0725 BARU 12 AKTIF 40", sent_at=NOON.replace(day=1))
    district.say("ani", "KB 0825 BARU 12 AKTIF 41", sent_at=NOON.replace(day=1))
    district.say("ani", "KB 0825 BARU 12 AKTIF 45")
    district.say("ani", "KB 0925 BARU 12 AKTIF 42")
    sign_in(visitor, runtime)
    return f"/reporters/{reporter_id(runtime, PHONES['ani'])}/reports/reject"


def test_all_that_was_sent_since_a_day_is_rejected_at_once(
    district: District, visitor: FlaskClient, address: str
) -> None:
    answer = visitor.post(address, data={"since": "2025-10-03", "reason": "HP hilang"}, follow_redirects=True)
    assert "2 laporan ditolak; 0 tetap" in answer.text
    assert states(district) == {
        "2025-07": ["accepted"],
        "2025-08": ["replaced", "rejected"],
        "2025-09": ["rejected"],
    }


def test_what_is_approved_and_what_lies_in_a_closed_month_stays(
    district: District, visitor: FlaskClient, address: str
) -> None:
    with district.database.session() as session:
        found = reports.find_current(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))
        assert found
        reports.set_state(session, found.id, ReportState.APPROVED, was=found.state)
        session.commit()
    district.close_month("kb", "2025-08")
    visitor.post(address, data={"since": "2025-10-03", "reason": "HP hilang"})
    assert states(district)["2025-08"] == ["replaced", "accepted"]
    assert states(district)["2025-09"] == ["approved"]


@pytest.mark.parametrize("typed", [{"since": "", "reason": "HP hilang"}, {"since": "2025-10-03", "reason": " "}])
def test_what_is_missing_is_said_and_nothing_is_rejected(
    district: District, visitor: FlaskClient, address: str, typed: dict[str, str]
) -> None:
    before = states(district)
    assert visitor.post(address, data=typed).status_code == 422
    assert states(district) == before


def test_who_may_not_decide_rejects_nothing(
    district: District, runtime: Runtime, visitor: FlaskClient, address: str
) -> None:
    before = states(district)
    sign_in(visitor, runtime, "viewer", "14.03")
    assert visitor.post(address, data={"since": "2025-10-03", "reason": "x"}).status_code == 403
    assert states(district) == before
