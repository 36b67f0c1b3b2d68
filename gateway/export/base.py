"""What an export format is: a module of this folder with `FORMAT` and `write`, found by itself.

A format writes what a `Source` gives it, in the order in which it comes, and reads every report once. It never asks the
database, the clock or a random number, so that the same reports make the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol
from zoneinfo import ZoneInfo

from gateway.mapping import Mapping as CodeMapping
from gateway.settling import Choices
from gateway.store.agreements import Agreement
from gateway.store.batches import Batch
from gateway.store.klikkb import Listed
from gateway.store.settled import Digest, Place, Reach, Settled
from parsers.form import Form
from parsers.judge import Thresholds

MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November"),
    "Desember",
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MADE = "Dibuat"  # as what a file says of itself calls the instant when it was made


@dataclass(frozen=True, slots=True)
class Format:
    """What a format is called, and what it can hold.

    Shape: `names` and `hints` by language; `forms` are the forms it is for, empty for every one; `most_months` and
    `most_reports` of one file, 0 for any number. `needs_mapping`: it speaks in the codes of another system.
    `partner` is whom it is for, where figures go there under an agreement only (`store.agreements`).
    """

    names: Mapping[str, str]
    hints: Mapping[str, str]
    media_type: str
    suffix: str
    forms: tuple[str, ...] = ()
    most_months: int = 12
    needs_mapping: bool = False
    most_reports: int = 0
    partner: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What an export says of itself.

    Shape: `ref` names it for ever; `reach` by month; `filters` in words, Indonesian. Units: `made_at` aware UTC,
    `timezone` the clock of the area that it is shown by.
    """

    ref: str
    format: str
    form: str
    periods: tuple[str, ...]
    area: str
    area_name: str
    reach: Mapping[str, Reach]
    choices: Choices
    made_at: datetime
    made_by: str
    timezone: str
    filters: tuple[str, ...] = ()


def no_batches() -> Mapping[int, Sequence[Batch]]:
    """Return that nobody has noted a batch."""
    return {}


def plain_limits(_area: str, _facility_type: str) -> Thresholds:
    """Return the thresholds where no area has chosen any."""
    return Thresholds()


@dataclass(frozen=True, slots=True)
class Shared:
    """What a partner may be given. Shape: `midwives` are whose the reports are, by report id, where that is told."""

    agreement: Agreement
    midwives: Mapping[int, Listed]


@dataclass
class Source:
    """What a format writes. `reports` can be read once; `digest` and the ids are whole when they have been.

    Shape: `places` gives the facilities that are to report for a month, by code; `area_names` by code, of every area
    that a facility lies in and of those around it; `before(n)` the settled values of the n months before the first one,
    by facility id and month: for what goes by earlier months; `batches()` the batches in stock by facility id;
    `limits(area, type)` the thresholds of an area and a type of facility, empty for any. `mapping` is the area's, if it
    has one; `shared` is there for a format with a partner.
    """

    about: About
    form: Form
    area_names: Mapping[str, str]
    stream: Callable[[], Iterator[Settled]]
    places: Callable[[str], Sequence[Place]]
    before: Callable[[int], Mapping[int, Mapping[str, Mapping[str, int]]]]
    batches: Callable[[], Mapping[int, Sequence[Batch]]] = no_batches
    limits: Callable[[str, str], Thresholds] = plain_limits
    mapping: CodeMapping | None = None
    digest: Digest = field(default_factory=Digest)
    report_ids: list[int] = field(default_factory=list)
    facility_ids: set[int] = field(default_factory=set)
    shared: Shared | None = None

    def reports(self) -> Iterator[Settled]:
        """Yield the settled reports by facility code, then month; each is taken into the fingerprint."""
        for report in self.stream():
            self.digest.add(report)
            self.report_ids.append(report.report_id)
            self.facility_ids.add(report.place.id)
            yield report


class ExportFormat(Protocol):
    """A format's module."""

    FORMAT: Format

    def write(self, source: Source, target: BinaryIO) -> None:
        """Write the whole file. Errors: errors.Permanent in words, when these reports cannot be written so."""


def name_period(period: str) -> str:
    """Return a month as an Indonesian office writes it.

    >>> name_period("2025-09")
    'September 2025'
    """
    return f"{MONTHS[int(period[5:]) - 1]} {period[:4]}"


def say_about(about: About, digest: str = "") -> list[tuple[str, str]]:
    """Return what an export says of itself, as pairs of a name and its value, in Indonesian, for every format alike."""
    here = about.made_at.astimezone(ZoneInfo(about.timezone))
    months = name_period(about.periods[0])
    if len(about.periods) > 1:
        months += f" s.d. {name_period(about.periods[-1])}"
    area = about.area_name + (f" ({about.area})" if about.area else "")
    settled = {"approved": "disetujui petugas", "accepted": "diterima atau disetujui"}[about.choices.settles_at.value]
    said = [
        ("Ekspor", about.ref),
        ("Format", about.format),
        ("Formulir", about.form),
        ("Bulan", months),
        ("Wilayah", area),
        ("Laporan yang ikut", settled),
        *(("Saringan", words) for words in about.filters),
    ]
    for period in about.periods:
        reach = about.reach[period]
        said.append((f"Faskes {name_period(period)}", f"{reach.settled} dari {reach.there} faskes ikut"))
        if missing := max(0, reach.there - reach.reported):
            said.append((f"Belum lapor {name_period(period)}", f"{missing} faskes"))
        if unsettled := max(0, reach.reported - reach.settled):
            said.append((f"Belum disetujui {name_period(period)}", f"{unsettled} laporan, tidak ikut"))
    said += [(MADE, f"{here:%Y-%m-%d %H:%M} {about.timezone}"), ("Oleh", about.made_by)]
    return [*said, ("Sidik data (SHA-256)", digest)] if digest else said
