"""How a DHIS2 says no, and what stands around its answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Body = dict[str, Any]


class Refusal(Exception):
    """An import that is refused as a whole, from 2.43 on."""

    def __init__(self, code: str, said: str, arguments: Sequence[object], indexes: Sequence[int] = (-1,)) -> None:
        super().__init__(said)
        self.code, self.said, self.arguments, self.indexes = code, said, arguments, list(indexes)


class Broken(Exception):
    """An import that ends in an error of the server's own, without a summary."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


def envelope(status: int, name: str, state: str, said: str) -> Body:
    """Return an answer around a summary."""
    return {"httpStatus": name, "httpStatusCode": status, "status": state, "message": said}


def refuse(summary: Body, refusal: Refusal) -> None:
    """Write a refusal of the whole into a summary."""
    listed = "-".join(str(one) for one in refusal.arguments)
    conflict = {
        "objects": {"args": listed},
        "value": refusal.said,
        "errorCode": refusal.code,
        "indexes": refusal.indexes,
    }
    summary["status"] = "ERROR"
    summary["conflicts"].append(conflict)
    summary["rejectedIndexes"] += [at for at in refusal.indexes if at >= 0]


def read_period(written: object) -> tuple[str, str] | None:
    """Return a period's kind and code; None for what is none."""
    if not isinstance(written, str):
        return None
    if (found := re.fullmatch(r"(\d{4})-?(\d\d)", written)) and 1 <= int(found[2]) <= 12:
        return "Monthly", found[1] + found[2]
    return ("Quarterly", written) if re.fullmatch(r"\d{4}Q[1-4]", written) else None
