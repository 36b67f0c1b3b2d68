"""Neighbours: what others have made in our schema of PostgreSQL, or upon our tables, and would lose with it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, bindparam, text

from gateway.store.base import make_engine, metadata, translating_errors
from gateway.store.patience import have_patience

_VERSION = "alembic_version"
_OUR_FUNCTIONS = (  # of our triggers
    "note_report_added",
    "note_report_moved",
    "note_month_closed",
    "refuse_audit_change",
)
_TABLES = "SELECT oid FROM pg_class WHERE relkind = 'r' AND relname IN :tables"
_FUNCTIONS = "SELECT oid FROM pg_proc WHERE pronamespace = to_regnamespace('public') AND proname IN :functions"
# Whatever lies in a schema depends on it (PostgreSQL, "pg_depend"); what belongs to a table or an extension goes with
# that one.
_WITHIN = f"""
SELECT o.classid, o.objid, 0 FROM pg_depend o
WHERE o.refclassid = 'pg_namespace'::regclass AND o.refobjid = to_regnamespace('public')
  AND NOT (o.classid = 'pg_class'::regclass AND o.objid IN ({_TABLES}))
  AND NOT (o.classid = 'pg_proc'::regclass AND o.objid IN ({_FUNCTIONS}))
  AND NOT EXISTS (SELECT 1 FROM pg_depend p
    WHERE p.classid = o.classid AND p.objid = o.objid AND p.deptype IN ('a', 'i', 'e'))
"""  # noqa: S608  all of it is ours
# What belongs to our tables, and is not of our making.
_OF = f"""
WITH t AS (SELECT oid, relname FROM pg_class WHERE relnamespace = to_regnamespace('public') AND oid IN ({_TABLES}))
SELECT 'pg_class'::regclass, t.oid, a.attnum FROM pg_attribute a JOIN t ON t.oid = a.attrelid
WHERE a.attnum > 0 AND NOT a.attisdropped AND t.relname || '.' || a.attname NOT IN :parts
UNION SELECT 'pg_class'::regclass, c.oid, 0 FROM pg_index i JOIN t ON t.oid = i.indrelid
  JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname NOT IN :parts
UNION SELECT 'pg_constraint'::regclass, k.oid, 0 FROM pg_constraint k JOIN t ON t.oid = k.conrelid
WHERE k.contype = 'c' AND k.conname NOT IN :parts OR k.contype = 'f' AND k.confrelid NOT IN (SELECT oid FROM t)
UNION SELECT 'pg_trigger'::regclass, g.oid, 0 FROM pg_trigger g JOIN t ON t.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgfoid NOT IN ({_FUNCTIONS})
UNION SELECT 'pg_policy'::regclass, p.oid, 0 FROM pg_policy p JOIN t ON t.oid = p.polrelid
"""  # noqa: S608
# Of other schemas: views of our tables, and keys that point at them. Publications name tables of any schema.
_UPON = """
SELECT 'pg_class'::regclass, v.oid, 0 FROM pg_depend d
  JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
  JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
WHERE t.relnamespace = to_regnamespace('public') AND v.relnamespace <> t.relnamespace
UNION SELECT 'pg_constraint'::regclass, k.oid, 0 FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid
WHERE t.relnamespace = to_regnamespace('public') AND k.connamespace <> t.relnamespace
UNION SELECT 'pg_publication_rel'::regclass, p.oid, 0 FROM pg_publication_rel p JOIN pg_class t ON t.oid = p.prrelid
WHERE t.relnamespace = to_regnamespace('public')
"""
_NAMED = text(
    "SELECT DISTINCT (pg_identify_object(classid, objid, part)).type || ' ' ||"  # noqa: S608
    " (pg_identify_object(classid, objid, part)).identity"
    f" FROM ({_WITHIN} UNION ({_OF}) UNION {_UPON}) AS others (classid, objid, part)"
).bindparams(*(bindparam(name, expanding=True) for name in ("tables", "parts", "functions")))


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
    ours = {"tables": [*metadata.tables, _VERSION], "parts": sorted(_parts()), "functions": _OUR_FUNCTIONS}
    return tuple(sorted(connection.execute(_NAMED, ours).scalars()))


def _parts() -> Iterator[str]:
    """Yield what our tables consist of: columns with their tables, and indexes and constraints by their names."""
    yield from (f"{_VERSION}.version_num", f"{_VERSION}_pkc")
    for table in metadata.tables.values():
        yield from (f"{table.name}.{column.name}" for column in table.columns)
        yield from (str(index.name) for index in table.indexes)
        yield from (str(constraint.name) for constraint in table.constraints)
