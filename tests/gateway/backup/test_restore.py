"""A destroyed district comes back whole, or what is there stays untouched: on both databases."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from gateway import archive, backup
from gateway.backup import Source
from gateway.channels import simulator
from gateway.errors import KabarError, Malformed, Permanent, SomebodyElse
from gateway.receive import keep
from gateway.store import channels, schema
from gateway.store.base import Database
from gateway.store.neighbours import find_neighbours
from tests.district import NOON, District
from tests.gateway.backup.saved import back_up, bring_back, destroy, everything

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"


def test_a_destroyed_district_comes_back_as_it_was(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = everything(source.database_url)
    made = back_up(source, tmp_path)
    district.database.dispose()
    destroy(source, request)
    manifest = bring_back(source, made.path)
    assert everything(source.database_url) == before
    assert manifest.rows["inbox"] == 4
    assert manifest.newest_message_at == max(row.received_at for row in before["inbox"])


def test_its_messages_go_on_where_they_were(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = back_up(source, tmp_path)
    district.database.dispose()
    destroy(source, request)
    bring_back(source, made.path)
    assert shown_answer(district, "ani-1")["text"].startswith("KB Sep 25 PMB Ani: BARU 12"), (
        "the answer's page is not what it was"
    )
    district.keep("ani", REPORT, provider_id="ani-1")  # the provider comes again
    assert district.handle() == 0
    assert "50" in district.say("ani", "KB 0925 BARU 12 AKTIF 50")
    assert len(everything(source.database_url)["inbox"]) == 5


def shown_answer(district: District, provider_id: str) -> dict[str, str]:
    channel = district.runtime.channels["simulator"]
    secret = simulator.read_secret(district.runtime.settings.var)
    question = simulator.write_question(secret, provider_id)
    answer = keep.show_answer(district.database, channel, question, provider_id, NOON)
    found: dict[str, str] = json.loads(answer.body)
    return found


def test_what_had_not_gone_out_is_unsure_where_a_second_send_would_be_a_second_sms(
    source: Source, district: District, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    district.say("ani", "STATUS")  # answered, and not yet sent
    made = back_up(source, tmp_path)
    district.database.dispose()
    for repeatable, state in (((), "unsure"), (("simulator",), "queued")):
        destroy(source, request)
        bring_back(source, made.path, repeatable=repeatable)
        assert everything(source.database_url)["outbox"][-1].state == state


def test_nothing_is_restored_over_what_is_there_unasked(source: Source, district: District, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    district.say("ani", "KB 0925 BARU 12 AKTIF 50")
    later = everything(source.database_url)
    district.database.dispose()
    with pytest.raises(Permanent, match="--replace"):
        bring_back(source, made.path)
    assert everything(source.database_url) == later
    bring_back(source, made.path, may_replace=True)
    assert len(everything(source.database_url)["inbox"]) == 4


def test_nothing_is_restored_while_a_process_has_the_database_open(
    source: Source, district: District, tmp_path: Path
) -> None:
    made = back_up(source, tmp_path)
    with district.database.session(read_only=True) as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(SomebodyElse, match="stop every process"):
            bring_back(source, made.path, may_replace=True)
    with pytest.raises(SomebodyElse):  # an idle connection is enough
        bring_back(source, made.path, may_replace=True)
    assert district.say("ani", "STATUS")


def test_what_a_lost_database_left_beside_it_is_not_mixed_into_what_comes_back(small: Source, tmp_path: Path) -> None:
    schema.upgrade(small.database_url)
    made = back_up(small, tmp_path)
    before = everything(small.database_url)
    place = Path(str(make_url(small.database_url).database))
    log = place.with_name(f"{place.name}-wal")
    database = Database(small.database_url)
    with database.session() as session:
        channels.tick(session, "later", NOON)
        session.commit()
    left = log.read_bytes()
    database.dispose()
    place.unlink()
    log.write_bytes(left)  # as after a power cut
    bring_back(small, made.path)
    assert everything(small.database_url) == before


def test_a_broken_database_is_not_replaced_and_the_operator_reads_what_to_do(small: Source, tmp_path: Path) -> None:
    schema.upgrade(small.database_url)
    made = back_up(small, tmp_path)
    place = Path(str(make_url(small.database_url).database))
    place.write_bytes(b"no database" * 400)
    with pytest.raises(Permanent, match="move it away first"):
        bring_back(small, made.path, may_replace=True)
    assert place.read_bytes() == b"no database" * 400


def test_tables_of_others_are_never_dropped(source: Source, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    database = Database(source.database_url)
    with database.session() as session:
        session.execute(text("CREATE TABLE payroll (id INTEGER)"))
        session.commit()
    database.dispose()
    with pytest.raises(Permanent, match="not Kabar's"):
        bring_back(source, made.path, may_replace=True)


BESIDE = {
    "CREATE VIEW jumlah AS SELECT count(*) AS pesan FROM inbox": "view public.jumlah",
    "CREATE MATERIALIZED VIEW siap AS SELECT id FROM reports": "materialized view public.siap",
    "CREATE EXTENSION pg_trgm SCHEMA public": "extension pg_trgm",
    "CREATE FUNCTION dua() RETURNS int LANGUAGE sql AS 'SELECT 2'": "function public.dua()",
    "CREATE FUNCTION hitung() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": "function public.hitung()",
    "CREATE TRIGGER lapor AFTER INSERT ON reports FOR EACH ROW EXECUTE FUNCTION hitung()": (
        "trigger lapor on public.reports"
    ),
    "CREATE TRIGGER audit_only_grows AFTER DELETE ON inbox FOR EACH ROW EXECUTE FUNCTION hitung()": (
        "trigger audit_only_grows on public.inbox"
    ),
    "CREATE INDEX dinas ON reports (period)": "index public.dinas",
    "CREATE POLICY milik ON inbox USING (true)": "policy milik on public.inbox",
    "ALTER TABLE facilities ADD COLUMN dinas text": "table column public.facilities.dinas",
    "ALTER TABLE inbox ADD CONSTRAINT isi CHECK (text <> 'x')": "table constraint isi on public.inbox",
    "CREATE TYPE warna AS ENUM ('merah')": "type public.warna",
    "CREATE SEQUENCE nomor": "sequence public.nomor",
    "CREATE SCHEMA bi": "",
    "CREATE VIEW bi.laporan AS SELECT id FROM reports": "view bi.laporan",
    "CREATE TABLE bi.catatan (report bigint CONSTRAINT r REFERENCES reports)": "table constraint r on bi.catatan",
    "CREATE PUBLICATION keluar FOR TABLE inbox": "publication relation public.inbox in publication keluar",
    "ALTER TABLE areas ADD COLUMN catatan bigint": "table column public.areas.catatan",
    "CREATE TABLE bi.daftar (id bigint PRIMARY KEY)": "",
    "ALTER TABLE areas ADD CONSTRAINT d FOREIGN KEY (catatan) REFERENCES bi.daftar": (
        "table constraint d on public.areas"
    ),
    "CREATE SCHEMA gaji": "",
    "CREATE TABLE gaji.bulan (id int)": "",  # it has nothing to do with us
    "CREATE VIEW gaji.daftar AS SELECT id FROM gaji.bulan": "",
}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_others_made_beside_or_upon_our_tables_is_dropped_only_if_one_says_so(
    source: Source, tmp_path: Path
) -> None:
    made = back_up(source, tmp_path)
    bring_back(source, made.path)
    change(source, *BESIDE)
    assert set(find_neighbours(source.database_url)) == set(BESIDE.values()) - {""}
    there = everything(source.database_url)
    with pytest.raises(Permanent, match=r"bukan milik Kabar: extension pg_trgm, .* not Kabar's: extension") as refused:
        bring_back(source, made.path, may_replace=True)
    assert "--drop-others" in str(refused.value)
    assert everything(source.database_url) == there
    bring_back(source, made.path, may_replace=True, may_drop_others=True)
    assert find_neighbours(source.database_url) == ()
    change(source, "INSERT INTO gaji.bulan VALUES (1)", "SELECT id FROM gaji.daftar", "SELECT report FROM bi.catatan")


def change(source: Source, *statements: str) -> None:
    """Do something in a database as its owner, beside Kabar."""
    database = Database(source.database_url)
    with database.session() as session:
        for statement in statements:
            session.exec_driver_sql(statement)
        session.commit()
    database.dispose()


def test_a_broken_backup_is_refused_and_nothing_is_touched(source: Source, district: District, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    there = everything(source.database_url)
    district.database.dispose()
    octets = made.path.read_bytes()
    for name, wrong in (
        ("cut", octets[:-9]),
        ("flipped", octets[:5000] + bytes([octets[5000] ^ 4]) + octets[5001:]),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(wrong)
        with pytest.raises(Malformed):
            bring_back(source, tmp_path / name, may_replace=True)
        with pytest.raises(Malformed):
            backup.check_backup(tmp_path / name, source.var)
    assert everything(source.database_url) == there
    assert backup.check_backup(made.path, source.var).rows["inbox"] == 4


def test_a_backup_of_a_later_version_is_refused_and_one_of_another_kind(source: Source, tmp_path: Path) -> None:
    made = back_up(source, tmp_path)
    manifest = archive.unpack(made.path, tmp_path / "found")
    there = everything(source.database_url)
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[manifest.kind]
    for name, said, words in (
        ("later", replace(manifest, migration="9999"), "update it first"),
        ("other", replace(manifest, kind=other), f"is of {other}"),
    ):
        archive.pack(tmp_path / name, said, {archive.DATABASE: tmp_path / "found" / "database"})
        with pytest.raises(KabarError, match=words):
            bring_back(source, tmp_path / name, may_replace=True)
    assert everything(source.database_url) == there


def test_a_backup_of_an_earlier_version_is_brought_up(
    empty_database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    schema.upgrade(empty_database_url, "0020")
    programs = request.getfixturevalue("postgresql").programs
    environ = dict(os.environ) | {"PATH": f"{programs}:{os.environ.get('PATH', '')}"}
    source = Source(empty_database_url, {}, tmp_path / "var", "0.0.9", environ)
    made = back_up(source, tmp_path)
    assert made.manifest.migration == "0020"
    bring_back(source, made.path)
    assert everything(empty_database_url)["inbox"] == []
    database = Database(empty_database_url)
    with database.session(read_only=True) as session:
        assert schema.version_of(session) == schema.newest_version()
    database.dispose()


def test_secrets_travel_in_a_locked_backup_alone(small: Source, tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    plain = back_up(small, tmp_path)
    locked = backup.make_backup(small, tmp_path / "backups", [str(key.to_public())], NOON)
    assert list(plain.manifest.files) == ["database"]
    assert sorted(locked.manifest.files) == ["database", "secrets/secret.key"]
    place = small.secrets["secret.key"]
    place.write_text("another")
    options = {"repeatable": (), "may_replace": True, "now": NOON}
    with pytest.raises(Malformed, match="--identity"):
        backup.restore(small, locked.path, "", **options)  # type: ignore[arg-type]
    assert backup.restore(small, locked.path, str(key), **options)[1] == ("secret.key",)  # type: ignore[arg-type]
    assert place.read_text() == "k" * 64
    assert place.stat().st_mode & 0o777 == 0o600
    assert next(small.var.glob("secret.key.before-*")).read_text() == "another"


def test_what_is_done_afterwards_sees_what_came_back(small: Source, tmp_path: Path) -> None:
    made, seen = back_up(small, tmp_path), []
    bring_back(small, made.path, afterwards=lambda database: seen.append(database.engine.url))
    assert seen == [make_url(small.database_url)]
