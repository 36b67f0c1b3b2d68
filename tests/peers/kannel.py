"""A real Kannel, set up as docs/kannel.md says, and the operator's line that a test plays to it."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.parse import quote, unquote_to_bytes
from urllib.request import urlopen

from gateway.supervise import start_leashed
from tests.chaos.harness import free_port, wait_until
from tests.docs.pages import page
from tests.servers import Server

PAGE = "docs/kannel.md"
SECRET, PASSWORD, STATUS_PASSWORD = "GANTI-rahasia-ke-Kabar", "GANTI-sandi-sendsms", "GANTI-sandi-status"
SHORT_CODE = "2345"


def read_block(name: str) -> str:
    """Return the block of the page that stands behind a marker."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```[a-z]+\n(.*?)^```$", page(PAGE).text, re.MULTILINE | re.DOTALL)
    assert found, f"{PAGE} has no block {name}"
    return found[1]


class Box(Server):
    """One of Kannel's two programs."""

    def __init__(self, kannel: Kannel, program: str, sign: str) -> None:
        super().__init__()
        self._kannel = kannel
        self._program = program
        self._sign = sign

    def is_answering(self) -> bool:
        """Return whether bearerbox is there, and tells of the box."""
        return self._sign in self._kannel.read_status()

    def last_words(self) -> str:
        """Return what it wrote, for a person."""
        log = self._kannel.folder / f"{self._program}.out"
        return log.read_text(errors="replace")[-2000:]

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._kannel.folder / f"{self._program}.out").open("ab") as log:
            command = [self._program, "-v", "4", str(self._kannel.folder / "kannel.conf")]
            return start_leashed(command, {"PATH": "/usr/sbin:/usr/bin:/bin"}, self._kannel.folder, log)


class Kannel:
    """Both boxes, of the page's own configuration: its ports, its folders and the pauses between two tries are others.

    The line to the operator is the page's one for trials, or, with the port of an SMSC, its one by SMPP.
    """

    def __init__(self, folder: Path, smsc_port: int = 0) -> None:
        self.folder = folder
        self.kabar_port, self.send_port, self.line_port, self._status_port = (free_port() for _ in range(4))
        self._ports = {
            "8000": self.kabar_port,
            "13013": self.send_port,
            "13000": self._status_port,
            "13001": free_port(),
            "10000": self.line_port,
            "2775": smsc_port,
        }
        (folder / "kannel.conf").write_text(self.place(read_block("kannel.conf")))
        (folder / "lines.conf").write_text(self.place(read_block("lines.conf" if smsc_port else "fake.conf")))
        (folder / "store").mkdir()
        with sqlite3.connect(folder / "dlr.db") as database:
            database.execute(re.findall(r"CREATE TABLE [^']+", read_block("prepare"))[0])
        self.bearerbox = Box(self, "bearerbox", "<gateway>")
        self.smsbox = Box(self, "smsbox", "<type>smsbox</type>")

    def place(self, text: str) -> str:
        """Return a text of the page with the ports and folders of this test."""
        text = re.sub(r"(?<![0-9])[0-9]{4,5}(?![0-9])", lambda found: str(self._ports.get(found[0], found[0])), text)
        text = re.sub(r"/(?:var/log|var/spool|etc)/kannel", str(self.folder), text)
        return re.sub(r"^(http-queue-delay|reconnect-delay) = [0-9]+$", r"\1 = 1", text, flags=re.MULTILINE)

    @property
    def status_url(self) -> str:
        """Where bearerbox tells how it does."""
        return f"http://127.0.0.1:{self._status_port}/status.xml"

    @property
    def options(self) -> dict[str, str]:
        """The options of the channel in Kabar."""
        written = re.findall(r"^KABAR_KANNEL_([A-Z_]+)=(.*)$", read_block("kabar.env"), re.MULTILINE)
        return {name.lower(): value for name, value in written} | {
            "send_url": f"http://127.0.0.1:{self.send_port}/cgi-bin/sendsms",
            "status_url": self.status_url,
            "per_second": "1000",
        }

    def __enter__(self) -> Self:
        self.bearerbox.start()
        self.smsbox.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.smsbox.kill()
        self.bearerbox.kill()

    def read_status(self) -> str:
        """Return what bearerbox tells, or nothing where it does not."""
        with suppress(URLError, OSError), urlopen(f"{self.status_url}?password={STATUS_PASSWORD}", timeout=5) as answer:
            return str(answer.read().decode())
        return ""

    def restart(self) -> None:
        """Kill both boxes and start them again: without bearerbox smsbox ends by itself, at some time."""
        self.smsbox.kill()
        self.bearerbox.kill()
        self.bearerbox.start()
        self.smsbox.start()

    def hand_in_again(self) -> str:
        """Run what the page tells to run after a crash, and return what it printed."""
        script = self.place(read_block("again"))
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    def received(self) -> list[str]:
        """Return the id of every message that bearerbox has in its store or handed over, in their order."""
        log = self.folder / "access.log"
        return re.findall(r" Receive SMS id=(\S+) ", log.read_text(errors="replace")) if log.exists() else []


@dataclass(frozen=True, slots=True)
class Sent:
    """An SMS as it left for the operator. Shape: `octets` are UTF-8, or UTF-16BE where it goes out as UCS-2."""

    to: str
    octets: bytes
    header: bytes = b""


class Line:
    """The operator's side of `smsc = fake`: one line of text for each SMS. Source: Kannel's test/fakesmsc.c."""

    def __init__(self, kannel: Kannel) -> None:
        self._kannel = kannel
        self.sent: list[Sent] = []
        self._socket = socket.create_connection(("127.0.0.1", kannel.line_port))
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def bring(self, sender: str, *texts: str, kind: str = "text") -> None:
        """Bring messages from a phone, and wait until bearerbox has them all."""
        before = len(self._kannel.received())
        for text in texts:
            self.write(sender, kind, text)
        wait_until(lambda: len(self._kannel.received()) >= before + len(texts), "bearerbox has them")

    def write(self, sender: str, kind: str, text: str) -> None:
        """Write one SMS to bearerbox."""
        said = quote(text.encode("utf-16-be")) if kind == "ucs2" else text
        self._socket.sendall(f"{sender} {SHORT_CODE} {kind} {said}\n".encode())

    def _read(self) -> None:
        with suppress(OSError, ValueError), self._socket.makefile("rb") as lines:
            for line in lines:
                self.sent.append(_read_line(line.rstrip(b"\n")))


@contextmanager
def line_of(kannel: Kannel) -> Iterator[Line]:
    """Be the operator for a while."""
    line = Line(kannel)
    try:
        yield line
    finally:
        line.close()


def _read_line(line: bytes) -> Sent:
    _, to, kind, rest = line.split(b" ", 3)
    header = b""
    if kind == b"udh":
        written, kind, rest = rest.split(b" ", 2)
        header = unquote_to_bytes(written)
    return Sent(to.decode(), rest if kind == b"text" else unquote_to_bytes(rest.replace(b"+", b" ")), header)
