"""The whole schema in one place, and the moves between its versions."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.discover import discover
from gateway.store.base import Session, make_engine, metadata

discover("gateway.store", having=())  # every file of a noun is imported, so that metadata knows its table
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a version. Several may try at once: they take turns, and the later ones find it done."""
    _run(url, revision, command.upgrade)


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a version. What only later versions could hold is gone."""
    _run(url, revision, command.downgrade)


def newest_version() -> str:
    """Return the version that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "there is no migration"
    return head


def is_known(version: str) -> bool:
    """Return whether this code knows a version; it knows none that is later than itself."""
    return any(script.revision == version for script in ScriptDirectory.from_config(_config()).walk_revisions())


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
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            config.attributes["metadata"] = metadata
            move(config, revision)
    finally:
        engine.dispose()
