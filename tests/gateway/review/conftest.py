"""What tests of the pages ask for: the application on either database, a visitor, and one registered midwife."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.runtime import Runtime, make_runtime
from gateway.store import areas, facilities, reporters
from gateway.store.areas import Area
from gateway.store.facilities import NewFacility
from tests.district import District
from tests.gateway.review.clocked import ClockedRuntime, add_user, with_clock
from tests.gateway.review.visits import ANI, make_settings, sign_in


@pytest.fixture
def runtime(tmp_path: Path, database_url: str) -> Iterator[Runtime]:
    """A runtime on a fresh database of either kind."""
    made = make_runtime(make_settings(tmp_path, database_url))
    yield made
    made.database.dispose()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web application."""
    return create_app(runtime)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser on this computer."""
    return app.test_client()


@pytest.fixture
def clocked(runtime: Runtime) -> ClockedRuntime:
    """The gateway by the test's clock, with sari of Bengkalis who has a password."""
    made = with_clock(runtime)
    add_user(made, "sari")
    return made


@pytest.fixture
def ani(runtime: Runtime) -> int:
    """Bidan Ani of PMB Ani in Palu, bound to the simulator; her id."""
    with runtime.database.session() as session:
        areas.add_areas(
            session,
            [
                Area("72", None, "province", "Sulawesi Tengah", "Asia/Makassar"),
                Area("72.71", "72", "regency", "Kota Palu", "Asia/Makassar"),
                Area("72.71.01", "72.71", "district", "Palu Timur", "Asia/Makassar"),
            ],
        )
        (facility_id,) = facilities.add_facilities(
            session, [NewFacility("727150100", "PMB Ani", "PMB01", "PMB", "72.71.01")]
        )
        reporter_id = reporters.add_reporter(session, "Bidan Ani", [ANI], [facility_id], only_channel="simulator")
        session.commit()
    return reporter_id


@pytest.fixture
def rina(district: District) -> FlaskClient:
    """A browser in which somebody of the district's office is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime)
    return browser


@pytest.fixture
def budi(district: District) -> FlaskClient:
    """A browser in which an administrator of the whole country is signed in to the district's gateway."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, "administrator", "")
    return browser
