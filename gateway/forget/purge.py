"""Let go of what was kept long enough, kind by kind, a few rows at a time, so that nobody waits for it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import Malformed
from gateway.forget.erase import Asked, erase
from gateway.redact import Secret
from gateway.store import erasures, exports, retention
from gateway.store.base import Database
from gateway.store.retention import RULES
from gateway.store.tidying import allow_long, erase_deleted

WHO = "retention"  # as whom the audit names it


@dataclass(frozen=True, slots=True)
class Planned:
    """How many rows of a table are kept too long, of which kind."""

    kind: str
    table: str
    rows: int


def plan(database: Database, now: datetime) -> Iterator[Planned]:
    """Yield what a purge would let go of now. Nothing is changed."""
    with database.session(read_only=True) as session:
        allow_long(session)
        spans = retention.spans(session)
        for rule in RULES:
            yield Planned(rule.kind, rule.table.name, retention.count_old(session, rule, now, spans[rule.kind]))
        yield Planned("exports", "exports", exports.count_old_files(session, now))
        yield Planned("left", "reporters", len(retention.find_left(session, now, spans["left"])))


def purge(database: Database, key: Secret, now: datetime, most: int = sys.maxsize) -> Counter[str]:
    """Let go of what was kept long enough, and return how many rows by kind: everything, or as soon as it is `most`."""
    done: Counter[str] = Counter()
    with database.session(read_only=True) as session:
        spans = retention.spans(session)
    for rule in RULES:
        last = 0
        while done.total() < most:
            with database.session(read_only=True) as session:  # the search holds nobody up
                allow_long(session)
                ids = retention.find_old(session, rule, now, spans[rule.kind], last)
            if not ids:
                break
            last = ids[-1]
            with database.session() as session:
                erase_deleted(session)
                retention.let_go(session, rule, ids, now, spans[rule.kind])
                session.commit()
            done[rule.kind] += len(ids)
    done["exports"] += _drop_files(database, now)
    done["left"] += _erase_who_left(database, key, now, spans["left"])
    return +done


def _drop_files(database: Database, now: datetime) -> int:
    """Drop the files of exports that were kept long enough; whoever makes one does so too."""
    total = 0
    while True:
        with database.session() as session:
            erase_deleted(session)
            dropped = exports.drop_old_files(session, now)
            session.commit()
        if not dropped:
            return total
        total += dropped


def _erase_who_left(database: Database, key: Secret, now: datetime, span: timedelta) -> int:
    """Erase reporters who left long ago, each in a transaction of her own; another day whose message is unread."""
    count = 0
    with database.session(read_only=True) as session:
        allow_long(session)
        ids = retention.find_left(session, now, span)
    for reporter_id in ids:
        with database.session() as session:
            try:
                erase(session, erasures.find_by_id(session, reporter_id), key, Asked(WHO, (None, WHO), now))
            except Malformed:
                continue
            session.commit()
            count += 1
    return count
