"""The settings of the Kannel channel: where its boxes are, and what both sides prove themselves with."""

from __future__ import annotations

from gateway.channels.options import (
    find_form_fault,
    find_number_fault,
    find_secret_fault,
    find_secrets_fault,
    find_url_fault,
    split_list,
)
from gateway.values import Setting

_find_name_fault = find_form_fault(
    r"[0-9A-Za-z_.\-]{1,40}", "huruf, angka, - _ atau . (paling banyak 40)", "letters, digits, - _ or . (40 at most)"
)


def find_url_secrets_fault(written: str) -> str:
    """Return what is wrong with a list of secrets that stand in an address, which Kannel takes as it is written.

    >>> find_url_secrets_fault("0123456789abcdef"), find_url_secrets_fault("0123456789@bcdef")
    ('', 'harus hanya huruf, angka dan - _ . ~ / must be of letters, digits and - _ . ~ only, as an address is')
    """
    plain = find_form_fault(
        r"[0-9A-Za-z\-_.~]*",
        "hanya huruf, angka dan - _ . ~",
        "of letters, digits and - _ . ~ only, as an address is",
    )
    return find_secrets_fault(written) or next(filter(None, map(plain, split_list(written))), "")


SETTINGS = (
    Setting(
        "secrets",
        "what Kannel proves itself with, as in its get-url; to change it list both, the new one first",
        default=None,
        is_secret=True,
        find_fault=find_url_secrets_fault,
    ),
    Setting("username", "the username of the sendsms-user", default="kabar", find_fault=_find_name_fault),
    Setting("password", "its password", default=None, is_secret=True, find_fault=find_secret_fault),
    Setting(
        "status_password",
        "the status-password of the group core",
        default=None,
        is_secret=True,
        find_fault=find_secret_fault,
    ),
    Setting(
        "send_url",
        "where smsbox takes messages",
        default="http://127.0.0.1:13013/cgi-bin/sendsms",
        find_fault=find_url_fault,
    ),
    Setting(
        "status_url",
        "where bearerbox says how it does",
        default="http://127.0.0.1:13000/status.xml",
        find_fault=find_url_fault,
    ),
    Setting(
        "callback_url",
        "where Kannel reaches Kabar for delivery reports; without one http://127.0.0.1 and KABAR_PORT",
        find_fault=find_url_fault,
    ),
    Setting(
        "from_number",
        "the number (or sender name) that answers come from; without one Kannel's default-sender",
        find_fault=find_form_fault(
            r"\+?[0-9]{3,15}|[0-9A-Za-z ]{1,11}", "seperti 2345 atau +6281100001234", "such as 2345 or +6281100001234"
        ),
    ),
    Setting("smsc", "the smsc-id that answers are routed by; without one Kannel chooses", find_fault=_find_name_fault),
    Setting("per_second", "messages sent in a second", default="10", find_fault=find_number_fault(0.01, 1000)),
    Setting(
        "timeout_seconds",
        "how long to wait for an answer to a message that is sent",
        default="15",
        find_fault=find_number_fault(0.1, 30),
    ),
)
