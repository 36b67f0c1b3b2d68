"""Check what somebody wrote about a facility or a reporter, field by field. Pure: what is known comes in as values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.enrol.faults import Fault, FaultCode
from gateway.store.areas import Area
from gateway.values import Scope, find_phone

TYPES = ("RS", "PUSKESMAS", "KLINIK", "DPM", "PMB", "PMB_JEJARING", "PUSTU", "POLINDES")
OWNERSHIPS = ("pemerintah", "swasta")
LONGEST: Mapping[str, int] = {"name": 100, "short_name": 20, "kemenkes_code": 20}
_NO_NAME = re.compile(r"[^A-Z0-9]+")

# How people write the types. What is not here is looked up without spaces, dots and dashes.
_TYPE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("RS", "RSU", "RSUD", "RSIA", "RUMAHSAKIT", "HOSPITAL"), "RS"),
    **dict.fromkeys(("PUSKESMAS", "PKM", "PUSK"), "PUSKESMAS"),
    **dict.fromkeys(("KLINIK", "KLINIKPRATAMA", "KLINIKUTAMA", "CLINIC"), "KLINIK"),
    **dict.fromkeys(("DPM", "DOKTER", "DOKTERPRAKTIKMANDIRI", "DOCTOR"), "DPM"),
    **dict.fromkeys(("PMB", "TPMB", "BPM", "BPS", "BIDANPRAKTIKMANDIRI", "PRAKTIKMANDIRIBIDAN"), "PMB"),
    **dict.fromkeys(("PMBJEJARING", "TPMBJEJARING", "JEJARING"), "PMB_JEJARING"),
    **dict.fromkeys(("PUSTU", "PUSKESMASPEMBANTU"), "PUSTU"),
    **dict.fromkeys(("POLINDES", "POSKESDES"), "POLINDES"),
}
_OWNER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("pemerintah", "negeri", "government", "public", "pem", "tni", "polri"), "pemerintah"),
    **dict.fromkeys(("swasta", "private", "mandiri"), "swasta"),
}
_YES = {"ya", "y", "aktif", "buka", "1", "true", "yes", "active", "open"}
_NO = {"tidak", "tdk", "t", "tutup", "nonaktif", "0", "false", "no", "closed", "inactive"}
_UID = re.compile(r"[A-Za-z][A-Za-z0-9]{10}", re.ASCII)  # DHIS2, "UID": a letter, then ten letters or digits
_DATES = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})[-/. ](?P<m>\d{1,2})[-/. ](?P<y>\d{4})", re.ASCII),
)
_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])", re.ASCII)
_DAMAGED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE | re.ASCII)  # what a sheet shows of a long number
_BETWEEN = re.compile(r"[/;|\n]|,(?![0-9]+E)|\s+dan\s+", re.IGNORECASE)  # a comma inside 8,1E+11 parts nothing
_INDONESIA = ((-11.5, 6.5), (94.5, 141.5))  # latitude and longitude of the country, with some sea around it


@dataclass(frozen=True, slots=True)
class Checked:
    """What was written, as values of the store, and everything that is wrong with it. An empty field is left out."""

    values: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Country:
    """The areas that a line may name, and whose they may be."""

    scope: Scope
    areas: Mapping[str, Area]
    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Scope, areas: Mapping[str, Area]) -> Country:
        """Return the country of these areas, its kecamatan found by name too."""
        names: dict[str, list[str]] = {}
        for area in areas.values():
            if area.level == "district":
                names.setdefault(_plain(area.name), []).append(area.code)
        return cls(scope, areas, {name: tuple(codes) for name, codes in names.items()})


def check_facility(written: Mapping[str, str], country: Country, today: date) -> Checked:
    """Return what is written about a facility as values, with the faults of each field; nothing about what is missing.

    Shape: the fields of `NewFacility`; `is_active` as yes or no in words.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, read in _FACILITY_FIELDS.items():
        text = " ".join(written.get(name, "").split())
        if text:
            found = read(text, name)
            if isinstance(found, Fault):
                faults.append(found)
            else:
                values[name] = found
    if area := " ".join(written.get("area", "").split()):
        found = read_area(area, str(values.get("code", "")), country)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            values["area"] = found
    code, area = str(values.get("code", "")), str(values.get("area", ""))
    if code and area and code[:4] != area[:5].replace(".", ""):
        about = {"code": code, "start": code[:4], "area": area, "regency": area[:5]}
        faults.append(Fault(FaultCode.CODE_ELSEWHERE, "code", about))
    opened = values.get("opened_on")
    if opened and opened > today:
        faults.append(Fault(FaultCode.DATE_AHEAD, "opened_on"))
    if ("latitude" in values) != ("longitude" in values):
        faults.append(Fault(FaultCode.PLACE_WRONG, "longitude" if "latitude" in values else "latitude"))
    return Checked(values, tuple(faults))


def find_missing(values: Mapping[str, Any], wanted: tuple[str, ...], faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return a fault for each wanted field that has neither a value nor a fault yet."""
    told = {fault.field for fault in faults}
    return tuple(Fault(FaultCode.MISSING, name) for name in wanted if not values.get(name) and name not in told)


def values_when_switched(*, is_active: bool, closed_on: date | None, today: date) -> dict[str, Any]:
    """Return what changes of a facility that is closed today, or opened again: what it was missed for stays as it was.

    `closed_on` is the day that it was closed on until now; closed and opened on one day, it never was.
    """
    if not is_active:
        return {"is_active": False, "closed_on": today, "reopened_on": None}
    if closed_on is None or closed_on >= today:
        return {"is_active": True, "closed_on": None, "reopened_on": None}
    return {"is_active": True, "closed_on": closed_on, "reopened_on": today}


def make_short_name(name: str) -> str:
    """Return what a facility is called in a message where nobody chose a name for that.

    >>> make_short_name("Puskesmas Teluk Belitung"), make_short_name("PMB Ani, S.ST")
    ('PUSKESMASTELUKBELITU', 'PMBANISST')
    """
    return _NO_NAME.sub("", name.upper())[:20] or "FASKES"


def split_cell(cell: str) -> list[str]:
    """Return the parts of a cell that holds several phones or codes.

    >>> split_cell("0812-1 / 0813-2, 0814-3"), split_cell("8,1E+11")
    (['0812-1', '0813-2', '0814-3'], ['8,1E+11'])
    """
    return [part.strip() for part in _BETWEEN.split(cell) if part.strip()]


def read_date(text: str, name: str) -> date | Fault:
    """Return a day as it may be written: 2025-09-30, 30/9/2025, 30-09-2025."""
    for pattern in _DATES:
        if found := pattern.fullmatch(text):
            try:
                return date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                break
    return Fault(FaultCode.DATE_WRONG, name, {"written": text})


def read_month(text: str, name: str) -> str | Fault:
    """Return a month as `YYYY-MM`, or a fault."""
    return text if _MONTH.fullmatch(text) else Fault(FaultCode.MONTH_WRONG, name, {"written": text})


def read_phone(text: str, name: str, region: str = "ID") -> str | Fault:
    """Return a number as E.164. A sheet takes the 0 away before 8, and a long number to pieces: that is told.

    >>> read_phone("81234567890", "phones"), read_phone("62 812-3456-7890", "phones")
    ('+6281234567890', '+6281234567890')
    >>> read_phone("8,1E+11", "phones").code.value
    'phone_damaged'
    """
    written = text.strip()
    if _DAMAGED.fullmatch(written):
        return Fault(FaultCode.PHONE_DAMAGED, name, {"written": written})
    if region == "ID" and written.startswith("8"):
        written = f"0{written}"
    return find_phone(written, region) or Fault(FaultCode.PHONE_WRONG, name, {"written": written})


def _read_words(text: str, name: str) -> str | Fault:
    longest = LONGEST[name]
    return text if len(text) <= longest else Fault(FaultCode.TOO_LONG, name, {"longest": str(longest)})


def read_code(text: str, name: str) -> str | Fault:
    """Return a register code of nine digits, or a fault."""
    digits = "".join(mark for mark in text if mark not in " .-")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 9):
        count = sum(mark.isdigit() for mark in text)
        return Fault(FaultCode.CODE_LENGTH, name, {"written": text[:40], "count": str(count)})
    return digits


def _read_type(text: str, name: str) -> str | Fault:
    found = _TYPE_WORDS.get("".join(mark for mark in text.upper() if mark.isalpha()))
    return found or Fault(FaultCode.TYPE_UNKNOWN, name, {"written": text[:40], "known": ", ".join(TYPES)})


def _read_owner(text: str, name: str) -> str | Fault:
    found = _OWNER_WORDS.get(text.casefold())
    return found or Fault(FaultCode.OWNERSHIP_UNKNOWN, name, {"written": text[:40]})


def _read_short_name(text: str, name: str) -> str | Fault:
    plain = "".join(text.split()).upper()
    if len(plain) > LONGEST[name]:
        return Fault(FaultCode.TOO_LONG, name, {"longest": str(LONGEST[name])})
    has_letter = any(mark.isalpha() for mark in plain)
    if not has_letter or not all(mark.isalnum() or mark in "-_" for mark in plain):
        return Fault(FaultCode.SHORT_NAME_WRONG, name, {"written": text[:40]})
    return plain


def _read_uid(text: str, name: str) -> str | Fault:
    return text if _UID.fullmatch(text) else Fault(FaultCode.UID_WRONG, name, {"written": text[:40]})


def _read_state(text: str, name: str) -> bool | Fault:
    word = text.casefold()
    if word in _YES | _NO:
        return word in _YES
    return Fault(FaultCode.STATE_UNKNOWN, name, {"written": text[:40]})


def _read_degrees(text: str, name: str) -> float | Fault:
    least, most = _INDONESIA[name == "longitude"]
    try:
        degrees = round(float(text.replace(",", ".")), 6)
    except ValueError:
        degrees = float("nan")
    return degrees if least <= degrees <= most else Fault(FaultCode.PLACE_WRONG, name, {"written": text[:40]})


def read_area(text: str, code: str, country: Country) -> str | Fault:
    """Return the code of a kecamatan that is written by its code, dotted or not, or by its name."""
    about = {"written": text[:60]}
    digits = text.replace(".", "").replace(" ", "")
    if digits.isascii() and digits.isdigit():
        found = [".".join(part for part in (digits[:2], digits[2:4], digits[4:]) if part)]
    else:
        name = _plain(re.sub(r"^kec(?:amatan)?[. ]+", "", text, flags=re.IGNORECASE))
        found = list(country.by_name.get(name, ()))
        regency = f"{code[:2]}.{code[2:4]}"
        if len(found) > 1 and code:
            found = [one for one in found if one[:5] == regency]
        if len(found) > 1:
            found = [one for one in found if country.scope.covers(one)]
    if len(found) > 1:
        return Fault(FaultCode.AREA_AMBIGUOUS, "area", about)
    area = country.areas.get(found[0]) if found else None
    if area is None:
        return Fault(FaultCode.AREA_UNKNOWN, "area", about)
    if area.level != "district":
        return Fault(FaultCode.AREA_TOO_WIDE, "area", about)
    return area.code if country.scope.covers(area.code) else Fault(FaultCode.AREA_OUTSIDE, "area", about)


def _plain(name: str) -> str:
    return "".join(mark for mark in name.casefold() if mark.isalnum())


_FACILITY_FIELDS: Mapping[str, Callable[[str, str], Any]] = {
    "code": read_code,
    "name": _read_words,
    "short_name": _read_short_name,
    "type": _read_type,
    "ownership": _read_owner,
    "kemenkes_code": _read_words,
    "dhis2_uid": _read_uid,
    "latitude": _read_degrees,
    "longitude": _read_degrees,
    "opened_on": read_date,
    "is_active": _read_state,
}
