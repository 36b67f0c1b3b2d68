"""Every USSD gateway at the real door: a whole report goes in, by whatever words the gateway has for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.channels.ussd.callback import UNREAD
from gateway.lines import DialogueState
from gateway.store import reports
from gateway.store.base import Database
from gateway.values import HttpRequest, HttpResponse
from tests.dialling import sessions_of
from tests.district import PHONES, District, make_runtime
from tests.gateway.channels.ussd.far_end import GATEWAYS, Gateway
from tests.gateway.channels.ussd.recorded import DIALECTS

SECRET = "a1B2" * 8
NUMBERED = [name for name in GATEWAYS if name not in {"arkesel", "flares", "infobip", "nalo"}]


@pytest.fixture
def served(open_database: Callable[[str], Database], sqlite_url: str, tmp_path: Path) -> District:
    """A district that every kind of gateway calls, each under its dialect's name."""
    coded = {name for name in GATEWAYS if any(one.name == "code" for one in DIALECTS[name].SETTINGS)}
    options = {name: {"tokens": SECRET} | ({"code": "*123#"} if name in coded else {}) for name in GATEWAYS}
    database = open_database(sqlite_url)
    return District(make_runtime(database, tmp_path / "var", ussd=", ".join(GATEWAYS), channel_options=options))


class Line:
    """A gateway that calls the door, for one phone."""

    def __init__(self, served: District, dialect: str, who: str = "ani", session_id: str = "s-1") -> None:
        self.served = served
        self.gateway: Gateway = GATEWAYS[dialect](SECRET)
        self.gateway.name, self.gateway.phone, self.gateway.session_id = dialect, PHONES[who].lstrip("+"), session_id
        self.screens: list[str] = []
        self.is_over = False
        self._client: FlaskClient = create_app(served.runtime).test_client()

    def call(self, request: HttpRequest) -> HttpResponse:
        """Hand a request to the door and return its answer as the gateway sees it."""
        found = self._client.open(request.path, method=request.method, headers=dict(request.headers), data=request.body)
        return HttpResponse(found.status_code, found.text, found.headers["Content-Type"], dict(found.headers))

    def take(self, request: HttpRequest) -> str:
        """Hand a hop to the door and return the screen that the phone shows."""
        answer = self.call(request)
        assert answer.status == 200, answer.body
        text, self.is_over = self.gateway.read(answer)
        self.screens.append(text)
        return text

    def walk(self, *typed: str) -> str:
        """Type one thing after another, and return the last screen."""
        for one in typed:
            assert not self.is_over, self.screens
            self.take(self.gateway.answer(one))
        return self.screens[-1]


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_a_whole_report_goes_in_screen_by_screen(dialect: str, served: District) -> None:
    line = Line(served, dialect)
    assert "1 Laporan KB" in line.take(line.gateway.dial())
    assert "BARU 5\nAKTIF 40" in line.walk("1", "1", "5", "40")
    assert stored(served) == []
    assert line.walk("1").startswith("KB Sep 25 PMB Ani: BARU 5 AKTIF 40.")
    assert line.is_over
    assert stored(served) == [{"baru": 5, "aktif": 40}]


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_a_whole_report_goes_in_at_once(dialect: str, served: District) -> None:
    line = Line(served, dialect)
    if dialect == "beem":  # does not tell what was dialled
        line.take(line.gateway.dial())
        line.walk("0925*12*40")
    else:
        line.take(line.gateway.dial("*123*0925*12*40#"))
    assert "BARU 12\nAKTIF 40" in line.screens[-1]
    line.walk("1")
    assert stored(served) == [{"baru": 12, "aktif": 40}]


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_bare_numbers_typed_at_the_first_screen_are_a_whole_report(dialect: str, served: District) -> None:
    line = Line(served, dialect)
    line.take(line.gateway.dial())
    assert "BARU 12\nAKTIF 40 PIL 30" in line.walk("12*40*30")
    line.walk("1")
    assert stored(served) == [{"baru": 12, "aktif": 40, "aktif.pil": 30}]


@pytest.mark.parametrize("dialect", NUMBERED)
def test_every_hop_that_comes_again_is_answered_as_it_was_and_taken_once(dialect: str, served: District) -> None:
    line = Line(served, dialect)
    request = line.gateway.dial()
    for typed in ("1", "1", "5", "5", "1"):
        assert line.take(request) == line.take(request)
        request = line.gateway.answer(typed)
    assert line.take(request) == line.take(request)
    assert line.is_over
    assert stored(served) == [{"baru": 5, "aktif": 5}]


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_a_dropped_session_goes_on_at_the_next_dial(dialect: str, served: District) -> None:
    line = Line(served, dialect)
    line.take(line.gateway.dial())
    line.walk("1", "1", "5")
    served.pass_time(hours=2)
    again = Line(served, dialect, session_id="s-2")
    again.take(again.gateway.dial())
    assert "AKTIF" in again.walk("1")
    again.walk("40", "1")
    assert stored(served) == [{"baru": 5, "aktif": 40}]


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_a_stranger_a_forger_and_nonsense_are_each_answered_and_keep_nothing(dialect: str, served: District) -> None:
    stranger = Line(served, dialect, "stranger")
    assert "DAFTAR" in stranger.take(stranger.gateway.dial())
    assert stranger.is_over
    line = Line(served, dialect)
    dialled = line.gateway.dial()
    nonsense = line.call(HttpRequest(dialled.method, line.gateway.path, dialled.headers, b""))
    assert (nonsense.status, UNREAD in nonsense.body) == (200, True)
    line.gateway.secret = SECRET.swapcase()
    assert line.call(line.gateway.dial()).status == 403
    assert sessions(served) == []


OVER: dict[str, Callable[[Gateway], HttpRequest]] = {
    "africastalking": lambda at: HttpRequest(
        "POST",
        at.path,
        {"content-type": "application/x-www-form-urlencoded"},
        f"sessionId={at.session_id}&phoneNumber=%2B{at.phone}&status=Incomplete&input=1%2A1%2A5".encode(),
    ),
    "hubtel": lambda at: at.post({"SessionId": at.session_id, "Mobile": at.phone, "Type": "Release", "Sequence": 9}),
    "beem": lambda at: at.post({"session_id": at.session_id, "command": "terminate"}),
    "infobip": lambda at: HttpRequest("PUT", f"{at.path}/session/{at.session_id}/end", {}, b"{}"),
    "flares": lambda at: HttpRequest("GET", f"{at.path}&SessionID={at.session_id}&clean=1&error=0", {}),
    "flaresxml": lambda at: HttpRequest(
        "POST", at.path, {}, f'<request type="cleanup"><sessionId>{at.session_id}</sessionId></request>'.encode()
    ),
    "kannelussd": lambda at: HttpRequest("GET", f"{at.path}&from=%2B{at.phone}&op=%11&its=*%01&hex=", {}),
}


@pytest.mark.parametrize("dialect", OVER)
def test_the_news_that_a_session_is_over_leaves_a_draft_and_no_report(dialect: str, served: District) -> None:
    line = Line(served, dialect)
    line.take(line.gateway.dial())
    line.walk("1", "1", "5")
    assert line.call(OVER[dialect](line.gateway)).status == 200
    assert sessions(served) == [DialogueState.DRAFT]
    assert stored(served) == []


def stored(served: District) -> list[dict[str, int]]:
    """Return the figures of every report that is stored."""
    with served.database.session(read_only=True) as session:
        return [dict(report.values) for report, _ in reports.latest_reports(session, limit=9)]


def sessions(served: District) -> list[str]:
    """Return what became of Ani's sessions."""
    with served.database.session(read_only=True) as session:
        return [one.state for one in sessions_of(session, PHONES["ani"])]
