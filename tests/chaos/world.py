"""The world of a chaos run: the house as processes that can be struck, its disk, and what is found in its database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import func, select, text

from gateway.store import reports, schema, totals
from gateway.store.base import Database, Session, durability, is_postgresql
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from tests.chaos.brownout import TIMEOUT_SECONDS, MoodyProvider
from tests.chaos.checker import Answer, Evidence, Kept
from tests.chaos.harness import PATIENCE_SECONDS, ROOT, House, phone_of, wait_until
from tests.chaos.preload import Disk, Skew
from tests.chaos.traffic import PRACTICES, Ledger

START = ROOT / "tests" / "chaos" / "start"
SMALL_MEGABYTES = 24
EVERYBODY = ("valkey", "web", "inbound1", "inbound2", "outbound", "errands", "clock")
_LEFT = {  # what a process still has to do
    "inbound1": "SELECT count(*) FROM inbox WHERE state = 'received'",
    "outbound": "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')",
    "errands": "SELECT count(*) FROM reports WHERE NOT is_summed",
}


class World(House):
    """A house with `patches` in its code, another clock in its `skewed` processes, and a `disk` that may lose power."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        provider: MoodyProvider,
        *,
        processes: Sequence[str] = EVERYBODY,
        patches: Sequence[str] = ("short_leases",),
        skew: Skew | None = None,
        skewed: Sequence[str] = ("inbound1", "clock"),
        disk: Disk | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(
            folder,
            database_url,
            provider,
            **({"generic_timeout_seconds": str(TIMEOUT_SECONDS), "web_processes": "2"} | dict(settings)),
        )
        self.provider = provider
        self.spool = Path(settings["spool"]) if "spool" in settings else None
        self.commands = {name: self.commands.get(name, self.commands["outbound"]) for name in processes}
        self.environ |= {"PYTHONPATH": f"{START}{os.pathsep}{ROOT}", "CHAOS_PATCHES": " ".join(patches)}
        self._skew, self._skewed, self._disk = skew, frozenset(skewed), disk
        self._orphans: set[int] = set()

    def environ_of(self, name: str) -> dict[str, str]:
        """Return what a process is started with: the queue server is no business of the disk's and the clock's."""
        found = super().environ_of(name)
        if name == "valkey":
            return found
        if self._skew and name in self._skewed:
            found = found | self._skew.environ
        return found | self._disk.environ if self._disk else found

    def is_ready(self) -> bool:
        """Return whether it works, as far as it runs at all: without a clock no house calls itself ready."""
        return super().is_ready() if "clock" in self.commands else self.call("GET", "/healthz") == 200

    def __exit__(self, *fault: object) -> None:
        for group in self._orphans | {process.pid for process in self._running.values()}:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)
        super().__exit__(*fault)
        for group in self._orphans:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def kill_leader(self, name: str) -> None:
        """Kill a process alone; its children have to find out by themselves."""
        process = self._running.pop(name)
        self._orphans.add(process.pid)
        process.kill()
        process.wait(PATIENCE_SECONDS)

    def kill_everything(self) -> None:
        """Kill every process in the same instant, as nearly as that can be done: the power is gone."""
        for name in self._running:
            self.send_signal(name, signal.SIGKILL)
        for name in list(self._running):
            self.kill(name)

    def signal_leader(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process alone."""
        with suppress(ProcessLookupError):
            os.kill(self.leader(name), number)

    def children(self, name: str) -> list[int]:
        """Return the numbers of a process's children."""
        listed = Path(f"/proc/{self.leader(name)}/task/{self.leader(name)}/children")
        with suppress(OSError):
            return [int(number) for number in listed.read_text().split()]
        return []

    def is_idle(self, database: Database) -> bool:
        """Return whether nothing is left to do for those processes that this world has."""
        with database.session(read_only=True) as session:
            left = [session.execute(text(_LEFT[name])).scalar_one() for name in _LEFT if name in self.commands]
        return not any(left) and not self.spooled()

    def settle(self, database: Database) -> None:
        """Wait until nothing is left to do. What waits for another try need not wait for its time."""

        def help_on() -> None:
            self.tend()
            with database.session() as session:
                waits = outbox.c.state == "queued", outbox.c.next_try_at.is_not(None)
                session.execute(outbox.update().where(*waits).values(next_try_at=None))
                session.commit()

        wait_until(lambda: self.is_idle(database), "all is handled, sent and summed up", help_on)

    def spooled(self) -> list[str]:
        """Return what stands in the spool's files; those that were set aside as unreadable belong to it."""
        if self.spool is None or not self.spool.exists():
            return []
        return [path.read_text(errors="replace") for path in sorted(self.spool.rglob("*")) if path.is_file()]


@contextmanager
def small_disk(folder: Path, megabytes: int = SMALL_MEGABYTES) -> Iterator[bool]:
    """Mount a small disk on a folder; False where this machine lets nobody, and then the folder is what it was."""
    folder.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={megabytes}m", "kabar-chaos", str(folder)]
    is_mounted = mount is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_sqlite(folder: Path) -> str:
    """Make a migrated SQLite database in a folder and return its address."""
    url = f"sqlite:///{folder / 'kabar.db'}"
    schema.upgrade(url)
    return url


def read_evidence(
    world: World, database: Database, ledger: Ledger, places: Mapping[int, int], *, has_settled: bool = True
) -> Evidence:
    """Look at the ledgers and the database."""
    with database.session(snapshot=True) as session:
        kept = session.execute(select(*(inbox.c[name] for name in ("id", "provider_id", "text", "state", "attempts"))))
        columns = ("inbox_id", "kind", "recipient", "text", "ref", "state", "attempts", "refusals")
        answers = session.execute(select(*(outbox.c[name] for name in columns)))
        whole = (
            select(reports.reports.c.inbox_id, func.count(reports.report_values.c.quantity))
            .outerjoin(reports.report_values)
            .group_by(reports.reports.c.id, reports.reports.c.inbox_id)
        )
        table = totals.month_totals
        sums = select(table.c.measure, table.c.item, table.c.quantity).where(table.c.area == "")
        current = reports.current_reports(session, facility_ids=list(set(places.values())), form="kb")
        unsound = _check_server(session) if is_postgresql(session) else _check_file(session)
        return Evidence(
            sent=dict(ledger.sent),
            acknowledged=set(ledger.acknowledged),
            kept=[Kept(*row) for row in kept],
            answers=[Answer(*row) for row in answers],
            reports=[(inbox_id, values) for inbox_id, values in session.execute(whole)],
            current={one.key.facility_id: dict(one.values) for one in current},
            totals={f"{measure}.{item}".rstrip("."): quantity for measure, item, quantity in session.execute(sums)},
            places=places,
            phones={phone_of(number) for number in range(2 * PRACTICES)},
            taken=[one.ref for one in world.provider.ledger],
            refused=dict(world.provider.refused),
            forged=set(ledger.forged),
            spooled=world.spooled(),
            wrong=[f"I11 {words}" for words in ledger.wrong],
            unsound=unsound,
            has_settled=has_settled,
        )


def _check_file(session: Session) -> list[str]:
    found = session.execute(text("PRAGMA integrity_check")).scalar_one()
    says = durability(session)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    return [f"integrity: {found}"] * (found != "ok") + [f"durability: {says}"] * (says != wanted)


def _check_server(session: Session) -> list[str]:
    says = durability(session)["synchronous_commit"]  # the rest is the server's own, and doctor looks at it
    return [f"durability: synchronous_commit is {says}"] * (says != "on")


def last_words(world: World) -> str:
    """Return the last errors of each process, for whoever looks into a failed run."""
    said = []
    for name, written in world.logs().items():
        lines = [line for line in written.splitlines() if '"level": "error"' in line or "Traceback" in line]
        said += [f"{name}: {json.dumps(line)[:400]}" for line in lines[-3:]]
    return "\n".join(said)
