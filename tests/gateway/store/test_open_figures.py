"""Open figures on either database: who has what, months published once, and nothing outside of a scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.errors import Raced
from gateway.opening import Openness, State
from gateway.store import open_figures
from gateway.store.open_figures import OpenMonth
from gateway.values import Scope
from tests.district import NOON, District, make_runtime
from tests.gateway.publish.opened import AREA, MONTH, fill, open_up

MONTH_MADE = OpenMonth(MONTH, {"baru": {"": {"": 12, "iud": None}}}, {"there": 3, "settled": 3}, "Bu Rina", NOON, None)
DAY = date(2025, 10, 3)


@pytest.fixture
def district(database: object, tmp_path: object) -> District:
    """A district with three kecamatan and a month of settled reports."""
    made = District(make_runtime(database, tmp_path / "var"))  # type: ignore[arg-type, operator]
    fill(made)
    return made


def test_what_was_chosen_comes_back_and_belongs_to_its_area(district: District) -> None:
    chosen = open_up(district, sites=("https://palu.go.id",), names_practices=True, measures=("aktif",))
    with district.database.session() as session:
        assert open_figures.find_openness(session, AREA, scope=Scope(AREA)) == replace(chosen, changed_at=NOON)
        assert open_figures.find_openness(session, AREA, scope=Scope("72.71")) is None
        assert not open_figures.choose_openness(session, Openness(AREA), NOON, scope=Scope("14.03.01"))


def test_places_are_told_of_by_their_last_settled_stock(district: District) -> None:
    forms = {form.code: form for form in district.runtime.forms}
    with district.database.session(read_only=True) as session:
        chosen = Openness(AREA, is_on=True)
        asked = (chosen, DAY, (forms["kb"], forms["alokon"]))
        lines = {line.name: line for line in open_figures.find_lines(session, *asked, scope=Scope(AREA))}
        assert not open_figures.find_lines(session, *asked, scope=Scope("72.71"))
    assert (lines["Puskesmas Duri"].states["pil"], lines["Puskesmas Duri"].states["iud"]) == (State.THERE, State.GONE)
    assert (lines["RS Mandau"].states["mow"], lines["RS Mandau"].period) == (State.THERE, None)


def test_a_month_is_published_once_and_only_by_its_own(district: District) -> None:
    with district.database.session() as session:
        assert not open_figures.publish_month(session, AREA, MONTH_MADE, scope=Scope("72.71"))
        assert open_figures.publish_month(session, AREA, MONTH_MADE, scope=Scope(AREA))
        session.commit()
    with pytest.raises(Raced), district.database.session() as session:
        open_figures.publish_month(session, AREA, MONTH_MADE, scope=Scope(AREA))
    with district.database.session() as session:
        assert open_figures.list_months(session, AREA, scope=Scope(AREA)) == (MONTH_MADE,)
        assert open_figures.list_months(session, AREA, scope=Scope("72.71")) == ()
        assert not open_figures.withdraw_month(session, AREA, MONTH, NOON, scope=Scope("72.71"))
        assert open_figures.withdraw_month(session, AREA, MONTH, NOON, scope=Scope("14"))
        assert open_figures.list_months(session, AREA, scope=Scope(AREA)) == (replace(MONTH_MADE, withdrawn_at=NOON),)
