"""/api/v1/facilities: the places that report."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from gateway.publish.api import Caller, Operation, Resource, absent, choose_area, paged, read_cursor
from gateway.publish.shapes import AreaCode, Asked, FacilityCode, Page, Paged, Told
from gateway.store import register
from gateway.store.register import KnownFacility, WishedFacilities
from gateway.store.tokens import TokenScope

resource = Resource("facilities")
routes = resource.routes


class ListFacilities(Paged):
    """Which facilities are asked for."""

    area: AreaCode | None = None
    type: Annotated[str | None, Field(pattern="^[A-Z_]{1,20}$", examples=["PMB"])] = None
    active: bool | None = None


class FacilityTold(Told):
    """One facility. `merged` is true for a double that was merged into another one."""

    code: FacilityCode
    name: str
    short_name: str
    type: str
    ownership: str | None
    area: str
    area_name: str
    timezone: str
    kemenkes_code: str | None
    dhis2_uid: str | None
    latitude: float | None
    longitude: float | None
    opened_on: date | None
    closed_on: date | None
    active: bool
    merged: bool


class FacilityPage(Page[FacilityTold]):
    """Facilities by their code."""


@resource.serve(
    Operation(
        name="listFacilities",
        method="GET",
        path="/facilities",
        scope=TokenScope.READ_FACILITIES,
        says={"en": "Facilities by their code.", "id": "Faskes menurut kodenya."},
        query=ListFacilities,
        taken={200: FacilityPage},
    )
)
def list_facilities(caller: Caller, asked: ListFacilities) -> Page[Any]:
    """Return a page of facilities."""
    state = {True: "active", False: "closed", None: ""}[asked.active]
    wished = WishedFacilities(type=asked.type or "", area=choose_area(caller, asked.area), state=state)
    after = read_cursor(asked, str, "")
    with caller.runtime.database.session(read_only=True) as session:
        found = register.list_by_code(session, scope=caller.scope, wished=wished, after=after, limit=asked.limit + 1)
    return paged(found, asked, _tell, lambda one: one.code, FacilityPage)


@resource.serve(
    Operation(
        name="getFacility",
        method="GET",
        path="/facilities/{code}",
        scope=TokenScope.READ_FACILITIES,
        says={"en": "One facility by its KB register code.", "id": "Satu faskes menurut kode register KB."},
        taken={200: FacilityTold},
        path_pattern="^[0-9]{9}$",
    )
)
def get_facility(caller: Caller, code: str, _asked: Asked) -> FacilityTold:
    """Return one facility."""
    with caller.runtime.database.session(read_only=True) as session:
        found = register.find_by_codes(session, [code] if len(code) == 9 else [], scope=caller.scope)
    if code not in found:
        raise absent()
    return _tell(found[code])


def _tell(one: KnownFacility) -> FacilityTold:
    same = {name: getattr(one, name) for name in FacilityTold.model_fields if name not in ("active", "merged")}
    return FacilityTold(**same, active=one.is_active, merged=one.merged_into is not None)
