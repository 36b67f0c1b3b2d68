"""What can be wrong with a line of the register: a code for each, said in words by the pages and the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FaultCode(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    CODE_LENGTH = "code_length"
    CODE_ELSEWHERE = "code_elsewhere"
    CODE_TAKEN = "code_taken"
    CODE_CHANGED = "code_changed"
    TYPE_UNKNOWN = "type_unknown"
    OWNERSHIP_UNKNOWN = "ownership_unknown"
    AREA_UNKNOWN = "area_unknown"
    AREA_AMBIGUOUS = "area_ambiguous"
    AREA_TOO_WIDE = "area_too_wide"
    AREA_OUTSIDE = "area_outside"
    SHORT_NAME_WRONG = "short_name_wrong"
    SHORT_NAME_TAKEN = "short_name_taken"
    PLACE_WRONG = "place_wrong"
    DATE_WRONG = "date_wrong"
    DATE_AHEAD = "date_ahead"
    DATE_ORDER = "date_order"
    UID_WRONG = "uid_wrong"
    STATE_UNKNOWN = "state_unknown"
    REPEATED = "repeated"
    PHONE_WRONG = "phone_wrong"
    PHONE_DAMAGED = "phone_damaged"
    PHONE_TAKEN = "phone_taken"
    PHONE_SHARED = "phone_shared"
    FACILITY_UNKNOWN = "facility_unknown"
    FACILITY_CLOSED = "facility_closed"
    LANGUAGE_UNKNOWN = "language_unknown"
    MONTH_WRONG = "month_wrong"
    ID_ELSEWHERE = "id_elsewhere"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: with which field, and what the words about it name."""

    code: FaultCode
    field: str
    about: Mapping[str, str] = dataclasses.field(default_factory=dict)
