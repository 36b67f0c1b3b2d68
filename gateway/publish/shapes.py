"""What the API's questions and answers are made of: the types that several resources share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MOST_ROWS = 500
USUAL_ROWS = 100


def _digits(given: Any) -> Any:
    if isinstance(given, str) and not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise ValueError("must be a whole number")
    return given


def _aware(given: datetime) -> datetime:
    if given.tzinfo is None:
        raise ValueError("must have a time zone, for example 2025-10-03T05:00:00Z")
    if not 2000 <= given.year < 2100:
        raise ValueError("is too far away")
    return given.astimezone(UTC)


Period = Annotated[
    str, Field(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$", description="A month, YYYY-MM.", examples=["2025-09"])
]
AreaCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?$",
        description="A Kemendagri code within the token's area; without it, the whole of the token's area.",
        examples=["14.03"],
    ),
]
FormCode = Annotated[
    str, Field(pattern="^[a-z][a-z0-9_]{0,19}$", description="A form: see /api/v1/forms.", examples=["kb"])
]
FacilityCode = Annotated[str, Field(pattern="^[0-9]{9}$", description="A KB register code.", examples=["140300101"])]
ItemCode = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,19}$", description="An item of the form.", examples=["pil"])]
Rows = Annotated[
    int, Field(ge=1, le=MOST_ROWS, description="At most so many rows in one answer."), BeforeValidator(_digits)
]
Cursor = Annotated[
    str, Field(pattern="^[A-Za-z0-9_-]{1,400}$", description="Where to go on: from `next` of the page before.")
]
Instant = Annotated[datetime, AfterValidator(_aware), Field(description="RFC 3339, with its time zone.")]
Count = Annotated[int, Field(ge=0)]


class Asked(BaseModel):
    """What an address or a body asks for: nothing that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Asked):
    """What every list can be asked."""

    limit: Rows = USUAL_ROWS
    cursor: Cursor | None = None


class Told(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Row = TypeVar("Row", bound=Told)


class Page(Told, Generic[Row]):
    """One page of a list. `next` is the address of the page behind it, null on the last one."""

    items: list[Row]
    next: Annotated[str | None, Field(description="The address of the next page; also in the Link header.")] = None


class Problem(Told):
    """A fault, as RFC 9457 writes it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    title_id: str
    status: int
    detail: str | None = None
    detail_id: str | None = None
