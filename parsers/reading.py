"""The values that come out of reading a message: Reading and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

READER_VERSION = 1  # raised whenever the same text may be read differently; kept beside every report


class Span(NamedTuple):
    """Where in the sender's own text something stands: `text[start:end]`, in characters of the text as it was given."""

    start: int
    end: int


NOWHERE = Span(0, 0)  # where something stands that was not written


class Kind(StrEnum):
    """What a message is: one or more reports, part of an answer, a command, or text for a human."""

    REPORT = "report"
    FRAGMENT = "fragment"
    COMMAND = "command"
    TEXT = "text"


class RepairCode(StrEnum):
    """What was read differently from what was written, or supplied where nothing was written."""

    SPELLING = "spelling"  # a word within the allowed edits of an alias: AKTF -> AKTIF
    DIGITS = "digits"  # letters O, o, l, I among digits: 3O -> 30
    PERIOD_ASSUMED = "period_assumed"  # no period was written
    FORM_INFERRED = "form_inferred"  # no form keyword was written


class CommandName(StrEnum):
    """What a sender may ask of the gateway instead of reporting."""

    HELP = "help"
    STATUS = "status"
    REGISTER = "register"
    CORRECT = "correct"
    CANCEL = "cancel"
    YES = "yes"
    NO = "no"
    STOP = "stop"
    START = "start"
    LANGUAGE = "language"
    INFO = "info"  # who keeps what of her, and whom she may ask


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was read differently from what was written. `read` is a code (`aktif`), a number or a period.

    `span` is None where nothing was written (an assumed period, an inferred form).
    """

    code: RepairCode
    written: str
    read: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong or unclear: what (a code of `problems`), the sender's own words, and where they stand.

    Shape: `about` holds what the question needs to name besides the words, such as {"measure": "aktif"} or
    {"sum": 45, "total": 40}; which keys go with which code stands in `problems`.
    """

    code: str
    words: str
    span: Span
    about: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadReport:
    """One report as it was read. A report with a problem is asked about, never stored as accepted.

    Shape: `values` maps `measure` or `measure.item` to a whole number, e.g. {"baru": 12, "aktif.pil": 30}; in the order
    they were written. `spans` says where the word and the number of a value stand in the text that was read, and the
    "keyword" and the "period"; it is no part of what a report says.
    Units: `period` is `YYYY-MM`, None where it could not be told (then a problem says why).
    """

    form: str
    period: str | None
    values: Mapping[str, int]
    facility: str | None = None
    repairs: tuple[Repair, ...] = ()
    problems: tuple[Problem, ...] = ()
    remark: str = ""
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_clean(self) -> bool:
        """Whether nothing about this report needs asking."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Fragment:
    """Values or a period without a keyword: the answer to an open question, e.g. `AKTIF 40`.

    Shape: `form` is the one whose words these are; `spans` as those of a report.
    """

    values: Mapping[str, int]
    form: str | None = None
    period: str | None = None
    facility: str | None = None
    repairs: tuple[Repair, ...] = ()
    problems: tuple[Problem, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """What a command is about: codes of forms, facilities as they were written, months. Nothing means all of them."""

    forms: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what followed it: keyword, facility or period for STATUS, free text for DAFTAR, a language code.

    Shape: `about` is what `rest` says, where that is a keyword, a facility or a period.
    """

    name: CommandName
    rest: str = ""
    about: Address = field(default=Address(), compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message was read as. Exactly the part named by `kind` is filled, but for RALAT.

    Shape: a RALAT is of kind `command`; what it corrects stands in `reports` where a keyword was written
    (`RALAT KB 0925 AKTIF 45`), else in `fragment` (`RALAT AKTIF 45`: the sender's last report is meant). Such a
    report is not asked for what it leaves out. `problems` holds what concerns the message as a whole (its length).
    """

    kind: Kind
    reports: tuple[ReadReport, ...] = ()
    fragment: Fragment | None = None
    command: Command | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing in the message needs asking."""
        asked = self.fragment.problems if self.fragment else ()
        return not self.problems and not asked and all(report.is_clean for report in self.reports)


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What a sender was last asked: the report as it stands, and what the question named.

    Shape: `asked` holds problem codes, `keys` the measures and `measure.item` whose numbers were asked
    for. Where `keys` is empty, they are those of the report's own problems.
    """

    report: ReadReport
    asked: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
