"""The wiring: where the queue server is, and what the log of every process looks like."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.runtime import make_channels, redis_address
from gateway.settings import Settings, read_settings
from tests.chaos.harness import ROOT

HOSTILE = "ok\n2026-11-21 login ok user=admin\r\x1b[31mred\x00 \u2028 \ud800 081234567890"
SAY = """
import logging, structlog
from pathlib import Path
from gateway.runtime import start_logging
from gateway.settings import Settings
start_logging(Settings(var=Path("."), log={log!r}), "web")
hostile = {hostile!r}
structlog.get_logger("ours").warning("kept", sender=hostile, token="t0psecret", **{{"name\\nof\\x1b[31m": hostile}})
logging.getLogger("theirs").warning("broken: %s", hostile)
try:
    raise ValueError(hostile)
except ValueError as error:
    structlog.get_logger("ours").error("crashed", exc_info=error)
    logging.getLogger("theirs").exception("crashed too")
"""


def say(log: str) -> list[str]:
    """Return the lines that a process writes about a hostile text, its own and a library's, and two faults."""
    script = SAY.format(log=log, hostile=HOSTILE)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b""
    return done.stderr.decode().split("\n")[:-1]


def test_each_event_is_one_line_of_json_whatever_stands_in_it() -> None:
    lines = say("json")
    events = [json.loads(line) for line in lines]
    assert [event["event"].split(":")[0] for event in events] == ["kept", "broken", "crashed", "crashed too"]
    assert {event["process"] for event in events[::2]} == {"web"}
    assert all(event["timestamp"] and event["level"] for event in events)
    assert "ValueError" in events[2]["exception"]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("log", ["json", "plain"])
def test_phones_and_secrets_do_not_come_into_a_log(log: str) -> None:
    written = "\n".join(say(log))
    assert "081234567890" not in written
    assert "0812•••7890" in written or "0812\\u2022\\u2022\\u20227890" in written
    assert "t0psecret" not in written


def test_a_hostile_text_cannot_write_lines_or_colours_of_its_own_on_a_terminal() -> None:
    lines = say("plain")
    assert not [line for line in lines if line.startswith("2026-11-21 login")]
    assert "\x1b" not in "".join(lines)


def test_the_queue_server_is_the_one_that_is_set_else_the_embedded_one(tmp_path: Path) -> None:
    assert redis_address(Settings(var=tmp_path, redis_url="redis://h:1/0")) == "redis://h:1/0"
    assert redis_address(Settings(var=tmp_path)).startswith("unix://")


def test_every_mistake_is_named_at_once_and_no_value_is_repeated() -> None:
    environ = {
        "KABAR_PORT": "99999999",
        "KABAR_REDIS_URL": "http://:hunter2@h",
        "KABAR_DATABASE_URL": "mysql://hunter2",
    }
    with pytest.raises(Misconfigured) as fault:
        read_settings(environ)
    assert set(fault.value.faults) == set(environ)
    assert "hunter2" not in str(fault.value)


def test_the_simulator_does_not_start_beside_a_real_channel(tmp_path: Path) -> None:
    options = {"generic": {"secrets": "s" * 32, "send_url": "http://127.0.0.1:1/"}}
    with pytest.raises(Misconfigured, match="simulator"):
        make_channels(Settings(var=tmp_path, channels="generic, simulator", channel_options=options))
    demo = Settings(var=tmp_path, channels="generic, simulator", channel_options=options, demo=True)
    assert set(make_channels(demo)) == {"generic", "simulator"}
