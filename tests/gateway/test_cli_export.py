"""`./kabar export`: a file on the disk, in the same history as the pages'; what is wrong is said in words."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli_export import WHO, export
from gateway.errors import Malformed, Permanent
from gateway.store import audit, exports
from gateway.store.audit import Wanted
from gateway.store.base import Database
from gateway.store.exports import DONE, FAILED
from tests.district import District, make_runtime
from tests.gateway.export.making import COUNTRY, settle

MONTH = ("--month", "2025-09", "--area", "14.03")


@pytest.fixture
def district(database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> District:
    """A terminal before a district's database, in an empty folder."""
    monkeypatch.setenv("KABAR_DATABASE_URL", database_url)
    monkeypatch.setenv("KABAR_VAR", str(tmp_path / "var"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return District(make_runtime(database, tmp_path))


def run(*words: str) -> str:
    """Return what `./kabar export` says; a fault is raised as it is."""
    return CliRunner().invoke(export, words, catch_exceptions=False, standalone_mode=False).output


def test_a_file_is_written_and_stands_in_the_history_with_its_hash(district: District) -> None:
    settle(district, "PMB01", {"baru": 12, "aktif": 40})
    said = run("--format", "csv_machine", *MONTH)
    (path,) = Path().glob("*.csv")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in said
    with district.database.session(read_only=True) as session:
        (kept,) = exports.list_exports(session, scope=COUNTRY)
        (deed,) = audit.search(session, Wanted(noun="file"), scope=COUNTRY)
    assert (kept.state, kept.file_digest, kept.user_name, kept.reports) == (DONE, digest, WHO, 1)
    assert deed.subject == kept.ref


def test_a_month_without_settled_reports_leaves_no_file_behind(district: District) -> None:
    with pytest.raises(Permanent, match="Setujui laporannya dulu"):
        run("--format", "csv_machine", *MONTH)
    assert list(Path().iterdir()) == []
    with district.database.session(read_only=True) as session:
        assert [one.state for one in exports.list_exports(session, scope=COUNTRY)] == [FAILED]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--format", "csv", *MONTH), "csv_machine"),
        (("--format", "csv_machine", "--month", "0925"), "2025-09"),
        (("--format", "siga_kb", "--form", "alokon", *MONTH), "kb"),
        (("--format", "csv_excel", "--month", "2023-01", "--until", "2025-09"), "1-12"),
        (("--format", "csv_excel", "--month", "2025-09", "--until", "2025-08"), "1-12"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_what_there_is(
    district: District, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(Malformed, match=told):
        run(*words)


def test_a_file_that_is_there_is_never_overwritten(district: District) -> None:
    settle(district, "PMB01", {"baru": 12, "aktif": 40})
    Path("here.csv").write_text("mine")
    with pytest.raises(Malformed, match="tidak ditimpa"):
        run("--format", "csv_machine", "--out", "here.csv", *MONTH)
    assert Path("here.csv").read_text() == "mine"
