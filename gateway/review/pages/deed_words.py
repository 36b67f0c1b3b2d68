"""What was done, in sentences: how each action and each kind of thing of the audit is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.review.pages.language import mark, translate
from gateway.store.audit import NewAudit

# In both languages `Sari approved report 12` comes out: who, what was done, to what.
ACTIONS: Mapping[str, str] = {
    "accept": mark("accepted"),
    "approve": mark("approved"),
    "reject": mark("rejected"),
    "send_back": mark("sent back"),
    "withdraw_approval": mark("withdrew the approval of"),
    "correct": mark("corrected"),
    "undo_accept": mark("undid the acceptance of"),
    "undo_approve": mark("undid the approval of"),
    "undo_reject": mark("undid the rejection of"),
    "undo_send_back": mark("undid the sending back of"),
    "undo_withdraw_approval": mark("undid the withdrawn approval of"),
    "undo_correct": mark("undid the correction of"),
    "accept_invitation": mark("accepted an invitation"),
    "add": mark("added"),
    "add_code": mark("set up a second factor"),
    "change": mark("changed"),
    "change_password": mark("chose another password"),
    "clear_proofs": mark("took password and second factor away from"),
    "disable": mark("disabled"),
    "drop_code": mark("switched the second factor off"),
    "enable": mark("enabled"),
    "export": mark("exported"),
    "invite": mark("invited"),
    "renew_link": mark("made a new link for"),
    "renew_recovery_codes": mark("made new recovery codes"),
    "sign_in": mark("signed in"),
    "sign_out_elsewhere": mark("signed out elsewhere"),
}
NOUNS: Mapping[str, str] = {
    "account": mark("account"),
    "report": mark("report"),
    "audit": mark("audit log"),
    "user": mark("user"),
}
ALONE = {  # whose sentence needs no object: it is who did it
    "accept_invitation",
    "add_code",
    "change_password",
    "drop_code",
    "renew_recovery_codes",
    "sign_in",
    "sign_out_elsewhere",
}
DETAILS: Mapping[str, str] = {
    "area": mark("area"),
    "language": mark("language"),
    "name": mark("name"),
    "role": mark("role"),
    "rows": mark("rows"),
}
LONGEST = 200  # characters of a detail that are shown


def say_deed(done: NewAudit) -> str:
    """Return what was done as a sentence without its subject: `approved report 12`."""
    verb = translate(ACTIONS.get(done.action, done.action))
    if done.action in ALONE:
        return verb
    noun = translate(NOUNS.get(done.noun, done.noun))
    return " ".join(part for part in (verb, noun, done.subject) if part)


def say_details(details: Mapping[str, Any]) -> list[str]:
    """Return what changed, a line each: `role: officer → district`."""
    return [f"{translate(DETAILS.get(name, name))}: {_say(value)}"[:LONGEST] for name, value in details.items()]


def _say(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_say(value[0])} → {_say(value[1])}"
    if isinstance(value, list):
        return ", ".join(map(_say, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{translate(DETAILS.get(name, name))} {_say(one)}" for name, one in value.items())
    return "–" if value is None or value == "" else str(value)
