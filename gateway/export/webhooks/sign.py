"""Signing as Standard Webhooks says: HMAC-SHA256 over id, time and body; during a rotation one signature per secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

from gateway.redact import Secret

SECRET_BYTES = 32  # Standard Webhooks: between 24 and 64


def new_secret() -> Secret:
    """Return a new secret as receivers are given it: `whsec_` and base64."""
    return Secret("whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def sign(ref: str, body: str, signing: Sequence[Secret], now: datetime) -> dict[str, str]:
    """Return the headers that prove who says this, and when; the receiver refuses what is older than five minutes.

    Source: Standard Webhooks, "Webhook headers": several signatures stand in one header, with a space between.
    """
    signatures = [Webhook(secret.reveal()).sign(ref, now, body) for secret in signing]
    return {
        "webhook-id": ref,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
