"""What a DHIS2 knows before anything is sent to it: its codes, and what its user may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

DEFAULT = "HllvX50cXC0"
METHODS = ("IUD", "MOW", "MOP", "KONDOM", "IMPLAN", "SUNTIK", "PIL", "MAL")
STOCKED = ("IUD", "IMPLAN", "SUNTIK", "PIL", "KONDOM")
MOVES = ("AWAL", "TERIMA", "KELUAR", "AKHIR")


@dataclass
class Country:
    """What a DHIS2 knows: codes by UID. `user_units` are where its user may write."""

    elements: dict[str, str]
    units: dict[str, str]
    combos: dict[str, str]
    set_uid: str = "dsKBBULAN01"
    set_code: str = "KB_BULANAN"
    assigned: set[str] = field(default_factory=set)
    user_units: set[str] = field(default_factory=set)
    in_set: set[str] = field(default_factory=set)
    keeps_zero: bool = True
    expiry_days: int = 0
    open_future: int = 0
    today: date = date(2025, 10, 3)

    def find(self, kind: str, code: str | None, scheme: str) -> str | None:
        """Return the UID of a code."""
        known = {"de": self.elements, "ou": self.units, "coc": self.combos, "ds": {self.set_uid: self.set_code}}[kind]
        if scheme.upper() == "UID":
            return code if code in known else None
        return next((uid for uid, one in known.items() if one == code), None)


def make_country() -> Country:
    """Return the country of the catalogue."""
    names = {"deKBBARU001": "KB_BARU", "deKBAKTIF01": "KB_AKTIF", "deKBPASCA01": "KB_PASCASALIN"}
    names["deKBALOKON1"] = "KB_ALOKON"
    codes = (*METHODS, *(f"{item}_{move}" for item in STOCKED for move in MOVES))
    combos = {DEFAULT: "default"} | {f"coc{at:08}": code for at, code in enumerate(codes, 1)}
    units = {"ouSukamaju1": "3201010001", "ouBidanAni1": "3201010002"}
    return Country(names, units, combos, assigned={*units}, user_units={*units}, in_set={*names})
