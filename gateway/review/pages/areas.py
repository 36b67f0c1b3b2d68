"""The areas around and below a visitor's own: their codes, their clocks, and how many facilities are in each."""

from __future__ import annotations

from flask import Response, request

from gateway.review.pages import frame
from gateway.store import areas, register

routes = frame.make_routes("areas")


@routes.get("/areas")
def show_areas() -> Response:
    """Show the areas directly below one: the visitor's own unless the address names another."""
    scope = frame.visitor().scope
    start = scope.area if len(scope.area) <= len("14.03") else scope.area[:5]
    code = request.args.get("code", start)[:13]
    with frame.runtime_of_request().database.session(read_only=True) as session:
        area = areas.find_area_within(session, code, scope=scope) if code else None
        if code and area is None:
            return frame.absent()
        above = (areas.find_area_within(session, part, scope=scope) for part in _around(code))
        path = [one for one in above if one is not None]
        counts = register.count_below(session, code or None, scope=scope)
    return frame.answer("areas.html", area=area, path=path, counts=counts)


def _around(code: str) -> list[str]:
    parts = code.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
