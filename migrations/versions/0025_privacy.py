"""Privacy: how long each kind of data is kept, who was erased, and the one way in which the audit may change."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)

# In an erasure what an audited deed was about may lose a name; who did what, when and where, never.
# An erasure is open only inside its own transaction: nobody else ever sees the row that lets the audit's words change.
_ERASING = "EXISTS (SELECT 1 FROM erasures WHERE ended_at IS NULL)"
_KEPT = ("id", "at", "user_id", "user_name", "action", "noun", "area")
_SAME = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _KEPT)
_SAME_ON_SQLITE = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _KEPT)
_YEARS = 5  # how long the audit is kept
_SAID = "the audit is only added to"
_DIGITS = "substr(sender, CASE WHEN sender LIKE '+62%' THEN 4 WHEN sender LIKE '+%' THEN 2 ELSE 1 END)"


def upgrade() -> None:
    """Privacy: how long each kind of data is kept, who was erased, and the one way in which the audit may change."""
    op.create_table(
        "retention",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("chosen_by", sa.String(length=100), nullable=False),
        sa.Column("chosen_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention")),
    )
    op.create_table(
        "erasures",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("phone_hash", sa.String(length=64), nullable=False),
        sa.Column("pseudonym", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("erased_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=True),
        sa.Column("is_tidy", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_phone_hash", "erasures", ["phone_hash"])
    _drop_triggers()
    _close_audit()
    _hide_numbers_in_keys()


def _hide_numbers_in_keys() -> None:
    """Hash the keys that hold their sender's number, as those are that come from now on (`gateway.redact`)."""
    session = op.get_bind()
    for table in ("inbox", "parts"):
        rows = session.execute(
            sa.text(
                f"SELECT id, provider_id FROM {table} WHERE length({_DIGITS}) >= 7 AND "  # noqa: S608
                f"provider_id LIKE '%' || {_DIGITS} || '%'"
            )
        )
        for row in rows.all():
            key = {"id": row.id, "key": f"sha256:{hashlib.sha256(row.provider_id.encode()).hexdigest()}"}
            session.execute(sa.text(f"UPDATE {table} SET provider_id = :key WHERE id = :id"), key)  # noqa: S608
            if table == "inbox":
                same = key | {"was": row.provider_id}
                session.execute(
                    sa.text("UPDATE reports SET sent_key = :key WHERE inbox_id = :id AND sent_key = :was"), same
                )


def _close_audit() -> None:
    """Let words of the audit change in an erasure alone, and rows go when they are old; all else is refused."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF TG_OP = 'UPDATE' AND {_ERASING} THEN IF {_SAME} THEN RETURN NEW; END IF; END IF; "
            f"IF TG_OP = 'DELETE' THEN IF OLD.at < clock_timestamp() - interval '{_YEARS} years' THEN RETURN OLD; "
            f"END IF; END IF; RAISE EXCEPTION '{_SAID}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
        )
        op.execute(
            "CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    op.execute(
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN NOT ({_SAME_ON_SQLITE} AND {_ERASING}) "
        f"BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
        f"WHEN OLD.at >= strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{_YEARS} years') "
        f"BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
    )


def _drop_triggers() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_only_grows ON audit")
        op.execute("DROP TRIGGER IF EXISTS audit_never_emptied ON audit")
    else:
        op.execute("DROP TRIGGER audit_no_update")
        op.execute("DROP TRIGGER audit_no_delete")


def downgrade() -> None:
    """Take it away again."""
    _drop_triggers()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_SAID}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                f"BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
            )
    op.drop_table("erasures")
    op.drop_table("retention")
