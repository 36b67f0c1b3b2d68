"""Every screen by a name, with an address that shows something on it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text

from gateway.store.base import Session
from tests.browser.office import House

# Screen: address. What stands in brackets is looked up in the office: see EXAMPLES.
SCREENS: Mapping[str, str] = {
    "login": "/login",
    "month": "/month",
    "month-missing": "/month/missing",
    "month-stock": "/month/stock?form=alokon",
    "queue": "/queue",
    "reports": "/reports",
    "report": "/reports/{flagged}",
    "report-compare": "/reports/{replaced}/compare/{newest}",
    "report-correct": "/reports/{flagged}/correct",
    "report-new": "/reports/new",
    "report-new-form": "/reports/new?facility={owing}&form=kb&period=2025-09",
    "messages": "/messages",
    "thread": "/messages/thread/{message}",
    "thread-of": "/messages/with/{reporter}",
    "rereading": "/messages/again",
    "facilities": "/facilities",
    "facility": "/facilities/{facility}",
    "facility-edit": "/facilities/{facility}/edit",
    "facility-new": "/facilities/new",
    "reporters": "/reporters",
    "reporter": "/reporters/{reporter}",
    "reporter-edit": "/reporters/{reporter}/edit",
    "reporter-new": "/reporters/new",
    "registrations": "/registrations",
    "registration": "/registrations/{registration}",
    "imports": "/imports",
    "import": "/imports/{import}",
    "doubles": "/doubles/facility",
    "double": "/doubles/facility/{facility}/{other}",
    "areas": "/areas",
    "calendar": "/calendar",
    "calendar-close": "/calendar/close?area=14.03&form=kb&period=2025-09",
    "calendar-reopen": "/calendar/closings/{closing}/reopen",
    "reminders": "/reminders",
    "reminders-history": "/reminders/history",
    "reminders-pauses": "/reminders/pauses",
    "reminders-skip": "/reminders/facilities/{owing}/skip",
    "reminders-ladder": "/reminders/ladder",
    "broadcasts": "/broadcasts",
    "broadcast": "/broadcasts/{broadcast}",
    "broadcast-edit": "/broadcasts/{broadcast}/edit",
    "broadcast-new": "/broadcasts/new",
    "phone": "/phone",
    "exports": "/exports",
    "export": "/exports/{export}",
    "export-choices": "/exports/choices?area=14.03",
    "channels": "/channels",
    "thresholds": "/thresholds",
    "wordings": "/wordings",
    "wording": "/wordings/id/answers.unchanged",
    "aliases": "/aliases",
    "alias-new": "/aliases/new?message={unread}&at={at}",
    "klikkb": "/klikkb?area=14.03",
    "klikkb-upload": "/klikkb/files?area=14.03",
    "klikkb-file": "/klikkb/files/{listing}",
    "klikkb-columns": "/klikkb/files/{asking}",
    "agreements": "/klikkb/agreements?area=14.03",
    "agreement-new": "/klikkb/agreements/new?area=14.03",
    "users": "/users",
    "user": "/users/{user}",
    "user-new": "/users/new",
    "audit": "/audit",
    "account": "/account",
    "account-code": "/account/code",
    "account-password": "/account/password",
    "account-confirm": "/account/confirm",
    "help": "/help",
    "help-queue": "/help/queue",
}
# Pages that are no screen of their own: why.
NO_SCREENS: Mapping[str, str] = {
    "files.static": "a file",
    "health.show_alive": "for machines",
    "health.show_ready": "for machines",
    "webhook.show_answer": "for machines",
    "webhook.take_sms": "for machines",
    "webhook.take_status": "for machines",
    "phone.show_home": "leads to another screen",
    "phone.show_live": "a piece of the phone's page",
    "reminders.show_amount": "a piece of the reminders' page",
    "reports.export_reports": "a file",
    "compare.show_against_current": "leads to the comparison",
    "thread.show_thread_to": "leads to the conversation",
    "login.show_code": "between the password and the first screen",
    "invitation.show_invitation": "once, for who was invited",
    "exports.download": "a file",
    "imports.download_faults": "a file",
    "imports.download_template": "a file",
    "imports.export": "a file",
    "klikkb_files.download_faults": "a file",
}
# What the brackets stand for: each gives one number or word.
EXAMPLES: Mapping[str, str] = {
    "flagged": "SELECT min(id) FROM reports WHERE state = 'waiting'",
    "replaced": "SELECT min(replaces_id) FROM reports WHERE replaces_id IS NOT NULL",
    "newest": "SELECT min(id) FROM reports WHERE replaces_id IS NOT NULL",
    "message": "SELECT min(id) FROM inbox WHERE state = 'for_staff'",
    "facility": "SELECT min(facility_id) FROM reports WHERE state = 'waiting'",
    "reporter": "SELECT min(reporter_id) FROM reports WHERE state = 'waiting'",
    "owing": "SELECT min(id) FROM facilities WHERE area LIKE '14.03.%' AND id NOT IN "
    "(SELECT facility_id FROM reports WHERE period = '2025-09')",
    "registration": "SELECT min(id) FROM registrations",
    "other": "SELECT max(id) FROM facilities WHERE area LIKE '14.03.%'",
    "broadcast": "SELECT min(id) FROM broadcasts",
    "closing": "SELECT min(id) FROM closings",
    "import": "SELECT min(id) FROM imports WHERE kind <> 'directory'",
    "listing": "SELECT min(id) FROM imports WHERE kind = 'directory'",
    "asking": "SELECT max(id) FROM imports WHERE kind = 'directory'",
    "unread": "SELECT max(id) FROM inbox WHERE text LIKE '%KALENDER%'",
    "at": "SELECT max(instr(text, 'KALENDER')) - 1 FROM inbox",
    "export": "SELECT ref FROM exports ORDER BY id DESC LIMIT 1",
    "user": "SELECT min(id) FROM users WHERE area = '14.03'",
}
OPEN = {"login"}  # what is there to see for who is not signed in


def find_addresses(house: House) -> dict[str, str]:
    """Return the address of every screen in this office."""
    with house.runtime.database.session(read_only=True) as session:
        numbers = {name: _ask(session, question) for name, question in EXAMPLES.items()}
    return {name: address.format(**numbers) for name, address in SCREENS.items()}


def _ask(session: Session, question: str) -> str:
    found = session.execute(text(question)).scalar_one()
    assert found is not None, f"the office has none: {question}"
    return str(found)
