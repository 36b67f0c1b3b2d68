"""Which reports are handed on, and how an area wants them: chosen by area, like its calendar. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.calendar import areas_around
from gateway.values import COUNTING, ReportState


class SettlesAt(StrEnum):
    """From when on a report is settled, so that it is handed on: once staff approved it, or once it counts."""

    APPROVED = "approved"
    ACCEPTED = "accepted"

    @property
    def states(self) -> frozenset[ReportState]:
        """The states of reports that are settled."""
        return frozenset({ReportState.APPROVED}) if self is SettlesAt.APPROVED else COUNTING


@dataclass(frozen=True, slots=True)
class Choices:
    """How an area hands on. An empty area is everywhere.

    Shape: `injectable_as` and `implant_as` are the item that `suntik` and `implan` without a number go to, empty for a
    row of their own ("tidak dirinci"); `layout` is a TOML text over the workbook layout that Kabar comes with.
    """

    area: str = ""
    settles_at: SettlesAt = SettlesAt.APPROVED
    injectable_as: str = ""
    implant_as: str = ""
    layout: str = ""


def find_choices(chosen: Sequence[Choices], area: str) -> Choices:
    """Return what holds for an area: its own choice, else the one of the nearest area around it, else the defaults.

    >>> find_choices([Choices("14.03", SettlesAt.ACCEPTED)], "14.03.01").settles_at.value
    'accepted'
    >>> find_choices([], "72.71").settles_at.value
    'approved'
    """
    by_area = {one.area: one for one in chosen}
    return next((by_area[code] for code in areas_around(area) if code in by_area), Choices())
