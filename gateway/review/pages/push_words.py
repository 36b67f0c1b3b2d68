"""Why something was not taken by another system, and how a push stands, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.export.dhis2.reasons import Reason
from gateway.review.pages.language import mark
from gateway.store import pushes

STATES: Mapping[str, tuple[str, str]] = {
    pushes.QUEUED: (mark("Waiting"), "wait"),
    pushes.SENDING: (mark("On the way"), "wait"),
    pushes.DELIVERED: (mark("Delivered, the same there"), "good"),
    pushes.PARTLY: (mark("Partly"), "look"),
    pushes.REFUSED: (mark("Refused"), "bad"),
    pushes.UNSURE: (mark("Unsure"), "look"),
    pushes.FAILED: (mark("Not delivered"), "bad"),
}
DRY_STATES: Mapping[str, tuple[str, str]] = {**STATES, pushes.DELIVERED: (mark("Would be taken"), "good")}
PUSH_STATES: Mapping[str, tuple[str, str]] = {
    pushes.RUNNING: (mark("Being sent"), "wait"),
    pushes.DONE: (mark("Done"), "good"),
    pushes.STOPPED: (mark("stopped"), "bad"),
}
REASONS: Mapping[Reason, str] = {
    Reason.DATA_SET: mark("The data set's code is not known there. Correct it in the mapping, or ask the DHIS2 admin."),
    Reason.DATA_ELEMENT: mark(
        "The data element's code is not known there. Correct it in the mapping, or ask the DHIS2 admin."
    ),
    Reason.ORG_UNIT: mark("The facility's code is not known there. Correct it in the mapping, or ask the DHIS2 admin."),
    Reason.COMBO: mark(
        "The method's code (category option combo) is not known there, or does not fit the data element. Correct it in"
        " the mapping."
    ),
    Reason.ATTRIBUTE: mark(
        "The attribute option combo is not known there, or does not fit. Correct it in the mapping."
    ),
    Reason.PERIOD: mark("The month is not understood there. Is the data set one of months?"),
    Reason.PERIOD_TYPE: mark(
        "The data set there is not one of months. Ask the DHIS2 admin, or choose another data set."
    ),
    Reason.FUTURE: mark("The month is not open there yet. Send it after the month has ended."),
    Reason.EXPIRED: mark("The month is closed there: its days are over. Ask the DHIS2 admin to open it."),
    Reason.UNTIMELY: mark("The month is not open there: too early, locked, or its days are over. Ask the DHIS2 admin."),
    Reason.APPROVED: mark("The month is approved and locked there. Ask the DHIS2 admin to open it."),
    Reason.WINDOW: mark("The days on which this month may be written there are not now. Ask the DHIS2 admin."),
    Reason.UNIT_CLOSED: mark("The facility is closed there in this month. Ask the DHIS2 admin."),
    Reason.OUTSIDE: mark(
        "The account that we use may not write for this facility. Ask the DHIS2 admin to widen its area."
    ),
    Reason.UNASSIGNED: mark("The facility is not assigned to the data set there. Ask the DHIS2 admin to assign it."),
    Reason.NOT_IN_SET: mark(
        "The data element is not in the data set there. Correct the mapping, or ask the DHIS2 admin."
    ),
    Reason.NO_WRITE: mark("The account that we use may not write to this data set or method. Ask the DHIS2 admin."),
    Reason.VALUE: mark("The number does not fit the data element's type there. Ask the DHIS2 admin what it takes."),
    Reason.EMPTY: mark("The value arrived empty there. Send it again; if that stays so, tell the operator."),
    Reason.TWICE: mark("Two figures go to the same place there. Correct the mapping."),
    Reason.COMPLETE_DATE: mark(
        "The completion was not accepted there. Send it again; tell the operator if that stays so."
    ),
    Reason.ALL_OR_NOTHING: mark("One value was wrong, so none was taken. Look which one it is, and correct it."),
    Reason.OTHER: mark(
        "It was refused there for a reason that Kabar does not know. Show the DHIS2 admin the code and text."
    ),
    Reason.WITH_OTHERS: mark("Nothing is wrong with this figure; it was refused together with the wrong one."),
    Reason.ABOUT_CELL: mark(
        "The data element's code is not known there, or the number does not fit. Check the mapping against the server."
    ),
    Reason.ABOUT_UNIT: mark("The facility may not be written to there: unknown, not assigned, or outside our area."),
    Reason.ABOUT_PERIOD: mark("The month is not open there, or not understood. Ask the DHIS2 admin."),
    Reason.UNREADABLE: mark(
        "The server could not read what we sent. Tell the operator: the call is kept word for word."
    ),
    Reason.LOGIN: mark("The token or password was not accepted. Put in a new one under DHIS2; nothing more was sent."),
    Reason.FORBIDDEN: mark("The account has no right to write data. Ask the DHIS2 admin for F_DATAVALUE_ADD."),
    Reason.MOVED: mark("The server sent us elsewhere, as to a page to sign in. Check the address and the token."),
    Reason.MEDIA: mark("The server does not take this kind of content. Check that the address is a DHIS2."),
    Reason.NOT_FOUND: mark("There is no DHIS2 at this address. Check it under DHIS2: is a part of the path missing?"),
    Reason.PAGE: mark("A web page answered instead of DHIS2, as of a sign-in or a hotspot. Check address and network."),
    Reason.BUSY: mark("The server is busy or being restarted. It is tried again by itself."),
    Reason.TIMED_OUT: mark("The server took too long. What is there is read before anything is sent again."),
    Reason.CUT: mark("The connection broke. What is there is read before anything is sent again."),
    Reason.UNREACHED: mark(
        "The server cannot be reached. It is tried again by itself; check the network if that stays so."
    ),
    Reason.CERTIFICATE: mark(
        "The server's certificate is not valid, so nothing was sent. Ask the DHIS2 admin to renew it."
    ),
    Reason.ADDRESS: mark("The address may not be called. It must be https and lie outside the office network."),
    Reason.ASYNC: mark("The server takes it in later. What is there is looked at again by itself."),
    Reason.STRANGE: mark("The server answered something that Kabar does not know. Show the operator the call."),
    Reason.ABSENT: mark("It is not there, though nothing was said against it. Send it again."),
    Reason.DIFFERENT: mark("Another value is there. Somebody may have typed it there; send it again to put ours."),
    Reason.STAYS: mark("It should be gone there, and is not. Send it again, or have it deleted there."),
    Reason.ZERO: mark("Zero, which this data element does not keep. That is no difference."),
    Reason.UNREAD: mark(
        "What is there may not be read, so nobody can tell. Ask the DHIS2 admin for the right to read."
    ),
    Reason.INCOMPLETE: mark("The figures are the same, but registering the month as complete was refused there."),
    Reason.UNMAPPED: mark("This figure has no place in the mapping. Give it one, or say there that it is not sent."),
    Reason.NO_UNIT: mark("The facility has no org unit in the mapping, nor a code of its own for it."),
    Reason.SHARED_UNIT: mark(
        "Two facilities go to the same org unit and would overwrite each other. Correct the mapping."
    ),
    Reason.SHARED_CELL: mark("These figures share one place and would count twice: a total and its own items."),
    Reason.NOTHING: mark("The report holds nothing that is sent."),
    Reason.CHANGED: mark("The report has changed since this was confirmed. Look at it anew and send again."),
    Reason.OFF: mark("The destination is switched off, or its mapping is gone."),
    Reason.KEY: mark("The token cannot be read any more: the server's secret key has changed. Put the token in again."),
    Reason.STOPPED: mark("Not sent, because the push was stopped. Mend the reason and send again."),
    Reason.OURS: mark("A fault of ours; it was written down. Send again, or tell the operator."),
}


def say_reason(reason: str | None) -> str:
    """Return a reason's words, to be translated; those of `OTHER` for one that is not known any more."""
    if not reason:
        return ""
    return REASONS[Reason(reason) if reason in set(Reason) else Reason.OTHER]
