"""Reports through a real Kannel while Kabar is killed, again and again: each is kept once, none is answered twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from tests.chaos.harness import House, make_practices, pause, phone_of, wait_until
from tests.gateway.channels.provider import Provider
from tests.peers.kannel import Kannel, line_of

KILLED = (("web",), ("outbound", "inbound1"), ("web", "outbound"))  # after each ten messages
PHONES = 10 * len(KILLED)


@pytest.mark.kannel
@pytest.mark.long
def test_reports_through_kannel_while_kabar_is_killed_are_kept_once_and_answered_once(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    database = open_database(sqlite_url)
    make_practices(database, PHONES)  # one phone of each writes: nobody changes a colleague's figures
    (tmp_path / "kannel").mkdir()
    with Provider() as unused, Kannel(tmp_path / "kannel") as kannel, line_of(kannel) as line:
        options = {f"kannel_{name}": value for name, value in kannel.options.items()}
        house = House(tmp_path, sqlite_url, unused, channels="generic, kannel", port=str(kannel.kabar_port), **options)
        house.port = kannel.kabar_port

        def count(table: str, *states: str) -> int:
            of = {"inbox": inbox, "outbox": outbox}[table]
            with database.session(read_only=True) as session:
                asked = select(func.count()).select_from(of)
                return int(session.execute(asked.where(of.c.state.in_(states)) if states else asked).scalar_one())

        with house:
            for begin, victims in enumerate(KILLED):
                for number in range(10 * begin, 10 * begin + 10):
                    line.bring(phone_of(2 * number), f"KB 0925 BARU {number % 20} AKTIF {number + 40}")
                for victim in victims:
                    house.kill(victim)
                pause(0.2)
                house.tend()
            wait_until(lambda: count("inbox") == PHONES, "every message is kept", house.tend)
            wait_until(lambda: not count("inbox", "received"), "every message is handled", house.tend)
            wait_until(lambda: not count("outbox", "queued"), "every answer has had its turn", house.tend)
            wait_until(lambda: not count("outbox", "sent"), "every receipt has come", house.tend)
            kept, delivered = count("inbox"), count("outbox", "delivered")
            in_doubt = count("outbox", "sending", "unsure")
    answered = Counter(sent.to for sent in line.sent)
    assert (kept, delivered + in_doubt) == (PHONES, PHONES)
    assert set(answered.values()) == {1}
    assert delivered <= len(answered) <= delivered + in_doubt
    assert in_doubt <= 2, "at most one for each kill of a sender"
