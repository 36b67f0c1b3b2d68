"""The provider: a process of its own that sends requests and writes down when each was answered."""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

REQUESTS_PER_CONNECTION = 25  # then a new one: connections that stay for ever may all hang on one process of the server
IDLE_SECONDS = 1.0  # a connection that had nothing to do for so long is not used again: the server may have closed it
SETTLE_SECONDS = 10.0  # for what is under way when the time is over


class Line:
    """One connection with at most one request under way."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._left = 0
        self._received = b""
        self.request: dict[str, Any] = {}

    def send(self, request: dict[str, Any], selector: selectors.BaseSelector) -> None:
        """Send a request, over a new connection when this one has served its time."""
        if self._left == 0 or time.monotonic() - self.request["answered_at"] > IDLE_SECONDS:
            if self._socket is not None:
                self._socket.close()
            self._socket = socket.create_connection(self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._left = REQUESTS_PER_CONNECTION
        assert self._socket is not None
        selector.register(self._socket, selectors.EVENT_READ, self)
        self._left -= 1
        self._received = b""
        self.request = request
        request["sent_at"] = time.monotonic()
        self._socket.sendall(request["raw"])

    def receive(self, selector: selectors.BaseSelector) -> bool:
        """Read what has come; whether the answer is whole. Its status stands in the request then, 0 when cut off."""
        assert self._socket is not None
        piece = self._socket.recv(65536)
        self._received += piece
        head, end, body = self._received.partition(b"\r\n\r\n")
        if piece and (not end or len(body) < _length_of(head)):
            return False
        if not piece or b"connection: close" in head.lower():
            self._left = 0
        selector.unregister(self._socket)
        self.request["answered_at"] = time.monotonic()
        self.request["status"] = int(head[9:12] or 0)
        return True


def send_all(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Send what a plan says, and return what became of each request that was sent.

    Shape: a plan is {"host", "port", "connections", "requests": [{"id", "raw"}], "seconds": stop sending after,
    "per_second": null for as fast as the connections allow}.
    """
    waiting = list(reversed(plan["requests"]))
    selector = selectors.DefaultSelector()
    idle = [Line(plan["host"], plan["port"]) for _ in range(plan["connections"])]
    done: list[dict[str, Any]] = []
    started, busy = time.monotonic(), 0
    gap = 1 / plan["per_second"] if plan["per_second"] else 0.0
    due = started
    while busy or waiting:
        now = time.monotonic()
        if now - started > plan["seconds"]:
            waiting.clear()
        if now - started > plan["seconds"] + SETTLE_SECONDS:
            break
        while idle and waiting and due <= now:
            idle.pop().send(waiting.pop(), selector)
            due += gap
            busy += 1
        pause = max(0.0, due - time.monotonic()) if waiting and idle else 0.1
        for key, _ in selector.select(pause) if busy else ():
            line: Line = key.data
            if line.receive(selector):
                done.append(line.request)
                idle.insert(0, line)
                busy -= 1
        if not busy and waiting:
            time.sleep(max(0.0, due - time.monotonic()))
    return done


def _length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def main() -> None:
    """Read a plan from the file that is named, and write what became of it as JSON."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for request in plan["requests"]:
        request["raw"] = request["raw"].encode()
    done = send_all(plan)
    json.dump([{name: one[name] for name in ("id", "sent_at", "answered_at", "status")} for one in done], sys.stdout)


if __name__ == "__main__":
    main()
