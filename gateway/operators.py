"""Which operator's a number is, by how it begins, and which channel sends to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import phonenumbers
from phonenumbers.carrierdata import CARRIER_DATA


def is_of(region: str, phone: str) -> bool:
    """Return whether a number in E.164 begins as those of a country do.

    >>> is_of("ID", "+6281234567890"), is_of("ID", "+8816123456789"), is_of("ID", "+60123456789")
    (True, False, False)
    """
    return phone.startswith(f"+{phonenumbers.country_code_for_region(region)}")


@cache
def prefixes_in(region: str) -> Mapping[str, tuple[str, ...]]:
    """Return how the numbers of a country's operators begin, by the first word of each one's name.

    Numbers that moved to another operator are not known; Indonesia has none.

    >>> "+62811" in prefixes_in("ID")["telkomsel"], "+62817" in prefixes_in("ID")["xl"]
    (True, True)
    """
    code = str(phonenumbers.country_code_for_region(region))
    found: dict[str, tuple[str, ...]] = {}
    for start, names in sorted(CARRIER_DATA.items()):
        name = names.get("en", "").partition(" ")[0].lower()
        if start.startswith(code) and name:
            found[name] = (*found.get(name, ()), f"+{start}")
    return found


def find_route(routes: Mapping[str, str], phone: str) -> str | None:
    """Return the channel of the longest start that fits a number, or None.

    >>> routes = {"+62811": "modem1", "+6281199": "modem2"}
    >>> find_route(routes, "+6281199000001"), find_route(routes, "+6281100000001"), find_route(routes, "+6289900000001")
    ('modem2', 'modem1', None)
    """
    fitting = (start for start in routes if phone.startswith(start))
    longest = max(fitting, key=len, default=None)
    return routes[longest] if longest else None
