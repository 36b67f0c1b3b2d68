"""Turning the pages of a list: fifty rows, and the addresses of the pages beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request, url_for

ROWS = 50


def asked() -> dict[str, int | None]:
    """Return from behind or before which row's id this page is to begin, as its address says."""
    found: dict[str, int | None] = {name: request.args.get(name, None, int) for name in ("after", "before")}
    return {name: None if value is None or not 0 < value < 2**31 else value for name, value in found.items()}


def turn(
    endpoint: str, found: Sequence[Any], wished: Mapping[str, Any]
) -> tuple[Sequence[Any], str | None, str | None]:
    """Return the rows of this page, of one more than fit, and the addresses of the page before and the page after."""
    edges = asked()
    has_more = len(found) > ROWS
    is_backward = edges["before"] is not None
    rows = found[-ROWS:] if is_backward else found[:ROWS]
    kept = {name: value for name, value in wished.items() if value}
    has_newer = has_more if is_backward else edges["after"] is not None
    has_older = bool(rows) if is_backward else has_more
    newer = url_for(endpoint, before=rows[0].id, **kept) if has_newer and rows else None
    older = url_for(endpoint, after=rows[-1].id, **kept) if has_older and rows else None
    return rows, newer, older
