"""What the registry's pages say: what is wrong with a field, the types of facilities, the names of the fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from gateway.enrol.checking import OWNERSHIPS, TYPES
from gateway.enrol.faults import Fault, FaultCode
from gateway.review.pages.language import mark, translate

FAULTS: Mapping[FaultCode, str] = {
    FaultCode.MISSING: mark("This must be filled in."),
    FaultCode.TOO_LONG: mark("Too long: %(longest)s characters at most."),
    FaultCode.CODE_LENGTH: mark("The facility code %(written)s has %(count)s digits; it must have 9."),
    FaultCode.CODE_ELSEWHERE: mark(
        "The code %(code)s begins with %(start)s, but the kecamatan %(area)s lies in %(regency)s: one of them is wrong."
    ),
    FaultCode.CODE_TAKEN: mark("The code %(code)s belongs to another facility."),
    FaultCode.CODE_CHANGED: mark("A facility’s code does not change; close this one and add another."),
    FaultCode.TYPE_UNKNOWN: mark("“%(written)s” is no type of facility. Known are: %(known)s."),
    FaultCode.OWNERSHIP_UNKNOWN: mark("“%(written)s” is neither pemerintah nor swasta."),
    FaultCode.AREA_UNKNOWN: mark("No kecamatan “%(written)s” is known. Write its code, such as 14.03.09, or its name."),
    FaultCode.AREA_AMBIGUOUS: mark("There are several kecamatan “%(written)s”. Write its code, such as 14.03.09."),
    FaultCode.AREA_TOO_WIDE: mark("“%(written)s” is no kecamatan; a facility belongs to a kecamatan."),
    FaultCode.AREA_OUTSIDE: mark("“%(written)s” lies outside your area."),
    FaultCode.SHORT_NAME_WRONG: mark(
        "“%(written)s” cannot be typed in an SMS: letters and digits only, at least one letter."
    ),
    FaultCode.SHORT_NAME_TAKEN: mark(
        "%(reporter)s reports for another facility that is called so too; she could not tell them apart."
    ),
    FaultCode.PLACE_WRONG: mark(
        "These are no coordinates in Indonesia. Both are needed, such as -0.8917 and 119.8707."
    ),
    FaultCode.DATE_WRONG: mark("“%(written)s” is no date. Write 30/9/2025 or 2025-09-30."),
    FaultCode.DATE_AHEAD: mark("This day has not come yet."),
    FaultCode.DATE_ORDER: mark("The last day lies before the first."),
    FaultCode.UID_WRONG: mark("“%(written)s” is no DHIS2 UID: a letter and ten letters or digits."),
    FaultCode.STATE_UNKNOWN: mark("“%(written)s” is neither ya nor tidak."),
    FaultCode.REPEATED: mark("This stands in row %(row)s already."),
    FaultCode.PHONE_WRONG: mark("“%(written)s” is no mobile number."),
    FaultCode.PHONE_DAMAGED: mark(
        "“%(written)s” is what a spreadsheet left of the number; its digits are lost. Format the column as text, "
        "and write the number again."
    ),
    FaultCode.PHONE_TAKEN: mark("Somebody else reports from this number."),
    FaultCode.PHONE_SHARED: mark("Several midwives share this number; write the name as it stands in the list."),
    FaultCode.FACILITY_UNKNOWN: mark("No facility %(written)s is known in your area."),
    FaultCode.FACILITY_CLOSED: mark("%(written)s is closed."),
    FaultCode.LANGUAGE_UNKNOWN: mark("“%(written)s” is no language that SMS are written in: id or en."),
    FaultCode.MONTH_WRONG: mark("“%(written)s” is no month."),
    FaultCode.ID_ELSEWHERE: mark(
        "This Klik-KB id stands in the directory of another area. It can be taken over here once that area’s file "
        "holds it no more."
    ),
}
TYPE_NAMES: Mapping[str, str] = {
    "RS": mark("Hospital"),
    "PUSKESMAS": mark("Puskesmas"),
    "KLINIK": mark("Clinic"),
    "DPM": mark("Doctor’s practice"),
    "PMB": mark("Midwife’s practice"),
    "PMB_JEJARING": mark("Midwife’s practice in a network"),
    "PUSTU": mark("Pustu"),
    "POLINDES": mark("Polindes"),
}
OWNERSHIP_NAMES: Mapping[str, str] = {"pemerintah": mark("Government"), "swasta": mark("Private")}
FIELD_NAMES: Mapping[str, str] = {
    "code": mark("Register code"),
    "name": mark("Name"),
    "short_name": mark("Short name for SMS"),
    "type": mark("Type"),
    "ownership": mark("Run by"),
    "area": mark("Kecamatan"),
    "kemenkes_code": mark("Kemenkes code"),
    "dhis2_uid": mark("DHIS2 UID"),
    "latitude": mark("Latitude"),
    "longitude": mark("Longitude"),
    "opened_on": mark("Reports since"),
    "closed_on": mark("Closed since"),
    "is_active": mark("Active"),
    "phones": mark("Phone numbers"),
    "facilities": mark("Facilities"),
    "language": mark("Language of the SMS"),
    "klikkb_id": mark("Klik-KB id"),
    "phone": mark("Phone"),
    "facility": mark("Facility"),
    "facility_code": mark("Facility code"),
    "facility_name": mark("Facility name"),
    "is_listed": mark("Stands in the directory"),
}


def say_fault(fault: Fault) -> str:
    """Return in words what is wrong with a field."""
    return translate(FAULTS[fault.code]) % defaultdict(str, fault.about)


def say_faults(faults: Iterable[Fault]) -> dict[str, str]:
    """Return the first fault of each field in words, by the field's name."""
    said: dict[str, str] = {}
    for fault in faults:
        said.setdefault(fault.field, say_fault(fault))
    return said


def type_choices() -> list[tuple[str, str]]:
    """Return the types of facilities to choose from, with their names."""
    return [(code, translate(TYPE_NAMES[code])) for code in TYPES]


def ownership_choices() -> list[tuple[str, str]]:
    """Return who may run a facility, to choose from."""
    return [(code, translate(OWNERSHIP_NAMES[code])) for code in OWNERSHIPS]


def name_type(code: str) -> str:
    """Return what a type of facility is called; one that is not known by its code."""
    return translate(TYPE_NAMES[code]) if code in TYPE_NAMES else code
