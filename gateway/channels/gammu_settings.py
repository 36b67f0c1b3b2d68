"""The settings of a modem behind Gammu's daemon."""

from __future__ import annotations

from zoneinfo import available_timezones

from gateway.channels.gammu_tables import find_database_fault
from gateway.channels.options import find_form_fault, find_number_fault, find_secrets_fault
from gateway.values import Setting


def find_zone_fault(value: str) -> str:
    """Return what is wrong with a time zone.

    >>> find_zone_fault("Asia/Jakarta"), find_zone_fault("WIB")
    ('', 'harus zona waktu seperti / must be a time zone such as Asia/Makassar')
    """
    return (
        "" if value in available_timezones() else "harus zona waktu seperti / must be a time zone such as Asia/Makassar"
    )


SETTINGS = (
    Setting(
        "database_url",
        "SMSD's database: postgresql://user:password@host/name, mysql://... or sqlite:////path/to/smsd.db",
        default=None,
        is_secret=True,
        find_fault=find_database_fault,
    ),
    Setting(
        "phone_id",
        "which modem: the phoneid of its smsdrc; several modems are several channels over one database",
        default=None,
        find_fault=find_form_fault(
            r"[!-~]{1,50}", "phoneid dari sebuah smsdrc, tanpa spasi", "the phoneid of an smsdrc, without spaces"
        ),
    ),
    Setting(
        "timezone",
        "the time zone that SMSD runs in, such as Asia/Makassar; KABAR_TIMEZONE without one",
        find_fault=find_zone_fault,
    ),
    Setting(
        "nudge_secrets",
        "what a nudge of SMSD's proves itself with; to change it list both, and drop the old one afterwards",
        is_secret=True,
        find_fault=find_secrets_fault,
    ),
    Setting(
        "poll_seconds",
        "how often to look for what came, where nobody nudges",
        default="5",
        find_fault=find_number_fault(1, 3600),
    ),
    Setting(
        "per_second",
        "messages sent in a second; a modem bears one in 5 seconds",
        default="0.2",
        find_fault=find_number_fault(0.01, 10),
    ),
    Setting(
        "per_day",
        "segments sent in 24 hours at most, as the operator allows its SIM; without one as many as there are",
        find_fault=find_form_fault(r"[1-9][0-9]{0,5}", "bilangan bulat", "a whole number"),
    ),
)
