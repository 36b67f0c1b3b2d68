"""The one contract of all channels, run over what discovery finds and over the recorded cases of each."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.channels import smpp, smpp_delivery, smpp_pdu
from gateway.channels.base import PollingChannel, SmsChannel
from gateway.errors import Malformed, Permanent, Refused, Retryable, Unsure
from gateway.values import (
    DeliveryStatus,
    InboundSms,
    OutboundSms,
    OutboxState,
    Sender,
    SenderKind,
    SentSms,
    SmsPart,
)
from tests.gateway.channels.recorded import ADAPTERS, CASES, Case, by_name, load_cases
from tests.gateway.channels.standin import Script, closed_address

ALL = load_cases()
ACCEPTED = [case for case in ALL if case.is_accepted]
SENDS = [case for case in ALL if case.kind == "send"]
POLLS = [case for case in ALL if case.kind == "poll"]
FORGERIES = ("", "x", "é" * 28, "Bearer ", "Bearer é", "v1,é", "\x7f", "A" * 10_000)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_channel_has_its_cases(adapter: str, tmp_path: Path) -> None:
    cases = [case for case in ALL if case.adapter == adapter]
    assert cases, f"tests/gateway/channels/cases/{adapter}/ has no cases"
    wanted = {("sms", "messages"), ("sms", "malformed"), ("sms", "refused"), ("send", "sent")}
    channel = cases[0].make(tmp_path)
    if ADAPTERS[adapter] is smpp:
        outcomes = ("messages", "statuses", "malformed", "sent")
        wanted = {("sms", "refused"), *(("pdu", outcome) for outcome in outcomes)}
    if isinstance(channel, PollingChannel):  # what it is sent is a nudge, in which there is nothing to read
        wanted = (wanted - {("sms", "malformed")}) | {("poll", "messages"), ("poll", "statuses")}
    if type(channel).read_status is not SmsChannel.read_status:
        wanted |= {("status", "statuses"), ("status", "malformed")}
    assert wanted <= {(case.kind, _outcome(case)) for case in cases}


def test_every_folder_of_cases_belongs_to_a_channel() -> None:
    assert {path.name for path in CASES.iterdir() if path.is_dir()} == set(ADAPTERS)


@by_name([case for case in ALL if case.is_request])
def test_a_request_is_taken_as_recorded(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    if "refused" in case.expect:
        with pytest.raises(Refused):
            take(channel, case)
        return
    if "malformed" in case.expect:
        with pytest.raises(Malformed) as caught:
            take(channel, case)
        assert caught.value.field == case.expect["malformed"]
        answer = channel.acknowledge_malformed(caught.value)
    else:
        taken = take(channel, case)
        assert taken == expected(case)
        answer = channel.acknowledge(tuple(one for one in taken if isinstance(one, InboundSms)))
    wanted = case.expect["answer"]
    assert (answer.status, answer.content_type, answer.body) == (
        wanted["status"],
        wanted["content_type"],
        wanted["body"],
    )


@by_name([case for case in ACCEPTED if "malformed" not in case.expect])
def test_a_repeat_is_the_same_message_and_is_acknowledged_alike(case: Case, tmp_path: Path) -> None:
    first, repeat = (take(case.make(tmp_path), case) for _ in range(2))
    assert first == repeat


@by_name(ACCEPTED)
def test_without_its_proof_a_request_is_refused(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    names = set(case.request.headers) - {"content-type"}
    proofs = [name for name in names if is_refused_without(channel, case, name)]
    assert proofs
    for name in proofs:
        value = case.request.headers[name]
        for forged in (*FORGERIES, value[:-1], value + "x", value.swapcase()):
            if forged != value:
                with pytest.raises(Refused):
                    channel.verify(replace(case.request, headers={**case.request.headers, name: forged}), case.now)


@by_name(ACCEPTED)
def test_a_request_with_another_key_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        take(case.make(tmp_path, is_other=True), case)


@by_name([case for case in ACCEPTED if case.signs_body])
def test_a_request_that_was_changed_on_its_way_is_refused(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    body = case.request.body
    for changed in (b"", body + b" ", body.replace(b"0925", b"1025"), body.replace(b"SM", b"MM"), b"{}"):
        if changed != body:
            with pytest.raises(Refused):
                channel.verify(replace(case.request, body=changed), case.now)


@by_name(POLLS)
def test_what_lies_in_a_store_is_found_until_it_is_confirmed(case: Case, tmp_path: Path) -> None:
    channel, after_a_kill = case.make(tmp_path), case.make(tmp_path)
    assert isinstance(channel, PollingChannel)
    assert isinstance(after_a_kill, PollingChannel)
    polled = channel.poll(case.now)
    assert polled.messages == tuple(_message(table) for table in case.expect.get("messages", []))
    assert polled.statuses == tuple(_status(table) for table in case.expect.get("statuses", []))
    assert after_a_kill.poll(case.now) == polled
    channel.confirm(polled)
    channel.confirm(polled)
    rest = channel.poll(case.now)
    assert (rest.messages, rest.statuses, rest.has_more) == ((), (), False)


@by_name(SENDS)
def test_a_message_is_sent_as_recorded(case: Case, tmp_path: Path) -> None:
    with ExitStack() as stack:
        provider = stack.enter_context(Script(case.replies()))
        address = provider.url
        if case.table.get("provider") == "closed":
            address = stack.enter_context(closed_address())
        sms = OutboundSms(**case.table["sms"])
        outcome = outcome_of(case.make(tmp_path, address), sms)
        assert outcome == expected_outcome(case)
        assert provider.left == [], "a recorded answer was not asked for"
        asked = case.table.get("exchange", [])
        assert len(provider.seen) == len(asked)
        for seen, exchange in zip(provider.seen, asked, strict=True):
            wanted = exchange["request"]
            assert (seen.method, seen.path) == (wanted["method"], wanted["path"])
            assert wanted["headers"].items() <= seen.headers.items()
            if "text" in wanted:
                assert seen.body.decode() == wanted["text"]
            else:
                assert (seen.form if "form" in wanted else seen.json) == wanted.get("form", wanted.get("json"))


@by_name([case for case in ALL if case.kind == "pdu"])
def test_a_pdu_is_read_or_written_as_recorded(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    if "malformed" in case.expect:
        with pytest.raises(Malformed) as caught:
            take(channel, case)
        assert caught.value.field == case.expect["malformed"]
    elif "sent" in case.expect:
        assert isinstance(channel, smpp.Smpp)
        written = channel.write(OutboundSms(**case.table["sms"]))
        pdus = [smpp_pdu.write("submit_sm", number, fields) for number, fields in enumerate(written, start=1)]
        assert [pdu.hex() for pdu in pdus] == case.expect["sent"]
    else:
        assert take(channel, case) == expected(case)


@by_name(ALL)
def test_secrets_stand_in_no_text_of_ours(case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Script(case.replies()) as provider:
        channel = case.make(tmp_path, provider.url)
        said = [repr(channel), str(channel), str(vars(channel)), repr(channel.limits)]
        try:
            if "sms" in case.table:
                said.append(repr(channel.send(OutboundSms(**case.table["sms"]))))
            elif isinstance(channel, PollingChannel) and case.kind == "poll":
                said.append(repr(channel.poll(case.now)))
            else:
                said.append(repr(take(channel, case)))
        except (Refused, Malformed, Retryable, Permanent, Unsure) as fault:
            said.append("".join(traceback.format_exception(fault)))
            said += [repr(one) + repr(vars(one)) for one in chain(fault)]
    said += [record.getMessage() for record in caplog.records]
    for secret in case.secrets:
        assert not any(secret in text for text in said)


def take(channel: SmsChannel, case: Case) -> tuple[InboundSms | DeliveryStatus, ...]:
    """Take a case's request through the frame, or its PDU."""
    if case.kind == "pdu":
        assert isinstance(channel, smpp.Smpp)
        read = [channel.read_pdu(pdu, "s1:7") for pdu in smpp_pdu.Frames().feed(bytes.fromhex(case.table["pdu"]))]
        return tuple(one.status if isinstance(one, smpp_delivery.Receipt) else one for one in read)
    if case.kind == "sms":
        return channel.take_sms(case.request, case.now)
    return channel.take_status(case.request, case.now)


def expected(case: Case) -> tuple[InboundSms | DeliveryStatus, ...]:
    """Return what a case expects to be read."""
    if "messages" in case.expect:
        return tuple(_message(table) for table in case.expect["messages"])
    return tuple(_status(table) for table in case.expect["statuses"])


def expected_outcome(case: Case) -> tuple[object, ...]:
    """Return what a case expects to come of sending."""
    if "sent" in case.expect:
        return ("sent", SentSms(**case.expect["sent"]))
    return (case.expect["error"], case.expect.get("code", ""), case.expect.get("after_seconds"))


def outcome_of(channel: SmsChannel, sms: OutboundSms) -> tuple[object, ...]:
    """Send, and return what came of it."""
    try:
        return ("sent", channel.send(sms))
    except (Retryable, Permanent, Unsure) as fault:
        return (type(fault).__name__, getattr(fault, "code", ""), getattr(fault, "after_seconds", None))


def is_refused_without(channel: SmsChannel, case: Case, name: str) -> bool:
    """Tell whether the request is refused when one header is missing."""
    headers = {key: value for key, value in case.request.headers.items() if key != name}
    try:
        channel.verify(replace(case.request, headers=headers), case.now)
    except Refused:
        return True
    return False


def chain(fault: BaseException | None) -> Iterator[BaseException]:
    """Return an error and all that it carries along."""
    while fault is not None:
        yield fault
        fault = fault.__cause__ or fault.__context__


def _message(table: dict[str, object]) -> InboundSms:
    fields: dict[str, Any] = dict(table)
    sender = Sender(str(fields.pop("sender")), SenderKind(str(fields.pop("sender_kind"))))
    if "part" in fields:
        fields["part"] = SmsPart(**fields["part"])
    return InboundSms(sender=sender, **fields)


def _status(table: dict[str, Any]) -> DeliveryStatus:
    return DeliveryStatus(**{**table, "state": OutboxState(table["state"]) if "state" in table else None})


def _outcome(case: Case) -> str:
    outcomes = ("messages", "statuses", "malformed", "refused", "sent", "error")
    return next(name for name in outcomes if name in case.expect)
