"""A backup's file: it is what was packed, or it is refused; who has no key reads nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import archive
from gateway.archive import DATABASE, Manifest
from gateway.errors import Malformed, Misconfigured

MADE = Manifest(
    kind="sqlite",
    server=0,
    migration="0024",
    kabar="0.1.0",
    created_at=datetime(2025, 10, 3, 5, 0, tzinfo=UTC),
    newest_message_at=None,
    rows={"inbox": 3},
    files={},
)
CONTENT = b"KB 0925 BARU 12 AKTIF 40 " * 40


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small backup."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "given").write_bytes(CONTENT)
    archive.pack(folder / "plain", MADE, {DATABASE: folder / "given", "secrets/secret.key": folder / "given"})
    return folder / "plain"


def test_what_was_packed_comes_out_with_what_it_says_of_itself(packed: Path, tmp_path: Path) -> None:
    found = archive.unpack(packed, tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == CONTENT
    assert (found.created_at, found.rows, found.newest_message_at) == (MADE.created_at, {"inbox": 3}, None)
    assert packed.stat().st_mode & 0o777 == 0o600


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_with_a_changed_bit_it_is_refused_or_the_same(
    packed: Path, tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    octets = bytearray(packed.read_bytes())
    octets[at % len(octets)] ^= 1 << bit
    assert_refused_or_same(bytes(octets), tmp_path_factory.mktemp("flipped"))


@given(length=st.integers(min_value=0))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_cut_short_it_is_refused(packed: Path, tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    octets, folder = packed.read_bytes(), tmp_path_factory.mktemp("cut")
    (folder / "cut").write_bytes(octets[: length % len(octets)])
    with pytest.raises(Malformed):
        archive.unpack(folder / "cut", folder)


def assert_refused_or_same(octets: bytes, folder: Path) -> None:
    """A few bits of gzip's header mean nothing; all others are proven."""
    (folder / "changed").write_bytes(octets)
    try:
        archive.unpack(folder / "changed", folder)
    except Malformed:
        return
    assert (folder / DATABASE).read_bytes() == CONTENT


def test_locked_it_opens_with_its_key_alone(packed: Path, tmp_path: Path) -> None:
    ours, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    locked = tmp_path / "locked"
    archive.lock(packed, locked, [str(ours.to_public())])
    assert b"manifest" not in locked.read_bytes()
    assert archive.is_backup(locked)
    for wrong, words in ((str(other), "another one"), ("", "--identity"), ("AGE-SECRET-KEY-1", "no secret key")):
        with pytest.raises(Malformed, match=words):
            archive.unpack(locked, tmp_path, wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["locked"], "something unlocked was left behind"
    archive.unpack(locked, tmp_path, f"# of the office\n{ours}\n")
    assert (tmp_path / DATABASE).read_bytes() == CONTENT


def test_a_locked_one_that_was_changed_is_refused(packed: Path, tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    archive.lock(packed, tmp_path / "locked", [str(key.to_public())])
    octets = bytearray((tmp_path / "locked").read_bytes())
    octets[-1] ^= 1
    (tmp_path / "changed").write_bytes(octets)
    with pytest.raises(Malformed, match="broken"):
        archive.unpack(tmp_path / "changed", tmp_path, str(key))


def test_a_wrong_public_key_is_named_and_nothing_is_written(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="age1wrong"):
        archive.lock(packed, tmp_path / "locked", ["age1wrong"])
    assert not list(tmp_path.iterdir())


def test_where_age_is_missing_it_is_said_what_to_do(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "pyrage", None)
    with pytest.raises(Misconfigured, match="pyrage"):
        archive.lock(packed, tmp_path / "locked", ["age1"])


@pytest.mark.parametrize("octets", [b"", b"PK\x03\x04", b"SQLite format 3\x00"])
def test_what_is_no_backup_is_said_to_be_none(octets: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(octets)
    with pytest.raises(Malformed, match="is no backup"):
        archive.unpack(tmp_path / "other", tmp_path)
    assert not archive.is_backup(tmp_path / "other")


def test_a_later_format_is_told_from_a_broken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "given").write_bytes(CONTENT)
    later = Manifest(**{name: getattr(MADE, name) for name in Manifest.__slots__} | {"format": 2})
    archive.pack(tmp_path / "later", later, {DATABASE: tmp_path / "given"})
    with pytest.raises(Malformed, match="update Kabar first"):
        archive.unpack(tmp_path / "later", tmp_path / "out")


def test_no_member_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(CONTENT)
    archive.pack(tmp_path / "sly", MADE, {DATABASE: tmp_path / "given", "secrets/../../out": tmp_path / "given"})
    with pytest.raises(Malformed):
        archive.unpack(tmp_path / "sly", tmp_path / "in")
    assert not (tmp_path.parent / "out").exists()
