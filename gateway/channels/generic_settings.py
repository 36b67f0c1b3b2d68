"""The settings of the generic channel: what a gateway's fields are called, and what its words mean."""

from __future__ import annotations

import base64
import binascii

from gateway.channels.bodies import read_json
from gateway.channels.options import (
    find_choice_fault,
    find_form_fault,
    find_number_fault,
    find_secret_fault,
    find_secrets_fault,
    find_url_fault,
    split_list,
)
from gateway.errors import Malformed
from gateway.values import Setting

WEBHOOK_PREFIX = "whsec_"  # Standard Webhooks 1.0.0: the rest of the secret is base64

_find_path_fault = find_form_fault(
    r"[^\s,]{1,100}", "nama field, atau nama-nama dengan titik", "a field's name, or a path of names with dots"
)


def read_extra(written: str) -> dict[str, str]:
    """Return the fields that every message is sent with besides its own. Errors: Malformed.

    >>> read_extra('{"userkey": "k", "type": 1}'), read_extra("")
    ({'userkey': 'k', 'type': '1'}, {})
    """
    if not written:
        return {}
    document = read_json(written.encode("utf-8", "surrogatepass"))
    if not isinstance(document, dict) or not all(isinstance(value, str | int) for value in document.values()):
        raise Malformed("this is not an object of texts and numbers")
    return {name: str(value) for name, value in document.items()}


def find_extra_fault(written: str) -> str:
    """Return what is wrong with the further fields, never naming their values."""
    try:
        read_extra(written)
    except Malformed:
        return 'harus objek JSON seperti / must be a JSON object of texts, such as {"userkey": "...", "type": "sms"}'
    return ""


def find_webhook_secrets_fault(written: str) -> str:
    """Return what is wrong with a list of secrets; those that begin with whsec_ go on in base64."""
    for secret in split_list(written):
        if secret.startswith(WEBHOOK_PREFIX):
            try:
                base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
            except (binascii.Error, ValueError):
                return "a secret that begins with whsec_ must go on in base64"
    return find_secrets_fault(written)


def _path(name: str, meaning: str, default: str) -> Setting:
    return Setting(name, meaning, default=default, find_fault=_find_path_fault)


SETTINGS = (
    Setting(
        "secrets",
        "what the gateway proves itself with; to change it list both, and drop the old one afterwards",
        default=None,
        is_secret=True,
        find_fault=find_webhook_secrets_fault,
    ),
    Setting(
        "scheme",
        "how it proves itself: bearer (Authorization: Bearer ...) or hmac (signed as Standard Webhooks say)",
        default="bearer",
        find_fault=find_choice_fault("bearer", "hmac"),
    ),
    Setting(
        "tolerance_seconds",
        "how far the time of a signed request may be from ours",
        default="300",
        find_fault=find_number_fault(1, 604_800),
    ),
    Setting("list_field", "where the messages are, when one request may bring several", find_fault=_find_path_fault),
    _path("id_field", "its id; where there is none, the header Idempotency-Key is taken, under hmac webhook-id", "id"),
    _path("from_field", "who sent it", "from"),
    _path("text_field", "what it says", "text"),
    _path("to_field", "the number it was sent to, if told", "to"),
    _path("sent_at_field", "when it was sent, if told: ISO 8601 with its zone, or seconds since 1970", "sent_at"),
    Setting("send_url", "where messages are posted to be sent", default=None, find_fault=find_url_fault),
    Setting(
        "send_format", "how they are posted: json or form", default="json", find_fault=find_choice_fault("json", "form")
    ),
    Setting("send_token", "what we prove ourselves with", is_secret=True, find_fault=find_secret_fault),
    Setting(
        "send_token_header",
        "the header that it goes in; in Authorization it stands after the word Bearer",
        default="Authorization",
        find_fault=find_form_fault(r"[0-9A-Za-z\-]{1,50}", "nama header", "a header's name"),
    ),
    _path("send_to_field", "the number that a message goes to", "to"),
    _path("send_text_field", "its text", "text"),
    _path("send_ref_field", "our own id of it", "ref"),
    _path("send_from_field", "the sender that it shows", "from"),
    Setting("send_from", "the sender that messages show, where the gateway lets us choose"),
    Setting(
        "send_extra",
        "further fields of every message, as a JSON object",
        is_secret=True,
        find_fault=find_extra_fault,
    ),
    _path("send_id_field", "the gateway's id of a message, in its answer", "id"),
    Setting(
        "send_idempotent",
        "yes when the gateway sends one Idempotency-Key (our ref) at most once, so that we may ask again",
        default="no",
        find_fault=find_choice_fault("yes", "no"),
    ),
    _path("status_ref_field", "our id, in what it tells later about a message", "ref"),
    _path("status_id_field", "its id there", "id"),
    _path("status_field", "what became of the message", "status"),
    _path("status_code_field", "its code for a failure", "error"),
    Setting("sent_words", "its words for: on the way", default="accepted, queued, sending, submitted, sent, buffered"),
    Setting("delivered_words", "its words for: on the phone", default="delivered, delivrd, read, success"),
    Setting(
        "failed_words",
        "its words for: never arrived",
        default="failed, undelivered, undeliv, rejected, rejectd, expired, canceled, cancelled, error",
    ),
    Setting(
        "health_url",
        "an address that answers 2xx to a GET while the gateway is well; it is asked with send_token",
        find_fault=find_url_fault,
    ),
    Setting("per_second", "messages sent in a second", default="5", find_fault=find_number_fault(0.01, 1000)),
    Setting(
        "timeout_seconds",
        "how long to wait for an answer to a message that is sent",
        default="15",
        find_fault=find_number_fault(0.1, 30),
    ),
)
