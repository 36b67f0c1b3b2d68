"""The launcher, with a Python and a pip that only write down what they are asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = (
    "awk",
    "cat",
    "cmp",
    "cp",
    "dirname",
    "getconf",
    "grep",
    "id",
    "ls",
    "mkdir",
    "readlink",
    "rm",
    "sh",
    "sleep",
    "tail",
)
FAKE_PYTHON = """#!/bin/sh
# Answers the launcher's questions as the files in its folder say, and keeps what it was asked for.
here=$(dirname "$0")
case "$*" in
    *version_info*) [ ! -e "$FAKES/too-old" ] ;;
    *ensurepip*) [ ! -e "$FAKES/no-venv" ] ;;
    *"import click"*) true ;;
    --version) echo "Python 3.9.2" ;;
    "-m venv"*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && : >"$4/pyvenv.cfg" && echo venv >>"$FAKES/asked" ;;
    "-m pip"*)
        echo pip >>"$FAKES/asked"
        echo "Ignoring pysqlite3: markers say so"
        echo "Collecting flask==3.1.3 (from -r wanted.txt)"
        echo "Installing collected packages: flask"
        if [ -e "$FAKES/no-network" ]; then echo "no route to the index" >&2; exit 1; fi
        ;;
    *) shift 2; for word in "$@"; do echo "<$word>"; done ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A clone with fakes around it."""

    clone: Path
    fakes: Path

    def kabar(self, *words: str, program: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the launcher from another folder, with nothing in PATH but fakes and the plainest tools."""
        return subprocess.run(
            [program or self.clone / "kabar", *words],
            cwd=self.fakes,
            env={"PATH": str(self.fakes / "bin"), "FAKES": str(self.fakes), **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def set(self, state: str) -> None:
        """Let the fakes behave so."""
        (self.fakes / state).touch()

    def asked(self) -> list[str]:
        """Return what Python was asked to make, in order."""
        asked = self.fakes / "asked"
        return asked.read_text().split() if asked.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A clone in a folder whose name has spaces."""
    clone, fakes = tmp_path / "my clone of it", tmp_path / "fakes"
    (fakes / "bin").mkdir(parents=True)
    clone.mkdir()
    for name in ("kabar", "requirements.lock", "requirements-test.lock"):
        shutil.copy(ROOT / name, clone / name)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} is needed"
        (fakes / "bin" / tool).symlink_to(found)
    write_program(fakes / "bin" / "python3", FAKE_PYTHON)
    write_program(
        fakes / "bin" / "uname", '#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo "${MACHINE:-x86_64}" ;; esac\n'
    )
    return Bench(clone, fakes)


def write_program(path: Path, text: str) -> None:
    """Write a program that can be run."""
    path.write_text(text)
    path.chmod(0o755)


def test_alone_it_says_what_it_can_do_and_installs_nothing(bench: Bench) -> None:
    done = bench.kabar()
    assert done.returncode == 0
    assert done.stdout.index("laporan KB") < done.stdout.index("family-planning reports")
    assert not (bench.clone / ".venv").exists()
    assert bench.asked() == []


def test_a_command_gets_its_words_whole_and_its_output_clean(bench: Bench) -> None:
    done = bench.kabar("sms", "--from", "0812", "KB 0925 BARU 12")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "<gateway.cli>\n<sms>\n<--from>\n<0812>\n<KB 0925 BARU 12>\n"


def test_the_first_start_installs_and_the_second_one_does_not(bench: Bench) -> None:
    first, second = bench.kabar("doctor"), bench.kabar("doctor")
    assert bench.asked() == ["venv", "pip"]
    assert "flask==3.1.3" in first.stderr
    assert second.stderr == ""
    assert first.stdout == second.stdout


def test_a_changed_lock_is_installed_afresh(bench: Bench) -> None:
    bench.kabar("doctor")
    with (bench.clone / "requirements.lock").open("a") as lock:
        lock.write("newer==1.0 \\\n    --hash=sha256:00\n")
    bench.kabar("doctor")
    assert bench.asked() == ["venv", "pip"] * 2


def test_the_tests_add_their_tools_to_what_is_there(bench: Bench) -> None:
    bench.kabar("doctor")
    done = bench.kabar("test", "--all", "-k", "one or two")
    assert done.stdout == "<tests.run>\n<--all>\n<-k>\n<one or two>\n"
    bench.kabar("doctor")
    assert bench.asked() == ["venv", "pip", "pip"]


def test_an_installation_that_failed_says_why_and_is_done_again(bench: Bench) -> None:
    bench.set("no-network")
    failed = bench.kabar("doctor")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "no route to the index" in failed.stderr
    assert failed.stderr.index("Periksa sambungan internet") < failed.stderr.index("Check the network")
    (bench.fakes / "no-network").unlink()
    assert bench.kabar("doctor").returncode == 0
    assert bench.asked() == ["venv", "pip"] * 2


def test_a_killed_installers_lock_is_taken_over(bench: Bench) -> None:
    guard = bench.clone / ".venv.lock"
    guard.mkdir()
    with subprocess.Popen(["true"]) as ended:
        pass
    (guard / "pid").write_text(str(ended.pid))
    assert bench.kabar("doctor").returncode == 0
    assert not guard.exists()


def test_a_missing_venv_module_is_named_with_its_debian_package(bench: Bench) -> None:
    bench.set("no-venv")
    done = bench.kabar("demo")
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert done.stderr.index("tidak punya modul venv") < done.stderr.index("has no venv module")
    assert bench.asked() == []


def test_a_python_that_is_too_old_is_named_with_its_version(bench: Bench) -> None:
    bench.set("too-old")
    done = bench.kabar("doctor")
    assert done.returncode == 1
    assert "Python 3.11 atau lebih baru" in done.stderr
    assert "found: Python 3.9.2" in done.stderr


def test_a_machine_without_any_queue_server_is_told_before_anything_is_installed(bench: Bench) -> None:
    done = bench.kabar("demo", MACHINE="riscv64")
    assert done.returncode == 1
    assert "apt install redis-server" in done.stderr
    assert bench.asked() == []


def test_a_queue_server_in_path_is_as_good(bench: Bench) -> None:
    write_program(bench.fakes / "bin" / "redis-server", "#!/bin/sh\n")
    assert bench.kabar("demo", MACHINE="riscv64").returncode == 0


def test_a_queue_server_in_the_settings_is_as_good(bench: Bench) -> None:
    assert bench.kabar("demo", MACHINE="riscv64", KABAR_REDIS_URL="redis://127.0.0.1").returncode == 0


def test_a_folder_that_is_no_environment_is_left_alone(bench: Bench) -> None:
    (bench.fakes / "papers").mkdir()
    (bench.fakes / "papers" / "thesis.txt").write_text("years of work")
    done = bench.kabar("doctor", KABAR_VENV="papers")
    assert done.returncode == 1
    assert "is not a Python environment" in done.stderr
    assert (bench.fakes / "papers" / "thesis.txt").read_text() == "years of work"


def test_the_environment_may_be_elsewhere(bench: Bench) -> None:
    assert bench.kabar("doctor", KABAR_VENV="other place").returncode == 0
    assert (bench.fakes / "other place" / "pyvenv.cfg").exists()
    assert not (bench.clone / ".venv").exists()


def test_it_can_be_started_through_a_link(bench: Bench) -> None:
    link = bench.fakes / "bin" / "kabar"
    link.symlink_to(os.path.relpath(bench.clone / "kabar", link.parent))
    assert bench.kabar("doctor", program=link).stdout == "<gateway.cli>\n<doctor>\n"


def test_what_the_command_writes_goes_into_the_clone_from_any_folder(bench: Bench) -> None:
    bench.kabar("doctor")
    write_program(bench.clone / ".venv" / "bin" / "python", '#!/bin/sh\necho "$KABAR_VAR and $PYTHONPATH"\n')
    assert bench.kabar("doctor").stdout == f"{bench.clone}/var and {bench.clone}\n"
    assert bench.kabar("doctor", KABAR_VAR="mine").stdout == f"mine and {bench.clone}\n"
