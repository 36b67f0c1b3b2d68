"""docs/install.md, followed command by command in a bare Debian, to the first message and its answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.install import systemd
from tests.install.bare import BareDebian, Step

pytestmark = pytest.mark.install

ONLINE = 2  # blocks of the guide that fetch something; the others run without a network
EXPOSURE = 20  # tenths of ten: `systemd-analyze security` calls OK what is below 45
PROGRAM = Path(systemd.__file__ or "")


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[BareDebian]:
    """A bare Debian, gone afterwards."""
    assert os.geteuid() == 0, "only root can make a system in a folder: run this test as root, or leave out -m install"
    yield BareDebian.make(tmp_path / "debian")
    subprocess.run(["rm", "-rf", "--one-file-system", tmp_path / "debian"], check=True)


def test_who_follows_the_guide_has_a_kabar_that_answers(debian: BareDebian) -> None:
    blocks = page("docs/install.md").blocks("sh")
    steps = [debian.run(block) for block in blocks[:ONLINE]]
    assert [step for step in steps if step.status] == []
    steps += debian.run_alone(blocks[ONLINE:], PROGRAM)
    assert [step for step in steps if step.status] == []
    assert "BARU 12 AKTIF 40 (PIL 30). Terima kasih." in steps[-1].output
    assert "http://127.0.0.1:8000/" in said(steps, "kabar users add"), "the first administrator gets a link"
    assert_units_are_shut_in(debian)
    bare = "find /var/lib/kabar -user kabar -perm /077 ! -type l; find /etc/kabar/kabar.env -perm /077"
    assert debian.run(bare).output == "", "what Kabar writes, and its settings, are for their user alone"
    assert debian.run("find /opt/kabar ! -user root").output == "", "nothing that runs can change the code"


def said(steps: list[Step], command: str) -> str:
    """Return what a command of the guide printed."""
    (found,) = [step.output for step in steps if command in step.block]
    return found


def assert_units_are_shut_in(debian: BareDebian) -> None:
    """Hold that systemd understands every unit, and that services can touch little beside what is theirs."""
    units = sorted(path.name for path in (debian.root / "etc/systemd/system").glob("kabar*.service"))
    names = [name.replace("@.", "@1.") for name in units]
    checked = debian.run(f"systemd-analyze verify --man=no {' '.join(names)} kabar-web.socket kabar-backup.timer")
    assert (checked.status, checked.output) == (0, "")
    for name in names:
        judged = debian.run(f"systemd-analyze security --offline=yes --threshold={EXPOSURE} {name}")
        assert judged.status == 0, f"{name}: {judged.output[-400:]}"
