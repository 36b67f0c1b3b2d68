"""Doubles on the pages: found, compared, called two, or merged so that nothing counts twice and nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gateway.runtime import Runtime
from gateway.store import doubles, facilities, register, reporters, reports
from gateway.store.facilities import NewFacility
from gateway.store.reports import NewReport, ReportKey
from gateway.values import COUNTING, ReportState, Scope
from tests.district import PHONES
from tests.gateway.review.registry import make_registry, reporter_id
from tests.gateway.review.visits import Page, sign_in


@pytest.fixture
def ids(runtime: Runtime, visitor: FlaskClient) -> Mapping[str, int]:
    """The registry with a double of PMB Ani, and somebody of the district signed in."""
    found = dict(make_registry(runtime))
    with runtime.database.session() as session:
        double = NewFacility("140300177", "Bidan Ani, S.ST", "ANI2", "PMB", "14.03.01")
        (found["DOUBLE"],) = facilities.add_facilities(session, [double])
        reporters.add_reporter(session, "Ani", ["+6281230000088"], [found["DOUBLE"]])
        session.commit()
    sign_in(visitor, runtime)
    return found


def add_report(runtime: Runtime, facility_id: int, period: str, baru: int) -> int:
    """Add a report that counts."""
    now = runtime.now()
    new = NewReport(
        key=ReportKey("kb", facility_id, period),
        state=ReportState.ACCEPTED,
        sent_at=now,
        sent_key=f"{facility_id}{period}",
        values={"baru": baru},
        text=f"KB BARU {baru}",
        reading={},
        form_version=1,
        reader_version=1,
        created_at=now,
    )
    with runtime.database.session() as session:
        found = reports.add(session, new)
        session.commit()
    return found


def counted(runtime: Runtime) -> dict[tuple[int, str], int]:
    """Return what counts, by facility and month."""
    table, values = reports.reports, reports.report_values
    statement = (
        select(table.c.facility_id, table.c.period, func.sum(values.c.quantity))
        .join(values, values.c.report_id == table.c.id)
        .where(table.c.state.in_(COUNTING))
        .group_by(table.c.facility_id, table.c.period)
    )
    with runtime.database.session(read_only=True) as session:
        return {(row[0], row[1]): int(row[2]) for row in session.execute(statement)}


def merge(visitor: FlaskClient, noun: str, winner: int, loser: int, **more: Any) -> Any:
    """Merge a pair as its page was looked at."""
    address = f"/doubles/{noun}/{winner}/{loser}"
    page = Page(visitor.get(address))
    versions = {f"version{one}": page.hidden(f"version{one}") for one in (winner, loser)}
    return visitor.post(address, data={"winner": winner} | versions | more)


def test_likely_doubles_of_one_kecamatan_are_suggested_until_they_are_called_two(
    visitor: FlaskClient, ids: Mapping[str, int]
) -> None:
    pair = f"/doubles/facility/{ids['PMB01']}/{ids['DOUBLE']}"
    assert pair in visitor.get("/doubles/facility").text
    assert visitor.post(f"{pair}/different").status_code == 303
    assert pair not in visitor.get("/doubles/facility").text


def test_months_of_one_alone_go_over_and_nothing_counts_twice(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    ani, double = ids["PMB01"], ids["DOUBLE"]
    add_report(runtime, ani, "2025-08", 5)
    add_report(runtime, double, "2025-07", 7)
    assert merge(visitor, "facility", ani, double).status_code == 303
    assert counted(runtime) == {(ani, "2025-08"): 5, (ani, "2025-07"): 7}


@pytest.mark.parametrize(("keep", "left"), [("winner", 5), ("loser", 7)])
def test_a_month_of_both_counts_once_as_it_was_decided(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], keep: str, left: int
) -> None:
    ani, double = ids["PMB01"], ids["DOUBLE"]
    add_report(runtime, ani, "2025-08", 5)
    add_report(runtime, double, "2025-08", 7)
    assert merge(visitor, "facility", ani, double).status_code == 422, "it must be decided first"
    chosen = ani if keep == "winner" else double
    assert merge(visitor, "facility", ani, double, **{"keep-kb-2025-08": chosen}).status_code == 303
    assert counted(runtime) == {(ani, "2025-08"): left}
    with runtime.database.session(read_only=True) as session:
        kept = doubles.reports_of(session, ani, scope=Scope(""))
    assert [one.revision for one in kept] == [1, 2], "both stay to be looked at"


def test_the_double_is_closed_and_points_to_the_one_that_stays(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    ani, double = ids["PMB01"], ids["DOUBLE"]
    assert merge(visitor, "facility", ani, double).status_code == 303
    page = visitor.get(f"/facilities/{double}").text
    assert f"/facilities/{ani}" in page
    with runtime.database.session(read_only=True) as session:
        one = register.find_facility(session, double, scope=Scope(""))
        found = reporters.find_by_phones(session, ["+6281230000088"])["+6281230000088"]
    assert one
    assert (one.is_active, one.merged_into) == (False, ani)
    assert [place.id for place in found[0].facilities] == [ani], "her phone reports for the one that stays"


def test_a_report_that_came_in_meanwhile_stops_the_merge(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    ani, double = ids["PMB01"], ids["DOUBLE"]
    add_report(runtime, ani, "2025-08", 5)
    address = f"/doubles/facility/{ani}/{double}"
    page = Page(visitor.get(address))
    form = {"winner": ani} | {f"version{one}": page.hidden(f"version{one}") for one in (ani, double)}
    add_report(runtime, double, "2025-08", 7)
    assert visitor.post(address, data=form).status_code == 422
    assert counted(runtime) == {(ani, "2025-08"): 5, (double, "2025-08"): 7}


def test_one_that_was_changed_meanwhile_is_not_merged(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    ani, double = ids["PMB01"], ids["DOUBLE"]
    form = {"winner": ani, f"version{ani}": "0", f"version{double}": "0"}
    with runtime.database.session() as session:
        register.change_facility(session, double, {"name": "Lain"}, scope=Scope(""), version=0)
        session.commit()
    assert visitor.post(f"/doubles/facility/{ani}/{double}", data=form).status_code == 409


def test_two_rows_of_one_midwife_become_one_with_all_her_phones_and_places(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    ani, other = reporter_id(runtime, PHONES["ani"]), reporter_id(runtime, "+6281230000088")
    assert f"/doubles/reporter/{ani}/{other}" in visitor.get("/doubles/reporter").text
    assert merge(visitor, "reporter", ani, other).status_code == 303
    phones = [PHONES["ani"], PHONES["ani2"], "+6281230000088"]
    with runtime.database.session(read_only=True) as session:
        found = reporters.find_by_phones(session, phones)
    assert {one.id for these in found.values() for one in these} == {ani}
    assert {place.id for place in found[phones[0]][0].facilities} == {ids["PMB01"], ids["DOUBLE"]}
    assert f"/reporters/{ani}" in visitor.get(f"/reporters/{other}").text


def test_a_pair_that_lies_partly_elsewhere_is_not_there(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    address = f"/doubles/facility/{ids['PMB01']}/{ids['JAUH']}"
    assert visitor.get(address).status_code == 404
    assert visitor.post(address, data={"winner": ids["PMB01"]}).status_code == 404
    assert visitor.post(f"{address}/different").status_code == 404
    sign_in(visitor, runtime, role="officer", area="14.03.03")
    assert visitor.get(f"/doubles/facility/{ids['PMB01']}/{ids['DOUBLE']}").status_code == 404


def test_a_viewer_merges_nothing(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    sign_in(visitor, runtime, role="viewer")
    assert visitor.get("/doubles/facility").status_code == 403
    assert visitor.post(f"/doubles/facility/{ids['PMB01']}/{ids['DOUBLE']}").status_code == 403


@pytest.mark.parametrize("language", ["id", "en"])
def test_each_page_is_there_in_both_languages(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], language: str
) -> None:
    pair = f"/doubles/reporter/{reporter_id(runtime, PHONES['ani'])}/{reporter_id(runtime, '+6281230000088')}"
    one = f"/doubles/facility?one={ids['PMB01']}"
    for address in ("/doubles/facility", f"/doubles/facility/{ids['PMB01']}/{ids['DOUBLE']}", pair, one):
        page = visitor.get(f"{address}{'&' if '?' in address else '?'}lang={language}")
        assert page.status_code == 200, address
        assert f'<html lang="{language}">' in page.text
