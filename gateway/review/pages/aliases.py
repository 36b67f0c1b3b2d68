"""Words for the reader: proposed from a word that no form knows, tried on what came in, decided by administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from flask import Response, request, url_for

from gateway.errors import Raced
from gateway.handle import facts
from gateway.review.pages import frame, messages, show
from gateway.review.pages.language import current_language, mark, translate
from gateway.review.permit import Action
from gateway.store import aliases, areas, conversations
from gateway.store.aliases import AliasState, KeptAlias
from gateway.store.base import Session
from gateway.store.conversations import PAGE
from gateway.store.inbox import InboxMessage
from gateway.values import InboxState, Scope
from parsers.aliases import Alias, AliasFault, AliasKind, Unread, add_aliases, find_fault, find_unread
from parsers.form import Form
from parsers.read import read_message

TRIED_WAITING, TRIED_LATEST = 300, 700  # a proposed word is tried on what waits for staff, and each number's last
TABS: Mapping[str, str] = {
    AliasState.PROPOSED: mark("Proposed"),
    AliasState.APPROVED: mark("In use"),
    AliasState.REFUSED: mark("Refused or taken back"),
}
EMPTY: Mapping[str, tuple[str, str]] = {
    AliasState.PROPOSED: (
        mark("Nothing is proposed."),
        mark("In a conversation, choose a word that is underlined: no form knows it. Then say what it means."),
    ),
    AliasState.APPROVED: (
        mark("No word was added yet."),
        mark("The forms know their own words; what is added stands here."),
    ),
    AliasState.REFUSED: (
        mark("No word was refused."),
        mark("What was refused or taken back stands here, and by whom."),
    ),
}
FAULTS: Mapping[str, str] = {
    AliasFault.NO_WORD: mark("Only one word of letters can be added, of 2 to 30."),
    AliasFault.NO_MEANING: mark("The form has no such thing. Choose one of the meanings below."),
    AliasFault.COMMAND: mark("This word is a command, such as BATAL or STATUS. It cannot mean something else."),
    AliasFault.COURTESY: mark("This word may stand anywhere in a message and says nothing, such as IBU or DAN."),
    AliasFault.MONTH: mark("This word is a month, or stands beside one."),
    AliasFault.DOUBTFUL: mark("The form asks about this word on purpose: it may mean two things."),
    AliasFault.KNOWN: mark("This word means something already."),
    AliasFault.NEAR: mark(
        "This word is one letter away from a word for something else; slips could no longer be told."
    ),
}
KINDS: Mapping[str, str] = {
    AliasKind.ITEM: mark("a method or an item"),
    AliasKind.MEASURE: mark("a column of the report"),
    AliasKind.FORM: mark("the report itself"),
}

routes = frame.make_routes("aliases")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One alias of the list, in words. `changes` counts the stored messages that it would have read differently."""

    kept: KeptAlias
    meaning: str
    form: str
    fault: str = ""
    changes: int | None = None
    may_be_decided: bool = False


@routes.get("/aliases")
def show_aliases() -> Response:
    """Show the words that were proposed, or those that count, or those that were refused."""
    frame.demand(Action.PROPOSE)
    tab = request.args.get("tab", "")
    state = AliasState(tab) if tab in TABS else AliasState.PROPOSED
    before = messages.read_id(request.args.get("before", ""))
    scope = frame.visitor().scope
    with frame.runtime_of_request().database.session(read_only=True) as session:
        found = aliases.latest(session, scope=scope, states=[state], before=before, limit=PAGE + 1)
        rows = _as_proposals(session, found[:PAGE], state, scope)
        names = areas.names_of(session, {one.area for one in found if one.area})
    return frame.answer(
        "aliases.html",
        tab=state.value,
        tabs=[
            (url_for("aliases.show_aliases", tab=name), translate(words), name == state, None)
            for name, words in TABS.items()
        ],
        rows=rows,
        area_names=names,
        nothing=EMPTY[state],
        scope=scope,
        zone=messages.zone_of(None),
        newer=url_for("aliases.show_aliases", tab=state.value) if before else None,
        older=url_for("aliases.show_aliases", tab=state.value, before=found[PAGE - 1].id)
        if len(found) > PAGE
        else None,
    )


@routes.get("/aliases/new")
def show_new() -> Response:
    """Show a word of a message that no form knows, and what it may mean."""
    frame.demand(Action.PROPOSE)
    return _show_new(request.args.get("message", ""), request.args.get("at", ""))


@routes.post("/aliases")
def propose() -> Response:
    """Propose what a word means; it counts once an administrator has approved it."""
    frame.demand(Action.PROPOSE)
    message_id, at = request.form.get("message", ""), request.form.get("at", "")
    form, kind, code = (*request.form.get("meaning", "").split(":"), "", "", "")[:3]
    user, runtime = frame.visitor(), frame.runtime_of_request()
    with runtime.database.session() as session:
        found = _find_word(session, message_id, at, user.scope)
        if found is None:
            return frame.absent()
        message, unread, forms = found
        alias = Alias(form, kind, code, unread.word)
        fault = find_fault(alias, forms) if kind in KINDS else AliasFault.NO_MEANING
        if fault is not None:
            return _show_new(message_id, at, translate(FAULTS[fault]), 422)
        by, now, area = (user.id, user.name), runtime.now(), user.scope.area
        alias_id = aliases.propose(session, alias, area, scope=user.scope, by=by, now=now, inbox_id=message.id)
        if alias_id is not None:
            frame.audit(session, "propose", "alias", alias_id, area, word=alias.word, meaning=f"{form}:{kind}:{code}")
        session.commit()
    if alias_id is None:
        return frame.go("aliases.show_aliases", said=mark("This word is proposed already."), tone="look")
    said = translate("Proposed: %(word)s means %(meaning)s. An administrator decides.")
    said %= {"word": alias.word.upper(), "meaning": name_meaning(alias, forms)}
    return frame.go("thread.show_thread", said=said, message_id=message.id, _anchor=f"in-{message.id}")


@routes.post("/aliases/<int:alias_id>/decide")
def decide(alias_id: int) -> Response:
    """Approve or refuse a word, or take back one that counts."""
    frame.demand(Action.ADMINISTER)
    user, runtime = frame.visitor(), frame.runtime_of_request()
    is_approved = request.form.get("decision") == "approve"
    becomes = AliasState.APPROVED if is_approved else AliasState.REFUSED
    seen = request.form.get("seen", "")
    with runtime.database.session() as session:
        kept = aliases.find(session, alias_id, scope=user.scope)
        if kept is None:
            return frame.absent()
        area = user.scope.area if request.form.get("where") == "mine" else kept.area
        if is_approved and (fault := find_fault(kept.alias, _forms_in(session, area, user.scope))):
            return frame.go("aliases.show_aliases", said=FAULTS[fault], tone="look")
        moves = {
            AliasState.PROPOSED: {AliasState.APPROVED, AliasState.REFUSED},
            AliasState.APPROVED: {AliasState.REFUSED},
        }
        has_changed = False
        if kept.state == seen and becomes in moves.get(AliasState(kept.state), set()):
            has_changed = _decide(session, kept, becomes, area, user.scope)
        if has_changed:
            word, meaning = kept.word, f"{kept.form}:{kept.kind}:{kept.code}"
            frame.audit(session, becomes.value, "alias", alias_id, area, word=word, meaning=meaning, was=kept.state)
        session.commit()
    if not has_changed:
        return frame.go("aliases.show_aliases", said=mark("Somebody else has decided on this word."), tone="look")
    if is_approved:
        said = mark("The word counts from now on. What came before can be read again.")
        return frame.go("aliases.show_aliases", said=said, tab=AliasState.APPROVED.value)
    return frame.go("aliases.show_aliases", said=mark("The word does not count."), tab=AliasState.REFUSED.value)


def _decide(session: Session, kept: KeptAlias, becomes: AliasState, area: str, scope: Scope) -> bool:
    user, was = frame.visitor(), AliasState(kept.state)
    by, now = (user.id, user.name), frame.runtime_of_request().now()
    try:
        return aliases.decide(session, kept.id, becomes, was=was, scope=scope, by=by, now=now, area=area)
    except Raced:
        return False  # the same word stands there already


def _show_new(message_id: str, at: str, fault: str = "", status: int = 200) -> Response:
    with frame.runtime_of_request().database.session(read_only=True) as session:
        found = _find_word(session, message_id, at, frame.visitor().scope)
    if found is None:
        return frame.absent()
    message, unread, forms = found
    main = frame.runtime_of_request().settings.main_form
    return frame.answer(
        "alias_new.html",
        status,
        message=message,
        unread=unread,
        before=message.text[: unread.span.start],
        after=message.text[unread.span.end :],
        meanings=[_meanings(form) for form in sorted(forms, key=lambda form: form.code != main)],
        fault=fault,
    )


def _meanings(form: Form) -> tuple[str, list[tuple[str, list[tuple[str, str]]]]]:
    """Return a form's name and what a word may mean in it, by kind: (what the button sends, what stands on it)."""
    items = [(f"{form.code}:item:{item}", show.name_item(form, item)) for item in form.items]
    measures = [(f"{form.code}:measure:{measure}", show.name_measure(form, measure)) for measure in form.measures]
    itself = [(f"{form.code}:form:{form.code}", form.name(current_language()))]
    kinds = ((AliasKind.ITEM, items), (AliasKind.MEASURE, measures), (AliasKind.FORM, itself))
    return form.name(current_language()), [(KINDS[kind], these) for kind, these in kinds]


def _find_word(
    session: Session, message_id: str, at: str, scope: Scope
) -> tuple[InboxMessage, Unread, tuple[Form, ...]] | None:
    """Return a message with the word of it that begins at a place and that no form of its area knows, or None."""
    wished = messages.read_id(message_id)
    message = conversations.find_received(session, wished, scope=scope) if wished else None
    if message is None:
        return None
    party = conversations.parties(session, [message.sender], scope=scope).get(message.sender)
    forms = _forms_in(session, (party.area if party else "") or scope.area, scope)
    unread = find_unread(message.text, _day_of(message, messages.zone_of(party)), forms)
    found = next((one for one in unread if str(one.span.start) == at), None)
    return (message, found, forms) if found else None


def _forms_in(session: Session, area: str, scope: Scope) -> tuple[Form, ...]:
    return facts.teach(frame.runtime_of_request().forms, aliases.approved(session, scope=scope), area)


def _day_of(message: InboxMessage, zone: str) -> date:
    return message.sent_at.astimezone(ZoneInfo(zone)).date()


def name_meaning(alias: Alias, forms: Sequence[Form]) -> str:
    """Return what an alias stands for, as its form calls it."""
    form = next((form for form in forms if form.code == alias.form), None)
    if alias.kind == AliasKind.FORM:
        return form.name(current_language()) if form else alias.form
    name = show.name_item if alias.kind == AliasKind.ITEM else show.name_measure
    return name(form, alias.code)


def _as_proposals(
    session: Session, found: Sequence[KeptAlias], state: AliasState, scope: Scope
) -> tuple[Proposal, ...]:
    forms = frame.runtime_of_request().forms
    taught = aliases.approved(session, scope=scope)
    tried = _tried(session, scope) if found and state is AliasState.PROPOSED else ()
    rows = []
    for kept in found:
        form = next((form for form in forms if form.code == kept.form), None)
        row = Proposal(kept, name_meaning(kept.alias, forms), form.name(current_language()) if form else kept.form)
        may_be_decided = frame.may(Action.ADMINISTER) and scope.covers(kept.area)
        if state is AliasState.PROPOSED:
            known = facts.teach(forms, taught, kept.area)
            fault = find_fault(kept.alias, known)
            changes = None if fault else _count_changes(kept.alias, known, tried)
            said = translate(FAULTS[fault]) if fault else ""
            row = Proposal(kept, row.meaning, row.form, said, changes, may_be_decided)
        elif state is AliasState.APPROVED:
            row = Proposal(kept, row.meaning, row.form, may_be_decided=may_be_decided)
        rows.append(row)
    return tuple(rows)


def _tried(session: Session, scope: Scope) -> tuple[tuple[str, str, date], ...]:
    """Return what proposed words are tried on: (text in small letters, text, the day it was sent)."""
    waiting = conversations.waiting(session, (InboxState.FOR_STAFF,), scope=scope, limit=TRIED_WAITING)
    latest = conversations.latest(session, scope=scope, limit=TRIED_LATEST)
    found = {message.id: message for message in (*waiting, *latest)}
    zone = messages.zone_of(None)
    return tuple((one.text.lower(), one.text, _day_of(one, zone)) for one in found.values())


def _count_changes(alias: Alias, forms: tuple[Form, ...], tried: Sequence[tuple[str, str, date]]) -> int:
    taught = add_aliases(forms, (alias,))
    return sum(
        read_message(text, day, forms) != read_message(text, day, taught)
        for small, text, day in tried
        if alias.word in small
    )
