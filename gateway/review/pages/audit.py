"""The audit: who changed or took out what, when, to be searched and taken out (which is written down too)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response, request, url_for

from gateway.review.pages import deed_words, frame
from gateway.review.pages.language import mark, translate
from gateway.review.permit import Action
from gateway.spreadsheet import BYTE_ORDER_MARK, write_row
from gateway.store import areas, audit, users
from gateway.store.audit import Audited, Wanted

ROWS = 50
MOST_ROWS = 50_000  # of an export
PEOPLE = 500  # who can be chosen to search by
SYSTEM = "system"
NO_DAY = mark("This is no day. Write it as 2025-10-31.")

routes = frame.make_routes("audit")


@routes.before_request
def _administrators_only() -> None:
    frame.demand(Action.ADMINISTER)


@routes.get("/audit")
def show_audit() -> Response:
    """Show what was done in one's area, the newest first."""
    runtime, scope = frame.runtime_of_request(), frame.visitor().scope
    wanted, fault = _read_wanted()
    before = request.args.get("before", None, int)
    with runtime.database.session(read_only=True) as session:
        found = audit.search(session, wanted, scope=scope, before=before, limit=ROWS + 1) if not fault else ()
        names = areas.names_of(session, {one.area for one in found if one.area})
        people = users.list_users(session, scope=scope, limit=PEOPLE)
    asked: dict[str, Any] = {name: request.args[name] for name in _FIELDS if request.args.get(name)}
    older = url_for("audit.show_audit", before=found[ROWS - 1].id, **asked) if len(found) > ROWS else None
    newer = url_for("audit.show_audit", **asked) if before else None
    return frame.answer(
        "audit.html",
        422 if fault else 200,
        rows=[_say(one) for one in found[:ROWS]],
        area_names=names,
        people=[(str(user.id), user.name) for user in people],
        actions=_sorted(deed_words.ACTIONS),
        nouns=_sorted(deed_words.NOUNS),
        asked=asked,
        fault=fault,
        older=older,
        newer=newer,
        zone=runtime.settings.timezone,
    )


@routes.post("/audit/export")
def export() -> Response:
    """Hand out what was searched for as CSV; that this was done is written down too."""
    frame.demand(Action.EXPORT)
    runtime, user = frame.runtime_of_request(), frame.visitor()
    wanted, fault = _read_wanted()
    if fault:
        return frame.go("audit.show_audit", said=fault, tone="bad")
    with runtime.database.session() as session:
        found = audit.search(session, wanted, scope=user.scope, limit=MOST_ROWS)
        frame.audit(session, "export", "audit", "", user.area, rows=len(found))
        session.commit()
    response = make_response(_write_csv(found))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="kabar-audit.csv"'
    return response


_FIELDS = ("person", "action", "noun", "subject", "day")


def _read_wanted() -> tuple[Wanted, str]:
    """Return what is searched for, and what is wrong with it in words to be translated."""
    asked = {name: request.values.get(name, "").strip() for name in _FIELDS}
    person = asked["person"]
    since = until = None
    if asked["day"]:
        try:
            day = date.fromisoformat(asked["day"])
            zone = ZoneInfo(frame.runtime_of_request().settings.timezone)
            since, until = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
        except (ValueError, OverflowError):
            return Wanted(), NO_DAY
    return Wanted(
        user_id=int(person) if person.isdecimal() and len(person) < 10 else None,
        by_system=person == SYSTEM,
        action=asked["action"][:40],
        noun=asked["noun"][:40],
        subject=asked["subject"][:100],
        since=since,
        until=until,
    ), ""


def _say(one: Audited) -> tuple[Audited, str, list[str]]:
    forms = frame.runtime_of_request().forms
    return one, deed_words.say_deed(one, forms), deed_words.say_details(one, forms)


def _sorted(words: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(((code, translate(said)) for code, said in words.items()), key=lambda pair: pair[1].lower())


def _write_csv(found: tuple[Audited, ...]) -> str:
    rows = [write_row(["id", "at", "user_id", "user", "action", "noun", "subject", "area", "details"])]
    forms = frame.runtime_of_request().forms
    for one in found:
        details = "; ".join(deed_words.say_details(one, forms))
        about = one.user_name, one.action, one.noun, one.subject, one.area
        rows.append(write_row([one.id, one.at.isoformat(), one.user_id, *about, details]))
    return BYTE_ORDER_MARK + "".join(rows)
