"""Who is told over HTTP by the time that a browser looks in: one that heard some of it, and one that is new."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from gateway import keybox
from gateway.export.webhooks import deliver, tell
from gateway.export.webhooks.sign import new_secret
from gateway.runtime import Runtime
from gateway.store import hook_deliveries, hooks
from gateway.store.events import KINDS, events
from gateway.store.hooks import WantedHook
from gateway.values import Scope

AREA = Scope("14.03")
ANSWERS = (  # of the first receiver, one after the other
    deliver.Outcome(deliver.Result.HEARD, 204),
    *[deliver.Outcome(deliver.Result.REFUSED, 422, "refused")] * deliver.MOST_REFUSALS,
    deliver.Outcome(deliver.Result.AGAIN, 503, "answer"),
)


def add_receivers(runtime: Runtime) -> None:
    """Let two receivers be told from now on."""
    key = keybox.read_key(runtime.settings.secret_key, runtime.settings.var)
    wanted = (
        WantedHook("Dasbor Dinas Kesehatan", "https://dasbor.bengkalis.example/kabar", "14.03", KINDS),
        WantedHook("Gudang alokon", "https://gudang.bengkalis.example/masuk/kabar", "14.03", ("report.approved",)),
    )
    with runtime.database.session() as session:
        for one in wanted:
            locked = keybox.lock(key, new_secret().reveal())
            hooks.add_hook(session, one, locked, "Budi Santoso", runtime.now() - timedelta(days=2), scope=AREA)
        session.commit()


def hear(runtime: Runtime) -> None:
    """Let the first receiver hear some of what has happened since, refuse some, and then be away."""
    with runtime.database.session() as session:
        now = runtime.now()
        session.execute(update(events).values(at=now - timedelta(minutes=5)))  # no picture shows the real clock
        for number in range(tell.tell_events(session, now) + 1):
            session.execute(update(events).where(events.c.id == number).values(ref=f"evt_{number:024x}"))
        first, _ = hooks.list_hooks(session, scope=AREA)
        for outcome in ANSWERS:
            session.execute(update(hooks.hooks).values(next_try_at=None))
            claimed = hook_deliveries.claim(session, first.id, now)
            assert claimed is not None
            deliver.record(session, claimed, outcome, 87, now)
        session.execute(
            update(hooks.hooks).where(hooks.hooks.c.id == first.id).values(next_try_at=now + timedelta(minutes=5))
        )
        session.commit()
