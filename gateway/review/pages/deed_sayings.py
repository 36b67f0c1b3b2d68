"""What staff did about a report, could not do, or did before somebody else, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.reply.own_words import Fault
from gateway.review.deeds import Deed, Why
from gateway.review.pages.language import mark

# In a history: `Sari approved it`.
VERBS: Mapping[str, str] = {
    Deed.ACCEPT: mark("let it count"),
    Deed.APPROVE: mark("approved it"),
    Deed.REJECT: mark("rejected it"),
    Deed.SEND_BACK: mark("sent it back with a question"),
    Deed.WITHDRAW_APPROVAL: mark("withdrew the approval"),
    Deed.CORRECT: mark("corrected it"),
}
DONE: Mapping[Deed, str] = {
    Deed.ACCEPT: mark("%(facility)s, %(month)s: it counts now."),
    Deed.APPROVE: mark("%(facility)s, %(month)s: approved."),
    Deed.REJECT: mark("%(facility)s, %(month)s: rejected."),
    Deed.SEND_BACK: mark("%(facility)s, %(month)s: sent back; the question goes out by SMS."),
    Deed.WITHDRAW_APPROVAL: mark("%(facility)s, %(month)s: the approval is withdrawn."),
}
WHY_NOT: Mapping[Why, str] = {
    Why.LATE: mark("This was decided more than a day ago and can no longer be undone."),
    Why.UNDONE: mark("This was undone already."),
    Why.CHANGED: mark("Something has happened since, so this can no longer be undone. See the history below."),
    Why.CLOSED: mark("The month is closed: its figures stay as they are until it is reopened."),
    Why.NOBODY: mark("No registered phone sent this report, so there is nobody to ask."),
}
OWN_WORDS: Mapping[Fault, str] = {
    Fault.EMPTY: mark("Please write what to ask."),
    Fault.CHARACTER: mark("An SMS of one part cannot hold the character “%(about)s”."),
    Fault.NUMBER: mark("Networks here drop an SMS with four digits in a row: “%(about)s”. Write 1.500, or Sep 25."),
    Fault.DROPPED: mark("Networks here drop an SMS with “%(about)s” in it. Please say it in other words."),
    Fault.TOO_LONG: mark("This is %(over)s characters too long for one SMS."),
}
