"""What must hold after a chaos run, of the clients' ledger, the provider's ledger and the database: I1 to I12."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.chaos.traffic import Message

VALUES = 3  # in each report
TRIES = 5  # of a message, before it is dead
SENDS = 1  # to the phone, at most: the provider of a run does not know one ref from another
HANDLED = {"done", "held", "for_staff", "dead"}
ON_ITS_WAY = {"queued", "sending"}
GONE = {"sent", "delivered"}


@dataclass(frozen=True)
class Kept:
    """A row of the inbox."""

    id: int
    key: str
    text: str
    state: str
    attempts: int = 0


@dataclass(frozen=True)
class Answer:
    """A row of the outbox; `inbox_id` is None where nobody asked for it."""

    inbox_id: int | None
    kind: str
    recipient: str
    text: str
    ref: str
    state: str
    attempts: int
    refusals: int = 0


@dataclass(frozen=True)
class Evidence:
    """Everything that is looked at. `reports` counts by inbox id the values of each; figures are by practice.

    `has_settled`: nothing was broken any more, and the house had time to do all there was. `wrong` holds what was seen
    on the way and must not be.
    """

    sent: Mapping[str, Message]
    acknowledged: AbstractSet[str]
    kept: Sequence[Kept]
    answers: Sequence[Answer]
    reports: Sequence[tuple[int | None, int]]
    current: Mapping[int, Mapping[str, int]]
    totals: Mapping[str, int]
    places: Mapping[int, int]  # of each phone
    phones: AbstractSet[str]
    taken: Sequence[str]  # refs, as the provider sent them on
    refused: Mapping[str, int] = field(default_factory=dict)
    forged: AbstractSet[str] = frozenset()
    spooled: Sequence[str] = ()  # what stands in the files of the spool
    wrong: Sequence[str] = ()
    unsound: Sequence[str] = ()  # what the database says of itself
    has_settled: bool = True


def find_faults(evidence: Evidence) -> list[str]:
    """Return in words everything that does not hold, each beginning with its invariant's name."""
    checks = [_kept, _once, _sends, _truth, _sound]
    if evidence.has_settled:
        checks += [_ends, _effects, _figures, _one_answer, _answers_end]
    return [fault for check in checks for fault in check(evidence)]


def invariants(faults: Sequence[str]) -> set[str]:
    """Return the names of the invariants that do not hold."""
    return {fault.partition(" ")[0] for fault in faults}


def _kept(seen: Evidence) -> Iterator[str]:
    texts = {row.key: row.text for row in seen.kept}
    for key in sorted(seen.acknowledged):
        if key not in texts and not any(f'"{key}"' in spooled for spooled in seen.spooled):
            yield f"I1 acknowledged and lost: {key}"
        elif key in texts and texts[key] != seen.sent[key].text:
            yield f"I1 kept in other words: {key}, {texts[key]!r}"
    if seen.has_settled and seen.spooled:
        yield f"I1 {len(seen.spooled)} messages stay in the spool"


def _once(seen: Evidence) -> Iterator[str]:
    for key, times in Counter(row.key for row in seen.kept).items():
        if times > 1:
            yield f"I2 kept {times} times: {key}"
        if key in seen.forged:
            yield f"I2 forged, and kept: {key}"
        elif key not in seen.sent:
            yield f"I2 kept, and sent by nobody: {key}"


def _ends(seen: Evidence) -> Iterator[str]:
    for row in seen.kept:
        if row.state not in HANDLED:
            yield f"I3 not handled: {row}"
        elif row.state == "dead" and row.attempts < TRIES:
            yield f"I3 given up too early: {row}"
        elif row.state == "dead" or row.attempts:
            yield f"I3 nothing is wrong with it, and handling failed: {row}"


def _effects(seen: Evidence) -> Iterator[str]:
    reports = Counter(inbox_id for inbox_id, _ in seen.reports)
    for row in seen.kept:
        due = 1 if row.key in seen.sent and seen.sent[row.key].values else 0
        if row.state in HANDLED and reports[row.id] != due:
            yield f"I4 {reports[row.id]} reports, not {due}: {row}"
    for inbox_id, values in seen.reports:
        if values != VALUES:
            yield f"I4 half a report, {values} values: message {inbox_id}"
    for orphan in reports.keys() - {row.id for row in seen.kept}:
        yield f"I4 a report of no message: {orphan}"


def _figures(seen: Evidence) -> Iterator[str]:
    expected = model(seen)
    for place in sorted(seen.current.keys() | expected.keys()):
        if seen.current.get(place) != expected.get(place):
            yield f"I5 practice {place}: {seen.current.get(place)}, not {expected.get(place)}"
    sums: Counter[str] = Counter()
    for values in expected.values():
        sums.update(values)
    if dict(sums) != dict(seen.totals):
        yield f"I5 summed up to {dict(seen.totals)}, not {dict(sums)}"


def model(seen: Evidence) -> dict[int, Mapping[str, int]]:
    """Return the figures that must come out: of each practice what was sent last, whenever it came."""
    last: dict[int, Message] = {}
    kept = {row.key for row in seen.kept} | set(seen.acknowledged)
    for message in sorted((one for one in seen.sent.values() if one.id in kept and one.values), key=lambda m: m.rank):
        last[seen.places[message.phone]] = message
    return {place: message.values for place, message in last.items()}


def _one_answer(seen: Evidence) -> Iterator[str]:
    answered = Counter(one.inbox_id for one in seen.answers if one.kind == "answer")
    for row in seen.kept:
        if row.state in HANDLED and answered[row.id] != 1:
            yield f"I6 {answered[row.id]} answers: {row}"
    unasked = Counter((one.kind, one.recipient, one.text) for one in seen.answers if one.inbox_id is None)
    for what, times in unasked.items():
        if times > 1:
            yield f"I10 told {times} times: {what[:2]}"


def _sends(seen: Evidence) -> Iterator[str]:
    taken = Counter(seen.taken)
    for one in seen.answers:
        if taken[one.ref] > one.attempts:
            yield f"I7 sent {taken[one.ref]} times: {one}"
        if one.attempts > SENDS:
            yield f"I7 may have been sent {one.attempts} times: {one}"
        if one.refusals > seen.refused.get(one.ref, 0):
            yield f"I7 refused {seen.refused.get(one.ref, 0)} times: {one}"


def _truth(seen: Evidence) -> Iterator[str]:
    taken, states = set(seen.taken), {one.ref: one for one in seen.answers}
    for ref in sorted(taken - states.keys()):
        yield f"I8 sent, and nobody knows of it: {ref}"
    for ref, one in states.items():
        if one.state in GONE and ref not in taken:
            yield f"I8 said to be sent, and was not: {one}"
        if one.state in {"failed", "withheld"} and ref in taken:
            yield f"I8 said not to be sent, and was: {one}"
        if ref in taken and one.recipient not in seen.phones:
            yield f"I9 sent to somebody else: {one}"


def _answers_end(seen: Evidence) -> Iterator[str]:
    for one in seen.answers:
        if one.state in ON_ITS_WAY:
            yield f"I9 still on its way: {one}"


def _sound(seen: Evidence) -> Iterator[str]:
    yield from seen.wrong
    yield from (f"I12 {words}" for words in seen.unsound)
