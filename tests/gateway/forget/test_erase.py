"""Erasing somebody: nothing of hers is left anywhere, and no figure has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.exc import DBAPIError

from gateway.checkup import check_parts
from gateway.errors import Malformed
from gateway.forget import erase
from gateway.forget.erase import Asked, keep_in_step
from gateway.redact import Secret, mask_phone
from gateway.store import audit, erasures, imports, reporters, tidying, totals
from gateway.store.audit import NewAudit
from gateway.store.base import Database, Session, metadata
from gateway.store.imports import NewImport
from gateway.store.klikkb import klikkb_imports, klikkb_midwives
from gateway.values import Scope
from tests.district import PHONES, District, make_runtime
from tests.reminding import write_to_all

Opener = Callable[[str], Database]
KEY = Secret("k" * 40)
PHONE, SECOND = "+6281277654321", "+6281277654399"
NAME = "Ratna Canarywati"
WRITTEN = ("81277654321", "812-7765-4321", "81277654399", NAME, NAME.lower(), "Canarywati", "canary")
FIGURES = ("report_values", "month_totals", "month_counts", "typed", "reminders", "closings")


@pytest.fixture
def ratna(district: District) -> int:
    """A midwife whose name and words are found again wherever they are."""
    return fill(district)


def fill(district: District) -> int:
    """Let her report, ask and be written about; return her id."""
    with district.database.session() as session:
        reporter_id = reporters.add_reporter(session, NAME, [PHONE, SECOND], [district.ids["PMB01"]])
        session.commit()
    district.say(PHONE, "KB 0825 BARU 12 AKTIF 40 PIL 12 catatan canary sakit")
    district.say(PHONE, "KB 0925 BARU 13 AKTIF canary")
    district.say(PHONE, "KB 0925 BARU 13 AKTIF 44 SUNTIK 13")
    district.say(SECOND, "kapan rapat? salam canary", provider_id="081277654399-17")
    district.say(PHONE, "RALAT AKTIF 9000")
    district.say("wati", f"KB PMB02 0925 BARU 2 AKTIF 9, ini HP {NAME}: 0812-7765-4321")
    district.say("stranger", "DAFTAR GANTI 081277654321 pindah")
    district.send()
    with district.database.session() as session:
        _plant(session, district, reporter_id)
        while totals.refresh(session):
            pass
        session.commit()
    return reporter_id


def _plant(session: Session, district: District, reporter_id: int) -> None:
    """Put her where only staff do."""
    now = district.runtime.now()
    about = {"after": {"name": NAME, "phones": [mask_phone(PHONE)]}, "reason": f"telepon {PHONE}"}
    audit.record(session, NewAudit(now, None, "cli", "add", "reporter", str(reporter_id), "14.03.01", about))
    audit.record(session, NewAudit(now, None, "cli", "import_new", "reporter", NAME, "14.03.01", {}))
    sheet = {"rows": [[NAME, PHONE]]}
    hour = timedelta(hours=1)
    imports.keep_import(session, NewImport(1, "reporters", "a.csv", "0", sheet, ["name"], now, now + hour))
    row = {"area": "14.03", "file_name": "a.csv", "digest": "0", "applied_at": now, "user_name": "Sari", "counts": {}}
    import_id = session.execute(insert(klikkb_imports).returning(klikkb_imports.c.id), row).scalar_one()
    listed: dict[str, Any] = {
        "klikkb_id": "B1",
        "name": NAME,
        "phone": PHONE,
        "area": "14.03.01",
        "facility": "PMB Satu",
    }
    session.execute(
        insert(klikkb_midwives),
        listed | {"facility": "PMB Satu", "import_id": import_id, "seen_at": now, "reporter_id": reporter_id},
    )


def forget(district: District, phone: str = PHONE) -> erase.Done:
    """Erase who reports from a number, as the command does."""
    with district.database.session() as session:
        asked = Asked("permintaan sendiri", (None, "cli"), district.runtime.now())
        done = erase.erase(session, erasures.find_by_phone(session, phone), KEY, asked)
        session.commit()
    with district.database.session() as session:
        keep_in_step(session, district.runtime.settings.var, KEY, district.runtime.now())
        session.commit()
    return done


def everything(district: District) -> Iterator[tuple[str, str]]:
    """Yield every value of every column of every table, as text."""
    with district.database.session(read_only=True) as session:
        for table in metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                yield from ((f"{table.name}.{name}", _as_text(value)) for name, value in row.items())


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def found(district: District, marks: tuple[str, ...] = WRITTEN) -> set[str]:
    """Return the columns that hold a mark of hers."""
    return {where for where, text in everything(district) if any(one in text for one in (*marks, mask_phone(PHONE)))}


def figures(district: District) -> dict[str, list[tuple[Any, ...]]]:
    """Return every figure, and how each report stands; what waits for her word is for staff once she is gone."""
    with district.database.session(read_only=True) as session:
        rows = {name: [tuple(row) for row in session.execute(select(metadata.tables[name]))] for name in FIGURES}
        own = metadata.tables["reports"].c
        kept = select(
            own.id, own.form, own.facility_id, own.period, own.revision, own.state, own.flags, own.reporter_id
        )
        found = [tuple(map(str, row)) for row in session.execute(kept.order_by(own.id))]
        return rows | {"reports": [tuple("flagged" if one == "waiting" else one for one in row) for row in found]}


def test_nothing_of_hers_is_left_in_any_column_and_no_figure_has_changed(district: District, ratna: int) -> None:
    assert {"inbox.text", "outbox.text", "reports.text", "audit.details", "klikkb_midwives.name"} <= found(district)
    before = figures(district)
    assert before["report_values"]
    assert before["month_totals"]
    done = forget(district)
    assert found(district) == set()
    assert figures(district) == before
    assert done.counts["inbox"] >= 5
    check_the_way_on(district, done)


def check_the_way_on(district: District, done: erase.Done) -> None:
    """See that what was kept before is a repeat still, and that whoever writes from there now is a stranger."""
    district.keep(PHONE, "KB 0825 BARU 12 AKTIF 40 PIL 12", provider_id="m1")
    district.keep(SECOND, "kapan rapat? salam canary", provider_id="081277654399-17")
    assert district.handle() == 0
    assert district.say(PHONE, "KB 0925 BARU 1 AKTIF 2").startswith("HP ini belum terdaftar")
    with district.database.session(read_only=True) as session:
        assert [one.pseudonym for one in erasures.latest_erasures(session, scope=Scope(""))] == [done.pseudonym]


def test_no_byte_of_the_file_holds_it_either(sqlite_url: str, tmp_path: Path, open_database: Opener) -> None:
    district = District(make_runtime(open_database(sqlite_url), tmp_path / "var", answers_per_hour=100))
    fill(district)
    forget(district)
    assert tidying.tidy(district.database)
    places = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in places} >= {"kabar.db", erase.LIST}
    left = [path.name for path in places if any(mark.encode() in path.read_bytes() for mark in WRITTEN)]
    assert left == []


def test_an_older_backup_is_erased_again(district: District, ratna: int, database_url: str) -> None:
    runtime = district.runtime
    forget(district)
    with district.database.session() as session:  # the database as it was before: she is there, and no erasure
        session.execute(delete(erasures.erasures))
        again = reporters.add_reporter(session, NAME, [PHONE], [district.ids["PMB01"]])
        session.commit()
    settings = runtime.settings.model_copy(update={"database_url": database_url})
    assert [one.name for one in check_parts(settings) if "privacy again" in one.words] == ["erasures"]
    with district.database.session() as session:
        assert keep_in_step(session, runtime.settings.var, KEY, runtime.now()) == 1
        session.commit()
    assert found(district) == set()
    with district.database.session() as session:  # once is enough: who is registered anew stays
        reporters.add_reporter(session, NAME, [PHONE], [district.ids["PMB01"]])
        assert keep_in_step(session, runtime.settings.var, KEY, runtime.now()) == 0
        assert reporters.find_by_phones(session, [PHONE])[PHONE][0].id > again
        session.rollback()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_number_that_others_report_from_too_stays_theirs(district: District) -> None:
    district.say("clinic", "KB PMB04 0925 BARU 12 AKTIF 40 PIL 12")
    district.say("clinic", "KB PMB05 0925 BARU 11 AKTIF 30 PIL 11")
    with district.database.session() as session:
        (sari,) = (one.id for one in reporters.find_by_phones(session, [PHONES["clinic"]])[PHONES["clinic"]][:1])
        person = erasures.find_by_id(session, sari)
        assert (person.phones, person.shared) == ((), (PHONES["clinic"],))
        erase.erase(session, person, KEY, Asked("pindah", (None, "cli"), district.runtime.now()))
        session.commit()
    with district.database.session(read_only=True) as session:
        assert [one.name for one in reporters.find_by_phones(session, [PHONES["clinic"]])[PHONES["clinic"]]] == ["Dewi"]
        texts = session.execute(select(metadata.tables["reports"].c.text)).scalars().all()
    assert sorted(texts) == ["", "KB PMB05 0925 BARU 11 AKTIF 30 PIL 11"]


def test_who_was_sent_a_broadcast_on_two_numbers_is_erased(district: District, ratna: int) -> None:
    write_to_all(district)
    forget(district)
    sent = metadata.tables["outbox"].c
    with district.database.session(read_only=True) as session:
        hers = select(sent.text, sent.state).where(sent.broadcast_id.is_not(None), sent.recipient.startswith("erased:"))
        rows = [tuple(row) for row in session.execute(hers)]
    assert rows == [("", "withheld")] * 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_namesake_keeps_her_name_and_a_longer_number_its_digits(district: District, ratna: int) -> None:
    longer = f"+62852{PHONE.removeprefix('+62')}"  # ends with all the digits of hers
    with district.database.session() as session:
        reporters.add_reporter(session, NAME, [longer], [district.ids["PMB02"]])
        session.commit()
    assert district.say(longer, "KB 0725 BARU 2 AKTIF 9").startswith("KB Jul 25")
    forget(district)
    with district.database.session(read_only=True) as session:
        [namesake] = reporters.find_by_phones(session, [longer])[longer]
    assert namesake.name == NAME


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_comes_in_the_middle_of_an_erasure_is_read_as_a_strangers(district: District, ratna: int) -> None:
    come: list[str] = []

    def write(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM parts" in statement and not come:
            come.append("late")
            district.keep(PHONE, "KB 0725 BARU 2 AKTIF 9", provider_id="late")

    event.listen(district.database.engine, "before_cursor_execute", write)
    forget(district)
    event.remove(district.database.engine, "before_cursor_execute", write)
    assert come
    assert district.handle() == 1
    late = district.message("late")
    assert (late.sender, late.text, late.state) == (PHONE, "KB 0725 BARU 2 AKTIF 9", "held")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_waits_to_go_to_another_phone_does_not_go_without_words(district: District) -> None:
    district.say("clinic", "KB PMB04 0925 BARU 12 AKTIF 40 PIL 12")
    with district.database.session() as session:
        reporters.add_reporter(session, NAME, [PHONE], [district.ids["PMB01"]])
        session.commit()
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    district.say(PHONE, "KB 0925 BARU 12 AKTIF 41 PIL 12")  # of which Ani's phone is told
    with district.database.session() as session:
        (sari,) = (one.id for one in reporters.find_by_phones(session, [PHONES["clinic"]])[PHONES["clinic"]][:1])
        person = erasures.find_by_id(session, sari)
        erase.erase(session, person, KEY, Asked("pindah", (None, "cli"), district.runtime.now()))
        session.commit()
    forget(district)
    with district.database.session(read_only=True) as session:
        sent = metadata.tables["outbox"].c
        waits = session.execute(select(sent.recipient, sent.text).where(sent.state == "queued")).all()
    assert [recipient for recipient, _ in waits] == [PHONES["ani"]] * 2
    assert "baru saja diubah dari HP lain" in waits[1].text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_report_that_waits_for_her_word_is_for_staff_to_decide(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    assert "Balas YA" in district.say("ani", "KB 0925 BARU 12 AKTIF 9000 PIL 12")
    forget(district, PHONES["ani"])
    with district.database.session(read_only=True) as session:
        states = session.execute(select(metadata.tables["reports"].c.state)).scalars().all()
    assert states == ["accepted", "flagged"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("moved", [True, False], ids=["her own phone by then", "their phone still"])
def test_of_a_shared_phone_an_older_backup_erases_her_alone_again(district: District, moved: bool) -> None:
    now, var = district.runtime.now(), district.runtime.settings.var
    phone = PHONES["clinic"]
    with district.database.session() as session:
        sari, dewi = (one.id for one in reporters.find_by_phones(session, [phone])[phone])
        if moved:
            session.execute(delete(reporters.reporter_phones).where(reporters.reporter_phones.c.reporter_id == dewi))
        erase.erase(session, erasures.find_by_id(session, sari), KEY, Asked("pindah", (None, "cli"), now))
        keep_in_step(session, var, KEY, now)
        session.rollback()  # the older backup: the list beside the database knows what it does not
        assert keep_in_step(session, var, KEY, now) == 1
        assert [one.name for one in reporters.find_by_phones(session, [phone])[phone]] == ["Dewi"]
        assert sari not in dict(erasures.named_reporters(session))
        assert keep_in_step(session, var, KEY, now) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("phone", "reason", "why"), [("+6281299999999", "x", "nothing is kept"), (PHONES["ani"], " ", "say why")]
)
def test_nobody_is_erased_without_a_reason_or_by_a_slip(district: District, phone: str, reason: str, why: str) -> None:
    asked = Asked(reason, (None, "cli"), district.runtime.now())
    with district.database.session() as session:
        person = erasures.find_by_phone(session, phone)
        with pytest.raises(Malformed, match=why):
            erase.erase(session, person, KEY, asked)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_message_that_nobody_has_read_yet_is_waited_for(district: District) -> None:
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    with pytest.raises(Malformed, match="1 pesannya belum dibaca"):
        forget(district, PHONES["ani"])


@pytest.mark.parametrize(
    "change", [update(audit.audit).values(details={}), update(audit.audit).values(user_name="x")], ids=str
)
def test_the_audit_changes_in_an_erasure_alone_and_never_in_who_did_it(district: District, change: Any) -> None:
    now = district.runtime.now()
    with district.database.session() as session:
        audit.record(session, NewAudit(now, None, "cli", "add", "reporter", "1", "14.03", {"name": "Ani"}))
        session.commit()
        erasures.begin(session, [], "erased:0", "x", (None, "cli"), now)
        if "user_name" not in str(change):
            session.execute(change)
        erasures.end(session, "erased:0", {}, now)
        with pytest.raises(DBAPIError, match="only added to"):
            session.execute(change)
        session.rollback()
    with district.database.session() as session:
        erasures.begin(session, [], "erased:0", "x", (None, "cli"), now)
        with pytest.raises(DBAPIError, match="only added to"):
            session.execute(update(audit.audit).values(user_name="x"))
        session.rollback()
