"""A registry to try the pages on: the district of tests/district.py, a neighbour, and whoever signs in."""

from __future__ import annotations

from collections.abc import Mapping

from flask.testing import FlaskClient

from gateway.runtime import Runtime
from gateway.store import areas, facilities, reporters
from gateway.store.areas import Area
from gateway.store.facilities import NewFacility
from tests.district import make_district
from tests.gateway.review.visits import Page

BANTAN = "14.03.03"
PALU = "72.71.01"


def make_registry(runtime: Runtime) -> Mapping[str, int]:
    """Fill a registry and return its facilities' ids by short name: the district's, a neighbour, and one far away."""
    ids = dict(make_district(runtime.database))
    with runtime.database.session() as session:
        areas.add_areas(
            session,
            [
                Area(BANTAN, "14.03", "district", "Bantan", "Asia/Jakarta"),
                Area("72", None, "province", "Sulawesi Tengah", "Asia/Makassar"),
                Area("72.71", "72", "regency", "Kota Palu", "Asia/Makassar"),
                Area(PALU, "72.71", "district", "Palu Timur", "Asia/Makassar"),
            ],
        )
        new = [
            NewFacility("140300201", "PMB Bunga", "BUNGA", "PMB", BANTAN),
            NewFacility("727150100", "PMB Jauh", "JAUH", "PMB", PALU),
        ]
        ids |= dict(zip(("BUNGA", "JAUH"), facilities.add_facilities(session, new), strict=True))
        reporters.add_reporter(session, "Bunga", ["+6281230000071"], [ids["BUNGA"]])
        reporters.add_reporter(session, "Jauh", ["+6281230000072"], [ids["JAUH"]])
        session.commit()
    return ids


def reporter_id(runtime: Runtime, phone: str) -> int:
    """Return the id of who reports from a phone."""
    with runtime.database.session(read_only=True) as session:
        return reporters.find_by_phones(session, [phone])[phone][0].id


def version_on(visitor: FlaskClient, address: str) -> str:
    """Return the version that a page's form would send."""
    return Page(visitor.get(address)).hidden("version")
