"""The sandbox for training: a database file of one's own with the demo data, in which nothing can reach anybody.

What is typed there is kept, handled and answered by the same steps as a real message, at once and in the request, and
the only channel is the simulator. A file is one person's on one machine, and is made anew whenever they start over.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from gateway import demo
from gateway.channels.simulator import Simulator
from gateway.handle import batch
from gateway.handle.facts import Rules
from gateway.lines import UssdHop, UssdScreen
from gateway.receive import hops, keep
from gateway.redact import Secret
from gateway.reply import send
from gateway.store import dialogues, inbox, outbox, schema
from gateway.store.base import Database
from gateway.values import InboundSms, lane_of, read_sender

CHANNEL = demo.CHANNEL
KEPT = timedelta(days=30)  # a sandbox that nobody has touched for so long is thrown away
MANY = 1000  # who practises gets every answer: the caps that guard real phones would only puzzle
BATCH = 20


@contextmanager
def opened(var: Path, owner: int, now: datetime) -> Iterator[Database]:
    """Open somebody's sandbox, made at the first time and after a change of the tables."""
    path = _find(var, owner) or start_over(var, owner, now)
    database = Database(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.dispose()


def start_over(var: Path, owner: int, now: datetime) -> Path:
    """Make somebody's sandbox anew and return its file. The old one goes; who still reads it reads it to the end."""
    template = _template(var, now)
    path = template.with_name(f"{owner}-{schema.newest_version()}-{int(now.timestamp() * 1e6):017}.db")
    fresh = template.with_name(f".{secrets.token_hex(8)}")
    shutil.copyfile(template, fresh)
    fresh.replace(path)
    for old in template.parent.glob("*-*.db"):
        is_mine = old.name.startswith(f"{owner}-") and old.name < path.name
        is_forgotten = old != template and old.stat().st_mtime < (now - KEPT).timestamp()
        if is_mine or is_forgotten:
            _remove(old)
    return path


def take(database: Database, rules: Rules, sender: str, text: str, provider_id: str, now: datetime) -> int:
    """Keep, handle and answer one message of the sandbox and return its id. Sent twice, it is taken once."""
    sms = InboundSms(provider_id, read_sender(sender, rules.region), text, sent_at=now)
    with database.session() as session:
        keep.keep_sms(session, CHANNEL, sms, now)
        batch.handle_batch(session, lane_of(sender), _be_generous(rules), now, size=BATCH, tries=1)
        session.commit()
    _send(database, now)
    with database.session(read_only=True) as session:
        message = inbox.find_message(session, CHANNEL, provider_id)
    assert message is not None, "it was kept just now"
    return message.id


def take_hop(database: Database, rules: Rules, hop: UssdHop, now: datetime) -> UssdScreen | None:
    """Take one hop of a USSD session in the sandbox and return its screen; None where the phone was put down."""
    with database.session() as session:
        if hop.is_over:
            dialogues.end(session, CHANNEL, hop.session_id, hop.sender.address, now)
            screen = None
        else:
            screen = hops.take_hop(hops.Stage(session, _be_generous(rules), now, tries=1), CHANNEL, hop).screen
        session.commit()
    _send(database, now)
    return screen


def _be_generous(rules: Rules) -> Rules:
    return replace(rules, answers_per_hour=MANY, answers_per_day_unregistered=MANY, answers_per_hour_unregistered=MANY)


def _send(database: Database, now: datetime) -> None:
    """Hand the answers to the simulator: the only channel here, and one that calls nobody."""
    phone = Simulator(CHANNEL, Secret(""), "", is_open=False)
    with database.session() as session:
        claim = outbox.claim(session, CHANNEL, phone.limits)
        for message in claim.messages:
            send.record(session, message, claim.token, send.deliver(phone, message), now)
        session.commit()


def _folder(var: Path) -> Path:
    return var / "sandbox"


def _find(var: Path, owner: int) -> Path | None:
    return max(_folder(var).glob(f"{owner}-{schema.newest_version()}-*.db"), default=None)


def _template(var: Path, now: datetime) -> Path:
    """Return the file that sandboxes are copied from, with reports up to the month before this one."""
    folder = _folder(var)
    path = folder / f"template-{schema.newest_version()}-{now:%Y%m}.db"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{secrets.token_hex(8)}"
    url = f"sqlite:///{fresh}"
    schema.upgrade(url)
    database = Database(url)
    with database.session() as session:
        demo.load(session, now)
        session.commit()
    database.dispose()  # the last one out writes everything into the one file
    fresh.replace(path)
    _remove(fresh)
    for old in folder.glob("template-*.db"):
        if old != path:
            _remove(old)
    return path


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
