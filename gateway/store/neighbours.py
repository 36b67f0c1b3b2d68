"""Neighbours: what others have made in our schema of PostgreSQL, or upon our tables, and would lose with it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, text

from gateway.store.base import make_engine, metadata, translating_errors
from gateway.store.patience import have_patience

# Whatever lies in a schema depends on it (PostgreSQL, "pg_depend"); what belongs to a table or an extension goes with
# that one. Our functions are those of our triggers.
_WITHIN = """
SELECT o.classid, o.objid FROM pg_depend o
WHERE o.refclassid = 'pg_namespace'::regclass AND o.refobjid = to_regnamespace('public')
  AND NOT (o.classid = 'pg_class'::regclass
    AND o.objid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relname IN :ours))
  AND NOT (o.classid = 'pg_proc'::regclass AND o.objid IN (
    SELECT t.tgfoid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = to_regnamespace('public') AND c.relname IN :ours))
  AND NOT EXISTS (SELECT 1 FROM pg_depend p
    WHERE p.classid = o.classid AND p.objid = o.objid AND p.deptype IN ('a', 'i', 'e'))
"""
# Of other schemas: views of our tables, and keys that point at them. Publications name tables of any schema.
_UPON = """
SELECT 'pg_class'::regclass, v.oid FROM pg_depend d
  JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
WHERE t.relnamespace = to_regnamespace('public') AND v.relnamespace <> t.relnamespace
UNION SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid
WHERE t.relnamespace = to_regnamespace('public') AND k.connamespace <> t.relnamespace
UNION SELECT 'pg_publication_rel'::regclass, p.oid FROM pg_publication_rel p JOIN pg_class t ON t.oid = p.prrelid
WHERE t.relnamespace = to_regnamespace('public')
"""
_NAMED = text(
    "SELECT DISTINCT (pg_identify_object(classid, objid, 0)).type || ' ' ||"  # noqa: S608  both are ours
    f" (pg_identify_object(classid, objid, 0)).identity FROM ({_WITHIN} UNION {_UPON}) AS others (classid, objid)"
).bindparams(bindparam("ours", expanding=True))


def find_neighbours(url: str) -> tuple[str, ...]:
    """Return what would go with our schema and is not Kabar's, as PostgreSQL calls it: `view public.laporan`."""
    engine = make_engine(url)
    try:
        with translating_errors(), engine.connect() as connection:
            have_patience(connection)
            return _find(connection)
    finally:
        engine.dispose()


def _find(connection: Connection) -> tuple[str, ...]:
    ours = [*metadata.tables, "alembic_version"]
    return tuple(sorted(connection.execute(_NAMED, {"ours": ours}).scalars()))
