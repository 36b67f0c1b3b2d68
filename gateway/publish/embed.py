"""The page to embed: where which contraceptive is to be had, and the sums, within the city's own site.

It is whole in one answer, works without scripts and leaves nothing in the browser that shows it.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from jinja2 import Environment, FileSystemLoader

from gateway.errors import Unavailable
from gateway.hiding import ALL
from gateway.opening import FILES, MEASURES, UNSAID, Line, State, count_states
from gateway.publish.feed import find_shelf
from gateway.publish.figures import Figures
from gateway.publish.open_answers import answer_openly

FOLDER = Path(__file__).parent
WORDS: Mapping[str, Mapping[str, Any]] = tomllib.loads((FOLDER / "words.toml").read_text(encoding="utf-8"))
FIRST = "id"  # the language of who asks for none
ROWS = 40  # places on one page: it is to be small
CSS = "".join((FOLDER / "templates" / "embed.css").read_text(encoding="utf-8").splitlines())
_CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)

routes = Blueprint("embed", __name__)


@routes.get("/embed/<area>")
def show_embed(area: str) -> Response:
    """Show what a regency has opened, of one kecamatan or method where that is asked for."""
    runtime, shelf = find_shelf()
    figures = shelf.find(runtime, area)
    if figures is None:
        return _tell("absent", 404)
    language = _language()
    shown = arrange(figures, language, request.args)
    page = _TEMPLATES.get_template("embed.html").render(language=language, words=WORDS[language], css=CSS, shown=shown)
    return _let_be_framed(answer_openly(page.encode(), "text/html; charset=utf-8"), figures.openness.sites)


@routes.errorhandler(Unavailable)
def tell_unavailable(_error: Unavailable) -> Response:
    """Say that it is to be asked for again."""
    return _tell("later", 503)


def _tell(fault: str, status: int) -> Response:
    language = _language()
    said = WORDS[language]
    page = _TEMPLATES.get_template("embed.html").render(language=language, words=said, css=CSS, fault=said[fault])
    return _let_be_framed(Response(page, status=status, content_type="text/html; charset=utf-8"), ())


def _language() -> str:
    wished = request.args.get("lang", FIRST)
    return wished if wished in WORDS else FIRST


def _let_be_framed(response: Response, sites: Sequence[str]) -> Response:
    """Let other sites show the page in a frame: all of them, or those that were listed."""
    policy = {
        "default-src": "'none'",
        "style-src": f"'sha256-{_CSS_HASH}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(("'self'", *sites)) if sites else "*",
    }
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def arrange(figures: Figures, language: str, wished: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page shows: a summary by method, or the places of a kecamatan or method; and the sums."""
    part = wished.get("kecamatan", "") if wished.get("kecamatan", "") in figures.parts else ""
    method = wished.get("method", "") if wished.get("method", "") in figures.methods.items else ""
    words = WORDS[language]
    lines = [line for line in figures.lines if part in ("", line.area)]
    said = {item for line in lines for item, state in line.states.items() if state is not State.UNKNOWN}
    shown: dict[str, Any] = {
        "code": figures.area.code,
        "area": figures.area.name,
        "places": figures.openness.shows_places,
        "address": f"/embed/{figures.area.code}",
        "parts": [(code, one.name) for code, one in sorted(figures.parts.items())],
        "methods": [(item, figures.name_method(item, language)) for item in figures.methods.items],
        "part": part,
        "part_name": figures.name_part(part) if part else "",
        "method": method,
        "source": figures.openness.source,
        "licence": figures.openness.licence,
        "files": FILES,
        "other_language": next(one for one in WORDS if one != language),
    }
    if part or method:
        order = [State.THERE, State.GONE, State.UNKNOWN]
        if method:
            lines.sort(key=lambda line: order.index(line.states[method]))
        number = wished.get("page", "0")
        first = ROWS * int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
        shown["lines"] = [_arrange_line(figures, line, method, language) for line in lines[first : first + ROWS]]
        if len(lines) > first + ROWS:
            shown["more"] = _address(figures, language, part, method, page=str(first // ROWS + 1))
    else:
        counts = count_states(lines, figures.methods.items)
        shown["counts"] = [
            {
                "name": figures.name_method(item, language),
                "there": counts[item][State.THERE],
                "address": _address(figures, language, "", item),
            }
            for item in figures.methods.items
            if item in said
        ]
    other = shown["other_language"]
    shown["other_address"] = _address(figures, other, part, method)
    return shown | _arrange_sums(figures, words, part, language)


def _address(figures: Figures, language: str, part: str, method: str, page: str = "") -> str:
    asked = {"kecamatan": part, "method": method, "lang": "" if language == FIRST else language, "page": page}
    chosen = urlencode({name: value for name, value in asked.items() if value})
    return f"/embed/{figures.area.code}" + (f"?{chosen}" if chosen else "")


def _arrange_line(figures: Figures, line: Line, method: str, language: str) -> dict[str, str]:
    words = WORDS[language]
    kind = words["types"].get(line.type, line.type)
    items = [method] if method else figures.methods.items

    def say(state: State) -> str:
        return ", ".join(figures.name_method(item, language) for item in items if line.states[item] is state)

    about = [kind] if line.name else []
    about.append(figures.name_part(line.area))
    if line.period and any(line.states[item] is not State.UNKNOWN for item in items if item in figures.methods.stocked):
        about.append(words["as_of"].format(month=_name_month(line.period, language)))
    if any(line.states[item] is State.THERE for item in items if item in figures.methods.performed):
        first, last = (_name_month(period, language) for period in figures.given)
        about.append(words["performed"].format(first=first, last=last))
    several = words["several"].format(count=line.facilities, type=kind) if line.facilities > 1 else kind
    return {
        "name": line.name or several,
        "about": " · ".join(about),
        "there": say(State.THERE),
        "gone": say(State.GONE),
    }


def _arrange_sums(figures: Figures, words: Mapping[str, Any], part: str, language: str) -> dict[str, Any]:
    measures = [one for one in MEASURES if one in figures.openness.measures and one in figures.main_form.measures]
    names = [figures.main_form.measures[one].names.get(language, one) for one in measures]
    if not figures.months or not measures:
        return {"measures": names}
    month = figures.months[0]
    tables = [month.tables.get(measure, {}).get(part, {}) for measure in measures]
    items = [item for item in (*figures.main_form.items, UNSAID, ALL) if any(item in table for table in tables)]
    said = {UNSAID: words["unsaid"], ALL: words["total"]}
    sums = []
    for item in items:
        numbers = [_write_number(table.get(item, 0), words["point"]) for table in tables]
        sums.append((said[item] if item in said else figures.name_method(item, language), numbers, item == ALL))
    return {
        "measures": names,
        "month": _name_month(month.period, language),
        "there": month.there,
        "sums": sums,
        "is_some_hidden": any(number is None for _, numbers, _ in sums for number in numbers),
    }


def _write_number(number: int | None, point: str) -> str | None:
    return None if number is None else f"{number:,}".replace(",", point)


def _name_month(period: str, language: str) -> str:
    return f"{WORDS[language]['months'][int(period[5:]) - 1]} {period[:4]}"
