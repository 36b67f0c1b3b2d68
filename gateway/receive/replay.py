"""Keep in the database what the spool holds: by the same keys, so that nothing comes twice, and only then let it go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog

from gateway import jobs, spool
from gateway.errors import Raced, Unavailable
from gateway.receive import keep
from gateway.spool import Delivery, Spool
from gateway.store.base import Database, savepoint
from gateway.values import InboundSms

BATCH = 100  # deliveries in one transaction

logger = structlog.get_logger(__name__)


def replay(database: Database, bells: jobs.Bells, spare: Spool) -> int:
    """Keep whatever waits in a spool, the oldest first, and return how many deliveries that was.

    Each counts by the time at which it came. A file that does not hold what was written, or that the database refuses,
    is set aside for a person and holds up no other; nor does one that loses a race, and stays. Several may replay one
    spool at once. What was not committed stays where it is.
    Errors: Unavailable; Raced; OSError when the spool's disk fails.
    """
    names = spare.waiting()
    total = 0
    for first in range(0, len(names), BATCH):
        total += _replay_batch(database, bells, spare, names[first : first + BATCH])
    if total:
        logger.info("replayed", deliveries=total)
    return total


def _replay_batch(database: Database, bells: jobs.Bells, spare: Spool, names: Sequence[str]) -> int:
    kept: dict[str, tuple[str, list[tuple[InboundSms, str]]]] = {}
    refused = []
    with database.session() as session:
        for name, delivery in _read(spare, names):
            try:
                with savepoint(session):
                    kept[name] = delivery.channel, keep.keep_delivery(session, delivery)
            except Unavailable:
                raise
            except Raced:  # it stays where it is, and is tried again with the next sweep
                logger.info("raced", file=name)
            except Exception:  # our bug: this one waits for a person, the others go on
                logger.exception("not_replayed", file=name)
                refused.append(name)
        session.commit()
    spare.remove(kept)
    for name in refused:
        spare.set_aside(name, spool.REFUSED)
    for channel, messages in kept.values():
        keep.tell(bells, channel, messages)
    return len(kept)


def _read(spare: Spool, names: Sequence[str]) -> Iterable[tuple[str, Delivery]]:
    for name in names:
        try:
            delivery = spare.read(name)
        except OSError as error:
            logger.warning("not_replayed", file=name, why=str(error.strerror))
            spare.set_aside(name, spool.REFUSED)
        except ValueError as error:
            logger.warning("spool_corrupt", file=name, why=str(error).splitlines()[0])
            spare.set_aside(name, spool.CORRUPT)
        else:
            if delivery is not None:
                yield name, delivery


def begin(spare: Spool, now: datetime) -> None:
    """Have what was refused tried again: whoever starts may bring better code."""
    try:
        again = spare.tidy(now)
    except OSError as error:
        logger.warning("spool_failed", why=str(error.strerror))
        return
    if again:
        logger.info("refused_are_tried_again", deliveries=again)
