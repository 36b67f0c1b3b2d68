"""What tests of the API ask for: a district with a neighbour, and systems with a token that speak to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.store import areas, facilities, reporters, tokens
from gateway.store.areas import Area
from gateway.store.base import Database
from gateway.store.facilities import NewFacility
from gateway.store.tokens import NewToken, TokenScope
from gateway.values import Scope
from tests.district import District, make_runtime

WORDS = "KB 0925 BARU 12 AKTIF 40 PIL 30"


class Answer(TestResponse):
    """An answer in whose JSON a test looks around."""

    @property
    def json(self) -> Any:
        """Return what it holds, or fail."""
        return self.get_json()


class System:
    """Another system with a token of its own."""

    def __init__(self, client: FlaskClient, secret: str, token_id: int) -> None:
        self.client = client
        self.secret = secret
        self.token_id = token_id

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for something under /api/v1."""
        return cast(Answer, self.client.get(f"/api/v1{path}", headers=self._headers(headers)))

    def post(self, path: str, sent: Any, **headers: str) -> Answer:
        """Send something under /api/v1."""
        return cast(Answer, self.client.post(f"/api/v1{path}", json=sent, headers=self._headers(headers)))

    def report(self, key: str = "first", **changes: Any) -> Answer:
        """Send a report of PMB Ani's for September 2025."""
        values = {"baru": 12, "aktif": 40, "aktif.pil": 30}
        sent = {"form": "kb", "facility": "140300101", "period": "2025-09", "values": values} | changes
        return self.post("/reports", sent, Idempotency_Key=key)

    def feed(self, path: str, password: str | None = None) -> Answer:
        """Ask for something under /odata/v1, as a spreadsheet does."""
        given = ("excel", self.secret if password is None else password)
        return cast(Answer, self.client.get(f"/odata/v1{path}", auth=given))

    def all_items(self, path: str) -> list[Mapping[str, Any]]:
        """Return the rows of every page of a list."""
        found: list[Mapping[str, Any]] = []
        following: str | None = path
        while following:
            answer = self.get(following.removeprefix("/api/v1"))
            assert answer.status_code == 200, answer.text
            found += answer.json["items"]
            following = answer.json["next"]
        return found

    def _headers(self, others: Mapping[str, str]) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in others.items()}
        return {"Authorization": f"Bearer {self.secret}"} | given


class Systems:
    """Makes systems, each with a token."""

    def __init__(self, app: Flask, district: District) -> None:
        self.app = app
        self.district = district

    def make(self, area: str = "14.03", scopes: frozenset[str] | None = None, days: int = 30) -> System:
        """Return a system that may do everything in an area, or only what is said."""
        runtime, secret = self.district.runtime, tokens.make_secret()
        now = runtime.now()
        given = frozenset(TokenScope) if scopes is None else scopes
        new = NewToken("Dasbor", given, area, "Bu Rina", now, now + timedelta(days=days))
        with runtime.database.session() as session:
            token_id = tokens.add_token(session, new, secret, scope=Scope(""))
            session.commit()
        assert token_id is not None
        return System(self.app.test_client(), secret.reveal(), token_id)


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """The district of Bengkalis, and a neighbour that is nobody's business there."""
    made = District(make_runtime(database, tmp_path))
    plant_neighbour(made)
    return made


def plant_neighbour(district: District) -> None:
    """Let Palu be there, with a facility, its midwife and her report."""
    with district.database.session() as session:
        areas.add_areas(
            session,
            [
                Area("72", None, "province", "Sulawesi Tengah", "Asia/Makassar"),
                Area("72.71", "72", "regency", "Kota Palu", "Asia/Makassar"),
                Area("72.71.01", "72.71", "district", "Palu Timur", "Asia/Makassar"),
            ],
        )
        ids = facilities.add_facilities(session, [NewFacility("727150100", "PMB Palu", "PALU1", "PMB", "72.71.01")])
        reporters.add_reporter(session, "Bidan Palu", ["+6281250000001"], ids)
        session.commit()
    district.say("+6281250000001", "KB 0925 BARU 7 AKTIF 177")
    district.say("+6281250000001", "ALOKON 0925 PIL AWAL 70 TERIMA 7 KELUAR 7 AKHIR 70")


@pytest.fixture
def app(district: District) -> Flask:
    """The web application."""
    return create_app(district.runtime)


@pytest.fixture
def systems(app: Flask, district: District) -> Systems:
    """Makes systems with a token."""
    return Systems(app, district)


@pytest.fixture
def system(systems: Systems) -> System:
    """A system that may do everything in Bengkalis."""
    return systems.make()
