"""FHIR R4: a Bundle with a MeasureReport for each facility and month, in the shape of IHE's mADX profile.

It is a file for whoever asks for one. The codes are our own, under names of ours (`urn:kabar:...`).
Source: HL7 FHIR 4.0.1, MeasureReport; IHE QRPH mADX 3.0.0. That the profile is met in full is not claimed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from gateway.calendar import month_days
from gateway.errors import Permanent
from gateway.export.base import About, Format, Source
from gateway.export.fhir_checks import POPULATION, find_faults
from gateway.store.settled import Place, Settled
from parsers.form import Form

FORMAT = Format(
    names={"id": "FHIR MeasureReport (JSON)", "en": "FHIR MeasureReport (JSON)"},
    hints={
        "id": "Untuk sistem yang meminta FHIR R4. Kodenya kode Kabar sendiri.",
        "en": "For systems that ask for FHIR R4. The codes are Kabar’s own.",
    },
    media_type="application/fhir+json",
    suffix="fhir.json",
    forms=("kb",),
)
OURS = "urn:kabar"
_INITIAL = {"code": {"coding": [{"system": POPULATION, "code": "initial-population"}]}}


def write(source: Source, target: BinaryIO) -> None:
    """Write every settled report. Errors: Permanent when one is no MeasureReport that others could read."""
    zone = ZoneInfo(source.about.timezone)
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": f"{OURS}:ekspor", "value": source.about.ref},
        "type": "collection",
        "timestamp": source.about.made_at.astimezone(zone).isoformat(timespec="seconds"),
    }
    is_first = True
    target.write(_dump(head)[:-1])
    for report in source.reports():
        made = make_report(report, source.form, source.about)
        if faults := find_faults(made):
            where = f"{report.place.name} {report.period}"
            raise Permanent(f"FHIR, {where}: {'; '.join(faults)}")
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{OURS}:{made['id']}").urn
        target.write(b',"entry":[\n' if is_first else b",\n")
        target.write(_dump({"fullUrl": name, "resource": made}))
        is_first = False
    target.write(b"}\n" if is_first else b"\n]}\n")  # FHIR knows no empty list


def make_report(report: Settled, form: Form, about: About) -> dict[str, Any]:
    """Return one report as a MeasureReport."""
    first, last = month_days(report.period)
    name = f"{form.code}-{report.place.code}-{report.period}"
    return {
        "resourceType": "MeasureReport",
        "id": name,
        "identifier": [{"system": f"{OURS}:laporan", "value": name}],
        "contained": [_make_place(report.place)],
        "status": "complete",
        "type": "summary",
        "measure": f"{OURS}:{form.code}|{form.version}",
        "subject": {"reference": "#faskes"},
        "date": report.sent_at.astimezone(ZoneInfo(report.place.timezone)).isoformat(timespec="seconds"),
        "period": {"start": first.isoformat(), "end": last.isoformat()},
        "group": _make_groups(report.values, form),
    }


def _make_place(place: Place) -> dict[str, Any]:
    known = {"kode-register-kb": place.code, "kode-kemenkes": place.kemenkes_code, "uid-dhis2": place.dhis2_uid}
    return {
        "resourceType": "Location",
        "id": "faskes",
        "identifier": [{"system": f"{OURS}:{system}", "value": code} for system, code in known.items() if code],
        "name": place.name,
    }


def _make_groups(values: Mapping[str, int], form: Form) -> list[dict[str, Any]]:
    """Return a group for each measure with its items; what is in no total has a group of its own."""
    groups = []
    for measure, about in form.measures.items():
        items = {code: values[f"{measure}.{code}"] for code in form.items if f"{measure}.{code}" in values}
        inside = {code: number for code, number in items.items() if form.items[code].in_total}
        if measure in values or inside:
            total = values.get(measure, sum(inside.values()))
            group = _make_group(form, measure, about.names["id"], total)
            if inside:
                strata = [_make_stratum(form, code, number) for code, number in inside.items()]
                group["stratifier"] = [{"stratum": strata}]
            groups.append(group)
        for code in (one for one in items if one not in inside):
            words = f"{about.names['id']}: {form.items[code].names['id']}"
            groups.append(_make_group(form, f"{measure}.{code}", words, items[code]))
    return groups


def _make_group(form: Form, code: str, words: str, count: int) -> dict[str, Any]:
    coding = {"system": f"{OURS}:{form.code}:ukuran", "code": code, "display": words}
    return {"code": {"coding": [coding]}, "population": [{**_INITIAL, "count": count}]}


def _make_stratum(form: Form, code: str, number: int) -> dict[str, Any]:
    value = {"system": f"{OURS}:{form.code}:metode", "code": code, "display": form.items[code].names["id"]}
    kind = {"system": f"{OURS}:{form.code}:dimensi", "code": "metode"}
    component = {"code": {"coding": [kind]}, "value": {"coding": [value]}}
    return {"component": [component], "measureScore": {"value": number}}


def _dump(part: Mapping[str, Any]) -> bytes:
    return json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()
