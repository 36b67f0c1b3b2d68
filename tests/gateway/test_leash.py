"""Forks of the supervisor's own process: they live, end and are heard like the programs that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRON = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT)}
PATIENCE_SECONDS = 60

FORK_ONE = """
import sys
from pathlib import Path
from gateway.leash import fork_leashed
folder = Path(sys.argv[1])
def run():
{body}
try:
    fork = fork_leashed(run, "one", folder)
    print(fork.wait(), fork.poll(), fork.stdout.read().decode(), sep="|", flush=True)
finally:
    print("the caller went on")
"""
FORK_UNTIL_STOPPED = """
import os, signal, sys
from pathlib import Path
from gateway.supervise import Process, Supervisor
def live():
    print(Path("/proc/self/comm").read_text().strip(), os.getpid(), flush=True)
    signal.pause()
Supervisor([Process("one", (), {}, Path.cwd(), run=live)], sys.stdout).run()
"""


def fork_one(folder: Path, body: str) -> list[str]:
    """Return how a fork ended, twice, what it wrote, and what the caller wrote after it."""
    script = FORK_ONE.replace("{body}", f"    {body}")
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env=ENVIRON,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return done.stdout.split("|")


def test_a_fork_does_its_work_in_its_folder_and_nothing_of_its_caller_goes_on_in_it(tmp_path: Path) -> None:
    ended, again, wrote = fork_one(tmp_path, "print(Path.cwd() == folder)")
    assert (ended, again, wrote) == ("0", "0", "True\n\nthe caller went on\n")


def test_a_fork_that_fails_says_why_and_ends_with_one(tmp_path: Path) -> None:
    ended, _, wrote = fork_one(tmp_path, "raise ValueError('no such thing')")
    assert (ended, "ValueError: no such thing" in wrote, wrote.count("the caller went on")) == ("1", True, 1)


def test_a_fork_ends_as_it_says(tmp_path: Path) -> None:
    assert fork_one(tmp_path, "sys.exit(3)")[0] == "3"


def test_a_fork_holds_no_file_of_its_caller_open(tmp_path: Path) -> None:
    body = "import os; print(sorted(os.listdir('/proc/self/fd'))[:4])"
    _, _, wrote = fork_one(tmp_path, body)
    assert wrote.startswith("['0', '1', '2', '3']")  # the fourth is the folder that is being listed


def test_a_fork_that_the_kernel_refuses_leaves_no_pipe_open(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from gateway.leash import fork_leashed
def refuse():
    raise BlockingIOError("no process is left")
os.fork = refuse
before = os.listdir("/proc/self/fd")
for _ in range(3):
    try:
        fork_leashed(print, "one", Path(sys.argv[1]))
    except OSError:
        pass
print(len(os.listdir("/proc/self/fd")) - len(before))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, env=ENVIRON, capture_output=True, text=True, check=True).stdout == "0\n"


def test_a_forked_process_has_a_name_is_started_again_and_dies_with_its_supervisor() -> None:
    command = [sys.executable, "-c", FORK_UNTIL_STOPPED]
    with subprocess.Popen(command, env=ENVIRON, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        try:
            first = next_fork(supervisor)
            os.kill(first, signal.SIGKILL)
            second = next_fork(supervisor)
            assert second != first
        finally:
            supervisor.kill()
        assert supervisor.stdout.read() == ""  # the last one that could write has ended, too


def next_fork(supervisor: subprocess.Popen[str]) -> int:
    """Wait until a fork tells its number."""
    assert supervisor.stdout is not None
    for line in supervisor.stdout:
        name, _, words = (part.strip() for part in line.partition("|"))
        if name == "one":
            assert words.startswith("kabar one ")
            return int(words.split()[-1])
    raise AssertionError("the supervisor ended")
