"""Why a report or a figure is not taken by a DHIS2, by names of ours: theirs differ from version to version. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Why something was not taken, or what is odd about it. The pages say each in words, with what to do."""

    # What their codes are about
    DATA_SET = "data_set"
    DATA_ELEMENT = "data_element"
    ORG_UNIT = "org_unit"
    COMBO = "combo"
    ATTRIBUTE = "attribute"
    PERIOD = "period"
    PERIOD_TYPE = "period_type"
    FUTURE = "future"
    EXPIRED = "expired"
    UNTIMELY = "untimely"
    APPROVED = "approved"
    WINDOW = "window"
    UNIT_CLOSED = "unit_closed"
    OUTSIDE = "outside"
    UNASSIGNED = "unassigned"
    NOT_IN_SET = "not_in_set"
    NO_WRITE = "no_write"
    VALUE = "value"
    EMPTY = "empty"
    TWICE = "twice"
    COMPLETE_DATE = "complete_date"
    ALL_OR_NOTHING = "all_or_nothing"
    OTHER = "other"
    WITH_OTHERS = "with_others"  # nothing was wrong with it; a fault elsewhere had all of it refused
    # The oldest kind gives no code, only what it is about
    ABOUT_CELL = "about_cell"
    ABOUT_UNIT = "about_unit"
    ABOUT_PERIOD = "about_period"
    # No import was answered at all
    UNREADABLE = "unreadable"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    MOVED = "moved"
    MEDIA = "media"
    NOT_FOUND = "not_found"
    PAGE = "page"
    BUSY = "busy"
    TIMED_OUT = "timed_out"
    CUT = "cut"
    UNREACHED = "unreached"
    CERTIFICATE = "certificate"
    ADDRESS = "address"
    ASYNC = "async"
    STRANGE = "strange"
    # What reading back shows
    ABSENT = "absent"
    DIFFERENT = "different"
    STAYS = "stays"
    ZERO = "zero"  # no fault: a zero that their data element does not keep
    UNREAD = "unread"
    INCOMPLETE = "incomplete"
    # Ours, before anything is sent
    UNMAPPED = "unmapped"
    NO_UNIT = "no_unit"
    SHARED_UNIT = "shared_unit"
    SHARED_CELL = "shared_cell"
    NOTHING = "nothing"
    CHANGED = "changed"
    OFF = "off"
    KEY = "key"
    STOPPED = "stopped"
    OURS = "ours"


def _all(reason: Reason, *codes: int) -> dict[str, Reason]:
    return {f"E{code}": reason for code in codes}


# Source: dhis2-core, org.hisp.dhis.feedback.ErrorCode, branches 2.38 to 2.43.
CODES: Mapping[str, Reason] = {
    **_all(Reason.DATA_SET, 7600, 8002, 8003, 8005),
    **_all(Reason.NO_WRITE, 7601, 7614, 7616, 8010, 8012, 2010),
    **_all(Reason.ORG_UNIT, 7603, 7612, 8105, 8106, 8107),
    **_all(Reason.ATTRIBUTE, 7604, 7615, 7631, 7635, 7638, 7639, 8023, 8110, 8111),
    **_all(Reason.DATA_ELEMENT, 7610, 8102, 8103, 8104),
    **_all(Reason.PERIOD, 7611, 8100, 8101),
    **_all(Reason.COMBO, 7613, 7630, 7634, 8024, 8108, 8109, 8126, 8127),
    **_all(Reason.OUTSIDE, 7617, 8011, 2012),
    **_all(Reason.EMPTY, 7618, 8120),
    **_all(Reason.VALUE, 7619, 7621, 8121, 8122, 8123),
    **_all(Reason.PERIOD_TYPE, 7632, 8021),
    **_all(Reason.NOT_IN_SET, 7633, 8020),
    **_all(Reason.UNASSIGNED, 7636, 8022),
    **_all(Reason.EXPIRED, 7640),
    **_all(Reason.FUTURE, 7641),
    **_all(Reason.APPROVED, 7642, 8033),
    **_all(Reason.WINDOW, 7643, 7644),
    **_all(Reason.UNTIMELY, 8030),
    **_all(Reason.UNIT_CLOSED, 8031),
    **_all(Reason.TWICE, 8128),
    **_all(Reason.COMPLETE_DATE, 8009),
    **_all(Reason.ALL_OR_NOTHING, 8000),
}


def name_reason(code: str) -> Reason:
    """Return the reason that a DHIS2 error code stands for; `OTHER` for one that we do not know.

    >>> name_reason("E7610").value, name_reason("E9999").value
    ('data_element', 'other')
    """
    return CODES.get(code, Reason.OTHER)
