"""What can go wrong, named by what the catcher must do. What a sender wrote wrong is never here: it is a Problem."""

from __future__ import annotations


class KabarError(Exception):
    """The root of every error that Kabar raises on purpose."""


class Refused(KabarError):
    """The request is not authentic: answer 403, keep nothing, count it."""


class Malformed(KabarError):
    """The request is authentic but cannot be read: keep it raw for staff. `field` names the part at fault."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Retryable(KabarError):
    """Nothing was done, or again does no harm: try later. `code` is the provider's, `after_seconds` its wish if any."""

    def __init__(self, message: str, code: str = "", after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.after_seconds = after_seconds


class Permanent(KabarError):
    """It will never work: stop and tell staff. `code` is the provider's own."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Unsure(KabarError):
    """It may or may not have been done, and nothing can tell: show it to staff, never do it again by yourself."""


class Unavailable(KabarError):
    """The database (or the spool) cannot be reached or cannot take a write now: what was to be kept was not."""


class Raced(KabarError):
    """Another session took the same place first: nothing was kept, do it again at once; it is not counted as a try."""


class SomebodyElse(KabarError):
    """What somebody acted on is no longer as they saw it: nothing was changed. Show them what is there now."""


class Misconfigured(KabarError):
    """The settings are wrong: all that is wrong at once, by name. `faults` maps a name to its fault."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = faults
