"""Doubles in the registry: likely pairs, both sides of one, what they disagree about; merge them, or call them two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from gateway.enrol.likeness import Candidate, find_likenesses
from gateway.errors import Raced
from gateway.review.pages import frame
from gateway.review.pages.language import mark, translate
from gateway.review.pages.registry_words import name_type
from gateway.review.pages.reporters import today
from gateway.review.permit import Action
from gateway.store import doubles, inbox, register, roster, totals
from gateway.store.base import Session
from gateway.store.doubles import Month
from gateway.store.register import KnownFacility
from gateway.store.roster import KnownReporter, WishedReporters
from gateway.values import Scope
from parsers.period import period_of

REGENCY = len("14.03")
SHOWN = 50
LAST_MESSAGES = 3

routes = frame.make_routes("merging")


@routes.route("/doubles/<any(facility, reporter):noun>", methods=["GET", "POST"])
def show_doubles(noun: str) -> Response:
    """Show the pairs of an area that are probably one; for one of them, whoever else was searched for (by POST)."""
    frame.demand(Action.REGISTER)
    user = frame.visitor()
    area = request.args.get("area", "")[:13]
    scope = Scope(area) if len(area) >= REGENCY and user.scope.covers(area) else user.scope
    one_id = request.args.get("one", 0, int)
    words = request.form.get("words", "").strip()[:80]
    with frame.runtime_of_request().database.session(read_only=True) as session:
        one = _find(session, noun, one_id) if one_id else None
        if one_id and (one is None or one.merged_into):
            return frame.absent()
        pairs = _pairs(session, noun, scope) if len(scope.area) >= REGENCY else []
        if one is not None:
            pairs = [pair for pair in pairs if one.id in (pair["first"].id, pair["second"].id)]
        found = [other for other in _search(session, noun, words) if one and other.id != one.id] if words else []
    return frame.answer(
        "doubles.html",
        noun=noun,
        one=one,
        pairs=pairs[:SHOWN],
        words=words,
        found=found,
        is_wide=len(scope.area) < REGENCY,
        name_type=name_type,
    )


@routes.get("/doubles/<any(facility, reporter):noun>/<int:first_id>/<int:second_id>")
def show_pair(noun: str, first_id: int, second_id: int) -> Response:
    """Show both sides of a pair, and what must be decided before they can be one."""
    frame.demand(Action.REGISTER)
    return _show_pair(noun, first_id, second_id)


@routes.post("/doubles/<any(facility, reporter):noun>/<int:first_id>/<int:second_id>/different")
def call_different(noun: str, first_id: int, second_id: int) -> Response:
    """Suggest a pair no more."""
    frame.demand(Action.REGISTER)
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session() as session:
        pair = _find_pair(session, noun, first_id, second_id)
        if pair is None:
            return frame.absent()
        doubles.call_different(session, noun, first_id, second_id, scope=scope)
        frame.audit(session, "call_different", noun, first_id, pair[0].area, other=second_id)
        session.commit()
    return frame.go("merging.show_doubles", said=mark("They are not suggested again."), noun=noun)


@routes.post("/doubles/<any(facility, reporter):noun>/<int:first_id>/<int:second_id>")
def merge(noun: str, first_id: int, second_id: int) -> Response:
    """Merge a pair as it was looked at; if either was changed since, or a report came in, nothing is done."""
    frame.demand(Action.REGISTER)
    winner_id = request.form.get("winner", 0, int)
    if winner_id not in (first_id, second_id):
        return _show_pair(noun, first_id, second_id, fault=mark("Choose which of the two stays."), status=422)
    late = mark("Something changed since you looked, so nothing was merged. This is how it stands now.")
    with frame.runtime_of_request().database.session() as session:
        pair = _find_pair(session, noun, first_id, second_id)
        if pair is None:
            return frame.absent()
        if any(request.form.get(f"version{one.id}", -1, int) != one.version for one in pair):
            return _show_pair(noun, first_id, second_id, fault=late, status=409)
        winner, loser = pair if pair[0].id == winner_id else pair[::-1]
        try:
            fault = _merge(session, winner, loser)
        except Raced:
            session.rollback()
            fault = late
        if fault:
            session.rollback()
            return _show_pair(noun, first_id, second_id, fault=fault, status=409 if fault is late else 422)
        session.commit()
    said = mark("Merged. What belonged to the double belongs to this one now.")
    if noun == "facility":
        return frame.go("facilities.show_facility", said=said, facility_id=winner_id)
    return frame.go("reporters.show_reporter", said=said, reporter_id=winner_id)


def _merge(session: Session, winner: Any, loser: Any) -> str:
    """Merge two, write it down, and return what is in the way, empty where nothing is."""
    scope = frame.visitor().scope
    late = mark("Something changed since you looked, so nothing was merged. This is how it stands now.")
    details: dict[str, Any] = {"loser": loser.id, "loser_name": loser.name}
    if isinstance(winner, KnownFacility):
        theirs = [doubles.reports_of(session, one.id, scope=scope) for one in (winner, loser)]
        conflicts = doubles.find_conflicts(*theirs)
        keep = _read_keep(conflicts, winner.id, loser.id)
        if len(keep) < len(conflicts):
            return mark("Decide for each month which report counts on.")
        if not doubles.merge_facilities(session, winner, loser, keep, scope=scope):
            return late
        details |= {"loser_code": loser.code, "kept": {" ".join(month): side for month, side in keep.items()}}
        details["reports"] = len(theirs[1])
        frame.audit(session, "merge", "facility", winner.id, winner.area, **details)
        totals.refresh_areas(session, {winner.area, loser.area})
    else:
        month = period_of(today())
        if not doubles.merge_reporters(session, winner, loser, scope=scope, month=month):
            return late
        frame.audit(session, "merge", "reporter", winner.id, winner.area, **details)
    return ""


def _read_keep(conflicts: tuple[Month, ...], winner_id: int, loser_id: int) -> Mapping[Month, str]:
    sides = {str(winner_id): "winner", str(loser_id): "loser"}
    chosen = {month: request.form.get(f"keep-{month[0]}-{month[1]}", "") for month in conflicts}
    return {month: sides[side] for month, side in chosen.items() if side in sides}


def _show_pair(noun: str, first_id: int, second_id: int, fault: str = "", status: int = 200) -> Response:
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        pair = _find_pair(session, noun, first_id, second_id)
        if pair is None:
            return frame.absent()
        sides = [_gather(session, noun, one) for one in pair]
        conflicts = doubles.find_conflicts(*(side["reports"] for side in sides)) if noun == "facility" else ()
    forms = {form.code: form for form in frame.runtime_of_request().forms}
    return frame.answer(
        "double.html",
        status,
        noun=noun,
        sides=sides,
        conflicts=[(form, period, _counting(sides, form, period)) for form, period in conflicts],
        forms=forms,
        fault=translate(fault) if fault else "",
        typed=request.form,
        name_type=name_type,
        zone=frame.runtime_of_request().settings.timezone,
        scope=scope,
    )


def _counting(sides: list[dict[str, Any]], form: str, period: str) -> list[tuple[int, int]]:
    """Return for each side its id and the id of its report that counts for a month."""
    return [
        (side["one"].id, next(it.id for it in side["reports"] if (it.form, it.period) == (form, period) and it.counts))
        for side in sides
    ]


def _gather(session: Session, noun: str, one: Any) -> dict[str, Any]:
    """Return one side of a pair with its reports, or with the last messages from its phones."""
    scope = frame.visitor().scope
    if noun == "facility":
        wished = WishedReporters(facility_id=one.id)
        people = roster.list_reporters(session, scope=scope, today=today(), wished=wished, limit=20)
        return {"one": one, "reports": doubles.reports_of(session, one.id, scope=scope), "people": people}
    messages = inbox.latest_messages(session, senders=one.phones, limit=LAST_MESSAGES) if one.phones else ()
    return {"one": one, "messages": messages}


def _find(session: Session, noun: str, one_id: int) -> KnownFacility | KnownReporter | None:
    scope = frame.visitor().scope
    if noun == "facility":
        return register.find_facility(session, one_id, scope=scope)
    return roster.find_reporter(session, one_id, scope=scope, today=today())


def _find_pair(session: Session, noun: str, first_id: int, second_id: int) -> tuple[Any, Any] | None:
    """Return both of a pair; None where one is not in the area, or was merged already."""
    first, second = (_find(session, noun, one_id) for one_id in (first_id, second_id))
    if first is None or second is None or first_id == second_id or first.merged_into or second.merged_into:
        return None
    return first, second


def _search(session: Session, noun: str, words: str) -> list[Any]:
    scope = frame.visitor().scope
    if noun == "facility":
        wished = register.WishedFacilities(words=words)
        return list(register.list_facilities(session, scope=scope, wished=wished, limit=20))
    people = roster.list_reporters(session, scope=scope, today=today(), wished=WishedReporters(words=words), limit=20)
    return [one for one in people if not one.merged_into]


def _pairs(session: Session, noun: str, scope: Scope) -> list[dict[str, Any]]:
    """Return the likely doubles of an area with both of each, but for those that somebody called two."""
    rows = (doubles.list_facility_rows if noun == "facility" else doubles.list_reporter_rows)(session, scope=scope)
    different = doubles.known_as_different(session, noun, scope=scope)
    found = find_likenesses(Candidate(row.id, row.name, row.area, row.marks) for row in rows)
    likely = [one for one in found if (one.first_id, one.second_id) not in different][:SHOWN]
    ids = {one_id for pair in likely for one_id in (pair.first_id, pair.second_id)}
    known: dict[int, Any]
    if noun == "facility":
        known = dict(register.find_facilities(session, ids, scope=scope))
    else:
        known = {one.id: one for one in roster.find_reporters(session, ids, scope=scope, today=today())}
    return [
        {"first": known[one.first_id], "second": known[one.second_id], "why": one.why}
        for one in likely
        if one.first_id in known and one.second_id in known
    ]
