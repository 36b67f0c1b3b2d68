"""Whatever comes, from a stranger or from an authentic peer gone mad, a channel raises only what the house knows."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import SmsChannel
from gateway.errors import Malformed, Refused
from gateway.values import HttpRequest
from tests.gateway.channels.fitting import fits, fits_column, read_both
from tests.gateway.channels.recorded import Case, by_name, load_cases

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# Every channel under its plain name, and the generic one's other way of proving itself.
CHANNELS = [case for case in load_cases() if case.name in {"sms", "hmac_sms"}]
_KEPT: dict[str, SmsChannel] = {}

HEADER = st.sampled_from(
    [
        "authorization",
        "content-type",
        "x-twilio-signature",
        "x-twilio-webhooks-signature-settings",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-signature",
        "x-timestamp",
    ]
)
HEADER_VALUE = st.text(max_size=60) | st.sampled_from(
    [JSON, FORM, "1795286109", "Bearer ", "key=k,algorithm=HMAC_SHA256"]
)
FIELD = st.sampled_from(
    [
        "id",
        "from",
        "text",
        "to",
        "sent_at",
        "status",
        "ref",
        "error",
        "MessageSid",
        "From",
        "To",
        "Body",
        "AccountSid",
        "MessageStatus",
        "ErrorCode",
        "OptOutType",
        "event",
        "deviceId",
        "payload",
        "messages",
        "messageId",
        "message",
        "sender",
        "receivedAt",
    ]
)
SIDS = ["SM" + "0" * 32, "AC" + "a" * 32]
TIMES = ["2026-11-21T18:35:09Z", "0001-01-01T00:00:00+14:00"]
WORDS = ["+6281234567890", "delivered", "sms:received", "sms:failed", *TIMES, "9" * 400, *SIDS]
ANY_TEXT = st.text(st.characters(), max_size=30)  # lone surrogates too
VALUE = ANY_TEXT | st.sampled_from(WORDS) | st.from_regex(r"[0-9]{1,20}(\.[0-9]+)?", fullmatch=True)
ANY_BYTES = st.binary(max_size=200) | ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD, inner),
    max_leaves=8,
)

BREAKERS = {
    "100,000 brackets": b"[" * 100_000,
    "50,000 objects": b'{"id":' * 50_000,
    "infinity": b'{"id": 1e400, "from": Infinity}',
    "a name twice": b'{"id": "1", "id": "2"}',
    "5,000 digits": b'{"id": ' + b"9" * 5000 + b"}",
    "UTF-16": b"\xff\xfe{\x00}\x00",
    "a byte order mark": b"\xef\xbb\xbf[]",
    "an id that no database takes": b'{"from": "0812", "text": "KB", "id": "\\udfff"}',
    "60,000 ampersands": b"&" * 60_000,
    "15,000 fields": b"a=1&" * 15_000,
    "fields without names": b"=&=&%00=%00",
    "nothing": b"",
}


@by_name(CHANNELS)
@given(body=ANY_BYTES, headers=st.dictionaries(HEADER, HEADER_VALUE), path=st.text(max_size=60) | st.just("/in/x/sms"))
def test_whatever_a_stranger_sends_is_refused(
    case: Case, tmp_path_factory: pytest.TempPathFactory, body: bytes, headers: dict[str, str], path: str
) -> None:
    request = HttpRequest("POST", path, headers, body, peer="127.0.0.1")
    with pytest.raises(Refused):
        kept(case, tmp_path_factory).verify(request, case.now)


@st.composite
def requests(draw: st.DrawFn) -> HttpRequest:
    """Draw a request that is a form, JSON, or any bytes under any name."""
    kind = draw(st.sampled_from([JSON, FORM, "text/plain", ""]))
    document = draw(DOCUMENT | st.dictionaries(FIELD, VALUE | st.integers()))
    fields = draw(st.dictionaries(FIELD, VALUE))
    form = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in fields.items())
    body = draw(ANY_BYTES | st.just(json.dumps(document).encode() if kind == JSON else form.encode()))
    path = draw(st.sampled_from(["/in/x/sms", "/in/x/status?ref=%ff", "/in/x/status?ref=a", "/?ref=" + "x" * 99]))
    return HttpRequest("POST", path, {"content-type": kind}, body)


@by_name(CHANNELS)
@given(request=requests())
def test_whatever_an_authentic_peer_sends_is_read_or_malformed(
    case: Case, tmp_path_factory: pytest.TempPathFactory, request: HttpRequest
) -> None:
    channel = kept(case, tmp_path_factory)
    for found in read_both(channel, request):
        if isinstance(found, Malformed):
            assert fits_column(found.field, 64)
            assert channel.acknowledge_malformed(found).body.isascii()
        else:
            assert found
            assert all(fits(one) for one in found)


@by_name(CHANNELS)
@pytest.mark.parametrize("body", BREAKERS.values(), ids=BREAKERS.keys())
@pytest.mark.parametrize("kind", [JSON, FORM, "text/plain", ""])
def test_a_body_made_to_break_a_reader_is_malformed(
    case: Case, body: bytes, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    channel = kept(case, tmp_path_factory)
    for read in (channel.read_sms, channel.read_status):
        with pytest.raises(Malformed):
            read(HttpRequest("POST", "/in/x/sms", {"content-type": kind}, body))


def kept(case: Case, folders: pytest.TempPathFactory) -> SmsChannel:
    """Return the channel of a case, one for all examples."""
    if str(case) not in _KEPT:
        _KEPT[str(case)] = case.make(folders.mktemp("var"))
    return _KEPT[str(case)]
