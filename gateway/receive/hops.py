"""Take one hop of a USSD session: what was typed is kept before the next screen is shown."""

from __future__ import annotations
