"""The whole schema in one place, and the moves between its versions."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.discover import discover
from gateway.store.base import Session, make_engine, metadata, translating_errors
from gateway.store.patience import have_patience

discover("gateway.store", having=())  # every file of a noun is imported, so that metadata knows its table
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a version. Several may try at once: they take turns, and the later ones find it done.

    Errors: Unavailable when it cannot be reached, or takes no change from this user.
    """
    _run(url, revision, command.upgrade)


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a version. What only later versions could hold is gone."""
    _run(url, revision, command.downgrade)


@cache
def newest_version() -> str:
    """Return the version that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "there is no migration"
    return head


@cache
def known_versions() -> frozenset[str]:
    """Return every version that this code knows the way to."""
    return frozenset(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def fits(version: str | None) -> bool:
    """Return whether this code works on a database of this version: its own, or a later one, which only adds to it.

    So processes of two releases run side by side during an upgrade, and the code can go back by one release.
    """
    return version is not None and (version == newest_version() or version not in known_versions())


def version_of(session: Session) -> str | None:
    """Return the version that the database is at, or None where it was never migrated."""
    return MigrationContext.configure(session).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _run(url: str, revision: str, move: object) -> None:
    assert callable(move)
    engine = make_engine(url)
    try:
        with translating_errors(), engine.connect() as connection:
            have_patience(connection)
            config = _config()
            config.attributes["connection"] = connection
            config.attributes["metadata"] = metadata
            move(config, revision)
    finally:
        engine.dispose()
