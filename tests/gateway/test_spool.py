"""The spool: a delivery is there for good or not at all, comes back as it was, and what is broken holds up nobody."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import spool
from gateway.errors import Unavailable
from gateway.spool import Contents, Delivery, Spool, Unread
from gateway.values import DeliveryStatus, InboundSms, OutboxState, Sender, SenderKind, SmsPart, clean_text
from tests.district import NOON

STEPS = ("mkdir", "open", "write", "fsync", "rename", "unlink")
texts = st.text(max_size=300).map(clean_text)
instants = st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1))  # noqa: DTZ001
senders = st.builds(Sender, texts, st.sampled_from(SenderKind))
parts = st.none() | st.builds(SmsPart, texts, st.integers(1, 255), st.integers(1, 255))
messages = st.builds(InboundSms, texts, senders, texts, texts, instants, st.booleans(), parts)
statuses = st.builds(DeliveryStatus, st.none() | st.sampled_from(OutboxState), texts, texts, texts, texts, instants)
unread = st.none() | st.builds(Unread, st.binary(max_size=300), texts, texts)
deliveries = st.builds(
    Delivery,
    st.just("generic"),
    st.just(NOON),
    st.lists(messages, max_size=3).map(tuple),
    st.lists(statuses, max_size=3).map(tuple),
    unread,
)


def delivery(key: str = "m1", at: datetime = NOON) -> Delivery:
    """Return a delivery of one message."""
    return Delivery("generic", at, (InboundSms(key, Sender("+6281230000001", SenderKind.PHONE), "KB 0925 BARU 12"),))


@pytest.fixture
def spare(tmp_path: Path) -> Spool:
    """A spool whose folder is not there yet."""
    return Spool(tmp_path / "disk" / "spool")


def place(spare: Spool) -> Path:
    """Return a spool's folder."""
    assert spare.folder is not None
    return spare.folder


@settings(max_examples=40)  # each is written to the disk for good
@given(deliveries)
def test_whatever_was_put_in_comes_out_as_it_was(tmp_path_factory: pytest.TempPathFactory, given: Delivery) -> None:
    spare = Spool(tmp_path_factory.getbasetemp() / "spool-law")
    name = spare.put(given)
    assert spare.read(name) == given
    spare.remove([name])
    assert spare.waiting() == []


def test_a_delivery_is_written_made_durable_put_in_its_place_and_that_is_made_durable(
    spare: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(spare).mkdir(parents=True)
    done: list[str] = []
    files: dict[int, str] = {}

    def record(name: str, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            result = real(*arguments, **options)
            first = files.get(arguments[0], "") if isinstance(arguments[0], int) else Path(arguments[0]).suffix
            if name == "open":
                files[result] = first = "folder" if os.path.isdir(arguments[0]) else first
            done.append(f"{name} {first}")
            return result

        return call

    for name in STEPS:
        monkeypatch.setattr(os, name, record(name, getattr(os, name)))
    spare.put(delivery())
    assert done == ["open .tmp", "write .tmp", "fsync .tmp", "rename .tmp", "open folder", "fsync folder"]
    done.clear()
    spare.remove(spare.waiting())
    assert done == ["unlink .v1", "open folder", "fsync folder"]


def test_nobody_else_on_the_machine_can_read_it(spare: Spool) -> None:
    name = spare.put(delivery())
    assert (place(spare) / name).stat().st_mode & 0o777 == 0o600
    assert place(spare).stat().st_mode & 0o777 == 0o700


def test_the_oldest_come_first_however_they_were_written(spare: Spool) -> None:
    for hour in (3, 1, 2):
        spare.put(delivery(f"m{hour}", NOON + timedelta(hours=hour)))
    found = [spare.read(name) for name in spare.waiting()]
    assert [one.messages[0].provider_id for one in found if one] == ["m1", "m2", "m3"]
    assert spare.look() == Contents(waiting=3, oldest_at=NOON + timedelta(hours=1))


@pytest.mark.parametrize("failing", ["open", "write", "fsync", "rename"])
def test_a_disk_that_takes_nothing_is_said_to_and_leaves_no_half_file(
    spare: Spool, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    place(spare).mkdir(parents=True)

    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as broken:
        broken.setattr(os, failing, fail)
        with pytest.raises(Unavailable, match="No space left"):
            spare.put(delivery())
    assert os.listdir(place(spare)) == []


def test_a_spool_has_an_end(spare: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_FILES", 3)
    monkeypatch.setattr(spool, "ROOM", 1)
    for number in range(3):
        spare.put(delivery(f"m{number}"))
    with pytest.raises(Unavailable, match="as much as it may"):
        spare.put(delivery("m3"))
    spare.remove(spare.waiting()[:1])
    spare.put(delivery("m3"))
    monkeypatch.setattr(spool, "MOST_BYTES", 1000)
    with pytest.raises(Unavailable, match="as much as it may"):
        spare.put(delivery("m4"))


@pytest.mark.parametrize("harm", [b"", b"nonsense", None])
def test_a_file_that_does_not_hold_what_was_written_is_known_by_its_checksum(spare: Spool, harm: bytes | None) -> None:
    name = spare.put(delivery())
    path = place(spare) / name
    octets = path.read_bytes()
    path.write_bytes(octets[:-9] + b"9" + octets[-8:] if harm is None else harm)
    with pytest.raises(ValueError, match="checksum"):
        spare.read(name)
    spare.set_aside(name, spool.CORRUPT)
    spare.set_aside(name, spool.CORRUPT)
    assert spare.look() == Contents(corrupt=1)
    assert os.listdir(place(spare)) == [f"{name}.corrupt"]


def test_what_another_process_has_dealt_with_is_no_matter(spare: Spool) -> None:
    name = spare.put(delivery())
    spare.remove([name])
    spare.remove([name])
    assert spare.read(name) is None


def test_whoever_starts_has_what_was_refused_tried_again_and_clears_up_after_the_dead(spare: Spool) -> None:
    name = spare.put(delivery())
    spare.set_aside(name, spool.REFUSED)
    draft = place(spare) / "20251003T050000000000-0123456789abcdef.v1.tmp"
    draft.write_bytes(b"half a")
    os.utime(draft, (NOON.timestamp(), NOON.timestamp()))
    assert spare.look() == Contents(refused=1)
    assert spare.tidy(NOON + timedelta(minutes=59)) == 1
    assert spare.waiting() == [name]
    assert draft.exists(), "whoever writes it may be alive"
    spare.tidy(NOON + timedelta(minutes=61))
    assert not draft.exists()


def test_no_spool_takes_nothing_and_holds_nothing() -> None:
    with pytest.raises(Unavailable):
        spool.NONE.put(delivery())
    assert spool.NONE.waiting() == []
    assert spool.NONE.look() == Contents()


def test_a_folder_that_cannot_be_read_says_so_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert Spool(tmp_path / "file").look() == Contents(fault="Not a directory")


def test_files_of_another_version_are_left_alone(spare: Spool) -> None:
    name = spare.put(delivery())
    other = place(spare) / f"{name.removesuffix('.v1')}.v2"
    os.rename(place(spare) / name, other)
    assert spare.waiting() == []
    assert other.exists()


def test_what_no_file_can_hold_is_refused_and_not_raised(spare: Spool) -> None:
    with pytest.raises(Unavailable):
        spare.put(Delivery("generic", NOON, (InboundSms("m1", Sender("x", SenderKind.OTHER), "\ud800"),)))
    assert spare.look() == Contents()
