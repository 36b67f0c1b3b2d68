"""Tell the hooks what has happened: several at once, so that a slow receiver holds up no other."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import structlog

from gateway import jobs, keybox
from gateway.channels.http import HttpClient
from gateway.export.webhooks import deliver, tell
from gateway.redact import Secret
from gateway.runtime import Runtime
from gateway.store import hook_deliveries

NAME = "hooks"
BATCHES = 100  # of events, then the errand is rung again
AT_ONCE = 8  # receivers
TURN_SECONDS = 5.0  # of one receiver, then other errands have their turn
READ_SECONDS = 10.0  # a receiver that takes longer is told again later

logger = structlog.get_logger(__name__)


def drain(runtime: Runtime) -> int:
    """Queue what has happened for who listens, tell what is due, and return how many tries that were.

    Errors: Unavailable when the database goes away; the sweep rings again. What was told and not written down is told
    once more, under the same id.
    """
    runtime.bells.answer(jobs.ERRANDS, NAME)
    for _ in range(BATCHES):
        with runtime.database.session() as session:
            found = tell.tell_events(session, runtime.now())
            hook_deliveries.forget_old(session)
            session.commit()
        if not found:
            break
    with runtime.database.session(read_only=True) as session:
        due = hook_deliveries.due_hooks(session, runtime.now())
    if not due:
        return 0
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    with ThreadPoolExecutor(min(AT_ONCE, len(due))) as pool:
        total = sum(pool.map(lambda hook_id: take_turn(runtime, hook_id, key), due))
    with runtime.database.session(read_only=True) as session:
        is_left = bool(hook_deliveries.due_hooks(session, runtime.now(), limit=1))
    if is_left:
        runtime.bells.ring(jobs.ERRANDS, NAME)
    return total


def take_turn(runtime: Runtime, hook_id: int, key: Secret) -> int:
    """Tell one hook what is due, in order, for a while; return how many tries that were."""
    client = HttpClient(read_seconds=READ_SECONDS, guard=runtime.settings.hosts_allowed)
    until, total = time.monotonic() + TURN_SECONDS, 0
    try:
        while tell_next(runtime, client, hook_id, key):
            total += 1
            if time.monotonic() > until:
                break
    finally:
        client.close()
    return total


def tell_next(runtime: Runtime, client: HttpClient, hook_id: int, key: Secret) -> bool:
    """Tell one hook the next event; False where nothing is due. The claim is committed before anything is sent."""
    now = runtime.now()
    with runtime.database.session() as session:
        claimed = hook_deliveries.claim(session, hook_id, now)
        session.commit()
    if claimed is None:
        return False
    began = time.monotonic()
    outcome = deliver.deliver(client, claimed, deliver.unlock_secrets(key, claimed.hook, now), now)
    millis = int((time.monotonic() - began) * 1000)
    with runtime.database.session() as session:
        is_ours = deliver.record(session, claimed, outcome, millis, runtime.now())
        session.commit()
    logger.info(
        "hook_told" if outcome.result is deliver.Result.HEARD else "hook_not_told",
        hook=hook_id,
        event_ref=claimed.ref,
        status=outcome.status,
        fault=outcome.fault,
        is_ours=is_ours,
    )
    return True
