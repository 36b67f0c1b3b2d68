"""The commands for people's data: told to herself, erased for good, let go of in time, and listed after a breach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli_privacy import privacy_group
from gateway.errors import Malformed
from gateway.forget import erase
from gateway.store import audit, erasures, exports
from gateway.store.audit import NewAudit, Wanted
from gateway.store.base import Database
from gateway.store.users import NewUser, add_user
from gateway.values import Role, Scope
from tests.district import NOON, PHONES, District, make_runtime

GOLDEN = Path(__file__).parent / "forget" / "golden"
SCOPE = Scope("")


@pytest.fixture
def district(sqlite_url: str, open_database: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> District:
    """A district in which Ani has reported, and a terminal before it."""
    monkeypatch.setenv("KABAR_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("KABAR_VAR", str(tmp_path / "var"))
    database = open_database(sqlite_url)  # type: ignore[operator]
    district = District(make_runtime(database, tmp_path / "var"))
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    district.say("ani2", "kapan rapat?")
    district.send()
    return district


def run(*words: str, answer: str = "") -> Result:
    """Run `./kabar privacy` with these words; a fault is raised as it is."""
    return CliRunner().invoke(privacy_group, list(words), input=answer, catch_exceptions=False)


def deeds(database: Database) -> list[tuple[str, str, str]]:
    """Return what the audit has of people, the oldest first."""
    with database.session(read_only=True) as session:
        found = audit.search(session, Wanted(), scope=SCOPE)
    return [(one.action, one.noun, one.subject) for one in reversed(found)]


def test_she_is_told_everything_that_is_kept_of_her(district: District, tmp_path: Path) -> None:
    result = run("export", "0812 3000 0001", "--to", str(tmp_path))
    made, to_read = sorted(tmp_path.glob("data-pribadi-*"))
    assert str(made) in result.output
    assert made.stat().st_mode & 0o077 == 0
    told = json.loads(made.read_text(encoding="utf-8"))
    assert (told["phones"], told["names"]) == ([PHONES["ani"], PHONES["ani2"]], ["Ani"])
    golden = json.loads((GOLDEN / "ani.json").read_text(encoding="utf-8"))
    assert _steady(told["kept"]) == golden
    assert "PESAN YANG DIKIRIM (2)" in to_read.read_text(encoding="utf-8")
    assert deeds(district.database) == [("hand_out", "reporter", "1")]


def _steady(kept: dict[str, dict[str, object]]) -> dict[str, object]:
    """Leave out what differs from run to run."""
    drawn = {"trace_id", "ref", "provider_id", "created_at", "delivered_at", "sent_at", "handled_at"}
    return {
        name: [{key: value for key, value in row.items() if key not in drawn} for row in about["rows"]]  # type: ignore[attr-defined]
        for name, about in kept.items()
    }


def test_somebody_is_erased_once_it_was_said_twice(district: District) -> None:
    assert run("erase", "081230000001", "--reason", "permintaan sendiri", answer="n\n").exit_code == 1
    assert deeds(district.database) == []
    result = run("erase", "081230000001", "--reason", "permintaan sendiri", answer="y\n")
    assert "erased:" in result.output
    with district.database.session(read_only=True) as session:
        assert [one.is_tidy for one in erasures.latest_erasures(session, scope=SCOPE)] == [True]
    assert (district.runtime.settings.var / erase.LIST).read_text().count("\n") == 3
    assert deeds(district.database) == [("erase", "reporter", "1")]
    with pytest.raises(Malformed, match="nothing is kept"):
        run("erase", "081230000001", "--reason", "sekali lagi", "--yes")
    assert "0 people" in run("again").output


def test_of_a_shared_phone_one_of_them_must_be_named(district: District) -> None:
    with pytest.raises(Malformed, match="several midwives report from it: --reporter 4 5"):
        run("erase", PHONES["clinic"], "--reason", "x", "--yes")
    assert "somebody else's too" in run("erase", PHONES["clinic"], "--reporter", "4", "--reason", "x", "--yes").output


def test_the_plan_of_a_purge_changes_nothing(district: District) -> None:
    planned = run("purge", "--plan").output.split("\n")
    assert planned[0].split() == ["malformed", "inbox", "0"]
    assert run("purge").exit_code == 0


def test_after_a_breach_everybody_concerned_is_listed_with_a_number(district: District) -> None:
    with district.database.session() as session:
        user_id = add_user(session, NewUser("sari", "Sari", Role.DISTRICT, "14.03.01", "id", NOON))
        audit.record(session, NewAudit(NOON, user_id, "Sari", "sign_in", "user", str(user_id), "14.03.01", {}))
        wanted = exports.Wanted("csv_excel", "kb", "2025-09", "2025-09", "14.03")
        export = exports.ask(session, wanted, (user_id, "Sari"), NOON, scope=SCOPE)
        assert export
        exports.keep_reports(session, export.id, [1])
        audit.record(session, NewAudit(NOON, user_id, "Sari", "download", "file", export.ref, "14.03", {}))
        session.commit()
    everybody = run("breach", "--since", "2025-10-03", "--until", "2025-10-04", "--user", "sari").stdout
    assert f"Ani;'{PHONES['ani']} {PHONES['ani2']};user sari; export {export.ref}" in everybody.replace('"', "")
    assert "Wati;" in everybody
    only = run("breach", "--since", "2025-10-03", "--export", export.ref).stdout
    assert only.count("\n") == 2
    assert run("breach", "--since", "2025-10-04", "--until", "2025-10-05").stdout.count("\n") == 1
    assert deeds(district.database)[-1] == ("export", "breach", "")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--since", "2025-10-04", "--until", "2025-10-03"), "--until"),
        (("--since", "2025-10-03", "--area", "99.99"), "99.99"),
        (("--since", "2025-10-03", "--user", "nobody"), "nobody"),
    ],
)
def test_a_slip_is_not_taken_for_nobody_concerned(district: District, words: tuple[str, ...], fault: str) -> None:
    with pytest.raises(Malformed, match=fault):
        run("breach", *words)
