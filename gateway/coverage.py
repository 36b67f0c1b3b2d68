"""The groups of facilities that SIGA's coverage table (Tabel 1) goes by. Pure."""

from __future__ import annotations

from enum import StrEnum

STATE = "pemerintah"


class Group(StrEnum):
    """One line of the coverage table, in its order."""

    HOSPITAL_STATE = "fkrtl_pemerintah"
    HOSPITAL_PRIVATE = "fkrtl_swasta"
    HOSPITAL = "fkrtl"  # nobody has said yet who runs it
    PRIMARY_STATE = "fktp_pemerintah"
    PRIMARY_PRIVATE = "fktp_swasta"
    NETWORK = "jaringan"
    PARTNERS = "jejaring"
    OTHER = "lainnya"


_ALWAYS = {
    "PUSTU": Group.NETWORK,
    "POLINDES": Group.NETWORK,
    "PMB_JEJARING": Group.PARTNERS,
    "PUSKESMAS": Group.PRIMARY_STATE,
}
_PRIMARY = {"KLINIK", "DPM", "PMB"}


def group_of(facility_type: str, ownership: str) -> Group:
    """Return the group of a facility by its type and by who runs it; an empty ownership is one that nobody knows.

    A clinic or practice that nobody knows more about counts as private; a hospital stands in a line of its own then.

    >>> group_of("RS", "swasta").value, group_of("RS", "").value, group_of("KLINIK", "").value
    ('fkrtl_swasta', 'fkrtl', 'fktp_swasta')
    """
    if facility_type in _ALWAYS:
        return _ALWAYS[facility_type]
    if facility_type == "RS":
        known = Group.HOSPITAL_STATE if ownership == STATE else Group.HOSPITAL_PRIVATE
        return known if ownership else Group.HOSPITAL
    if facility_type in _PRIMARY:
        return Group.PRIMARY_STATE if ownership == STATE else Group.PRIMARY_PRIVATE
    return Group.OTHER


def percent(part: int, whole: int) -> int:
    """Return the share in whole percent, rounded down: 100 is said only where none is missing.

    >>> percent(999, 1000), percent(3, 3), percent(0, 0)
    (99, 100, 0)
    """
    return 100 * part // whole if whole else 0
