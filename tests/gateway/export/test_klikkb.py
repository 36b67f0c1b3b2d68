"""Counts per midwife for Klik-KB: only under an agreement, only what it allows, and every settled report once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date, datetime

import pytest

from gateway.errors import Permanent
from gateway.export import gather, run
from gateway.settling import Choices, SettlesAt
from gateway.store import agreements, export_choices, exports
from gateway.store.exports import Export, Wanted
from gateway.values import Scope
from tests.district import NOON, District
from tests.klikkb import NOW, fill_directory, make_agreement

REGENCY = Scope("14.03")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Whose a report is was asked of both kinds of database (`store/test_midwives.py`): one is enough here."""
    return sqlite_url


@pytest.fixture
def reported(district: District) -> District:
    """A district whose September is in: two midwives of the directory, one of two facilities, and one who is not."""
    with district.database.session() as session:
        fill_directory(session)
        export_choices.choose(session, Choices("14.03", SettlesAt.ACCEPTED), scope=REGENCY)
        session.commit()
    district.say("ani", "KB 0925 BARU 3 AKTIF 40 PIL 12")
    district.say("wati", "KB PMB02 0925 BARU 2 AKTIF 30 PIL 10")
    district.say("wati", "KB PTK 0925 BARU 1 AKTIF 20")
    district.say("budi", "KB 0925 BARU 9 AKTIF 90")
    return district


def agree(district: District, **changed: object) -> int:
    """Record an agreement and return its id."""
    with district.database.session() as session:
        agreement_id = make_agreement(session, **changed)
        session.commit()
    return agreement_id


def make(district: District, form: str = "klikkb", area: str = "14.03") -> tuple[Export, bytes]:
    """Ask for an export of September, have it made, and return it with its file."""
    wanted = Wanted(form, "kb", "2025-09", "2025-09", area)
    with district.database.session() as session:
        asked = exports.ask(session, wanted, (1, "Rina"), district.runtime.now(), scope=REGENCY)
        session.commit()
    assert asked
    run.make_next(district.database, district.runtime.forms, district.runtime.now)
    with district.database.session(read_only=True) as session:
        made = exports.find_export(session, asked.ref, scope=REGENCY)
        assert made
        return made, b"".join(exports.read_parts(session, made, scope=REGENCY))


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a file for Excel, by the names of its columns."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    head = next(at for at, row in enumerate(rows) if row and row[0] == "ID Klik-KB")
    end = next(at for at, row in enumerate(rows) if at > head and not row)
    return [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 : end]]


def test_each_midwife_has_what_she_sent_and_the_rest_is_nobody_s(reported: District) -> None:
    agree(reported)
    made, content = make(reported)
    assert made.fault is None
    rows = {row["ID Klik-KB"]: row for row in rows_of(content)}
    assert list(rows) == ["KK-001", "KK-002", "(tanpa id Klik-KB)"]
    assert (rows["KK-001"]["BARU"], rows["KK-001"]["AKTIF PIL"]) == ("3", "12")
    wati = rows["KK-002"]
    assert (wati["Laporan"], wati["Faskes"], wati["BARU"], wati["AKTIF"], wati["AKTIF PIL"]) == (
        "2",
        "2",
        "3",
        "50",
        "10",
    )
    assert (rows["(tanpa id Klik-KB)"]["BARU"], rows["KK-001"]["AKTIF IUD"]) == ("9", "")
    assert made.reports == 4
    assert sum(int(row["Laporan"]) for row in rows.values()) == 4
    assert sum(int(row["AKTIF"]) for row in rows.values()) == 40 + 30 + 20 + 90


def test_the_file_says_by_which_agreement_it_was_made(reported: District) -> None:
    agree(reported)
    made, content = make(reported)
    text = content.decode("utf-8-sig")
    for words in ("Perjanjian 12/PKS/2025", "Berlaku 2025-01-01 s.d. 2025-12-31", "BARU, AKTIF; tanpa nama dan tanpa"):
        assert words in text
    assert made.about
    assert any("12/PKS/2025" in value for _, value in made.about["said"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (None, "Belum ada perjanjian"),
        ({"ends_on": date(2025, 10, 2)}, "sudah berakhir"),
        ({"starts_on": date(2025, 10, 4)}, "belum mulai"),
        ({"area": "72.71"}, "Belum ada perjanjian"),
        ({"measures": {"alokon": ("akhir",)}}, "tidak mencakup formulir ini"),
        ({"partner": "dinkes"}, "Belum ada perjanjian"),
    ],
)
def test_without_an_agreement_for_it_nothing_is_made_and_it_is_said_why(
    reported: District, changed: Mapping[str, object] | None, words: str
) -> None:
    if changed is not None:
        agree(reported, **changed)
    made, content = make(reported)
    assert (made.state, content) == (exports.FAILED, b"")
    assert words in str(made.fault)


def test_a_revoked_agreement_stops_the_next_file(reported: District) -> None:
    agreement_id = agree(reported)
    assert make(reported)[0].state == exports.DONE
    with reported.database.session() as session:
        agreements.revoke(session, agreement_id, "Budi", "salah", NOW, scope=REGENCY)
        session.commit()
    assert "sudah dicabut" in str(make(reported)[0].fault)


def test_the_last_day_is_the_area_s_own(reported: District) -> None:
    agree(reported, ends_on=date(2025, 10, 3))
    reported.set_clock(datetime.fromisoformat("2025-10-03T16:59:00+00:00"))  # 23:59 in Bengkalis
    assert make(reported)[0].state == exports.DONE
    reported.set_clock(datetime.fromisoformat("2025-10-03T17:00:00+00:00"))
    assert make(reported)[0].state == exports.FAILED


@pytest.mark.parametrize("may_name", [False, True])
@pytest.mark.parametrize("may_phone", [False, True])
@pytest.mark.parametrize("form", ["klikkb", "klikkb_machine", "klikkb_jsonl"])
def test_names_phones_and_measures_go_only_if_the_agreement_says_so(
    reported: District, form: str, may_name: bool, may_phone: bool
) -> None:
    agree(reported, may_name=may_name, may_phone=may_phone, measures={"kb": ("baru",)})
    _, content = make(reported, form)
    text = content.decode("utf-8-sig")
    body = text[text.index("KK-001") :]
    assert ("Wati" in body) is may_name
    assert ("81230000002" in body) is may_phone
    assert "aktif" not in body.lower()
    assert "PMB" not in body  # her facility's name is not told either


def test_what_programs_read_holds_the_same_sums(reported: District) -> None:
    agree(reported)
    lines = [json.loads(line) for line in make(reported, "klikkb_jsonl")[1].splitlines()]
    assert [line["kind"] for line in lines] == ["about", "midwife", "midwife", "midwife", "end"]
    assert lines[0]["agreement"]["number"] == "12/PKS/2025"
    assert (lines[2]["klikkb_id"], lines[2]["values"]["aktif"], lines[3]["klikkb_id"]) == ("KK-002", 50, None)
    text = make(reported, "klikkb_machine")[1].decode()
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    sums = {(row["klikkb_id"], row["measure"], row["item"]): int(row["quantity"]) for row in rows}
    assert sums["KK-002", "aktif", ""] == 50
    assert sums["", "baru", ""] == 9
    for line in lines[1:-1]:
        for key, quantity in line["values"].items():
            measure, _, item = key.partition(".")
            assert sums[line["klikkb_id"] or "", measure, item] == quantity


def test_a_name_that_looks_like_a_formula_is_none_in_excel(reported: District) -> None:
    with reported.database.session() as session:
        fill_directory(session, [("=K1", "=1+1", "+6281230000003")])
        session.commit()
    agree(reported, may_name=True, may_phone=True)
    text = make(reported)[1].decode("utf-8-sig")
    assert "'=K1;'=1+1;'+6281230000003;2025-09" in text


def test_a_format_that_was_given_no_agreement_writes_nothing(reported: District) -> None:
    agree(reported)
    made, _ = make(reported)
    with reported.database.session(snapshot=True) as session:
        source = gather.gather(session, made, reported.runtime.forms[0], NOON, scope=REGENCY)
        for name in ("klikkb", "klikkb_machine", "klikkb_jsonl"):
            with pytest.raises(Permanent):
                run.formats()[name].write(source, io.BytesIO())


def test_the_same_reports_make_the_same_bytes(reported: District) -> None:
    agree(reported)
    first, second = make(reported), make(reported)
    assert first[0].digest == second[0].digest
    assert first[1].replace(first[0].ref.encode(), b"") == second[1].replace(second[0].ref.encode(), b"")
