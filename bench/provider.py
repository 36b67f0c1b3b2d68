"""A provider's own end: an HTTP server that takes every message it is given, and writes down each in its ledger.

It is a process of its own (`python -m bench.provider`), says which port it took, and knows three requests: `POST` takes
a message, `GET /count` tells how many it took, `GET /ledger` shows them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from urllib.request import urlopen

from gateway.supervise import start_leashed

HOST = "127.0.0.1"

Taken = tuple[str, str, float]  # our ref, the recipient, and when by the clock of all processes (time.monotonic)


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider, as the measurement sees it."""

    process: Popen[bytes]
    address: str

    def count(self) -> int:
        """Return how many messages it was given."""
        return int(self._get("/count"))

    def ledger(self) -> list[Taken]:
        """Return the messages that it was given, in that order."""
        return [(ref, to, at) for ref, to, at in json.loads(self._get("/ledger"))]

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _get(self, path: str) -> bytes:
        with urlopen(f"{self.address}{path}") as answer:
            found: bytes = answer.read()
            return found


def start_provider(environ: dict[str, str], folder: Path) -> Provider:
    """Start a provider, and return it when it listens."""
    process = start_leashed([sys.executable, "-m", "bench.provider"], environ, folder)
    assert process.stdout is not None
    return Provider(process, f"http://{HOST}:{int(process.stdout.readline())}")


class Line(asyncio.Protocol):
    """One connection of whoever sends."""

    def __init__(self, ledger: list[Taken]) -> None:
        self._ledger = ledger
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole by now."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, start = self._received[:end].lower(), end + 4
            _, _, length = head.partition(b"content-length:")
            whole = start + int(length.split(b"\r\n", 1)[0] or 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[start:whole], self._received[whole:]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"post"):
            given = json.loads(body)
            self._ledger.append((given["ref"], given["to"], time.monotonic()))
            said = json.dumps({"id": f"p-{len(self._ledger)}"})
        else:
            said = json.dumps(self._ledger) if head.startswith(b"get /ledger") else str(len(self._ledger))
        return (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode()
        )


async def serve() -> None:
    """Take messages until it is ended."""
    ledger: list[Taken] = []
    server = await asyncio.get_running_loop().create_server(lambda: Line(ledger), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve())
