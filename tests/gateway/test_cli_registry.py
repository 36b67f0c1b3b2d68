"""`./kabar facilities import`: what is wrong in a file is told row by row, and by the status that it ends with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli_registry import facilities_group
from gateway.store.base import Database
from tests.district import make_district

GOOD = "140300901,PMB Sri,PMB,14.03.01"
WRONG = "1403009,PMB Tuti,PMB,14.03.01"
HEAD = "kode faskes,nama faskes,jenis,kecamatan"


@pytest.fixture
def terminal(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder, and a terminal in it before a district."""
    monkeypatch.setenv("KABAR_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("KABAR_VAR", str(tmp_path / "var"))
    make_district(open_database(sqlite_url))
    return tmp_path


def run(folder: Path, rows: tuple[str, ...], *options: str) -> Result:
    """Import a file with these rows."""
    file = folder / "faskes.csv"
    file.write_text("\n".join((HEAD, *rows)), encoding="utf-8")
    return CliRunner().invoke(facilities_group, ["import", str(file), *options])


@pytest.mark.parametrize(
    ("rows", "options", "status"),
    [
        ((GOOD,), (), 0),
        ((GOOD, WRONG), (), 1),
        ((GOOD, WRONG), ("--only-good",), 0),
        ((GOOD, WRONG), ("--apply",), 1),
        ((GOOD, WRONG), ("--apply", "--only-good"), 0),
    ],
)
def test_a_file_with_something_wrong_in_it_ends_with_status_1_unless_that_is_left_out(
    terminal: Path, rows: tuple[str, ...], options: tuple[str, ...], status: int
) -> None:
    result = run(terminal, rows, *options)
    assert result.exit_code == status, result.output
    assert ("salah/wrong 1" in result.output) == (WRONG in rows)
