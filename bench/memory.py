"""How much memory this process has needed at most. Units: megabytes."""

from __future__ import annotations

from pathlib import Path


def peak_mb() -> float:
    """Return the most that this process had in memory at once."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def forget_peak() -> float:
    """Let the peak begin anew from what is in memory now, and return that."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc_pid_clear_refs(5)
    return peak_mb()
