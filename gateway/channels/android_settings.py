"""The settings of the android channel: how the phone proves itself, and where its app is asked to send."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from gateway.channels.options import (
    find_choice_fault,
    find_form_fault,
    find_number_fault,
    find_secret_fault,
    find_secrets_fault,
    find_url_fault,
)
from gateway.values import Setting

CLOUD = "https://api.sms-gate.app/3rdparty/v1"
DAY_SECONDS = 86_400


def is_on_lan(url: str) -> bool:
    """Tell whether an address is plain http to an IP address of a private network, such as a phone's in the office.

    >>> is_on_lan("http://192.168.1.20:8080"), is_on_lan("https://192.168.1.20"), is_on_lan("http://127.0.0.1:8080")
    (True, False, False)
    """
    try:
        parts = urlsplit(url)
        found = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return False
    is_local = found.is_loopback or found.is_link_local or found.is_unspecified
    return parts.scheme == "http" and found.is_private and not is_local


def find_api_fault(value: str) -> str:
    """Return what is wrong with the address of the app or its server; a phone on the office network has no TLS.

    >>> find_api_fault("http://192.168.1.20:8080"), find_api_fault("http://phone.example.org:8080")
    ('', 'harus diawali / must begin with https:// (http:// hanya untuk / is only for 127.0.0.1, 192.168.x.x)')
    """
    fault = find_url_fault(value.replace("http://", "https://", 1) if is_on_lan(value) else value)
    if fault and value.startswith("http://"):
        return "harus diawali / must begin with https:// (http:// hanya untuk / is only for 127.0.0.1, 192.168.x.x)"
    return fault or ("harus alamat tanpa / must be the address without ? ..." if "?" in value else "")


SETTINGS = (
    Setting(
        "signing_keys",
        "what the phone signs with: Settings, Webhooks, Signing Key in the app, longer than the one that it makes;"
        " to change it list both, and drop the old one afterwards",
        default=None,
        is_secret=True,
        find_fault=find_secrets_fault,
    ),
    Setting(
        "user",
        "the user name that the app shows",
        default=None,
        find_fault=find_form_fault(
            r"[!-9;-~]{1,100}",
            "nama pengguna di aplikasi, tanpa titik dua dan spasi",
            "the user name that the app shows, without colon or spaces",
        ),
    ),
    Setting(
        "password",
        "the password that the app shows",
        default=None,
        is_secret=True,
        find_fault=find_secret_fault,
    ),
    Setting(
        "api_url",
        "where we hand messages over: the cloud, your own server (https://.../api/3rdparty/v1), or the phone itself"
        " (http://192.168.1.20:8080)",
        default=CLOUD,
        find_fault=find_api_fault,
    ),
    Setting(
        "lan",
        "yes when api_url is the phone itself, by http in the office's own network, where whoever is in that network"
        " can read the password and the messages",
        default="no",
        find_fault=find_choice_fault("yes", "no"),
    ),
    Setting(
        "device_id",
        "the one phone of the account that this channel is; without it, all of them",
        find_fault=find_form_fault(
            r"[0-9A-Za-z_\-]{1,64}",
            "id seperti di daftar perangkat akunnya",
            "an id as the account's list of devices shows it",
        ),
    ),
    Setting(
        "sim_number",
        "the SIM that sends: 1, 2 or 3; without it, the one that the phone chooses",
        find_fault=find_choice_fault("1", "2", "3"),
    ),
    Setting(
        "ttl_seconds",
        "a message that the phone could not send within this time is not sent any more",
        default=str(DAY_SECONDS),
        find_fault=find_number_fault(60, 7 * DAY_SECONDS),
    ),
    Setting(
        "tolerance_seconds",
        "how far the time of a signed webhook may be from ours",
        default="300",
        find_fault=find_number_fault(1, 604_800),
    ),
    Setting(
        "per_second",
        "messages handed over in a second; a SIM sends one in about five seconds",
        default="0.2",
        find_fault=find_number_fault(0.001, 1000),
    ),
    Setting(
        "per_day",
        "SMS sent in 24 hours at most; without it, as many as there are",
        find_fault=find_form_fault(
            r"[1-9][0-9]{0,5}", "bilangan bulat 1 sampai 999999", "a whole number from 1 to 999999"
        ),
    ),
    Setting(
        "timeout_seconds",
        "how long to wait for an answer to a message that is handed over",
        default="15",
        find_fault=find_number_fault(0.1, 30),
    ),
)
