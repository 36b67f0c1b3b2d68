"""The one contract of all USSD dialects, run over what discovery finds and over the recorded cases of each."""

from __future__ import annotations

import json
import logging
import string
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import segments
from gateway.channels.ussd import kannelussd
from gateway.channels.ussd.callback import UNREAD
from gateway.errors import Malformed, Refused
from gateway.lines import UssdHop, UssdScreen
from gateway.values import HttpRequest, HttpResponse, Sender, SenderKind
from tests.gateway.channels.ussd.far_end import GATEWAYS
from tests.gateway.channels.ussd.recorded import CASES, DIALECTS, NOW, Case, load_cases

ALL = load_cases()
ACCEPTED = [case for case in ALL if "refused" not in case.expect]
HOPS = [case for case in ALL if "hop" in case.expect]
WITH_TOKENS = [name for name, dialect in DIALECTS.items() if any(one.name == "tokens" for one in dialect.SETTINGS)]
FORGERIES = ("", "x", "é" * 28, "\x7f", "%00", "A" * 10_000)
# Whatever can stand in XML 1.0, which is far more than a phone shows.
MARKS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\n\r\t")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
ASK = UssdScreen("Bulan?")


def by_name(cases: list[Case]) -> pytest.MarkDecorator:
    """Run a test once for every case, under the case's own name."""
    return pytest.mark.parametrize("case", cases, ids=str)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_its_cases(dialect: str) -> None:
    cases = [case for case in ALL if case.dialect == dialect]
    assert cases, f"tests/gateway/channels/ussd/cases/{dialect}/ has no cases"
    screens = [screen["ends"] for case in cases for screen in case.table.get("screens", [])]
    assert {True, False} <= set(screens), "a screen that goes on, and one that ends"
    assert {"hop", "malformed", "refused"} <= {name for case in cases for name in case.expect}
    assert any(len(case.expect["hop"].get("inputs", [])) == 1 for case in cases if case in HOPS), "an answer"


def test_every_folder_of_cases_belongs_to_a_dialect() -> None:
    assert {path.name for path in CASES.iterdir() if path.is_dir()} == set(DIALECTS)


@by_name(HOPS)
def test_a_hop_is_read_as_recorded_and_its_screens_are_written_exactly(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    hop = channel.take_hop(case.request, NOW)
    assert hop == case.hop
    if hop.is_over:
        assert shown(channel.write_end(case.request, hop)) == wanted(case.expect["answer"])
    for screen in case.table.get("screens", []):
        answer = channel.write_screen(case.request, hop, UssdScreen(screen["text"], screen["ends"]))
        assert shown(answer) == wanted(screen["answer"])


@by_name([case for case in ALL if "malformed" in case.expect])
def test_what_cannot_be_read_names_its_field_and_ends_the_session(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    with pytest.raises(Malformed) as caught:
        channel.take_hop(case.request, NOW)
    assert caught.value.field == case.expect["malformed"]
    assert shown(channel.refuse_malformed(caught.value)) == wanted(case.expect["answer"])


@by_name([case for case in ALL if "refused" in case.expect])
def test_a_request_that_proves_nothing_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        case.make(tmp_path).take_hop(case.request, NOW)


@by_name(ACCEPTED)
def test_without_its_secret_or_with_another_a_request_is_refused(case: Case, tmp_path: Path) -> None:
    channel, secret = case.make(tmp_path), case.secret
    for forged in (None, *FORGERIES, secret[:-1], secret + "x", secret.swapcase(), secret[::-1]):
        with pytest.raises(Refused):
            channel.verify(case.forge(forged), NOW)


@by_name([case for case in ACCEPTED if case.dialect in WITH_TOKENS])
def test_secrets_follow_one_another_and_the_old_one_ends(case: Case, tmp_path: Path) -> None:
    other = "b1" * 16
    case.make(tmp_path, {"tokens": f"{other}, {case.secret}"}).verify(case.request, NOW)
    with pytest.raises(Refused):
        case.make(tmp_path, {"tokens": other}).verify(case.request, NOW)


@by_name([case for case in ACCEPTED if case.dialect in WITH_TOKENS])
def test_who_calls_from_elsewhere_is_refused_where_addresses_are_listed(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path, {"peers": "192.0.2.0/29, 2001:db8::/32"})
    for peer in ("192.0.2.7", "::ffff:192.0.2.1", "2001:db8::5"):
        channel.verify(replace(case.request, peer=peer), NOW)
    for peer in ("192.0.2.8", "127.0.0.1", "2001:db9::5", "", "somebody"):
        with pytest.raises(Refused):
            channel.verify(replace(case.request, peer=peer), NOW)


@by_name(HOPS)
def test_a_repeat_is_the_same_hop(case: Case, tmp_path: Path) -> None:
    channel = case.make(tmp_path)
    assert channel.take_hop(case.request, NOW) == channel.take_hop(case.request, NOW)


@by_name(ALL)
def test_secrets_stand_in_no_text_of_ours(case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel = case.make(tmp_path)
    said = [repr(channel), str(vars(channel))]
    try:
        hop = channel.take_hop(case.request, NOW)
        said += [
            repr(hop),
            repr(channel.write_screen(case.request, hop, UssdScreen("Bulan?")) if not hop.is_over else ""),
        ]
    except (Refused, Malformed) as fault:
        said.append("".join(traceback.format_exception(fault)))
    said += [record.getMessage() for record in caplog.records]
    assert not any(case.secret in text for text in said)


@by_name([case for case in HOPS if case.dialect in WITH_TOKENS])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_request_is_read_and_answered_or_malformed(
    case: Case, data: st.DataObject, tmp_path: Path
) -> None:
    channel, request = case.make(tmp_path), mangle(case.request, data)
    try:
        hop = channel.take_hop(request, NOW)
    except (Malformed, Refused):
        return
    answer = channel.write_end(request, hop) if hop.is_over else channel.write_screen(request, hop, ASK)
    assert answer.status == 200


def mangle(request: HttpRequest, data: st.DataObject) -> HttpRequest:
    """Return a request with something else in it somewhere: other bytes, or another JSON value for one of its."""
    try:
        document = json.loads(request.body)
    except ValueError:
        spot = data.draw(st.integers(0, len(request.body)))
        noise = data.draw(st.binary(max_size=8) | st.sampled_from([b"&amp;", b"<a>", b"%ff", b"%00", b"&"]))
        body = request.body[:spot] + noise + request.body[spot + data.draw(st.integers(0, 8)) :]
        path = request.path.replace(
            "SessionID=", "SessionID=" + data.draw(st.sampled_from(["", "%ff", "%00", "%E2%82"]))
        )
        return replace(request, body=body if request.body else b"", path=path)
    document[data.draw(st.sampled_from(sorted([*document, "x"])))] = data.draw(VALUES)
    return replace(request, body=json.dumps(document).encode())


@pytest.mark.parametrize("dialect", GATEWAYS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(text=st.text(MARKS), ends=st.booleans())
def test_any_text_reaches_the_phone_as_it_is(dialect: str, text: str, ends: bool, tmp_path: Path) -> None:
    line = Line(dialect, tmp_path)
    line.take(line.gateway.dial(), UssdScreen(text, ends))
    assert line.shown == (text, ends)


@pytest.mark.parametrize("dialect", GATEWAYS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(typed=st.lists(st.text(string.ascii_letters + string.digits, min_size=1, max_size=8), min_size=1, max_size=6))
def test_what_is_typed_comes_in_whole_and_in_order(dialect: str, typed: list[str], tmp_path: Path) -> None:
    line = Line(dialect, tmp_path)
    first = line.take(line.gateway.dial())
    hops = [line.take(line.gateway.answer(one)) for one in typed]
    came = hops[-1].inputs if hops[-1].is_whole else tuple(one for hop in hops for one in hop.inputs)
    assert came == tuple(typed)
    assert opening_of(first) == ()
    assert {(hop.session_id, hop.is_first) for hop in hops} == {(first.session_id, False)}
    keys = [hop.key for hop in (first, *hops) if hop.key]
    assert len(keys) == len(set(keys)), "two hops of a session have one key"


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_a_whole_entry_may_be_dialled_or_typed_at_once(dialect: str, tmp_path: Path) -> None:
    dialled, typed = Line(dialect, tmp_path), Line(dialect, tmp_path)
    first = dialled.take(dialled.gateway.dial("*123*0925*12*40#"))
    assert "*".join(opening_of(first)) == ("" if dialect == "beem" else "0925*12*40")  # Beem does not tell it
    typed.take(typed.gateway.dial())
    assert "*".join(typed.take(typed.gateway.answer("12*40*30")).inputs) == "12*40*30"


@pytest.mark.parametrize("dialect", GATEWAYS)
def test_the_phone_is_one_number_however_a_gateway_writes_it(dialect: str, tmp_path: Path) -> None:
    line = Line(dialect, tmp_path)
    assert line.take(line.gateway.dial()).sender == Sender("+6281234567890", SenderKind.PHONE)


def test_every_dialect_of_a_gateway_has_its_far_end() -> None:
    assert set(GATEWAYS) == set(WITH_TOKENS)


@pytest.mark.parametrize("given", ["256", "18, 999"])
def test_a_word_of_the_operators_that_fits_no_byte_is_refused_when_it_is_set(given: str) -> None:
    operator = {setting.name: setting.find_fault for setting in kannelussd.SETTINGS}
    assert operator["first_ops"]("0, 18,255") == operator["ask_op"]("255") == ""
    assert "from 0 to 255" in operator["first_ops"](given)
    assert "from 0 to 255" in operator["ask_op"](given)


def test_the_sentence_for_what_cannot_be_read_fits_a_screen() -> None:
    [part] = segments.split(UNREAD)
    assert part.is_gsm


class Line:
    """A gateway of the far end, and the instance of the dialect that it speaks to."""

    def __init__(self, dialect: str, var_folder: Path) -> None:
        case = next(case for case in ACCEPTED if case.dialect == dialect)
        has_code = any(one.name == "code" for one in DIALECTS[dialect].SETTINGS)
        self.gateway = GATEWAYS[dialect](case.secret)
        self.shown = ("", False)
        self._channel = case.make(var_folder, {"code": self.gateway.code} if has_code else None)

    def take(self, request: HttpRequest, screen: UssdScreen = ASK) -> UssdHop:
        """Take a hop and answer it with a screen, which is then `shown`."""
        hop = self._channel.take_hop(request, NOW)
        answer = self._channel.write_screen(request, hop, screen)
        assert answer.status == 200
        self.shown = self.gateway.read(answer)
        return hop


def opening_of(hop: UssdHop) -> tuple[str, ...]:
    """Return the inputs of a hop whose session is new."""
    return hop.inputs if hop.inputs_if_new is None else hop.inputs_if_new


def shown(answer: HttpResponse) -> tuple[object, ...]:
    """Return all that a gateway sees of an answer."""
    return answer.status, answer.content_type, answer.body, dict(answer.headers)


def wanted(table: dict[str, object]) -> tuple[object, ...]:
    """Return what a case expects the gateway to see."""
    return table["status"], table["content_type"], table["body"], table.get("headers", {})
