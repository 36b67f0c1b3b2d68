"""A district behind a real Kannel: its web server comes and goes, and the test itself does its workers' work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, make_server

from gateway.app import create_app
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.outbox import NewOutboxMessage, OutboxMessage, add, latest_to
from tests.chaos.harness import wait_until
from tests.district import NOON, PHONES, District, make_runtime
from tests.peers.kannel import Kannel

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Web:
    """Kabar's web server, which can be gone and come back at the same address."""

    def __init__(self, app: Wsgi, port: int) -> None:
        self._app = app
        self._port = port
        self._made: BaseWSGIServer | None = None
        self.breaks_next = 0  # so many answers are lost after their commit, as when the process is killed there
        self.broken = 0

    def start(self) -> None:
        """Be there."""
        self._made = make_server("127.0.0.1", self._port, self._answer, threaded=True)
        threading.Thread(target=self._made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Be gone."""
        if self._made is not None:
            self._made.shutdown()
            self._made.server_close()
            self._made = None

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._app(environ, start)
        if self.breaks_next:
            self.breaks_next -= 1
            self.broken += 1
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer


class House:
    """The district, its database and its web server, which is not started yet."""

    def __init__(self, kannel: Kannel, database: Database, folder: Path) -> None:
        options = {"kannel": kannel.options}
        runtime = make_runtime(
            database, folder, channels="kannel", channel_options=options, port=kannel.kabar_port, answers_per_hour=1000
        )
        self.kannel = kannel
        self.district = District(runtime)
        self.channel = runtime.channels["kannel"]
        self.database = database
        self.web = Web(create_app(runtime), kannel.kabar_port)

    def texts(self) -> list[str]:
        """Return what was kept, in the order of its coming."""
        with self.database.session(read_only=True) as session:
            return list(session.execute(select(inbox.c.text).order_by(inbox.c.id)).scalars())

    def answers(self) -> list[OutboxMessage]:
        """Return what was to be sent, oldest first."""
        with self.database.session(read_only=True) as session:
            return list(reversed(latest_to(session, limit=1000)))

    def work(self) -> None:
        """Handle and send what waits."""
        self.district.handle()
        self.district.send()

    def has_kept(self, count: int) -> None:
        """Wait until so many messages were kept."""
        wait_until(lambda: len(self.texts()) >= count, f"{count} messages are kept")

    def has_told(self, state: str, count: int = 1) -> None:
        """Wait until so many messages to be sent have come to a state."""
        wait_until(lambda: sum(one.state == state for one in self.answers()) >= count, f"{count} are {state}")

    def write(self, text: str, ref_of: str = "ani") -> str:
        """Send a text and return our reference of it."""
        message = NewOutboxMessage(None, "trial", "kannel", PHONES[ref_of], text, "0" * 16, NOON)
        with self.database.session() as session:
            ref = add(session, message)
            session.commit()
        self.district.send()
        return ref
