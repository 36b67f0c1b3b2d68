"""The whole way of a message over a phone: its signed webhook in, its app's REST API out, its news back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.serving import BaseWSGIServer, make_server

from gateway.app import create_app
from gateway.reply import send
from gateway.store import inbox, outbox, reports
from gateway.store.base import Database
from tests.district import NOON, PHONES, District, make_runtime
from tests.gateway.channels.phone import DEVICE, PASSWORD, SIGNING_KEY, USER, Phone, received
from tests.gateway.channels.standin import Reply
from workers.sweep import sweep

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
Opener = Callable[[str], Database]
EVENTS = ("sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "system:ping")


class House:
    """A district whose answers leave by phones, and its web server; `deaths` are how often it dies while it answers."""

    def __init__(self, database: Database, var: Path, phones: dict[str, Phone], **options: str) -> None:
        given = {
            name: {"signing_keys": SIGNING_KEY, "user": USER, "password": PASSWORD, "api_url": phone.api}
            | {"per_second": "1000", "timeout_seconds": "0.5"}
            | options
            | ({"device_id": phone.device} if len(phones) > 1 else {})
            for name, phone in phones.items()
        }
        channels = ", ".join(f"{name}=android" for name in phones)
        self.runtime = make_runtime(database, var, channels=channels, channel_options=given)
        self.district = District(self.runtime)
        self.deaths = 0
        self._app = create_app(self.runtime)
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        for name, phone in phones.items():
            self.register(phone, name)

    def close(self) -> None:
        """Stop the web server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def register(self, phone: Phone, name: str, again: str = "") -> None:
        """Register the phone's webhooks as docs/android.md says; `again` makes it a second registration."""
        address = f"http://127.0.0.1:{self._server.server_port}/in/{name}"
        for event in ("sms:received", "sms:batch:received"):
            phone.hooks[event + again] = {"id": event + again, "url": f"{address}/sms", "event": event}
        for event in EVENTS:
            phone.hooks[event + again] = {"id": event + again, "url": f"{address}/status", "event": event}

    def states(self) -> list[str]:
        """Return where each answer stands, the newest first."""
        with self.district.database.session(read_only=True) as session:
            return [message.state for message in outbox.latest_to(session)]

    def kept(self) -> list[inbox.InboxMessage]:
        """Return everything that was kept."""
        with self.district.database.session(read_only=True) as session:
            return list(inbox.latest_messages(session, limit=100))

    def write(self, **values: object) -> None:
        """Write something into the messages to be sent, as time would."""
        with self.district.database.session() as session:
            session.execute(update(outbox.outbox).values(values))
            session.commit()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request; while `deaths` last, do all that is to be done and break the line before the answer."""
        answer = self._app(environ, start_response)
        if self.deaths:
            self.deaths -= 1
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer


@pytest.fixture
def phone() -> Iterator[Phone]:
    """A phone in the district."""
    with Phone(clock=lambda: NOON) as found:
        yield found


@pytest.fixture
def house(open_database: Opener, sqlite_url: str, tmp_path: Path, phone: Phone) -> Iterator[House]:
    """A district reached by that phone."""
    found = House(open_database(sqlite_url), tmp_path, {"hp1": phone})
    yield found
    found.close()


@pytest.fixture
def each_house(database: Database, tmp_path: Path, phone: Phone) -> Iterator[House]:
    """A district reached by that phone; the test runs once on each database."""
    found = House(database, tmp_path, {"hp1": phone})
    yield found
    found.close()


def say(phone: Phone, text: str = FOUNDING, seconds: int = -60) -> list[int]:
    """Let the midwife write to the phone; return how its tries were answered."""
    return phone.receive(PHONES["ani"], text, NOON + timedelta(seconds=seconds))


def tell(phone: Phone, event: str, **more: object) -> list[int]:
    """Let the phone tell about the last message that it sends."""
    sent = phone.ledger[-1]
    payload = {"messageId": sent.id, "phoneNumber": sent.to, "sender": None, "recipient": sent.to, "simNumber": 1}
    at = {"sms:sent": "sentAt", "sms:delivered": "deliveredAt", "sms:failed": "failedAt"}[event]
    return phone.emit(event, payload | {at: "2025-10-03T12:00:05.000+07:00"} | more)


def test_a_report_comes_in_and_its_answer_is_delivered(each_house: House, phone: Phone) -> None:
    assert say(phone) == [200]
    assert (each_house.district.handle(), each_house.district.send()) == (1, 1)
    (sent,) = phone.ledger
    assert (sent.to, sent.text.split(". Ref")[0]) == (
        PHONES["ani"],
        "KB Sep 25 PMB Ani: BARU 12 AKTIF 40 (PIL 30). Terima kasih. Salah? balas RALAT",
    )
    assert each_house.states() == ["sent"]
    for event in ("sms:delivered", "sms:sent"):  # what comes late does not take it back
        assert tell(phone, event, **({"partsCount": 1} if event == "sms:sent" else {})) == [200]
    assert each_house.states() == ["delivered"]
    with each_house.district.database.session(read_only=True) as session:
        ((report, facility),) = reports.latest_reports(session)
    assert (facility, report.state, report.values) == (
        "PMB Ani",
        "accepted",
        {"baru": 12, "aktif": 40, "aktif.pil": 30},
    )
    assert (report.text, report.sent_at) == (FOUNDING, NOON - timedelta(seconds=60))


def test_a_message_whose_answer_died_with_kabar_comes_again_and_is_one(each_house: House, phone: Phone) -> None:
    each_house.deaths = 3
    assert say(phone) == [0, 0, 0, 200]
    assert len(each_house.kept()) == 1
    assert (each_house.district.handle(), each_house.district.send()) == (1, 1)
    assert len(phone.ledger) == 1


def test_a_message_registered_twice_and_sent_again_from_the_inbox_is_one(house: House, phone: Phone) -> None:
    house.register(phone, "hp1", again="-cloud")
    assert say(phone) == [200, 200]
    house.district.handle()
    say(phone)
    batch = {"messages": [received(PHONES["ani"], FOUNDING, NOON - timedelta(seconds=60))]}
    assert phone.emit("sms:batch:received", batch) == [200, 200]
    house.district.handle()
    house.district.send()
    assert (len(house.kept()), len(phone.ledger)) == (1, 1)


def test_of_two_reports_the_one_sent_last_counts_whichever_comes_last(house: House, phone: Phone) -> None:
    say(phone, "KB 0925 BARU 14 AKTIF 44", seconds=-10)
    house.district.handle()
    say(phone, "KB 0925 BARU 12 AKTIF 40", seconds=-90)
    house.district.handle()
    with house.district.database.session(read_only=True) as session:
        counting = [report for report, _ in reports.latest_reports(session) if report.state == "accepted"]
    assert [report.values["baru"] for report in counting] == [14]


def test_an_answer_whose_receipt_was_lost_is_handed_over_again_and_sent_once(house: House, phone: Phone) -> None:
    say(phone)
    house.district.handle()
    phone.lost_answers = 1
    house.district.send()
    assert house.states() == ["queued"]
    house.write(next_try_at=None)
    house.district.send()
    assert (house.states(), len(phone.ledger)) == (["sent"], 1)
    posted = [seen.json for seen in phone.seen if seen.method == "POST"]
    assert len(posted) == 2
    assert posted[0] == posted[1]


def test_an_answer_whose_sender_was_killed_is_handed_over_again_and_sent_once(
    each_house: House, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(phone)
    each_house.district.handle()
    with monkeypatch.context() as dying:
        dying.setattr(send, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            each_house.district.send()
    assert (each_house.states(), len(phone.ledger)) == (["sending"], 1)
    each_house.write(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
    sweep(each_house.runtime)
    each_house.district.send()
    assert (each_house.states(), len(phone.ledger)) == (["sent"], 1)


def test_while_the_phone_is_off_its_answers_wait(house: House, phone: Phone) -> None:
    say(phone)
    house.district.handle()
    phone.most_pending = 0
    house.district.send()
    phone.refusals = [Reply.of_json({"message": "Unauthorized"}, 401)]
    house.write(next_try_at=None)
    house.district.send()
    assert (house.states(), phone.ledger) == (["queued"], [])
    phone.most_pending = None
    house.write(next_try_at=None)
    house.district.send()
    assert (house.states(), len(phone.ledger)) == (["sent"], 1)


def test_an_answer_that_the_network_refuses_is_shown_to_staff_with_the_reason(house: House, phone: Phone) -> None:
    say(phone)
    house.district.handle()
    house.district.send()
    tell(phone, "sms:failed", reason="RESULT_ERROR_GENERIC_FAILURE")
    with house.district.database.session(read_only=True) as session:
        (message,) = outbox.latest_to(session)
    assert (message.state, message.fault) == ("failed", "RESULT_ERROR_GENERIC_FAILURE")


def test_what_failed_and_is_sent_again_by_staff_really_goes_out_again(house: House, phone: Phone) -> None:
    say(phone)
    house.district.handle()
    house.district.send()
    phone.failed.add(phone.ledger[0].id)
    tell(phone, "sms:failed", reason="RESULT_ERROR_GENERIC_FAILURE")
    with house.district.database.session() as session:
        (message,) = outbox.latest_to(session)
        outbox.send_again(session, message.id)
        session.commit()
    phone.lost_answers = 1
    for _ in range(2):
        house.district.send()
        house.write(next_try_at=None)
    assert [sent.id for sent in phone.ledger] == [message.ref, f"{message.ref}.1.2"]
    assert house.states() == ["sent"]
    tell(phone, "sms:delivered")
    assert house.states() == ["delivered"]


def test_what_the_phone_says_at_the_wrong_address_is_taken_and_shown_to_staff(house: House, phone: Phone) -> None:
    phone.hooks["sms:received"]["url"] = phone.hooks["sms:received"]["url"].replace("/sms", "/status")
    assert say(phone) == [200]
    (message,) = house.kept()
    assert (message.state, FOUNDING in message.text) == ("for_staff", True)


def test_a_ping_is_acknowledged_and_nothing_is_kept(house: House, phone: Phone) -> None:
    assert phone.emit("system:ping", {"health": {"status": "pass"}}) == [200]
    assert house.kept() == []


def test_a_phone_with_another_key_is_refused_at_every_try(house: House, phone: Phone) -> None:
    phone.key = "another-signing-key-0123456789"
    assert set(say(phone)) == {403}
    assert house.kept() == []


def test_each_of_two_phones_sends_the_answers_to_what_came_by_it(
    open_database: Opener, sqlite_url: str, tmp_path: Path, phone: Phone
) -> None:
    with Phone("rGukPBIlo9Y063wg730UC", clock=lambda: NOON) as other:
        house = House(open_database(sqlite_url), tmp_path, {"hp1": phone, "hp2": other})
        try:
            say(phone)
            other.receive(PHONES["budi"], "KB 0925 BARU 1 AKTIF 2", NOON - timedelta(seconds=50))
            house.district.handle()
            house.district.send()
            assert [[sent.to for sent in one.ledger] for one in (phone, other)] == [[PHONES["ani"]], [PHONES["budi"]]]
            asked = [seen.json for one in (phone, other) for seen in one.seen]
            assert [one["deviceId"] for one in asked if isinstance(one, dict)] == [DEVICE, other.device]
            other.hooks["sms:received"]["url"] = phone.hooks["sms:received"]["url"]
            assert other.receive(PHONES["budi"], "KB 0925 BARU 3 AKTIF 4", NOON) == [200]
            assert house.kept()[0].state == "for_staff", "hp1 takes nothing from another phone unseen"
        finally:
            house.close()
