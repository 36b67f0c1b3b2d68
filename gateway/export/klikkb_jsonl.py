"""Counts per midwife for Klik-KB as JSON lines: what the file holds, a line for each midwife and month, the end."""

from __future__ import annotations

import json
from typing import BinaryIO

from gateway.export.base import Format, Source, say_about
from gateway.export.midwife_counts import MOST_MONTHS, add_up, demand_shared, personal_fields, personal_of
from gateway.export.sharing import keys_shared
from gateway.store.agreements import KLIKKB

FORMAT = Format(
    names={"id": "Klik-KB, per bidan (JSON Lines)", "en": "Klik-KB, per midwife (JSON Lines)"},
    hints={
        "id": "Satu baris JSON untuk tiap bidan dan bulan; hanya yang diizinkan perjanjian dengan Klik-KB.",
        "en": "One line of JSON for each midwife and month; only what the agreement with Klik-KB allows.",
    },
    media_type="application/x-ndjson",
    suffix="jsonl",
    most_months=MOST_MONTHS,
    partner=KLIKKB,
)


def write(source: Source, target: BinaryIO) -> None:
    """Write the counts. Shape: each line has a `kind`: about, then midwife, last end; nobody's `klikkb_id` is null."""
    about, keys, personal = source.about, keys_shared(source), personal_fields(source)
    agreement = demand_shared(source).agreement
    first = {
        "kind": "about",
        "ref": about.ref,
        "form": source.form.code,
        "periods": list(about.periods),
        "area": about.area,
        "agreement": {
            "number": agreement.number,
            "title": agreement.title,
            "area": agreement.area,
            "measures": list(agreement.measures[source.form.code]),
            "starts_on": agreement.starts_on.isoformat(),
            "ends_on": agreement.ends_on.isoformat(),
        },
        "said": [list(pair) for pair in say_about(about)],
    }
    _write(target, first)
    for counts in add_up(source):
        values = {key: counts.quantity(at) for at, key in enumerate(keys) if counts.quantity(at) is not None}
        line = {
            "kind": "midwife",
            "klikkb_id": counts.midwife.klikkb_id if counts.midwife else None,
            **dict(zip(personal, personal_of(personal, counts.midwife), strict=True)),
            "form": source.form.code,
            "period": counts.period,
            "reports": counts.reports,
            "facilities": len(counts.facilities),
            "values": values,
        }
        _write(target, line)
    _write(target, {"kind": "end", "reports": source.digest.reports, "sha256": source.digest.hexdigest()})


def _write(target: BinaryIO, line: object) -> None:
    target.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
