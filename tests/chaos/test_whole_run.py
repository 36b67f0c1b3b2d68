"""The log of a whole run of real processes: a line for each event, a trace for each message, and no secrets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redis import Redis
from sqlalchemy import text

from gateway.store.base import Database
from tests.chaos.harness import SECRET, House, make_practices, phone_of, wait_until
from tests.gateway.channels.provider import Provider
from tests.gateway.channels.standin import Reply

REDIS_PASSWORD = "redis-password-canary-81d2"
DATABASE_PASSWORD = "database-password-canary-4f7a"
PROVIDER_TOKEN = "provider-token-canary-99c3"
STRANGER = "+6281299900077"
HOSTILE = "ok\n2026-11-21 login ok user=admin\r\x1b[31mred \u2028 {}"
# their words are ours; the queue server has its own
QUIET = {"web", "inbound1", "inbound2", "outbound", "errands", "clock"}


def post(house: House, key: str, words: str, sender: str, secret: str = SECRET) -> int:
    """Hand in one message."""
    sms = {"id": key, "from": sender, "text": words}
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    return house.call("POST", "/in/generic/sms", headers, json.dumps(sms).encode())


class LockedHouse(House):
    """A house whose queue server wants a password."""

    def __init__(self, folder: Path, database_url: str, provider: Provider) -> None:
        super().__init__(folder, database_url, provider)
        self.redis_url = f"unix://{quote(str(self.redis_socket))}?password={REDIS_PASSWORD}"
        self.environ["KABAR_REDIS_URL"] = self.redis_url
        self.commands["valkey"] += ("--requirepass", REDIS_PASSWORD)


def run(database: Database, url: str, folder: Path) -> dict[str, list[str]]:
    """Let everything happen that is written about, and return the lines of each process."""
    make_practices(database, 3)
    with Provider(token=PROVIDER_TOKEN, is_idempotent=False) as provider, LockedHouse(folder, url, provider) as house:
        provider.replies = [Reply(400, b"no"), Reply(503, b"later")]
        assert post(house, "m1", "KB 0925 BARU 12 AKTIF 40 PIL 30", phone_of(0)) == 200
        assert post(house, "m1", "KB 0925 BARU 12 AKTIF 40 PIL 30", phone_of(0)) == 200
        assert post(house, "m2", HOSTILE, phone_of(2)) == 200
        assert post(house, "m3", f"telepon saya {STRANGER}\n{SECRET}", STRANGER) == 200
        assert post(house, "m4", "KB", "X\nY\x1b[31m") == 400
        assert post(house, "m5", "KB", phone_of(1), secret="forged-secret-canary") == 403
        assert post(house, "", HOSTILE, phone_of(1)) == 400
        assert house.call("GET", f"/in/generic/sms?from={quote(STRANGER)}&text=x") == 403
        assert house.call("GET", "/nowhere?%0aphone=" + quote(phone_of(1))) == 404

        def count(query: str) -> int:
            with database.session(read_only=True) as session:
                return int(session.execute(text(query)).scalar_one())

        wait_until(lambda: count("SELECT count(*) FROM inbox WHERE state = 'received'") == 0, "all is handled")
        wait_until(lambda: count("SELECT count(*) FROM outbox WHERE state IN ('failed', 'sent')") >= 2, "some are sent")
        with Redis.from_url(house.redis_url) as redis:  # what an attacker may leave in Redis is written about as well
            redis.rpush("rq:queue:inbound", "no-such-job")
            redis.config_set("requirepass", "changed")
            redis.client_kill_filter(skipme=True)
        assert post(house, "m6", "KB 0925 BARU 13 AKTIF 41", phone_of(0)) == 200
        wait_until(lambda: "bell_not_heard" in house.logs()["web"], "the web hears that no bell is heard")
        wait_until(lambda: "bell_not_heard" in house.logs()["clock"], "so does the clock")
    return {name: written.split("\n")[:-1] for name, written in house.logs().items() if name in QUIET}


def test_the_log_of_a_whole_run_tells_each_event_in_a_line_and_nobodys_secrets(
    database_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    with_password = database_url.replace("kabar@", f"kabar:{DATABASE_PASSWORD}@")
    lines = run(open_database(database_url), with_password, tmp_path)
    whole = "\n".join(line for written in lines.values() for line in written)
    canaries = [SECRET, REDIS_PASSWORD, DATABASE_PASSWORD, PROVIDER_TOKEN, "forged-secret-canary"]
    canaries += [form for phone in (STRANGER, *map(phone_of, range(3))) for form in (phone, phone[1:], f"0{phone[3:]}")]
    assert [canary for canary in canaries if canary in whole] == []
    assert "telepon saya" not in whole, "what a person wrote is for no log"
    assert "BARU 12" not in whole
    events = [(name, json.loads(line)) for name, written in lines.items() for line in written]
    assert all(isinstance(event["event"], str) and event["timestamp"] and event["level"] for _, event in events)
    assert {event["process"] for name, event in events if name == "web" and "process" in event} == {"web"}
    assert not [event for _, event in events if event["event"].startswith("2026-11-21 login")]
    follow_traces(events)


def follow_traces(events: list[tuple[str, dict[str, Any]]]) -> None:
    """Check that each message has one trace from its webhook to what became of its answer."""
    happened: dict[str, list[str]] = defaultdict(list)
    for _, event in events:
        if event.get("trace_id"):
            happened[event["trace_id"]].append(event["event"])
    kept = [event["trace_id"] for _, event in events if event["event"] == "kept"]
    assert len(set(kept)) == len(kept) == 4
    handled = [trace for trace in kept if "handled" in happened[trace]]
    assert len(handled) >= 3
    sent = [trace for trace in handled if {"sent", "not_sent"} & set(happened[trace])]
    assert len(sent) >= 2
    assert {event["event"] for name, event in events if name == "web"} >= {"kept", "repeated", "refused", "malformed"}
