"""ADX: aggregate figures in the codes of another system, one group for a facility and a month.

Source: IHE QRPH ADX, its schema of 2015, strictly: `exported` is there, and neither annotation nor completeDate, which
newer DHIS2 take for values and for an empty org unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

from gateway.errors import Permanent
from gateway.export.base import Format, Source, say_about
from gateway.export.dhis2.payload import Draft, draft
from gateway.export.dhis2.reasons import Reason
from gateway.mapping import Cell, Mapping
from gateway.store.settled import Settled

NAMESPACE = "urn:ihe:qrph:adx:2015"
FORMAT = Format(
    names={"id": "ADX (DHIS2)", "en": "ADX (DHIS2)"},
    hints={
        "id": "XML dalam kode DHIS2, untuk diunggah di sana. Perlu pemetaan; skema kodenya tertulis di dalam berkas.",
        "en": "XML in the codes of a DHIS2, to upload there. Needs a mapping; the file names its scheme of codes.",
    },
    media_type="application/adx+xml",
    suffix="adx.xml",
    needs_mapping=True,
)
_MOST_NAMED = 40  # of what has no place, in the sentence that says so
_FAULTS = {
    Reason.UNMAPPED: "angka tanpa pasangan / figures without a cell",
    Reason.NO_UNIT: "faskes tanpa org unit / facilities without an org unit",
    Reason.SHARED_CELL: "jumlah dan rinciannya di satu sel / a total and its parts in one cell",
}


def write(source: Source, target: BinaryIO) -> None:
    """Write the reports by facility, then month. Errors: Permanent with all that has no place in the other system."""
    mapping = source.mapping
    if mapping is None:
        raise Permanent(
            "Belum ada pemetaan untuk formulir ini di wilayah ini. Buat dahulu di menu DHIS2."
            " / There is no mapping for this form in this area yet. Make one in the menu DHIS2."
        )
    about = source.about
    exported = about.made_at.astimezone(ZoneInfo(about.timezone)).isoformat(timespec="seconds")
    codes = f"{mapping.data_set}, idScheme={mapping.scheme}, pemetaan versi {mapping.version}"
    target.write(b"<?xml version='1.0' encoding='UTF-8'?>\n")
    target.writelines(_write_comment(name, value) for name, value in (*say_about(about), ("Kode", codes)))
    target.write(f"<adx xmlns={quoteattr(NAMESPACE)} exported={quoteattr(exported)}>\n".encode())
    faults: dict[Reason, set[str]] = {}
    for report in source.reports():
        found = draft(report.values, report.place, mapping, about.choices)
        for reason, things in found.faults.items():
            faults.setdefault(reason, set()).update(things)
        target.writelines(line.encode() for line in _write_groups(report, found, mapping))
    faults.pop(Reason.NOTHING, None)
    if faults:
        raise Permanent(_say(faults))
    target.write(b"</adx>\n")
    target.write(_write_comment("Sidik data (SHA-256)", source.digest.hexdigest()))


def _write_groups(report: Settled, found: Draft, mapping: Mapping) -> Iterator[str]:
    """Yield the lines of a facility's month: a group for each attribute option combo, nearly always one."""
    by_attribute: dict[str, list[Cell]] = {}
    for cell in found.values:
        by_attribute.setdefault(cell.attribute_option_combo, []).append(cell)
    for attribute, cells in sorted(by_attribute.items()):
        group = {"dataSet": mapping.data_set, "orgUnit": found.org_unit, "period": f"{report.period}-01/P1M"}
        yield f"  <group{_write({**group, 'attributeOptionCombo': attribute})}>\n"
        for cell in cells:
            named = {"dataElement": cell.data_element, "categoryOptionCombo": cell.category_option_combo}
            yield f"    <dataValue{_write({**named, 'value': found.values[cell]})}/>\n"
        yield "  </group>\n"


def _write(attributes: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value)


def _write_comment(name: str, value: str) -> bytes:
    """Return a comment, in which XML allows no double hyphen, and no hyphen at its end."""
    words = " ".join("".join(mark if mark.isprintable() else " " for mark in f"{name}: {value}").split())
    while "--" in words:
        words = words.replace("--", "- -")
    return f"<!-- {words} -->\n".encode()


def _say(faults: dict[Reason, set[str]]) -> str:
    said = []
    for reason, things in faults.items():
        named = sorted(things)
        more = f" (+{len(named) - _MOST_NAMED})" if len(named) > _MOST_NAMED else ""
        said.append(f"{_FAULTS[reason]}: {', '.join(named[:_MOST_NAMED])}{more}")
    return (
        "Tidak semua punya tempat di sana, maka berkas ini tidak dibuat; lengkapi pemetaannya di menu DHIS2."
        " / Not everything has a place there, so this file was not made; complete the mapping in the menu DHIS2. "
        + "; ".join(said)
    )
