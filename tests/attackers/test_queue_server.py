"""A queue server that obeys everybody on the network is told of. What code it could run: gateway/test_jobs.py."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import AuthenticationError, RedisError

from gateway import jobs
from gateway.checkup import check_parts
from gateway.settings import Settings
from gateway.supervise import find_server_program, start_leashed
from tests.chaos.harness import free_port, wait_until

ELSEWHERE = "127.1"  # this machine, written as no address is: the check takes it for another one


def is_up(port: int) -> bool:
    """Return whether a server answers, be it that a password is due."""
    with jobs.connect(f"redis://127.0.0.1:{port}/0") as redis:
        try:
            return bool(redis.ping())
        except AuthenticationError:
            return True
        except RedisError:
            return False


@pytest.fixture(params=["", "s3cret-of-redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """A queue server on a port, without a password and with one; its port and password."""
    port, password = free_port(), str(request.param)
    command = [str(find_server_program("")), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--requirepass", password] if password else []
    process = start_leashed(command, {}, tmp_path, subprocess.DEVNULL)
    wait_until(lambda: is_up(port), "the queue server answers")
    yield port, password
    process.kill()
    process.wait()


def test_a_queue_server_on_the_network_without_a_password_is_told_of(server: tuple[int, str], tmp_path: Path) -> None:
    port, password = server
    url = f"redis://:{password}@{ELSEWHERE}:{port}/0" if password else f"redis://{ELSEWHERE}:{port}/0"
    assert jobs.obeys_strangers(url) is not bool(password)
    [check] = [one for one in check_parts(Settings(var=tmp_path, redis_url=url)) if one.name == "redis"]
    assert check.is_well is bool(password)
    assert ("requirepass" in check.words) is not bool(password)
    assert "s3cret" not in check.words


@pytest.mark.parametrize("address", ["redis://localhost:{}/0", "redis://127.0.0.1:{}/0", "redis://[::1]:{}/0"])
def test_one_that_only_this_machine_reaches_needs_none(server: tuple[int, str], address: str) -> None:
    assert not jobs.obeys_strangers(address.format(server[0]))


def test_one_that_does_not_answer_is_open_to_nobody(tmp_path: Path) -> None:
    assert not jobs.obeys_strangers(f"redis://{ELSEWHERE}:{free_port()}/0")
    assert not jobs.obeys_strangers(f"unix://{tmp_path / 'nowhere.sock'}")
