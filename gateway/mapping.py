"""Where our figures go in another system: its address, and its code for each of ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one of our figures goes. Empty combos are the system's own default."""

    data_element: str
    category_option_combo: str = ""
    attribute_option_combo: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One version of a mapping of one form to one data set of a destination.

    Shape: `scheme` is CODE, UID or attribute:UID; `cells` maps `measure` or `measure.item`; `org_units` maps a
    facility's register code, and for who is not in it `org_unit_by` says which of its own codes is taken: code,
    kemenkes_code or dhis2_uid; `left_out` are the keys that are not sent on purpose.
    """

    id: int
    version: int
    form: str
    data_set: str
    scheme: str
    cells: MappingOf[str, Cell]
    org_units: MappingOf[str, str]
    org_unit_by: str
    left_out: frozenset[str]


@dataclass(frozen=True, slots=True)
class Destination:
    """Another system that figures of an area are sent to. `secret_locked` is what `keybox.lock` made of its secret.

    Shape: `auth` is token, or basic with a `login`.
    """

    id: int
    area: str
    name: str
    address: str
    auth: str
    login: str
    secret_locked: str
    is_on: bool
