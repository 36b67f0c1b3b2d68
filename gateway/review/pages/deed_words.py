"""What was done, in sentences: how each action and each kind of thing of the audit is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.review.pages.language import mark, translate
from gateway.store.audit import NewAudit

# In both languages `Sari approved report 12` comes out: who, what was done, to what.
ACTIONS: Mapping[str, str] = {
    "accept": mark("let count"),
    "accept_invitation": mark("accepted an invitation"),
    "add": mark("added"),
    "add_code": mark("set up a second factor"),
    "answer": mark("answered"),
    "approve": mark("approved"),
    "approved": mark("approved"),
    "assign": mark("gave a facility to"),
    "call_different": mark("called no double"),
    "call_done": mark("called done"),
    "change": mark("changed"),
    "change_password": mark("chose another password"),
    "check": mark("checked the"),
    "choose": mark("chose"),
    "clear_proofs": mark("took password and second factor away from"),
    "close": mark("closed the"),
    "correct": mark("corrected"),
    "disable": mark("disabled"),
    "download": mark("took the file of"),
    "draft": mark("drafted"),
    "drop": mark("dropped"),
    "drop_code": mark("switched the second factor off"),
    "enable": mark("enabled"),
    "end": mark("ended the work of"),
    "end_leave": mark("took back the leave of"),
    "end_outage": mark("called over"),
    "end_pause": mark("ended the pause of"),
    "enter": mark("entered by hand"),
    "erase": mark("erased"),
    "export": mark("exported"),
    "give_up": mark("gave up an event for the"),
    "hand_out": mark("handed out the personal data of"),
    "hand_over": mark("handed to registration who is new in the"),
    "import": mark("imported"),
    "import_changed": mark("changed from a file"),
    "import_new": mark("added from a file"),
    "invite": mark("invited"),
    "jump": mark("saw a jump of the"),
    "leave": mark("wrote down the leave of"),
    "match": mark("said who is whom in the"),
    "merge": mark("merged"),
    "move": mark("moved"),
    "move_phone": mark("moved to another phone"),
    "note": mark("noted"),
    "pause": mark("paused"),
    "post": mark("sent in through the API"),
    "propose": mark("proposed"),
    "publish": mark("published for everybody the"),
    "push": mark("sent to DHIS2 the"),
    "read_again": mark("had read again"),
    "record": mark("recorded"),
    "refuse": mark("refused"),
    "refused": mark("refused"),
    "reject": mark("rejected"),
    "remind": mark("reminded"),
    "remove": mark("removed"),
    "renew_link": mark("made a new link for"),
    "renew_recovery_codes": mark("made new recovery codes"),
    "renew_secret": mark("made a new secret for the"),
    "reopen": mark("opened again the"),
    "replay": mark("had events told again to the"),
    "revoke": mark("revoked"),
    "rotate": mark("gave a new secret to"),
    "send": mark("sent out"),
    "send_again": mark("sent again"),
    "send_back": mark("sent back with a question"),
    "show_again": mark("showed again to everybody the"),
    "sign_in": mark("signed in"),
    "sign_out_elsewhere": mark("signed out elsewhere"),
    "skip": mark("left out of reminders"),
    "stop": mark("stopped the rest of"),
    "switch_off": mark("switched off"),
    "switch_on": mark("switched on again"),
    "take_stop_back": mark("took their own STOP back"),
    "test": mark("sent a test message to the"),
    "tick": mark("ticked as typed into SIGA the"),
    "try": mark("tried the connection to"),
    "undo_accept": mark("no longer let count"),
    "undo_approve": mark("undid the approval of"),
    "undo_correct": mark("undid the correction of"),
    "undo_done": mark("opened again"),
    "undo_reject": mark("undid the rejection of"),
    "undo_send_back": mark("undid the question about"),
    "undo_withdraw_approval": mark("approved again"),
    "untick": mark("took the tick “typed into SIGA” from the"),
    "withdraw": mark("showed to nobody any more the"),
    "withdraw_approval": mark("withdrew the approval of"),
}
NOUNS: Mapping[str, str] = {
    "account": mark("account"),
    "agreement": mark("agreement"),
    "alias": mark("word for the reader"),
    "audit": mark("audit log"),
    "batch": mark("batch"),
    "breach": mark("list of people whose data may have leaked"),
    "broadcast": mark("broadcast"),
    "calendar": mark("calendar"),
    "channel": mark("channel"),
    "clock": mark("server clock"),
    "destination": mark("destination"),
    "directory": mark("Klik-KB directory"),
    "export_choices": mark("ways to hand on of"),
    "facility": mark("facility"),
    "file": mark("file"),
    "ladder": mark("ladder of reminders for"),
    "manners": mark("hours and days of reminders"),
    "mapping": mark("mapping"),
    "message": mark("message"),
    "month": mark("month, closing"),
    "open_figures": mark("public figures of"),
    "open_month": mark("public month"),
    "outage": mark("outage"),
    "push": mark("sending"),
    "registration": mark("registration"),
    "reminders": mark("reminders"),
    "report": mark("report"),
    "reporter": mark("midwife"),
    "retention": mark("time that is kept:"),
    "threshold": mark("threshold"),
    "token": mark("token of the API"),
    "user": mark("user"),
    "webhook": mark("webhook"),
    "wording": mark("sentence"),
}
ALONE = {  # whose sentence needs no object: it is who did it
    "accept_invitation",
    "add_code",
    "change_password",
    "drop_code",
    "renew_recovery_codes",
    "sign_in",
    "sign_out_elsewhere",
    "take_stop_back",
}
DETAILS: Mapping[str, str] = {
    "address": mark("address"),
    "after": mark("after"),
    "area": mark("area"),
    "at_once": mark("at once"),
    "auth": mark("signs in with"),
    "before": mark("before"),
    "days": mark("days"),
    "deliveries": mark("events"),
    "delivery": mark("delivery"),
    "facilities": mark("facilities"),
    "flagged": mark("flagged"),
    "form": mark("form"),
    "from": mark("from"),
    "host": mark("server"),
    "is_active": mark("active"),
    "kinds": mark("hears of"),
    "language": mark("language"),
    "login": mark("user there"),
    "meaning": mark("meaning"),
    "missing": mark("missing"),
    "monthly_budget": mark("budget of a month"),
    "name": mark("name"),
    "of": mark("whose"),
    "other": mark("other"),
    "outcome": mark("outcome"),
    "period": mark("month"),
    "phone": mark("phone"),
    "phones": mark("phones"),
    "reason": mark("reason"),
    "recipients": mark("recipients"),
    "renewed": mark("token or password renewed"),
    "rights": mark("rights"),
    "role": mark("role"),
    "rows": mark("rows"),
    "segment_price": mark("price of an SMS"),
    "sentence": mark("sentence"),
    "state": mark("state"),
    "text": mark("text"),
    "texts": mark("texts"),
    "type": mark("type"),
    "until": mark("until"),
    "value": mark("value"),
    "values": mark("values"),
    "version": mark("version"),
    "waiting": mark("asked"),
    "was": mark("before"),
    "withheld": mark("withheld"),
    "word": mark("word"),
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
