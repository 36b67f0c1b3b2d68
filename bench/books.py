"""The books of an evening: what was sent, what was kept, what was stored, and what was answered must agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select

from bench.evening import CLEAN, MENDED, Message
from bench.provider import Taken
from gateway.runtime import utc_now
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.reports import report_values, reports
from gateway.values import COUNTING, InboxState
from parsers.period import assumed_period

SETTLED = {InboxState.DONE, InboxState.FOR_STAFF}
NAMED = 3  # so many of the messages that a fault is about are named


def find_answers(database: Database, ledger: Sequence[Taken]) -> dict[str, float]:
    """Return when the provider was first given the answer to each message, by the message's own id."""
    first: dict[str, float] = {}
    for ref, _, at in ledger:
        first.setdefault(ref, at)
    statement = select(outbox.c.ref, inbox.c.provider_id).join(inbox, inbox.c.id == outbox.c.inbox_id)
    with database.session(read_only=True) as session:
        rows = session.execute(statement.where(inbox.c.provider_id.startswith("evening-"))).all()
    return {row.provider_id: first[row.ref] for row in rows if row.ref in first}


def find_faults(
    database: Database, messages: Sequence[Message], acknowledged: set[str], ledger: Sequence[Taken]
) -> Iterator[str]:
    """Yield what does not agree, a sentence each."""
    sent = {one.text.provider_id: one for one in messages}
    kept = _states(database)
    yield from _say("acknowledged and not kept", acknowledged - kept.keys())
    yield from _say("sent and not acknowledged", sent.keys() - acknowledged)
    yield from _say("kept more than once", [key for key, states in kept.items() if len(states) > 1])
    yield from _say("not settled", [key for key, states in kept.items() if not set(states) <= SETTLED])
    answers = Counter(ref for ref, _, _ in ledger)
    owed = _answers(database)
    yield from _say("without just one answer", [key for key in sent if len(owed.get(key, ())) != 1])
    refs = {ref for found in owed.values() for ref in found}
    yield from _say(
        "answers given to the provider more than once", [ref for ref, times in answers.items() if times > 1]
    )
    yield from _say("answers not given to the provider", refs - answers.keys())
    yield from _say("answers that answer no message", answers.keys() - refs)
    yield from _find_wrong_reports(database, sent)


def _find_wrong_reports(database: Database, sent: Mapping[str, Message]) -> Iterator[str]:
    """A report that needs no question counts with the very values that were meant; no other message counts."""
    stored = _reports(database)
    plain = {key: one for key, one in sent.items() if one.kind in {CLEAN, MENDED}}
    yield from _say("reports not stored just once", [key for key in plain if len(stored.get(key, [])) != 1])
    yield from _say("stored though it must be asked, or is no report", stored.keys() - plain.keys())
    for key, one in plain.items():
        meant = {name if name in {"baru", "aktif"} else f"aktif.{name}": value for name, value in one.values.items()}
        for values in stored.get(key, []):
            if not {"baru", "aktif"} <= values.keys() or not values.items() <= meant.items():
                yield f"{key} was misread: {one.text.text!r} became {values}"


def _states(database: Database) -> dict[str, list[str]]:
    statement = select(inbox.c.provider_id, inbox.c.state).where(inbox.c.provider_id.startswith("evening-"))
    found: dict[str, list[str]] = defaultdict(list)
    with database.session(read_only=True) as session:
        for row in session.execute(statement):
            found[row.provider_id].append(row.state)
    return found


def _answers(database: Database) -> dict[str, list[str]]:
    statement = select(inbox.c.provider_id, outbox.c.ref).join(outbox, inbox.c.id == outbox.c.inbox_id)
    found: dict[str, list[str]] = defaultdict(list)
    with database.session(read_only=True) as session:
        for row in session.execute(statement.where(inbox.c.provider_id.startswith("evening-"))):
            found[row.provider_id].append(row.ref)
    return found


def _reports(database: Database) -> dict[str, list[dict[str, int]]]:
    """Return the values of each report that counts, by the message that brought it."""
    month = reports.c.form == "kb", reports.c.period == assumed_period(utc_now().date())
    brought = inbox.c.provider_id.startswith("evening-"), reports.c.state.in_(tuple(COUNTING))
    statement = (
        select(inbox.c.provider_id, reports.c.id, report_values)
        .join(inbox, inbox.c.id == reports.c.inbox_id)
        .join(report_values, report_values.c.report_id == reports.c.id)
        .where(*month, *brought)
    )
    found: dict[str, dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    with database.session(read_only=True) as session:
        for row in session.execute(statement):
            key = row.measure + (f".{row.item}" if row.item else "")
            found[row.provider_id][row.id][key] = row.quantity
    return {key: list(values.values()) for key, values in found.items()}


def _say(what: str, keys: Sequence[str] | set[str]) -> Iterator[str]:
    if keys:
        yield f"{len(keys)} {what}: {', '.join(sorted(keys)[:NAMED])}"
