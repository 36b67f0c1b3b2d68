"""USSD over SMPP through a real Kannel, set up as docs/ussd.md says: a whole report, dialled and typed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from gateway.app import create_app
from gateway.store import reports
from gateway.store.base import Database
from gateway.supervise import start_leashed
from tests.chaos.harness import free_port
from tests.district import PHONES, District, make_runtime
from tests.docs.pages import page
from tests.peers.ussd_operator import Operator
from tests.servers import Server

pytestmark = pytest.mark.kannel

SECRET = "a1B2" * 8
DIALLED, TYPED, SCREEN, LAST = 1, 18, 2, 17
CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = "127.0.0.1"
admin-password = unused
smsbox-port = {box}
smsbox-interface = "127.0.0.1"
store-type = spool
store-location = "{folder}/store"

group = smsc
smsc = smpp
smsc-id = UMB
host = "127.0.0.1"
port = {operator}
transceiver-mode = true
smsc-username = "kabar"
smsc-password = "secret"
system-type = ""
reconnect-delay = 1

group = smsbox
bearerbox-host = "127.0.0.1"
sendsms-port = {send}
sendsms-interface = "127.0.0.1"
mo-recode = true

{page}
"""


class Box(Server):
    """One of Kannel's two programs; it answers when its log says so."""

    def __init__(self, folder: Path, program: str, sign: str) -> None:
        super().__init__()
        self._folder, self._program, self._sign = folder, program, sign

    def is_answering(self) -> bool:
        """Return whether it has said its sign."""
        return self._sign in self.last_words()

    def last_words(self) -> str:
        """Return what it wrote."""
        return (self._folder / f"{self._program}.out").read_text(errors="replace")

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._folder / f"{self._program}.out").open("ab") as log:
            command = [self._program, "-v", "0", str(self._folder / "kannel.conf")]
            return start_leashed(command, {"PATH": "/usr/sbin:/usr/bin:/bin"}, self._folder, log)


@pytest.fixture
def district(open_database: Callable[[str], Database], sqlite_url: str, tmp_path: Path) -> District:
    """A district whose service code is Kannel's."""
    options = {"kannelussd": {"tokens": SECRET, "code": "*123#"}}
    return District(
        make_runtime(open_database(sqlite_url), tmp_path / "var", ussd="kannelussd", channel_options=options)
    )


@pytest.fixture
def operator(district: District, tmp_path: Path) -> Iterator[Operator]:
    """The operator, whose line goes through Kannel to Kabar."""
    kabar = make_server("127.0.0.1", 0, create_app(district.runtime), threaded=True)
    thread = threading.Thread(target=kabar.serve_forever, args=(0.02,))
    thread.start()
    [block] = page("docs/ussd.md").blocks("ini")
    block = block.replace("127.0.0.1:8000", f"127.0.0.1:{kabar.server_port}").replace("token=SECRET", f"token={SECRET}")
    with Operator(PHONES["ani"].lstrip("+"), "123") as made:
        ports = {name: free_port() for name in ("admin", "box", "send")}
        text = CONFIGURATION.format(page=block, operator=made.port, folder=tmp_path, **ports)
        (tmp_path / "kannel.conf").write_text(text)
        (tmp_path / "store").mkdir()
        boxes = [Box(tmp_path, "bearerbox", "Start-up done"), Box(tmp_path, "smsbox", "Connected to bearerbox")]
        for box in boxes:
            box.start()
        yield made
        for box in boxes[::-1]:
            box.kill()
    kabar.shutdown()
    thread.join()
    kabar.server_close()


def test_a_report_is_dialled_and_typed_over_smpp(operator: Operator, district: District) -> None:
    first = operator.ask(DIALLED, b"\x2a\x00", "*123#")
    assert (first.op, first.session) == (SCREEN, b"\x2a\x00")
    assert "1 Laporan KB" in first.text
    for typed in ("1", "1", "5"):
        assert operator.ask(TYPED, b"\x2a\x00", typed).op == SCREEN
    assert "BARU 5\nAKTIF 40" in operator.ask(TYPED, b"\x2a\x00", "40").text
    last = operator.ask(TYPED, b"\x2a\x01", "1")
    assert (last.op, last.session) == (LAST, b"\x2a\x01")
    assert "Terima kasih" in last.text
    again = operator.ask(DIALLED, b"\x2a\x00", "*123*0825*7*41#")  # the operator numbers its sessions anew
    assert "BARU 7\nAKTIF 41" in again.text
    with district.database.session(read_only=True) as session:
        assert [dict(report.values) for report, _ in reports.latest_reports(session)] == [{"baru": 5, "aktif": 40}]
