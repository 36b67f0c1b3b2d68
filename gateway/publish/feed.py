"""The open feed: what a regency has opened, for the city's site and for everybody, at addresses that stay."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from gateway.errors import Unavailable
from gateway.publish.figures import Shelf
from gateway.publish.open_answers import answer_openly, tell_fault
from gateway.publish.open_files import BY_NAME
from gateway.runtime import Runtime

routes = Blueprint("feed", __name__)
SHELF = "kabar_open_figures"


@routes.get("/open/v1/<area>/<name>")
def show_file(area: str, name: str) -> Response:
    """Show one file of what a regency has opened."""
    if name not in BY_NAME:
        known = ", ".join(BY_NAME)
        return tell_fault(404, "Tidak ada", f"Tidak ada berkas itu; yang ada: {known}. / There is no such file.")
    runtime, shelf = find_shelf()
    figures = shelf.find(runtime, area)
    if figures is None:
        said = "Wilayah ini tidak membuka angkanya. / This area has not opened its figures."
        return tell_fault(404, "Tidak ada", said)
    content_type, write = BY_NAME[name]
    written = shelf.write(figures, name, write, runtime.now())
    return answer_openly(written.body, content_type, written.since)


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
