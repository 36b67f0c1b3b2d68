"""A USSD handset on the terminal: `./kabar ussd --from 0812...`."""

from __future__ import annotations
