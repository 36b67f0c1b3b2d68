"""Sending a month to a DHIS2 from the pages: looked at, tried out, confirmed, followed to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway import keybox
from gateway.app import create_app
from gateway.mapping import Cell
from gateway.settling import Choices, SettlesAt
from gateway.store import audit, destinations, export_choices, mappings
from gateway.store.audit import Wanted
from gateway.store.base import Database
from gateway.store.destinations import LockedSecret, NewDestination
from gateway.store.mappings import NewMapping
from gateway.values import Scope
from tests.district import District, make_runtime
from tests.gateway.export.dhis2.dhis2_server import TOKEN, Dhis2Server
from tests.gateway.review.visits import Page, sign_in
from workers import pushes
from workers.sweep import sweep

AREA = Scope("14.03")
CELLS = {"baru": Cell("KB_BARU"), "baru.pil": Cell("KB_BARU", "PIL"), "aktif": Cell("KB_AKTIF")}
UNITS = {"140300101": "3201010001", "140300102": "3201010002"}
REPORT = "KB 0925 BARU 5 PIL 5 AKTIF 40"


@pytest.fixture
def server() -> Iterator[Dhis2Server]:
    """A DHIS2 of the middle generation."""
    with Dhis2Server(42) as server:
        yield server


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district whose gateway may call this machine."""
    return District(make_runtime(database, tmp_path, private_hosts="127.0.0.1"))


@pytest.fixture
def rina(district: District) -> FlaskClient:
    """A browser in which somebody of the district's office is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime)
    return browser


def prepare(district: District, server: Dhis2Server, cells: dict[str, Cell] = CELLS) -> str:
    """Let there be a destination, its mapping and one settled report; return what the pages call it."""
    runtime = district.runtime
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    now = runtime.now()
    with district.database.session() as session:
        export_choices.choose(session, Choices("14.03", SettlesAt.ACCEPTED), scope=AREA)
        place = NewDestination("14.03", "ASDK Riau", server.url, "token", "")
        secret = LockedSecret(keybox.lock(key, TOKEN), TOKEN[-4:], now)
        destination_id = destinations.add_destination(session, place, secret, now, scope=AREA)
        assert destination_id is not None
        about = ("kb", "KB_BULANAN", "CODE", "kemenkes_code", cells, UNITS, frozenset[str]())
        new = NewMapping(destination_id, *about, 1, "Bu Rina", now, "peta.xlsx", "0" * 64)
        draft_id = mappings.keep_draft(session, new, scope=AREA)
        assert draft_id is not None
        mappings.use_draft(session, draft_id, 0, now, user_id=1, scope=AREA)
        session.commit()
    district.say("ani", REPORT)
    return f"{destination_id}-kb"


def confirm(browser: FlaskClient, to: str, what: str = "send") -> TestResponse:
    """Look at what would be sent and confirm it."""
    seen = Page(browser.get(f"/pushes/new?to={to}&period=2025-09")).hidden("seen")
    return browser.post("/pushes/new", data={"to": to, "period": "2025-09", "seen": seen, "what": what})


def test_a_month_is_looked_at_sent_and_read_back_in_words(
    district: District, rina: FlaskClient, server: Dhis2Server
) -> None:
    to = prepare(district, server)
    looked = rina.get(f"/pushes/new?to={to}&period=2025-09").text
    assert "1 dari 7 faskes masuk, 6 belum" in looked
    assert "PMB Ani" in looked
    assert "Peserta baru, Pil" in looked
    assert "1 laporan September 2025 akan dikirim ke 127.0.0.1." in looked
    sent = confirm(rina, to)
    assert sent.status_code == 303
    assert "Sedang dikirim" in rina.get(sent.location).text
    sweep(district.runtime)
    assert pushes.drain(district.runtime) == 1
    result = rina.get(sent.location).text
    assert "Semuanya ada di sana, sama dengan milik kita." in result
    assert len(server.imports.live) == 3
    assert len(server.imports.complete) == 1
    turn = rina.get(f"{sent.location}/facilities/1").text
    assert "Milik mereka" in turn
    assert "POST /api/dataValueSets" in turn
    assert TOKEN not in turn + result + looked
    with district.database.session(read_only=True) as session:
        deed = audit.search(session, Wanted(), scope=AREA)[0]
    assert (deed.action, deed.noun) == ("push", "push")
    assert deed.details["host"] == "127.0.0.1"
    assert "tidak ada yang perlu dikirim" in rina.get(f"/pushes/new?to={to}&period=2025-09").text.lower()


def test_a_dry_run_changes_nothing_there(district: District, rina: FlaskClient, server: Dhis2Server) -> None:
    to = prepare(district, server)
    tried = confirm(rina, to, "try")
    pushes.drain(district.runtime)
    assert "Semuanya akan diterima." in rina.get(tried.location).text
    assert not server.imports.store


def test_a_refused_code_is_told_with_facility_figure_and_remedy(
    district: District, rina: FlaskClient, server: Dhis2Server
) -> None:
    to = prepare(district, server, CELLS | {"baru.pil": Cell("KB_TYPO", "PIL")})
    sent = confirm(rina, to)
    pushes.drain(district.runtime)
    assert "PMB Ani" in rina.get(f"{sent.location}?only=trouble").text
    turn = rina.get(f"{sent.location}/facilities/1").text
    assert "Kode elemen data tidak dikenal di sana. Perbaiki di pemetaan" in turn
    assert "E7610" in turn


def test_a_figure_without_a_place_is_refused_by_name_before_anything_is_sent(
    district: District, rina: FlaskClient, server: Dhis2Server
) -> None:
    to = prepare(district, server, {"aktif": CELLS["aktif"]})
    looked = rina.get(f"/pushes/new?to={to}&period=2025-09").text
    assert "Peserta baru, Pil" in looked
    assert "belum punya tempat di pemetaan" in looked
    assert "Tidak ada yang boleh dikirim" in looked
    assert 'name="what"' not in looked


def test_what_changed_since_it_was_looked_at_is_shown_anew_and_not_sent(
    district: District, rina: FlaskClient, server: Dhis2Server
) -> None:
    to = prepare(district, server)
    seen = Page(rina.get(f"/pushes/new?to={to}&period=2025-09")).hidden("seen")
    district.say("ani", "RALAT KB 0925 BARU 6 PIL 6 AKTIF 40")
    district.say("wati", "KB PMB02 0925 BARU 1 PIL 1 AKTIF 9")
    answer = rina.post("/pushes/new", data={"to": to, "period": "2025-09", "seen": seen, "what": "send"})
    assert answer.status_code == 409
    assert "Ada yang berubah sejak Anda melihat" in answer.text
    assert pushes.drain(district.runtime) == 0


def test_a_month_is_not_sent_twice_at_once(district: District, rina: FlaskClient, server: Dhis2Server) -> None:
    to = prepare(district, server)
    seen = Page(rina.get(f"/pushes/new?to={to}&period=2025-09")).hidden("seen")
    sent = {"to": to, "period": "2025-09", "seen": seen, "what": "send"}
    assert rina.post("/pushes/new", data=sent).status_code == 303
    assert rina.post("/pushes/new", data=sent).status_code == 409
    assert pushes.drain(district.runtime) == 1


def test_a_report_that_changes_later_is_flagged_and_only_its_change_is_offered(
    district: District, rina: FlaskClient, server: Dhis2Server
) -> None:
    to = prepare(district, server)
    sent = confirm(rina, to)
    pushes.drain(district.runtime)
    district.say("ani", "RALAT KB 0925 BARU 6 PIL 6 AKTIF 40")
    assert "Berubah setelah dikirim" in rina.get(sent.location).text
    looked = rina.get(f"/pushes/new?to={to}&period=2025-09").text
    assert "2 angka" in looked
    assert "5 → <strong>6</strong>" in looked


def test_only_who_may_send_finds_the_page_and_nobody_finds_another_districts(
    district: District, rina: FlaskClient, server: Dhis2Server
) -> None:
    to = prepare(district, server)
    sent = confirm(rina, to)
    app = create_app(district.runtime)
    officer, stranger = app.test_client(), app.test_client()
    sign_in(officer, district.runtime, "officer", "14.03")
    sign_in(stranger, district.runtime, "district", "72.71")
    assert officer.get("/pushes").status_code == 403
    assert stranger.get(f"/pushes/new?to={to}&period=2025-09").status_code == 404
    assert stranger.get(sent.location).status_code == 404
    assert stranger.get(f"{sent.location}/facilities/1").status_code == 404
    assert "ASDK Riau" not in stranger.get("/pushes").text
