"""The open feed: what a regency has opened, for the city's site and for everybody, at addresses that stay."""

from __future__ import annotations

import hashlib
from datetime import datetime

from flask import Blueprint, Response, current_app

from gateway.errors import Unavailable
from gateway.publish.figures import Shelf
from gateway.publish.open_answers import answer_openly, tell_fault
from gateway.publish.open_files import FILES
from gateway.runtime import Runtime

routes = Blueprint("feed", __name__)
SHELF = "kabar_open_figures"


@routes.get("/open/v1/<area>/<name>")
def show_file(area: str, name: str) -> Response:
    """Show one file of what a regency has opened."""
    if name not in FILES:
        known = ", ".join(FILES)
        return tell_fault(404, "Tidak ada", f"Tidak ada berkas itu; yang ada: {known}. / There is no such file.")
    runtime, shelf = find_shelf()
    figures = shelf.find(runtime, area)
    if figures is None:
        said = "Wilayah ini tidak membuka angkanya. / This area has not opened its figures."
        return tell_fault(404, "Tidak ada", said)
    content_type, write = FILES[name]
    body = write(figures)
    return answer_openly(body, content_type, _first_seen(runtime.now(), area, name, body))


@routes.errorhandler(Unavailable)
def tell_unavailable(_error: Unavailable) -> Response:
    """Say that it is to be asked for again."""
    said = "Sedang tidak dapat dibaca; coba lagi sebentar. / It cannot be read just now; please try again."
    response = tell_fault(503, "Sebentar", said)
    response.headers["Retry-After"] = "30"
    return response


def find_shelf() -> tuple[Runtime, Shelf]:
    """Return the runtime of this request, and what this process keeps of what was opened."""
    shelf: Shelf = current_app.extensions.setdefault(SHELF, Shelf())
    return current_app.extensions["kabar"], shelf


def _first_seen(now: datetime, area: str, name: str, body: bytes) -> datetime:
    """Return since when this process has known a file as it is."""
    seen: dict[tuple[str, str], tuple[str, datetime]] = current_app.extensions.setdefault(f"{SHELF}_seen", {})
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    if seen.get((area, name), ("", now))[0] != digest:
        seen[area, name] = (digest, now)
    return seen[area, name][1]
