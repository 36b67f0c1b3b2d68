"""How a modem does, in words that name the remedy: silent, weak, without credit, worn out, in another time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from gateway.channels import gammu
from gateway.channels.base import Adapter, Surroundings, make_channel
from gateway.lines import ChannelHealth
from gateway.values import OutboundSms
from tests.gateway.channels.smsd import PHONE, FakeSmsd
from tests.servers import PostgresServer

AT = datetime(2025, 10, 3, 12, 0)  # noqa: DTZ001 - SMSD writes no zone
ZONE = "Asia/Jayapura"  # the zone of the tests' own PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def smsd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeSmsd]:
    """A database of SMSD's whose modem has just given a sign of life; the test runs once on each kind."""
    if request.param == "sqlite":
        (tmp_path / "smsd.db").touch()
        smsd = FakeSmsd(f"sqlite:///{tmp_path / 'smsd.db'}")
        smsd.breathe(local(datetime.now(UTC)))
        yield smsd
    else:
        server: PostgresServer = request.getfixturevalue("postgresql")
        with server.new_database() as url:
            smsd = FakeSmsd(url.replace("postgresql+psycopg", "postgresql"))
            smsd.breathe(local(datetime.now(UTC)))
            yield smsd


def local(instant: datetime) -> datetime:
    """Return an instant as SMSD writes it."""
    return instant.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)


def look(smsd: FakeSmsd, **options: str) -> ChannelHealth:
    """Ask how the modem does."""
    given = {"database_url": smsd.url, "phone_id": PHONE, "timezone": ZONE} | options
    health = make_channel(cast(Adapter, gammu), "modem1", given, Surroundings("", Path())).look(datetime.now(UTC))
    assert health is not None
    assert health.words.count(" / ") == 1, "Indonesian, then English"
    return health


def test_a_modem_that_does_well_shows_its_signal_and_its_credit(smsd: FakeSmsd) -> None:
    smsd.receive("", "Pulsa  Rp 5.000\ns/d 1-12", AT, Class=127)
    smsd.receive("", "Pulsa Rp 4.500", AT, Class=127)
    health = look(smsd)
    assert (health.is_well, health.signal, health.battery, health.credit) == (True, 60, 100, "Pulsa Rp 4.500")
    assert health.heard_at is not None
    assert abs(health.heard_at - datetime.now(UTC)) < timedelta(minutes=2)


def test_a_modem_that_has_been_silent_is_told_since_when(smsd: FakeSmsd) -> None:
    smsd.breathe(local(datetime.now(UTC) - timedelta(hours=2)))
    health = look(smsd)
    assert not health.is_well
    assert "diam sejak 1" in health.words
    assert "restart gammu-smsd" in health.words


def test_a_daemon_that_never_ran_under_this_name_is_told_with_those_that_did(smsd: FakeSmsd) -> None:
    health = look(smsd, phone_id="modem9")
    assert not health.is_well
    assert f"phoneid modem9 (yang ada: {PHONE})" in health.words


def test_a_weak_signal_is_told(smsd: FakeSmsd) -> None:
    smsd.breathe(local(datetime.now(UTC)), signal=4)
    health = look(smsd)
    assert (health.is_well, health.signal) == (False, 4)
    assert "sinyal 4%" in health.words


def test_three_failures_in_a_row_point_to_the_credit(smsd: FakeSmsd, tmp_path: Path) -> None:
    given = {"database_url": smsd.url, "phone_id": PHONE}
    channel = make_channel(cast(Adapter, gammu), "modem1", given, Surroundings("", tmp_path))
    for number in range(3):
        assert look(smsd).is_well
        channel.send(OutboundSms(f"ref{number}", "+62811", "hai"))
        smsd.hand_over("SendingError", 38)
    health = look(smsd)
    assert not health.is_well
    assert "CMS 38" in health.words


def test_a_modem_that_cannot_delete_is_told(smsd: FakeSmsd) -> None:
    smsd.receive("+62811", "KB", AT, times=2)
    assert look(smsd).is_well
    smsd.receive("+62811", "KB", AT)
    assert "tidak bisa menghapus" in look(smsd).words


@pytest.mark.parametrize("smsd", ["postgresql"], indirect=True)  # SQLite has no zone of its own
def test_a_database_in_another_zone_than_smsd_is_told_with_the_command(smsd: FakeSmsd) -> None:
    health = look(smsd, timezone="Asia/Jakarta")
    assert not health.is_well
    assert "SET timezone = 'Asia/Jakarta'" in health.words


def test_a_database_that_is_away_is_told_and_nothing_raises() -> None:
    given = {"database_url": "postgresql://smsd:secret@127.0.0.1:1/smsd", "phone_id": PHONE}
    health = make_channel(cast(Adapter, gammu), "modem1", given, Surroundings("", Path())).look(datetime.now(UTC))
    assert health is not None
    assert not health.is_well
    assert "DATABASE_URL" in health.words
    assert "secret" not in health.words
