"""How open figures are answered: to be kept by whoever passes them on, compressed, asked again cheaply, by any site."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import datetime

from flask import Response, request

KEEP = "public, max-age=300, stale-while-revalidate=600"  # seconds
WORTH_IT = 1000  # bytes


def answer_openly(body: bytes, content_type: str, changed_at: datetime | None = None) -> Response:
    """Return an answer for everybody, or that nothing has changed since it was asked for last."""
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    is_compressed = len(body) >= WORTH_IT and "gzip" in request.headers.get("Accept-Encoding", "").lower()
    response = Response(gzip.compress(body, mtime=0) if is_compressed else body, content_type=content_type)
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(f"{digest}-gz" if is_compressed else digest)
    response.vary.add("Accept-Encoding")
    if changed_at is not None:
        response.last_modified = changed_at
    response.headers["Cache-Control"] = KEEP
    open_to_all(response)
    response.make_conditional(request)
    return response


def tell_fault(status: int, title: str, detail: str) -> Response:
    """Return what is wrong in words, as a machine can read it too. Source: RFC 9457."""
    said = json.dumps({"status": status, "title": title, "detail": detail}, ensure_ascii=False) + "\n"
    response = Response(said, status=status, content_type="application/problem+json; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=60" if status == 404 else "no-store"
    open_to_all(response)
    return response


def open_to_all(response: Response) -> None:
    """Let pages of every other site read an answer: there is nothing in it that is not for everybody."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
