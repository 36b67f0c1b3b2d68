"""Send the months that staff have confirmed to other systems, one facility after the other."""

from __future__ import annotations

from datetime import timedelta

import structlog

from gateway import jobs, keybox
from gateway.channels.http import HttpClient
from gateway.export.dhis2 import push
from gateway.export.dhis2.client import READ_SECONDS
from gateway.export.dhis2.turns import Terms
from gateway.redact import Secret
from gateway.runtime import Runtime
from gateway.store import destinations, mappings, push_queue
from gateway.store.base import Session
from gateway.store.pushes import Push
from gateway.values import Scope

NAME = "pushes"
AT_ONCE = timedelta(minutes=4)  # then the errand is rung again, so that others have their turn

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Send what is due, forget calls of long ago, and return how many facilities' months were taken in hand.

    Errors: Unavailable when the database goes away; the sweep rings again. What was begun is ended by whoever is next.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)

    def look_up(session: Session, asked: Push) -> Terms | None:
        return find_terms(runtime, session, asked)

    def open_line(terms: Terms) -> HttpClient:
        return HttpClient(read_seconds=READ_SECONDS, guard=runtime.settings.hosts_allowed)

    count, until = 0, runtime.now() + AT_ONCE
    while (turn := push.send_next(runtime.database, look_up, open_line, runtime.now)) is not None:
        logger.info("push_turn_sent", push=turn.push_id, turn=turn.id)
        count += 1
        if runtime.now() >= until:
            runtime.bells.ring(jobs.ERRANDS, NAME)
            return count
    with runtime.database.session() as session:
        push_queue.drop_old_calls(session, runtime.now())
        session.commit()
    return count


def find_terms(runtime: Runtime, session: Session, asked: Push) -> Terms | None:
    """Return what a push goes by: the destination as it is now, the mapping as it was confirmed; or None."""
    scope = Scope("")
    kept = destinations.find_destination(session, asked.destination_id, scope=scope)
    version = asked.mapping_version
    mapping = mappings.find_mapping(session, asked.destination_id, asked.form, scope=scope, version=version)
    if kept is None or mapping is None:
        return None
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    opened = keybox.unlock(key, kept.destination.secret_locked)
    return Terms(kept.destination, mapping, Secret(opened) if opened is not None else None)
