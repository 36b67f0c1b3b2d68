"""The handset on the terminal: real requests to a real server, screens in frames, every fault in a sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from gateway.app import create_app
from gateway.cli import kabar
from gateway.cli_ussd import show
from gateway.errors import KabarError
from gateway.lines import DialogueState, UssdScreen
from gateway.store import reports
from gateway.store.base import Database
from tests.dialling import sessions_of
from tests.district import PHONES, District, make_runtime
from tests.gateway.test_cli import run

ANI = "081230000001"


@pytest.fixture
def district(open_database: Callable[[str], Database], sqlite_url: str, tmp_path: Path) -> District:
    """A district with a database of its own."""
    return District(make_runtime(open_database(sqlite_url), tmp_path))


@pytest.fixture
def server(district: District) -> Iterator[str]:
    """The gateway's web server; its address."""
    made = make_server("127.0.0.1", 0, create_app(district.runtime), threaded=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def dial(server: str, district: District, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Dial from a number in this process, with lines to be typed, and return what the terminal showed."""
    monkeypatch.setenv("KABAR_VAR", str(district.runtime.settings.var))
    return lambda lines, *more: CliRunner().invoke(
        kabar, ["ussd", "--url", server, *(more or ("--from", ANI))], input="".join(f"{line}\n" for line in lines)
    )


def test_a_whole_report_goes_in_from_lines_on_standard_input(server: str, district: District) -> None:
    var = str(district.runtime.settings.var)
    done = run("ussd", "--from", ANI, "--url", server, given="1\n1\n5\n40\n1\n", KABAR_VAR=var)
    assert done.returncode == 0, done.stderr
    assert "| Peserta BARU?                    |" in done.stdout
    assert "Terima kasih" in done.stdout
    assert stored(district) == [{"baru": 5, "aktif": 40}]


def test_what_is_dialled_behind_the_code_is_typed_at_once(dial: Callable[..., Result], district: District) -> None:
    done = dial(["1"], "--from", ANI, "--dial", "*123*0925*12*40#")
    assert "BARU 12" in done.output
    assert stored(district) == [{"baru": 12, "aktif": 40}]


@pytest.mark.parametrize("lines", [["1", "1", "5"], ["1", "1", "5", "", "40"]])
def test_where_nothing_more_is_typed_the_phone_hangs_up_and_a_draft_stays(
    dial: Callable[..., Result], district: District, lines: list[str]
) -> None:
    done = dial(lines)
    assert "You have hung up" in done.output
    with district.database.session(read_only=True) as session:
        assert [one.state for one in sessions_of(session, PHONES["ani"])] == [DialogueState.DRAFT]
    assert stored(district) == []


def test_a_server_that_is_away_or_refuses_is_a_sentence(dial: Callable[..., Result], tmp_path: Path) -> None:
    assert isinstance(dial([], "--from", ANI, "--url", "http://127.0.0.1:1").exception, KabarError)
    refused = dial([], "--from", " ")
    assert isinstance(refused.exception, KabarError)
    assert "(400)" in str(refused.exception)


def test_a_screen_is_drawn_in_its_frame_however_long_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show(UssdScreen("Bulan?\n\n" + "panjang " * 9 + "x" * 40))
    lines = capsys.readouterr().out.splitlines()
    assert {len(line) for line in lines} == {36}
    assert lines[0] == lines[-1] == f"+{'-' * 34}+"


def stored(district: District) -> list[dict[str, int]]:
    """Return the figures of every report that is stored."""
    with district.database.session(read_only=True) as session:
        return [dict(report.values) for report, _ in reports.latest_reports(session, limit=9)]
