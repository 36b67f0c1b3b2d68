"""JSON lines: what the file holds, then a line for each report, then how many and the fingerprint."""

from __future__ import annotations

import json
from typing import BinaryIO

from gateway.export.base import Format, Source, say_about
from gateway.export.csv_machine import keys_in_order

FORMAT = Format(
    names={"id": "JSON Lines", "en": "JSON Lines"},
    hints={
        "id": "Satu baris JSON untuk tiap laporan; untuk program.",
        "en": "One line of JSON for each report; for programs.",
    },
    media_type="application/x-ndjson",
    suffix="jsonl",
    most_months=60,
)


def write(source: Source, target: BinaryIO) -> None:
    """Write every settled report. Shape: each line has a `kind`: about, then report, last end."""
    about = source.about
    first = {
        "kind": "about",
        "ref": about.ref,
        "form": source.form.code,
        "periods": list(about.periods),
        "area": about.area,
        "area_name": about.area_name,
        "settles_at": about.choices.settles_at.value,
        "reach": {
            period: {"there": reach.there, "reported": reach.reported, "settled": reach.settled}
            for period, reach in about.reach.items()
        },
        "made_at": about.made_at.isoformat(),
        "made_by": about.made_by,
        "said": dict(say_about(about)),
    }
    _write(target, first)
    for report in source.reports():
        place = report.place
        line = {
            "kind": "report",
            "form": source.form.code,
            "period": report.period,
            "area": place.area,
            "area_name": place.area_name,
            "facility_code": place.code,
            "facility": place.name,
            "facility_type": place.type,
            "state": report.state,
            "revision": report.revision,
            "sent_at": report.sent_at.isoformat(),
            "values": {key: report.values[key] for key in keys_in_order(source, report)},
        }
        _write(target, line)
    _write(target, {"kind": "end", "reports": source.digest.reports, "sha256": source.digest.hexdigest()})


def _write(target: BinaryIO, line: object) -> None:
    target.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
