"""What running processes use, each with all below it: the processor's time, and memory. Source: proc(5)."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of processes. Units: megabytes.

    `resident` counts what processes share once for each of them; `share` divides it among them, so that shares add up
    to what the machine gives; `own` is what would come back if they ended.
    """

    resident: float = 0.0
    share: float = 0.0
    own: float = 0.0

    def __add__(self, other: Memory) -> Memory:
        """Return both together."""
        return Memory(self.resident + other.resident, self.share + other.share, self.own + other.own)


def family_of(pid: int) -> list[int]:
    """Return a process and all that live below it."""
    children = defaultdict(list)
    for path in PROC.glob("[0-9]*/stat"):
        if fields := _read_stat(path):
            children[int(fields[1])].append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += children[one]
    return found


def cpu_seconds(pid: int) -> float:
    """Return the time that a process and all below it have had of the processor, those that ended included."""
    ticks = 0
    for one in family_of(pid):
        if fields := _read_stat(PROC / str(one) / "stat"):
            ticks += sum(map(int, fields[11:15]))  # utime, stime, and both of children that were waited for
    return ticks / TICKS


def memory_of(pids: Iterable[int]) -> Memory:
    """Return the memory of these processes alone, not of those below them."""
    total = Memory()
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # it has ended
            continue
        kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        own = kb["Private_Clean"] + kb["Private_Dirty"]
        total += Memory(kb["Rss"] / 1024, kb["Pss"] / 1024, own / 1024)
    return total


def name_of(pid: int) -> str:
    """Return what a process calls itself, at most 15 letters."""
    return (PROC / str(pid) / "comm").read_text(encoding="utf-8").strip()


def peak_mb() -> float:
    """Return the most that this process had in memory at once."""
    status = (PROC / "self" / "status").read_text(encoding="ascii")
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def forget_peak() -> float:
    """Let the peak begin anew from what is in memory now, and return that."""
    (PROC / "self" / "clear_refs").write_text("5", encoding="ascii")  # proc_pid_clear_refs(5)
    return peak_mb()


def _read_stat(path: Path) -> list[str]:
    """Return the fields after a process's name, its state first; none when it has ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
