"""A test message from a channel's page: it leaves by that channel, once, and its journey is shown to the receipt."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.store import audit, outbox
from gateway.store.areas import Area, add_areas
from gateway.values import ChannelLimits, DeliveryStatus, OutboxState
from tests.district import District
from tests.gateway.review.visits import sign_in

FORM = "/channels/simulator/trial"
KEY = "0123456789abcdef"


@pytest.fixture
def tester(district: District) -> FlaskClient:
    """An administrator of the whole country."""
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, "administrator", "")
    return client


def send_trial(tester: FlaskClient, number: str = "0812 3456 7890", key: str = KEY) -> str:
    """Send a trial and return the address of its journey."""
    answer = tester.post(FORM, data={"number": number, "key": key})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def test_the_page_shows_each_stop_once_it_is_reached(district: District, tester: FlaskClient) -> None:
    journey = send_trial(tester)
    page = tester.get(f"{journey}?lang=en").text
    assert page.count("not yet") == 2
    assert "This is a test of Kabar" not in page  # it was written in the language of who sent it
    assert "Ini SMS uji Kabar lewat kanal simulator" in page
    district.send()
    page = tester.get(f"{journey}?lang=en").text
    assert "Delivered" in page
    assert "not yet" not in page
    assert "looks again by itself" not in page


def test_a_receipt_moves_what_was_only_sent(district: District, tester: FlaskClient) -> None:
    journey = send_trial(tester)
    arrived = DeliveryStatus(OutboxState.SENT, ref=KEY, provider_id="P1")
    with district.database.session() as session:
        outbox.claim(session, "simulator", ChannelLimits())
        outbox.record_status(session, "simulator", arrived, district.runtime.now())
        session.commit()
    assert tester.get(f"{journey}?lang=en").text.count("not yet") == 1
    district.pass_time(minutes=3)
    assert "no phone has said that it came" in tester.get(f"{journey}?lang=en").text
    gone = DeliveryStatus(OutboxState.FAILED, ref=KEY, code="30003", words="unreachable")
    with district.database.session() as session:
        outbox.record_status(session, "simulator", gone, district.runtime.now())
        session.commit()
    page = tester.get(f"{journey}?lang=en").text
    assert "Not delivered" in page
    assert "30003 unreachable" in page


def test_a_form_that_is_sent_twice_sends_one_message(district: District, tester: FlaskClient) -> None:
    assert send_trial(tester) == send_trial(tester)
    with district.database.session(read_only=True) as session:
        assert outbox.count_by_state(session) == {"queued": 1}
        seen = session.execute(select(audit.audit.c.action, audit.audit.c.details)).all()
    assert {row.action for row in seen} == {"test"}
    assert "3456" not in str(seen)


@pytest.mark.parametrize("number", ["", "7600", "TELKOMSEL", "+1 800 555 0100", "<b>"])
def test_a_number_that_cannot_get_sms_is_refused_beside_the_field(
    district: District, tester: FlaskClient, number: str
) -> None:
    answer = tester.post(f"{FORM}?lang=en", data={"number": number, "key": KEY})
    assert answer.status_code == 422
    assert re.search(r'id="number-fault"[^>]*>Write a mobile number', answer.text)
    with district.database.session(read_only=True) as session:
        assert outbox.count_by_state(session) == {}


def test_a_trial_waits_in_words_where_nobody_sends(district: District, tester: FlaskClient) -> None:
    journey = send_trial(tester)
    district.pass_time(minutes=3)
    assert "Is the outbound worker running" in tester.get(f"{journey}?lang=en").text


def test_another_areas_channel_can_neither_be_tried_nor_looked_at(district: District, tester: FlaskClient) -> None:
    journey = send_trial(tester)
    tester.post("/channels/simulator", data={"area": "14.03", "price": ""})
    with district.database.session() as session:
        add_areas(session, [Area("15", None, "province", "Jambi", "Asia/Jakarta")])
        session.commit()
    other = create_app(district.runtime).test_client()
    sign_in(other, district.runtime, "administrator", "15")
    assert other.get(FORM).status_code == 404
    assert other.post(FORM, data={"number": "081234567890", "key": "f" * 16}).status_code == 404
    assert other.get(journey).status_code == 404


@pytest.mark.parametrize("path", ["/channels/nothing/trial", "/channels/trials/999", f"/channels/trials/{10**20}"])
def test_what_is_not_there_is_told(tester: FlaskClient, path: str) -> None:
    assert tester.get(path).status_code == 404


def test_only_administrators_send_trials(district: District) -> None:
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, "district")
    assert client.get(FORM).status_code == 403
    assert client.post(FORM, data={"number": "081234567890", "key": KEY}).status_code == 403
