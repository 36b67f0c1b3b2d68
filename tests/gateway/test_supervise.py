"""The supervisor: what it starts keeps running, is heard, and never outlives it."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from redis import Redis

from gateway import supervise
from gateway.errors import Misconfigured
from gateway.supervise import EmbeddedServer, Process, Supervisor, hold_folder, is_port_free, read_procfile
from tests.servers import ValkeyServer

PATIENCE_SECONDS = 60  # then a test that waits in vain is ended, and fails
ENVIRON = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}

RUN_PROCFILE = """
import os, sys
from pathlib import Path
from gateway.supervise import EmbeddedServer, Supervisor, read_procfile
folder = Path(sys.argv[1])
processes = read_procfile(folder / "Procfile", os.environ)
if sys.argv[2:]:
    processes = (EmbeddedServer(folder, os.environ).process(), *processes)
sys.exit(Supervisor(processes, sys.stdout).run(announce=lambda: print("everything is up", flush=True)))
"""
RUNS_UNTIL_STOPPED = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); print('up'); signal.pause()"
)
WILL_NOT_STOP = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); signal.pause(); signal.pause()"
)


@contextmanager
def supervising(folder: Path, procfile: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run a supervisor in a process of its own."""
    (folder / "Procfile").write_text(procfile)
    with subprocess.Popen(
        [sys.executable, "-c", RUN_PROCFILE, str(folder), *options], env=ENVIRON, stdout=subprocess.PIPE, text=True
    ) as process:
        guard = threading.Timer(PATIENCE_SECONDS, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def hear(process: subprocess.Popen[str], words: str) -> str:
    """Return the first line with these words."""
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line)
        if words in line:
            return line
    raise AssertionError(f"never heard {words!r}, only {heard}")


def write_until_nobody_reads(pipe: int) -> None:
    """Return when the last reader of a pipe is gone."""
    with suppress(BrokenPipeError):
        while os.write(pipe, b"x"):
            pass


def test_each_line_is_passed_on_under_the_name_of_its_process(tmp_path: Path) -> None:
    with supervising(tmp_path, "web: echo one\nclock: echo two") as supervisor:
        assert hear(supervisor, "one") == "web   | one\n"
        assert hear(supervisor, "two") == "clock | two\n"


def test_a_process_that_ends_is_started_again_and_again(tmp_path: Path) -> None:
    with supervising(tmp_path, "worker: sh -c 'echo here; exit 3'") as supervisor:
        for _ in range(3):
            hear(supervisor, "worker | here")
            assert "worker berhenti / ended (kode/code 3)" in hear(supervisor, "kabar")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_process_has_ended_when_the_supervisor_ends(tmp_path: Path, number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "fifo")
    with supervising(tmp_path, f'one: python -c "{RUNS_UNTIL_STOPPED}"\ntwo: cat fifo') as supervisor:
        hear(supervisor, "one | up")
        with (tmp_path / "fifo").open("w") as held:  # opens as soon as the second one reads
            supervisor.send_signal(number)
            assert supervisor.wait() == 0
            write_until_nobody_reads(held.fileno())


def test_a_second_ctrl_c_ends_even_what_will_not_stop(tmp_path: Path) -> None:
    with supervising(
        tmp_path, f'deaf: python -c "{WILL_NOT_STOP}"\nworker: python -c "{RUNS_UNTIL_STOPPED}"'
    ) as supervisor:
        for _ in range(2):
            hear(supervisor, "|")
        supervisor.send_signal(signal.SIGINT)
        supervisor.send_signal(signal.SIGTERM)
        assert "deaf" in hear(supervisor, "will not stop; killed")
        assert supervisor.wait() == 0


def test_a_killed_supervisor_takes_its_processes_along(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with supervising(tmp_path, "reader: cat fifo", "with a server") as supervisor:
        hear(supervisor, "everything is up")
        with (tmp_path / "fifo").open("w") as held, socket.socket(socket.AF_UNIX) as client:
            client.connect(str(EmbeddedServer(tmp_path, ENVIRON).socket_path))
            supervisor.kill()
            assert client.recv(1) == b""  # the server hung up
            write_until_nobody_reads(held.fileno())


def test_what_a_dead_process_left_running_is_ended_before_it_starts_again(tmp_path: Path) -> None:
    for name in ("fifo", "go"):
        os.mkfifo(tmp_path / name)
    script = "mkdir first && { cat fifo & }; read word < go; kill -9 $$$$"  # leaves a reader the first time only
    with supervising(tmp_path, f"server: sh -c '{script}'") as supervisor, (tmp_path / "fifo").open("w") as held:
        (tmp_path / "go").write_text("now\n")
        assert "SIGKILL" in hear(supervisor, "kabar")
        write_until_nobody_reads(held.fileno())


def test_the_others_wait_until_the_embedded_server_answers(tmp_path: Path) -> None:
    asks = (
        "from socket import *; s = socket(AF_UNIX); s.connect('valkey.sock'); s.send(b'PING\\r\\n'); print(s.recv(9))"
    )
    with supervising(tmp_path, f'client: python -c "{asks}"', "with a server") as supervisor:
        assert "PONG" in hear(supervisor, "client")


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    hours = count(0, 3600)  # no need to live through the waits
    heard = io.StringIO()
    broken = Process("valkey", ("false",), ENVIRON, tmp_path, is_ready=lambda: False)
    needing = Process("worker", ("echo", "started too early"), ENVIRON, tmp_path)
    assert Supervisor([broken, needing], heard, clock=lambda: float(next(hours))).run() == 1
    assert "valkey tidak mau hidup" in heard.getvalue()
    assert "started too early" not in heard.getvalue()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with supervising(tmp_path, "web: no-such-program") as supervisor:
        assert "no-such-program" in hear(supervisor, "No such file")


def test_a_procfile_line_gets_its_values_as_whole_words(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("# a comment\n\nweb: serve --port $PORT --name ${NAME} $UNKNOWN\nclock: python -m tick\n")
    web, clock = read_procfile(procfile, {"PORT": "8001", "NAME": "two words; rm"})
    assert web.command == ("serve", "--port", "8001", "--name", "two words; rm", "$UNKNOWN")
    assert (clock.name, clock.command, clock.folder) == ("clock", (sys.executable, "-m", "tick"), tmp_path)


def test_every_wrong_line_of_a_procfile_is_named_at_once(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("web\nfine: true\nclock:\nworker: 'open\n")
    with pytest.raises(Misconfigured) as caught:
        read_procfile(procfile, {})
    assert set(caught.value.faults) == {"Procfile:1", "Procfile:3", "Procfile:4"}


def test_two_supervisors_never_share_one_folder(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "var"), pytest.raises(Misconfigured, match="another Kabar is running"):
        hold_folder(tmp_path / "var")
    hold_folder(tmp_path / "var").close()


def test_a_folder_too_deep_for_a_socket_gets_a_private_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("deep " * 30)
    server = ValkeyServer(deep)
    server.start()
    with Redis.from_url(server.url) as redis:
        assert redis.ping()
    place = EmbeddedServer(deep, ENVIRON).socket_path
    assert place.parent.stat().st_mode & 0o077 == 0
    server.stop()
    place.parent.rmdir()


def test_a_socket_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / ("deep " * 30), ENVIRON)
    server.socket_path.parent.mkdir(mode=0o755)
    with pytest.raises(Misconfigured, match="not a private folder"):
        server.process()
    server.socket_path.parent.rmdir()


def test_a_server_left_behind_is_stopped_before_a_new_one_starts(tmp_path: Path) -> None:
    left_behind = ValkeyServer(tmp_path)
    left_behind.start()
    EmbeddedServer(tmp_path, ENVIRON).stop_leftover()
    left_behind.stop()  # returns, for it has ended
    assert not left_behind.is_answering()


def test_without_the_wheel_the_server_of_the_machine_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert supervise.find_server_program(str(tmp_path)) is None
    with pytest.raises(Misconfigured, match="no queue server is installed"):
        EmbeddedServer(tmp_path, {"PATH": str(tmp_path)}).process()
    program = tmp_path / "redis-server"
    program.touch(mode=0o755)
    assert EmbeddedServer(tmp_path, {"PATH": str(tmp_path)}).process().command[0] == str(program)


def test_a_port_that_is_taken_is_seen_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_port_free("127.0.0.1", port)
    assert is_port_free("127.0.0.1", port)
