"""Which role may do what. In which area it may, the store decides: every question that a page asks names a scope."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.values import Role


class Action(StrEnum):
    """What somebody can do on the pages. A page that does one of these demands it by name."""

    SEE = "see"  # figures, reports and messages
    SEE_PHONES = "see_phones"  # whole phone numbers; to the others they are masked
    REMIND = "remind"  # one reminder by hand
    DECIDE = "decide"  # approve, correct, send back, reject, undo
    ENTER = "enter"  # a report from paper or a call
    ANSWER = "answer"  # write to a sender, send again, have a message read again
    REGISTER = "register"  # facilities, reporters, registrations, imports
    EXPORT = "export"
    PUSH = "push"  # send figures to other systems, and choose how they are handed on
    CLOSE = "close"  # close and reopen a month
    BROADCAST = "broadcast"
    PROPOSE = "propose"  # a new word for the reader
    SET = "set"  # calendar and thresholds of the area
    ADMINISTER = "administer"  # users, channels, wordings, words for the reader, the audit


_OFFICER = frozenset(
    {
        Action.SEE,
        Action.SEE_PHONES,
        Action.REMIND,
        Action.DECIDE,
        Action.ENTER,
        Action.ANSWER,
        Action.REGISTER,
        Action.EXPORT,
        Action.PROPOSE,
    }
)
MAY: Mapping[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(Action),
    Role.DISTRICT: _OFFICER | {Action.CLOSE, Action.BROADCAST, Action.SET, Action.PUSH},
    Role.OFFICER: _OFFICER,
    Role.VIEWER: frozenset({Action.SEE}),
}


def may(role: Role | str, action: Action | str) -> bool:
    """Tell whether a role may do something in its own area.

    >>> may(Role.OFFICER, Action.DECIDE), may(Role.OFFICER, Action.CLOSE), may("viewer", "see_phones")
    (True, False, False)
    """
    return Action(action) in MAY[Role(role)]


def may_give(giver: Role | str, role: Role | str) -> bool:
    """Tell whether somebody of one role may give another: nobody gives more than they have.

    >>> may_give(Role.ADMINISTRATOR, Role.DISTRICT), may_give(Role.OFFICER, Role.DISTRICT)
    (True, False)
    """
    return MAY[Role(role)] <= MAY[Role(giver)]
