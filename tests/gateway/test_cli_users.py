"""The commands for who may sign in: the first administrator, a way back in, and who is let in no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli_users import users_group
from gateway.errors import Malformed
from gateway.review import proofs
from gateway.store import audit, invitations, users
from gateway.store.audit import Wanted
from gateway.store.base import Database
from gateway.values import Role, Scope
from tests.district import make_district


@pytest.fixture
def kabar(database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A terminal before a district's database."""
    make_district(database)
    monkeypatch.setenv("KABAR_DATABASE_URL", database_url)
    monkeypatch.setenv("KABAR_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("KABAR_PUBLIC_URL", "https://kabar.example.go.id")
    return CliRunner()


def run(kabar: CliRunner, *words: str) -> Result:
    """Run `./kabar users` with these words; a fault is raised as it is."""
    return kabar.invoke(users_group, list(words), catch_exceptions=False)


def token_in(result: Result) -> str:
    """Return the token of the link that was printed."""
    found = re.search(r"https://kabar\.example\.go\.id/invitation/(\w{32})", result.output)
    assert found, result.output
    return found.group(1)


def test_the_first_administrator_gets_a_link_to_choose_a_password_by(kabar: CliRunner, database: Database) -> None:
    token = token_in(run(kabar, "add", "Sari@dinas.go.id", "--name", "Sari"))
    with database.session(read_only=True) as session:
        user = users.find_by_login(session, "sari@dinas.go.id")
        assert user
        found = audit.search(session, Wanted(by_system=True), scope=Scope(""))
    assert (user.role, user.area) == (Role.ADMINISTRATOR, "")
    assert [(one.action, one.subject) for one in found] == [("invite", str(user.id))]
    assert proofs.hash_code(token) != token


def test_a_new_link_ends_the_one_before(kabar: CliRunner, database: Database) -> None:
    first = token_in(run(kabar, "add", "sari", "--name", "Sari"))
    second = token_in(run(kabar, "link", "sari"))
    assert first != second
    with database.session(read_only=True) as session:
        hashes = set(session.execute(invitations.invitations.select()).mappings().one().values())
    assert proofs.hash_code(second) in hashes
    assert proofs.hash_code(first) not in hashes


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("add", "x", "--name", "Sari"), "no e-mail address"),
        (("add", "sari", "--name", "x" * 101), "at most 100 characters"),
        (("add", "demo.sari", "--name", "Sari"), "demonstrations"),
        (("add", "sari", "--name", "Sari", "--area", "99"), "no area"),
        (("link", "nobody"), "no user"),
        (("disable", "nobody"), "no user"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(kabar: CliRunner, words: tuple[str, ...], fault: str) -> None:
    with pytest.raises(Malformed, match=fault):
        run(kabar, *words)


def test_the_last_administrator_is_not_disabled(kabar: CliRunner, database: Database) -> None:
    run(kabar, "add", "sari", "--name", "Sari")
    with pytest.raises(Malformed, match="last administrator"):
        run(kabar, "disable", "sari")
    run(kabar, "add", "budi", "--name", "Budi", "--area", "14.03")
    run(kabar, "disable", "sari")
    listed = run(kabar, "list").output
    assert re.search(r"sari .*disabled", listed)
    assert re.search(r"budi  Budi  administrator  14\.03$", listed, re.MULTILINE)


def test_a_login_that_is_taken_points_to_the_link(kabar: CliRunner) -> None:
    run(kabar, "add", "sari", "--name", "Sari")
    with pytest.raises(Malformed, match="users link sari"):
        run(kabar, "add", "SARI", "--name", "Sari")
