"""The door for USSD gateways: `/in/<name>/ussd`."""

from __future__ import annotations
