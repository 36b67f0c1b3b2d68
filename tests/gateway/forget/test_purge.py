"""What was kept long enough goes, and every figure stays."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from gateway.errors import Malformed
from gateway.forget.purge import plan, purge
from gateway.receive.keep import keep_sms, keep_unread
from gateway.redact import Secret
from gateway.store import audit, erasures, exports, inbox, outbox, parts, registrations, retention, totals
from gateway.store.audit import NewAudit
from gateway.store.base import Session, metadata
from gateway.store.imports import NewImport, keep_import
from gateway.store.inventory import kinds
from gateway.store.reporters import reporter_phones, reporters
from gateway.store.retention import Chosen
from gateway.values import InboundSms, InboxState, Scope, SmsPart, read_sender
from tests.district import PHONES, District
from tests.reminding import write_to_all

KEY = Secret("k" * 40)
TABLES = ("report_values", "month_totals", "month_counts", "reports")


def figures(district: District) -> dict[str, list[str]]:
    """Return every figure and every report."""
    with district.database.session(read_only=True) as session:
        return {name: [str(row) for row in session.execute(select(metadata.tables[name]))] for name in TABLES}


def texts(district: District, table: str, column: str) -> list[str]:
    """Return what stands in a column, row by row."""
    with district.database.session(read_only=True) as session:
        kept = metadata.tables[table].c
        return list(session.execute(select(kept[column]).order_by(kept.id)).scalars())


def fill(district: District) -> None:
    """Let things come that are kept for different times."""
    now = district.runtime.now()
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    district.say("ani", "kapan rapat?")
    district.say("stranger", "halo, ini siapa?")
    district.say("wati", "KB PMB02 0925 BARU 2 AKTIF")
    district.send()
    with district.database.session() as session:
        keep_unread(session, "simulator", b"\x00{", "{", Malformed("no JSON"), now)
        audit.record(session, NewAudit(now, None, "cli", "add", "reporter", "1", "14", {}))
        while totals.refresh(session):
            pass
        session.commit()


def test_each_kind_goes_in_its_time_and_no_figure_changes(district: District) -> None:
    fill(district)
    before = figures(district)
    assert purge(district.database, KEY, district.runtime.now()) == {}
    district.pass_time(days=31)
    planned = {(one.kind, one.table): one.rows for one in plan(district.database, district.runtime.now()) if one.rows}
    assert planned == {("malformed", "inbox"): 1}
    assert purge(district.database, KEY, district.runtime.now()) == {"malformed": 1}
    district.pass_time(days=366)
    done = purge(district.database, KEY, district.runtime.now())
    assert done["chatter"] == 1
    assert done["strangers"] == 2  # the message and what was answered
    report, chat, unknown, asked, _ = texts(district, "inbox", "text")
    assert (report, chat, unknown, asked[:3]) == ("KB 0925 BARU 12 AKTIF 40 PIL 12", "", "", "KB ")
    assert texts(district, "inbox", "sender")[:3] == [PHONES["ani"], PHONES["ani"], retention.NOBODY]
    assert set(texts(district, "outbox", "text")) == {""}
    assert figures(district) == before
    assert district.keep("stranger", "halo, ini siapa?", provider_id="m3") == "m3"
    assert district.handle() == 0  # a repeat is known for ever


def test_a_strangers_number_goes_out_of_the_parts_of_what_she_wrote_and_a_midwifes_stays(district: District) -> None:
    keep_parts(district, "stranger", "s", 2)
    keep_parts(district, "stranger", "cut", 1)
    keep_parts(district, "ani", "a", 2)
    district.pass_time(minutes=11)
    with district.database.session() as session:
        assert parts.release_late(session, district.runtime.now()) == 1
        session.commit()
    district.handle()
    district.pass_time(days=366)
    rules = {(one.kind, one.table): one.rows for one in plan(district.database, district.runtime.now())}
    assert rules["strangers", "parts"] == 3
    purge(district.database, KEY, district.runtime.now())
    assert texts(district, "parts", "sender") == [retention.NOBODY] * 3 + [PHONES["ani"]] * 2
    assert PHONES["stranger"] not in texts(district, "inbox", "sender")
    keep_parts(district, "stranger", "s", 2)
    assert len(texts(district, "parts", "id")) == 5  # a repeat is known for ever
    assert purge(district.database, KEY, district.runtime.now()) == {}


def test_numbers_that_one_broadcast_went_to_and_that_are_nobodys_any_more_go_in_a_year(district: District) -> None:
    write_to_all(district)
    with district.database.session() as session:
        session.execute(delete(reporter_phones).where(reporter_phones.c.phone.in_((PHONES["budi"], PHONES["eve"]))))
        session.execute(update(outbox.outbox).values(state="sent"))
        session.commit()
    district.pass_time(days=366)
    assert purge(district.database, KEY, district.runtime.now())["strangers"] == 2
    assert {PHONES["budi"], PHONES["eve"]}.isdisjoint(texts(district, "outbox", "recipient"))


def keep_parts(district: District, sender: str, key: str, count: int) -> None:
    """Let so many of the two parts of a message come."""
    now = district.runtime.now()
    with district.database.session() as session:
        for number in range(1, count + 1):
            part = SmsPart(key, 2, number)
            sms = InboundSms(f"{key}{number}", read_sender(PHONES[sender]), "kapan rapat?", sent_at=now, part=part)
            keep_sms(session, "simulator", sms, now)
        session.commit()


def test_a_number_that_was_refused_goes_a_year_after_and_a_registered_one_stays(district: District) -> None:
    fits = {"stranger": "DAFTAR Rina, PMB Rina", "+6281230000088": "DAFTAR GANTI 081230000077 hilang"}
    for sender, words in fits.items():
        district.say(sender, words)
    with district.database.session() as session:
        for phone, old in ((PHONES["ani"], PHONES["wati"]), ("+6281230000066", None)):
            registrations.ask_registration(session, phone, "simulator", "DAFTAR", district.runtime.now(), old)
        for phone in (PHONES["stranger"], "+6281230000088", PHONES["ani"]):
            assert registrations.settle_registration(session, phone, "refused", district.runtime.now(), "bukan bidan")
        session.commit()
    district.pass_time(days=364)
    assert purge(district.database, KEY, district.runtime.now()) == {}
    district.pass_time(days=2)
    purge(district.database, KEY, district.runtime.now())
    kept = metadata.tables["registrations"].c
    with district.database.session(read_only=True) as session:
        rows = session.execute(select(kept.phone, kept.old_phone, kept.words, kept.reason).order_by(kept.id)).all()
    assert [tuple(row) for row in rows] == [
        (retention.NOBODY, None, "", None),
        (retention.NOBODY, None, "", None),
        (PHONES["ani"], PHONES["wati"], "", None),
        ("+6281230000066", None, "DAFTAR", None),  # staff have not decided yet
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_providers_key_of_what_a_stranger_was_sent_does_not_hold_her_number(district: District) -> None:
    district.say("stranger", "halo, ini siapa?")
    district.send()
    with district.database.session() as session:
        session.execute(update(outbox.outbox).values(provider_id="6281230000099-17"))
        session.commit()
    district.pass_time(days=366)
    purge(district.database, KEY, district.runtime.now())
    [key] = texts(district, "outbox", "provider_id")
    assert key.startswith("sha256:")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_staff_gave_to_be_read_again_meanwhile_keeps_its_words(district: District) -> None:
    district.say("stranger", "KB 0925 BARU 12 AKTIF 40", provider_id="held")
    district.pass_time(days=366)
    now, span = district.runtime.now(), timedelta(days=365)
    [rule] = [one for one in retention.RULES if one.kind == "strangers" and one.table is inbox.inbox]
    with district.database.session() as session:
        ids = retention.find_old(session, rule, now, span)
        assert len(ids) == inbox.put_back(session, PHONES["stranger"], InboxState.HELD) == 1
        retention.let_go(session, rule, ids, now, span)
        session.commit()
    assert district.message("held").text == "KB 0925 BARU 12 AKTIF 40"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_search_goes_on_behind_the_rows_that_were_let_go(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS", 1)
    for words in ("halo", "apa kabar?", "terima kasih"):
        district.say("ani", words)
    district.pass_time(days=366)
    found = _searches(monkeypatch)
    assert purge(district.database, KEY, district.runtime.now())["chatter"] == 3
    assert found["chatter", "inbox"] == [0, 1, 2, 3]


def _searches(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], list[int]]:
    """Note behind which id rows are looked for, by kind and table."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    find_old = retention.find_old

    def noting(
        session: Session, rule: retention.Rule, now: datetime, span: timedelta, after: int = 0
    ) -> tuple[int, ...]:
        found[rule.kind, rule.table.name].append(after)
        return find_old(session, rule, now, span, after)

    monkeypatch.setattr(retention, "find_old", noting)
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_left_is_erased_another_day_while_a_message_of_hers_is_unread(district: District) -> None:
    district.say("budi", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    district.say("eve", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    with district.database.session() as session:
        session.execute(update(reporters).where(reporters.c.name.in_(["Budi", "Eve"])).values(is_active=False))
        had = delete(reporter_phones).where(reporter_phones.c.phone == PHONES["budi"])  # somebody else's by now
        session.execute(had)
        session.commit()
    district.pass_time(days=800)
    district.keep("budi", "halo")
    assert purge(district.database, KEY, district.runtime.now())["left"] == 1
    assert district.handle() == 1
    assert purge(district.database, KEY, district.runtime.now())["left"] == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_office_chooses_how_long_within_bounds(district: District) -> None:
    now = district.runtime.now()
    with district.database.session() as session:
        assert retention.choose(session, Chosen("chatter", 60, "Sari", now), scope=Scope(""))
        assert not retention.choose(session, Chosen("chatter", 60, "Sari", now), scope=Scope("14.03"))
        assert not retention.choose(session, Chosen("chatter", 1, "Sari", now), scope=Scope(""))
        assert not retention.choose(session, Chosen("audit", 60, "Sari", now), scope=Scope(""))
        assert retention.spans(session)["chatter"] == timedelta(days=60)
        assert retention.spans(session)["strangers"] == kinds()["strangers"].span


def test_who_left_long_ago_is_erased_and_who_still_writes_is_not(district: District) -> None:
    district.say("budi", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    with district.database.session() as session:
        session.execute(update(reporters).where(reporters.c.name.in_(["Budi", "Eve"])).values(is_active=False))
        session.commit()
    district.pass_time(days=700)
    district.say("eve", "halo")  # suspended, but there
    district.pass_time(days=100)
    purge(district.database, KEY, district.runtime.now())
    with district.database.session(read_only=True) as session:
        left = [one.reason for one in erasures.latest_erasures(session, scope=Scope(""))]
        names = set(session.execute(select(reporters.c.name)).scalars())
    assert left == ["retention"]
    assert "Budi" not in names
    assert {"Ani", "Eve"} <= names


def test_the_audit_is_kept_for_five_years_and_the_database_sees_to_it(district: District) -> None:
    old = district.runtime.now() - timedelta(days=3000)  # the database's own clock decides
    with district.database.session() as session:
        for at in (old, district.runtime.now()):
            audit.record(session, NewAudit(at, None, "cli", "add", "reporter", "1", "14", {}))
        session.commit()
    assert purge(district.database, KEY, district.runtime.now())["audit"] == 1
    assert len(texts(district, "audit", "action")) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_files_that_nobody_takes_go_though_nobody_makes_another(district: District) -> None:
    now = district.runtime.now()
    with district.database.session() as session:
        wanted = exports.Wanted("csv_excel", "kb", "2025-09", "2025-09", "14.03")
        export = exports.ask(session, wanted, (None, "Sari"), now, scope=Scope(""))
        assert export
        exports.keep_part(session, export.id, 0, b"KB")
        session.execute(update(exports.exports).values(state=exports.DONE, made_at=now))
        new = NewImport(1, "reporters", "a.csv", "0", {"rows": [["Ani"]]}, ["name"], now, now + timedelta(hours=1))
        keep_import(session, new)
        session.commit()
    assert purge(district.database, KEY, now + timedelta(hours=2)) == {"imports": 1}
    later = now + timedelta(days=8)
    assert [one.kind for one in plan(district.database, later) if one.rows] == ["exports"]
    assert purge(district.database, KEY, later) == {"exports": 1}
    with district.database.session(read_only=True) as session:
        assert session.execute(select(exports.export_parts)).all() == []
