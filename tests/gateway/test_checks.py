"""What doctor looks at: each fault is made for real, is found, and its remedy stands in its words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket

import pytest
from redis import Redis
from sqlalchemy import text

from gateway import checkup, jobs
from gateway.channels.http import HttpClient
from gateway.checks import disks, machine, office, servers, work
from gateway.checks.check import Check
from gateway.condition import look
from gateway.settings import Settings
from gateway.store import schema
from gateway.store.base import Database
from tests.chaos.harness import free_port
from tests.district import District, make_runtime
from tests.servers import PostgresServer, ValkeyServer
from workers.sweep import sweep

NOON = datetime(2026, 10, 3, 5, 0, tzinfo=UTC)


def to_mend(checks: Iterator[Check]) -> str:
    """Return the words of all that is to be mended."""
    return "\n".join(f"{one.name}: {one.words}" for one in checks if one.verdict == "mend")


def advised(checks: Iterator[Check]) -> str:
    """Return the words of all advice."""
    return "\n".join(f"{one.name}: {one.words}" for one in checks if one.verdict == "advice")


def test_a_python_that_is_too_old_is_named() -> None:
    assert "3.11 is needed" in to_mend(machine.check_python((3, 9, 2)))
    assert not to_mend(machine.check_python())


def test_a_package_that_is_not_the_locks_is_named_and_those_of_other_machines_are_not(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("click==0.0.1 \\\n    --hash=sha256:00\nnowhere==1.0 ; sys_platform == 'win32' \\\n")
    assert "click" in to_mend(machine.check_packages(lock))
    assert "nowhere" not in to_mend(machine.check_packages(lock))
    assert not to_mend(machine.check_packages(checkup.LOCK))


def test_a_clock_before_this_code_and_one_that_nobody_sets_are_named(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    assert "timedatectl" in to_mend(machine.check_clock(settings, datetime(1970, 1, 1, tzinfo=UTC), tmp_path))
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    assert "timedatectl" in advised(machine.check_clock(settings, NOON, tmp_path))
    (tmp_path / "run/systemd/timesync/synchronized").touch()
    assert not advised(machine.check_clock(settings, NOON, tmp_path))


def test_a_time_zone_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = to_mend(machine.check_clock(Settings(var=tmp_path, timezone="Asia/Atlantis"), NOON, tmp_path))
    assert "Asia/Atlantis" in found
    assert "tzdata" in found


def test_files_that_others_own_or_read_are_named(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path / "var")
    settings.make_var()
    key = settings.var / "secret.key"
    key.write_text("x")
    key.chmod(0o600)
    assert not to_mend(machine.check_folder(settings))
    key.chmod(0o644)
    assert f"chmod 600 {key}" in to_mend(machine.check_folder(settings))
    settings.var.chmod(0o755)
    key.chmod(0o600)
    assert f"chmod 700 {settings.var}" in to_mend(machine.check_folder(settings))
    assert "chown" in to_mend(machine.check_folder(settings, user=os.getuid() + 1))


def test_a_disk_that_is_nearly_full_is_named(tmp_path: Path) -> None:
    assert "disk" in to_mend(disks.check_disks(Settings(var=tmp_path), least=10**18))
    assert "disk" in advised(disks.check_disks(Settings(var=tmp_path), least=0, few=10**18))


def test_a_small_memory_is_named(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:         440000 kB\nSwapTotal:             0 kB\n")
    assert "KABAR_WEB_PROCESSES=1" in advised(machine.check_memory(tmp_path))
    (tmp_path / "proc/meminfo").write_text("MemTotal:         440000 kB\nSwapTotal:       1000000 kB\n")
    assert not advised(machine.check_memory(tmp_path))


def test_services_that_would_not_start_again_are_named(tmp_path: Path) -> None:
    assert not list(machine.check_units(tmp_path)), "there is no systemd"
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    assert "docs/install.md" in advised(machine.check_units(tmp_path))
    (units / "kabar.target").touch()
    (units / "kabar-web.service").touch()
    assert "systemctl enable --now kabar.target" in to_mend(machine.check_units(tmp_path))
    (units / "multi-user.target.wants").mkdir()
    (units / "multi-user.target.wants/kabar.target").touch()
    (units / "kabar.target.wants").mkdir()
    for part in ("web.service", "inbound@1.service", "outbound@1.service", "clock.service"):
        (units / f"kabar.target.wants/kabar-{part}").touch()
    assert "di komputer ini: errands" in advised(machine.check_units(tmp_path))
    (units / "kabar.target.wants/kabar-errands@1.service").touch()
    assert [one.verdict for one in machine.check_units(tmp_path)] == ["ok"]


def test_one_service_for_everything_is_enough(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    for link in ("kabar.target", "multi-user.target.wants/kabar.target", "kabar.target.wants/kabar-run.service"):
        (tmp_path / "etc/systemd/system" / link).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "etc/systemd/system" / link).touch()
    assert [one.verdict for one in machine.check_units(tmp_path)] == ["ok"]


def test_a_redis_that_asks_for_a_password_or_answers_strangers_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    server = ValkeyServer(folder)
    server.start()
    settings = Settings(redis_url="redis://127.0.0.1:1/0")
    bells = jobs.Bells(jobs.connect(server.url))
    try:
        assert not to_mend(servers.check_redis(settings, bells))
        with Redis.from_url(server.url) as redis:
            redis.config_set("bind", "0.0.0.0")
            redis.config_set("protected-mode", "no")
            redis.config_set("port", str(free_port()))
        assert "requirepass" in to_mend(servers.check_redis(settings, bells))
        with Redis.from_url(server.url) as redis:
            redis.config_set("requirepass", "rahasia")
        bells.redis.connection_pool.disconnect()
        found = to_mend(servers.check_redis(settings, bells))
        assert "KABAR_REDIS_URL" in found
        assert "wrong password" in found
    finally:
        server.stop()
    assert "does not answer" in to_mend(servers.check_redis(settings, bells))


def test_a_port_that_somebody_else_has_is_named_and_one_that_nobody_has_is_no_fault(tmp_path: Path) -> None:
    client = HttpClient(0.5, 0.5)
    with closing(socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(var=tmp_path, port=other.getsockname()[1])
        assert "another program has port" in to_mend(servers.check_web(settings, client))
    assert "./kabar web" in advised(servers.check_web(Settings(var=tmp_path, port=free_port()), client))


def test_metrics_that_the_network_reaches_are_advised_against(tmp_path: Path) -> None:
    assert "0.0.0.0:9464" in advised(servers.check_metrics(Settings(var=tmp_path, metrics="0.0.0.0:9464")))
    for address in ("", "127.0.0.1:9464", "[::1]:9464", "localhost:9464"):
        assert not advised(servers.check_metrics(Settings(var=tmp_path, metrics=address)))


def test_a_public_address_that_does_not_reach_us_is_named(tmp_path: Path) -> None:
    client = HttpClient(0.5, 0.5)
    settings = Settings(var=tmp_path, public_url=f"http://127.0.0.1:{free_port()}")
    assert "firewall" in to_mend(servers.check_online(settings, client, NOON))
    assert "KABAR_PUBLIC_URL" in advised(servers.check_online(Settings(var=tmp_path), client, NOON))


def test_two_clocks_that_differ_are_named() -> None:
    assert "timedatectl" in to_mend(servers.check_drift("drift", timedelta(minutes=-3), ("server", "the server")))
    assert not to_mend(servers.check_drift("drift", timedelta(seconds=1), ("server", "the server")))


def test_a_database_that_is_not_there_is_told_from_a_server_that_is_not(
    postgresql: PostgresServer, tmp_path: Path
) -> None:
    absent = Settings(var=tmp_path, database_url=postgresql.url("nowhere"), redis_url="redis://127.0.0.1:1")
    assert "createdb --owner=kabar kabar" in to_mend(checkup.check_parts(absent))
    down = Settings(var=tmp_path, database_url="postgresql://u@127.0.0.1:1/x", redis_url="redis://127.0.0.1:1")
    assert "KABAR_DATABASE_URL" in to_mend(checkup.check_parts(down))


def test_a_password_that_is_wrong_and_a_postgresql_that_is_old_are_told() -> None:
    assert "wrong name or password" in servers.say_fault(
        Exception('FATAL:  password authentication failed for user "k"')
    )
    assert "15" in advised(servers.check_postgresql("13.20"))
    assert not advised(servers.check_postgresql("15.14"))


def test_a_durability_that_is_off_is_named(postgresql: PostgresServer, tmp_path: Path) -> None:
    with postgresql.new_database() as url:
        settings = Settings(var=tmp_path, database_url=url, redis_url="redis://127.0.0.1:1")
        assert "fsync" in to_mend(checkup.check_parts(settings)), "the tests' server has none"


def test_a_database_behind_or_ahead_of_this_code_is_named(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    settings = Settings(var=tmp_path, database_url=database_url, redis_url="redis://127.0.0.1:1")
    for version, find, remedy in (("0001", to_mend, "./kabar migrate"), ("9999", advised, "is newer than this code")):
        with database.session() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
            session.commit()
        assert remedy in find(checkup.check_parts(settings))
    assert "9999" not in schema.known_versions()


@pytest.fixture
def district(database: Database, tmp_path: Path, redis_url: str) -> District:
    """A district in which a clock ticked a moment ago."""
    district = District(make_runtime(database, tmp_path, redis_url))
    sweep(district.runtime)
    return district


def test_workers_that_do_not_run_are_named_by_what_does_not_happen(district: District) -> None:
    found = to_mend(work.check_work(look(district.runtime)))
    assert "./kabar work inbound" in found
    assert "./kabar work outbound" in found
    assert "./kabar work errands" in found
    assert "clock process" not in found
    district.pass_time(minutes=5)
    assert "./kabar clock" in to_mend(work.check_work(look(district.runtime)))


def test_messages_that_wait_are_named(district: District) -> None:
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    district.pass_time(minutes=5)
    assert "waited for 5 minutes" in to_mend(work.check_work(look(district.runtime)))
    district.handle()
    district.pass_time(minutes=15)
    assert "see not_sent in the log" in to_mend(work.check_work(look(district.runtime)))


def test_a_message_that_failed_and_one_that_nobody_is_sure_of_are_named(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    with district.database.session() as session:
        session.execute(text("UPDATE inbox SET state = 'dead'"))
        session.execute(text("UPDATE outbox SET state = 'unsure'"))
        session.commit()
    found = list(work.check_work(look(district.runtime)))
    assert "report the traceback" in to_mend(iter(found))
    assert "may or may not have gone" in advised(iter(found))


def test_what_staff_have_yet_to_enter_is_advice(database: Database, tmp_path: Path, redis_url: str) -> None:
    runtime = make_runtime(database, tmp_path, redis_url)
    with database.session(read_only=True) as session:
        found = advised(office.check_office(session, runtime.settings))
    for name in ("administrators", "areas", "facilities", "reporters", "calendar", "channels"):
        assert f"{name}:" in found


def test_what_was_entered_is_no_advice_any_more(district: District) -> None:
    with district.database.session(read_only=True) as session:
        found = advised(office.check_office(session, district.runtime.settings))
    assert "areas:" not in found
    assert "reporters:" not in found


def test_a_demonstration_beside_real_reports_is_named(district: District) -> None:
    demo = district.runtime.settings.model_copy(update={"demo": True})
    with district.database.session() as session:
        assert not to_mend(office.check_office(session, demo))
        session.rollback()
    district.keep("ani", "halo", channel="modem1")
    with district.database.session(read_only=True) as session:
        assert "KABAR_DEMO" in to_mend(office.check_office(session, demo))


def test_several_machines_without_a_common_key_are_named(tmp_path: Path) -> None:
    assert "KABAR_SECRET_KEY" in to_mend(office.check_key(Settings(var=tmp_path), {"a", "b"}))
    assert not to_mend(office.check_key(Settings(var=tmp_path, secret_key="k" * 32), {"a", "b"}))
    assert not to_mend(office.check_key(Settings(var=tmp_path), {"a"}))
