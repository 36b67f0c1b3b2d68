"""The page about webhooks: its example is what Kabar says, and its receiver hears it, once, and nobody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.export.webhooks import deliver
from gateway.export.webhooks.sign import new_secret, sign
from gateway.export.webhooks.words import say_report
from gateway.store.events import ACCEPTED, KINDS, TEST, Event, ReportFacts
from tests.docs.pages import page

WEBHOOKS = page("docs/webhooks.md")
FACTS = ReportFacts(
    812, "kb", "2025-09", 1, "140300101", "PMB Ani", "14.03.01", "Bengkalis", {"baru": 12, "aktif": 40, "aktif.pil": 30}
)


def test_the_example_is_what_is_said_of_such_a_report() -> None:
    (example,) = WEBHOOKS.blocks("json")
    event = Event(1, ACCEPTED, 812, datetime(2025, 10, 3, 5, 0, 1, 250_000, tzinfo=UTC))
    assert json.loads(example) == json.loads(say_report(event, "evt_5f1c0a9e2b7d4c3f8a6e1d20", FACTS))


def test_the_receiver_on_the_page_hears_each_event_once_and_believes_nobody_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (program,) = WEBHOOKS.blocks("python")
    secret, now, body = new_secret(), datetime.now(UTC), json.dumps({"id": "evt_1", "type": "webhook.ping", "data": {}})
    there: dict[str, Any] = {"__name__": "receiver"}
    exec(program.replace("whsec_...", secret.reveal()), there)
    browser: FlaskClient = there["app"].test_client()
    headers = sign("evt_1", body, [new_secret(), secret], now)
    assert [browser.post("/kabar", data=body, headers=headers).status_code for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out.count("webhook.ping") == 1
    assert browser.post("/kabar", data=body + " ", headers=headers).status_code == 401
    assert browser.post("/kabar", data=body, headers=sign("evt_1", body, [new_secret()], now)).status_code == 401


def test_the_page_names_every_event_and_every_wait() -> None:
    assert all(f"| `{kind}` |" in WEBHOOKS.text for kind in (*KINDS, TEST))
    waits = ["5 s", "5 min", "30 min", *(f"{wait.total_seconds() / 3600:.0f} h" for wait in deliver.WAITS[3:])]
    assert ", ".join(waits) in WEBHOOKS.text
