"""What is opened, as files: JSON that says of itself what it holds, CSV, and GeoJSON of what has a place on the map."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.hiding import ALL, FEWEST, SMALL
from gateway.opening import FILES, MEASURES, UNSAID, Line, State
from gateway.publish.figures import Figures
from gateway.spreadsheet import guard

JSON, CSV, GEOJSON = "application/json", "text/csv; charset=utf-8", "application/geo+json"
RULE = {
    "id": f"Angka 1 sampai {SMALL - 1}, dan kecamatan dengan kurang dari {FEWEST} faskes yang melapor, disembunyikan "
    "(null). Beberapa angka lain ikut disembunyikan supaya yang tersembunyi tidak dapat dihitung dari jumlahnya. "
    "Bulan yang sudah diumumkan tidak dihitung ulang.",
    "en": f"Figures of 1 to {SMALL - 1}, and kecamatan where fewer than {FEWEST} facilities reported, are hidden "
    "(null). Some others are hidden with them, so that no hidden one can be worked out from the sums. "
    "A month that was published is not made anew.",
}
PLACES_RULE = {
    "id": "tersedia: stok akhir lebih dari nol pada bulan itu, atau pelayanannya diberikan dalam enam bulan terakhir; "
    "habis: stok akhir nol; tidak diketahui: belum dilaporkan. Hubungi faskes sebelum datang.",
    "en": "tersedia: in stock at the end of that month, or the service was given in the last six months; "
    "habis: none left; tidak diketahui: not reported. Ask the facility before you go.",
}


def write_availability(figures: Figures) -> bytes:
    """Return where which method is available, as JSON."""
    return _dump(
        {
            "title": f"Ketersediaan alat kontrasepsi, {figures.area.name}",
            **_say(figures, "availability"),
            "rule": PLACES_RULE,
            "states": [state.value for state in State],
            "methods": [_name_method(figures, item) for item in figures.methods.items],
            "services_between": figures.given,
            "places": [_place(figures, line) for line in figures.lines],
        }
    )


def write_availability_csv(figures: Figures) -> bytes:
    """Return where which method is available, as CSV: a row for each place and method."""
    head = ("kecamatan_code", "kecamatan", "place", "type", "facilities", "method", "state", "period")
    rows = (
        (line.area, figures.name_part(line.area), line.name, line.type, line.facilities, item, state.value, period)
        for line in figures.lines
        for item, state in line.states.items()
        for period in (_period_of(figures, line, item),)
    )
    return _write_rows(head, rows)


def write_availability_geojson(figures: Figures) -> bytes:
    """Return where which method is available, as GeoJSON: the places of which it is known where they are."""
    points = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [line.longitude, line.latitude]},
            "properties": _place(figures, line),
        }
        for line in figures.lines
        if line.latitude is not None and line.longitude is not None
    ]
    return _dump({"type": "FeatureCollection", "about": _say(figures, "availability"), "features": points})


def write_totals(figures: Figures) -> bytes:
    """Return the sums of the months that were published, as JSON."""
    shown = [measure for measure in MEASURES if measure in figures.openness.measures]
    return _dump(
        {
            "title": f"Pelayanan KB per bulan, {figures.area.name}",
            **_say(figures, "totals"),
            "rule": RULE,
            "measures": [
                {"code": one, "name": dict(figures.main_form.measures[one].names)}
                for one in shown
                if one in figures.main_form.measures
            ],
            "methods": [_name_method(figures, item) for item in _columns(figures)],
            "months": [
                {
                    "period": month.period,
                    "published_at": month.published_at.isoformat(timespec="seconds"),
                    "facilities": dict(month.there),
                    "figures": [
                        dict(zip(_TOTALS, row[1:], strict=True))
                        for row in _rows_of_totals(figures)
                        if row[0] == month.period
                    ],
                }
                for month in figures.months
            ],
        }
    )


def write_totals_csv(figures: Figures) -> bytes:
    """Return the sums of the months that were published, as CSV; what is hidden has no value."""
    return _write_rows(("period", *_TOTALS), _rows_of_totals(figures))


_TOTALS = ("area", "area_name", "measure", "method", "value", "is_hidden")


def _rows_of_totals(figures: Figures) -> Iterable[tuple[Any, ...]]:
    for month in figures.months:
        for measure in (one for one in MEASURES if one in figures.openness.measures):
            table = month.tables.get(measure, {})
            for part in sorted(table):
                code = part or figures.area.code
                for column in (ALL, *_columns(figures)):
                    if column in table[part]:
                        value = table[part][column]
                        name = figures.name_part(part)
                        yield month.period, code, name, measure, column or "semua", value, value is None


def _columns(figures: Figures) -> list[str]:
    """Return the methods that sums are given by, in the order of the form."""
    return [code for code, item in figures.main_form.items.items() if item.in_total] + [UNSAID]


def _name_method(figures: Figures, item: str) -> dict[str, Any]:
    if item == UNSAID:
        return {"code": item, "name": {"id": "Tidak dirinci", "en": "Method not given"}}
    return {"code": item, "name": {language: figures.name_method(item, language) for language in ("id", "en")}}


def _say(figures: Figures, name: str) -> dict[str, Any]:
    """Return what a file says of itself."""
    area = figures.area
    return {
        "area": {"code": area.code, "name": area.name, "level": area.level, "timezone": area.timezone},
        "source": f"{figures.openness.source} lewat Kabar",
        "licence": figures.openness.licence,
        "made_on": figures.made_on.isoformat(),
        "version": "v1",
        "other_forms": [one for one in FILES if one.startswith(f"{name}.")],
    }


def _place(figures: Figures, line: Line) -> dict[str, Any]:
    return {
        "name": line.name or None,
        "type": line.type,
        "facilities": line.facilities,
        "kecamatan": {"code": line.area, "name": figures.name_part(line.area)},
        "period": line.period,
        "methods": {item: state.value for item, state in line.states.items()},
    }


def _period_of(figures: Figures, line: Line, item: str) -> str:
    if line.states[item] is State.UNKNOWN:
        return ""
    return "/".join(figures.given) if item in figures.methods.performed else line.period or ""


def _dump(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _write_rows(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(head)
    for row in rows:
        writer.writerow(
            [int(cell) if isinstance(cell, bool) else guard(cell) if isinstance(cell, str) else cell for cell in row]
        )
    return written.getvalue().encode()


WRITERS = (
    (JSON, write_availability),
    (CSV, write_availability_csv),
    (GEOJSON, write_availability_geojson),
    (JSON, write_totals),
    (CSV, write_totals_csv),
)
BY_NAME = dict(zip(FILES, WRITERS, strict=True))
