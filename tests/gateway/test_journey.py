"""The whole way of a message over a provider's wire: Twilio's signed webhook in, its REST API out, its status back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from gateway.app import create_app
from gateway.store import outbox, reports
from gateway.store.base import Database
from tests.district import PHONES, District, make_runtime
from tests.gateway.channels.twilio_api import ACCOUNT_SID, AUTH_TOKEN, Refusal, TwilioApi

PUBLIC = "https://kabar.example.go.id"
FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"


@pytest.fixture
def twilio() -> Iterator[TwilioApi]:
    """Twilio, on loopback."""
    with TwilioApi() as api:
        yield api


@pytest.fixture
def district(database: Database, tmp_path: Path, twilio: TwilioApi) -> District:
    """The district, reached through Twilio."""
    options = {
        "account_sid": ACCOUNT_SID,
        "auth_tokens": AUTH_TOKEN,
        "from_number": "+14155552345",
        "per_second": "1000",
        "api_url": twilio.url,
    }
    runtime = make_runtime(
        database, tmp_path, channels="twilio", public_url=PUBLIC, channel_options={"twilio": options}
    )
    return District(runtime)


@pytest.fixture
def server(district: District) -> Iterator[str]:
    """The gateway's web server; its address."""
    made: BaseWSGIServer = make_server("127.0.0.1", 0, create_app(district.runtime), threaded=True)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


def deliver(twilio: TwilioApi, server: str, number: int, text: str = FOUNDING, sender: str = "ani") -> int:
    """Let Twilio hand in an SMS, signed for the public address."""
    sid = f"SM{number:032x}"
    return twilio.deliver(f"{PUBLIC}/in/twilio/sms", sid, PHONES[sender], text, f"{server}/in/twilio/sms")


def states(district: District) -> list[str]:
    with district.database.session(read_only=True) as session:
        return [message.state for message in outbox.latest_to(session)]


def test_a_report_comes_in_and_its_answer_is_delivered(district: District, twilio: TwilioApi, server: str) -> None:
    assert deliver(twilio, server, 1) == 200
    assert (district.handle(), district.send()) == (1, 1)
    (sent,) = twilio.ledger
    assert (sent.to, sent.body.split(". Ref")[0]) == (
        PHONES["ani"],
        "KB Sep 25 PMB Ani: BARU 12 AKTIF 40 (PIL 30). Terima kasih. Salah? balas RALAT",
    )
    assert sent.status_callback.startswith(f"{PUBLIC}/in/twilio/status?ref=")
    assert states(district) == ["sent"]
    for status in ("delivered", "sent"):  # what comes late does not take it back
        assert twilio.tell(sent, status, url=f"{server}/in/twilio/status?ref={sent.ref}") == 200
    assert states(district) == ["delivered"]
    with district.database.session(read_only=True) as session:
        ((report, facility),) = reports.latest_reports(session)
    assert (facility, report.state, report.values) == (
        "PMB Ani",
        "accepted",
        {"baru": 12, "aktif": 40, "aktif.pil": 30},
    )
    assert report.text == FOUNDING


def test_a_webhook_that_comes_again_is_answered_once(district: District, twilio: TwilioApi, server: str) -> None:
    assert [deliver(twilio, server, 1) for _ in range(3)] == [200, 200, 200]
    district.handle()
    assert deliver(twilio, server, 1) == 200
    district.handle()
    district.send()
    assert len(twilio.ledger) == 1


def test_a_forged_webhook_is_refused_and_keeps_nothing(district: District, twilio: TwilioApi, server: str) -> None:
    twilio.auth_token = "f" * 32
    assert deliver(twilio, server, 1) == 403
    assert district.handle() == 0


def test_a_refused_answer_is_sent_later_and_once(district: District, twilio: TwilioApi, server: str) -> None:
    deliver(twilio, server, 1)
    twilio.refusals.append(Refusal(429, 20429, "Too Many Requests"))
    district.handle()
    district.send()
    assert (states(district), twilio.ledger) == (["queued"], [])
    _make_due(district)
    district.send()
    district.send()
    assert (states(district), len(twilio.ledger)) == (["sent"], 1)


def test_an_answer_whose_fate_nobody_knows_is_not_sent_again(
    district: District, twilio: TwilioApi, server: str
) -> None:
    deliver(twilio, server, 1)
    twilio.lost_answers = 1
    district.handle()
    for _ in range(3):
        district.send()
        _make_due(district)
    assert (states(district), len(twilio.ledger)) == (["unsure"], 1)
    (sent,) = twilio.ledger
    twilio.tell(sent, "delivered", url=f"{server}/in/twilio/status?ref={sent.ref}")
    assert states(district) == ["delivered"], "Twilio tells after all what became of it"


def test_whoever_has_opted_out_is_not_tried_again(district: District, twilio: TwilioApi, server: str) -> None:
    twilio.opted_out.add(PHONES["ani"])
    deliver(twilio, server, 1)
    district.handle()
    for _ in range(2):
        district.send()
        _make_due(district)
    with district.database.session(read_only=True) as session:
        (message,) = outbox.latest_to(session)
    assert (message.state, message.fault_code, message.attempts) == ("failed", "21610", 1)


def test_what_twilio_answers_itself_is_not_answered_by_us(district: District, twilio: TwilioApi, server: str) -> None:
    deliver(twilio, server, 1, "STOP")
    district.handle()
    district.send()
    assert (states(district), twilio.ledger) == (["withheld"], [])


def _make_due(district: District) -> None:
    """Let the wait before the next try be over."""
    with district.database.session() as session:
        session.execute(outbox.outbox.update().values(next_try_at=None))
        session.commit()
