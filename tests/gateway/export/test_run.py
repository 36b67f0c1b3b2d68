"""An export: made once, of what is settled, from one moment; it says what it holds, and what has changed since."""

from __future__ import annotations

import csv
import hashlib
import json

import pytest

from gateway.export import run
from gateway.review.pages.exports import selection_of
from gateway.settling import SettlesAt
from gateway.store import export_changes, exports, settled
from gateway.store.export_changes import Change
from gateway.store.exports import DONE, FAILED, MAKING, QUEUED, Wanted
from gateway.values import ReportState, Scope
from tests.district import District
from tests.gateway.export.making import COUNTRY, SEPTEMBER, ask, choose, find, make, read, settle

ANI = {"baru": 12, "baru.pil": 5, "aktif": 40, "aktif.pil": 30}
WATI = {"baru": 3, "aktif": 20}
WANTED = Wanted("csv_machine", "kb", SEPTEMBER, SEPTEMBER, "14.03")


def rows(content: bytes) -> list[list[str]]:
    """Return the rows of a CSV for machines without its comments and its heads."""
    lines = [line for line in content.decode().splitlines() if not line.startswith("#")]
    return list(csv.reader(lines))[1:]


def test_only_what_staff_approved_is_handed_on_unless_the_district_chose_otherwise(district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", WATI, state=ReportState.ACCEPTED)
    settle(district, "PTK", WATI, state=ReportState.FLAGGED)
    assert {row[4] for row in rows(read(district, make(district)))} == {"140300101"}
    choose(district, SettlesAt.ACCEPTED)
    assert {row[4] for row in rows(read(district, make(district)))} == {"140300101", "140300102"}


def test_an_export_says_what_it_holds_and_what_it_does_not(district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", WATI, state=ReportState.ACCEPTED)
    export = make(district)
    content = read(district, export).decode()
    assert export.about
    said = dict(export.about["said"])
    assert said["Bulan"] == "September 2025"
    assert said["Wilayah"] == "Kabupaten Bengkalis (14.03)"
    assert said["Faskes September 2025"] == "1 dari 7 faskes ikut"
    assert said["Belum lapor September 2025"] == "5 faskes"
    assert said["Belum disetujui September 2025"] == "1 laporan, tidak ikut"
    assert said["Oleh"] == "Rina"
    assert said["Dibuat"] == "2025-10-03 12:00 Asia/Jakarta"
    assert said["Sidik data (SHA-256)"] == export.digest
    for name, value in said.items():
        assert name.startswith("Sidik") or f"# {name}: {value}\n" in content
    assert content.endswith(f"{export.digest}\n")


def test_the_kept_file_is_whole_and_its_hash_is_told(district: District) -> None:
    settle(district, "PMB01", ANI)
    export = make(district)
    content = read(district, export)
    assert (export.state, export.bytes) == (DONE, len(content))
    assert export.file_digest == hashlib.sha256(content).hexdigest()
    assert (export.reports, export.facilities) == (1, 1)


@pytest.mark.parametrize("name", sorted(name for name, one in run.formats().items() if not one.FORMAT.needs_mapping))
def test_the_same_reports_make_the_same_fingerprint_in_every_format(district: District, name: str) -> None:
    only = run.formats()[name].FORMAT.forms
    form = only[0] if only else "kb"
    values = ANI if form == "kb" else {"awal.pil": 10, "terima.pil": 5, "keluar.pil": 3, "akhir.pil": 12}
    settle(district, "PMB01", values, form=form)
    first, second = make(district, name, form=form), make(district, name, form=form)
    plain = make(district, "jsonl", form=form)
    assert first.state == DONE, first.fault
    assert first.digest == second.digest == plain.digest


def test_a_month_without_settled_reports_makes_no_file_but_says_why(district: District) -> None:
    settle(district, "PMB01", ANI, state=ReportState.ACCEPTED)
    export = make(district)
    assert export.state == FAILED
    assert export.fault
    assert "Setujui laporannya dulu" in export.fault


def test_what_a_midwife_corrects_after_the_export_is_shown_with_both_figures(district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", WATI)
    export = make(district)
    assert not has_changed(district, export.ref)
    settle(district, "PMB01", ANI | {"aktif": 45})
    settle(district, "PMB04", WATI)
    with district.database.session() as session:
        found = export_changes.changes_since(session, export, selection_of(export), scope=COUNTRY)
    assert has_changed(district, export.ref)
    assert found.count == 2
    changed, new = sorted(found.first, key=lambda one: one.facility_code)
    assert (changed.kind, changed.was, changed.now) == (Change.CHANGED, {"aktif": 40}, {"aktif": 45})
    assert (new.kind, new.facility) == (Change.NEW, "PMB Sari")


def test_a_report_that_is_settled_no_more_is_gone_from_the_next_export(district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", WATI)
    before = make(district)
    settle(district, "PMB02", WATI, state=ReportState.FLAGGED)
    after = make(district)
    with district.database.session() as session:
        found = export_changes.changes_between(session, before, after, scope=COUNTRY)
        since = export_changes.changes_since(session, after, selection_of(after), scope=COUNTRY)
    assert [(one.kind, one.facility, one.was) for one in found.first] == [(Change.GONE, "PMB Wati", WATI)]
    assert since.count == 0


def test_who_dies_while_making_an_export_leaves_it_to_the_next(district: District) -> None:
    settle(district, "PMB01", ANI)
    asked = ask(district, WANTED)
    with district.database.session() as session:
        claimed = exports.claim(session)
        assert claimed
        exports.keep_part(session, asked.id, 0, b"half of a fi")
        session.commit()
    assert find(district, asked.ref).state == MAKING
    assert run.make_next(district.database, district.runtime.forms, district.runtime.now) is None
    end_leases(district)
    run.make_next(district.database, district.runtime.forms, district.runtime.now)
    done = find(district, asked.ref)
    assert done.state == DONE
    assert read(district, done).startswith(b"# Ekspor")


def test_who_comes_back_from_the_dead_cannot_say_that_the_export_is_made(district: District) -> None:
    settle(district, "PMB01", ANI)
    asked = ask(district, WANTED)
    with district.database.session() as session:
        claimed = exports.claim(session)
        session.commit()
    assert claimed
    export, token = claimed
    end_leases(district)
    run.make_next(district.database, district.runtime.forms, district.runtime.now)
    made = find(district, asked.ref)
    with district.database.session() as session:
        assert not exports.give_up(session, export, token, "too late", again=True)
        session.commit()
    assert find(district, asked.ref) == made


def test_a_fault_of_ours_is_tried_again_and_then_told_without_a_trace(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(district, "PMB01", ANI)
    asked = ask(district, WANTED)
    monkeypatch.setattr(settled, "stream_settled", lambda *_, **__: 1 / 0)
    for expected in (QUEUED, QUEUED, FAILED):
        run.make_next(district.database, district.runtime.forms, district.runtime.now)
        assert find(district, asked.ref).state == expected
    assert "ZeroDivision" not in str(find(district, asked.ref).fault)
    assert "hubungi operator" in str(find(district, asked.ref).fault)


def test_a_file_is_dropped_after_a_week_and_what_was_in_it_is_still_known(district: District) -> None:
    settle(district, "PMB01", ANI)
    export = make(district)
    district.pass_time(days=8)
    with district.database.session() as session:
        assert exports.drop_old_files(session, district.runtime.now()) == 1
        session.commit()
    kept = find(district, export.ref)
    assert read(district, kept) == b""
    assert (kept.digest, kept.reports) == (export.digest, 1)


def test_no_cell_of_a_csv_for_excel_is_a_formula(district: District) -> None:
    with district.database.session() as session:
        session.exec_driver_sql("UPDATE facilities SET name = '=HYPERLINK(1)' WHERE code = '140300101'")
        session.commit()
    settle(district, "PMB01", ANI)
    content = read(district, make(district, "csv_excel")).decode("utf-8-sig")
    cells = [cell for row in csv.reader(content.splitlines(), delimiter=";") for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]


def test_json_lines_begin_with_what_they_hold_and_end_with_how_many(district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", WATI)
    about, *found, end = map(json.loads, read(district, make(district, "jsonl")).splitlines())
    assert (about["kind"], about["periods"], about["reach"]) == (
        "about",
        [SEPTEMBER],
        {SEPTEMBER: {"there": 7, "reported": 2, "settled": 2}},
    )
    assert [one["values"] for one in found] == [ANI, WATI]
    assert end["reports"] == 2


def test_an_area_hears_nothing_of_what_another_exported(district: District) -> None:
    settle(district, "PMB01", ANI)
    export = make(district)
    with district.database.session() as session:
        assert exports.find_export(session, export.ref, scope=Scope("72.71")) is None
        assert list(exports.read_parts(session, export, scope=Scope("72.71"))) == []


def has_changed(district: District, ref: str) -> bool:
    """Tell whether something has changed since an export."""
    export = find(district, ref)
    with district.database.session() as session:
        return export_changes.has_changed(session, export, selection_of(export), scope=COUNTRY)


def end_leases(district: District) -> None:
    """Let the leases of all that is being made be over."""
    with district.database.session() as session:
        session.exec_driver_sql("UPDATE exports SET lease_until = '2020-01-01 00:00:00.000000'")
        session.commit()
