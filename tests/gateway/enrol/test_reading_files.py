"""Register files as people have them are read; hostile ones are refused in words and cost little."""

from __future__ import annotations

import codecs
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.enrol import writing_files
from gateway.enrol.columns import FIELDS, Kind, recognise
from gateway.enrol.reading_files import FileFault, FileFaultCode, Limits, read_sheet
from tests.gateway.enrol.workbooks import HEAD, MAIN, PLAIN, cell, number, workbook

ONE_TEXT = f'<?xml version="1.0"?><sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>{"x" * 30_000}</t></si></sst>'
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REPEATED = [(row, "".join(f'<c r="{letter}{row}" t="s"><v>0</v></c>' for letter in LETTERS)) for row in range(2, 102)]


@pytest.mark.parametrize(
    "content",
    [
        b"kode faskes;nama\r\n140300101;PMB Ani\r\n",
        codecs.BOM_UTF8 + b"kode faskes,nama\n140300101,PMB Ani\n",
        "kode faskes\tnama\n140300101\tPMB Ani\n".encode("utf-16"),
        b"sep=;\nkode faskes;nama\n140300101;PMB Ani\n",
        b"Daftar faskes;;\n;;\nkode faskes;nama;\n140300101;PMB Ani;\n",
        workbook(HEAD, PLAIN),
    ],
    ids=["csv", "comma and BOM", "unicode text", "sep", "title above", "xlsx"],
)
def test_one_register_is_read_from_whatever_people_save(content: bytes) -> None:
    sheet = read_sheet(content)
    assert sheet.columns == ("kode faskes", "nama")
    assert [row for _, row in sheet.rows] == [("140300101", "PMB Ani")]


def test_letters_of_an_old_windows_are_read() -> None:
    assert read_sheet("kode;nama\n1;Andr\xe9 – Caf\xe9\n".encode("cp1252")).rows[0][1] == ("1", "André – Café")


def test_rows_keep_the_numbers_that_a_sheet_shows() -> None:
    assert [at for at, _ in read_sheet(b"kode;nama\n1;a\n;\n2;b\n").rows] == [2, 4]


def test_a_number_in_a_cell_loses_nothing_but_its_point() -> None:
    row = (2, number("A2", "8.1230000001E10") + cell("B2", "0812"))
    assert read_sheet(workbook(HEAD, row)).rows[0][1] == ("81230000001", "0812")


FAR = (1048576, cell("XFD1048576", "x"))
LAUGHS = '<!DOCTYPE x [<!ENTITY a "hahahaha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
XXE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", FileFaultCode.EMPTY),
        (b"  \n", FileFaultCode.EMPTY),
        (b"kode;nama\n", FileFaultCode.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00", FileFaultCode.UNREADABLE),
        (b"PK\x03\x04 no workbook", FileFaultCode.UNREADABLE),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, FileFaultCode.OLD_OR_LOCKED),
        (workbook(HEAD, FAR), FileFaultCode.TRAP),
        (workbook(HEAD, (1048576, cell("B1048576", "x"))), FileFaultCode.TOO_MANY_ROWS),
        (workbook(HEAD, PLAIN, after=" " * (101 << 20)), FileFaultCode.TRAP),
        (workbook(HEAD, *REPEATED, others=[("xl/sharedStrings.xml", ONE_TEXT)]), FileFaultCode.TRAP),
        (workbook(HEAD, PLAIN, others=[("xl/vbaProject.bin", "x")]), FileFaultCode.MACROS),
        (workbook(HEAD, (2, cell("A2", "&e;") + cell("B2", "y")), doctype=XXE), FileFaultCode.UNREADABLE),
        (workbook(HEAD, (2, cell("A2", "&c;") + cell("B2", "y")), doctype=LAUGHS), FileFaultCode.UNREADABLE),
        (";".join(f"k{n}" for n in range(61)).encode() + b"\n" + b"1;" * 60 + b"1\n", FileFaultCode.TOO_MANY_COLUMNS),
        (b"a;b\n" + b"1;2\n" * 20_001, FileFaultCode.TOO_MANY_ROWS),
        (b"x" * ((5 << 20) + 1), FileFaultCode.TOO_LARGE),
    ],
    ids=[
        *("nothing", "blank", "names only", "picture", "broken zip", "old workbook", "far cell", "far row"),
        *("padding", "one text", "macros", "XXE", "billion laughs", "columns", "rows", "bytes"),
    ],
)
def test_what_cannot_be_a_register_is_refused(content: bytes, code: FileFaultCode) -> None:
    with pytest.raises(FileFault) as told:
        read_sheet(content)
    assert told.value.code is code


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reading_of_a_csv(content: bytes) -> None:
    try:
        sheet = read_sheet(content.replace(b"PK", b"KP"), Limits(rows=50))
    except FileFault:
        return
    assert all(len(row) == len(sheet.columns) for _, row in sheet.rows)


TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufffd"), min_size=1, max_size=20)
CELLS = st.one_of(TEXTS, st.sampled_from(["=1+1", "-2", "+62812", "@x", "'=1", "'Aisyiyah", "a;b", 'a"b', "＝1"]))


@given(st.lists(st.tuples(*[CELLS] * len(FIELDS[Kind.REPORTERS])), min_size=1, max_size=5))
@settings(max_examples=60)
def test_what_is_written_is_read_again_and_never_a_formula(rows: list[tuple[str, ...]]) -> None:
    content = b"".join(writing_files.write_csv(Kind.REPORTERS, rows))
    sheet = read_sheet(content)
    assert [row for _, row in sheet.rows] == rows
    assert recognise(Kind.REPORTERS, sheet.columns) == FIELDS[Kind.REPORTERS]
    for line in content.decode("utf-8-sig").splitlines():
        assert not line.lstrip('"').startswith(("=", "+", "-", "@"))


def test_a_workbook_holds_text_alone_and_is_read_again() -> None:
    rows = [("=HYPERLINK(1)", "0812-0000-0101", "140300101", "id"), ("'Aisyiyah", "", "-1", "＝x")]
    content = writing_files.write_workbook(Kind.REPORTERS, rows, with_notes=True)
    assert [row for _, row in read_sheet(content).rows] == rows
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 2
    assert not [sheet for sheet in sheets if b"<f>" in sheet]


@pytest.mark.parametrize("kind", sorted(writing_files.EXAMPLES))
def test_the_template_is_a_file_that_can_be_imported(kind: Kind) -> None:
    sheet = read_sheet(writing_files.write_workbook(kind, writing_files.EXAMPLES[kind], with_notes=True))
    assert recognise(kind, sheet.columns) == FIELDS[kind]
    assert len(sheet.rows) == 2


@pytest.mark.parametrize(
    ("kind", "columns", "fields"),
    [
        (Kind.FACILITIES, ["No.", "Kode", "NAMA FASKES", "Kec"], ("", "code", "name", "area")),
        (Kind.REPORTERS, ["Nama", "No. HP 1", "No. HP 2", "Faskes"], ("name", "phones", "phones", "facilities")),
        (Kind.FACILITIES, ["Code", "Name", "Name"], ("code", "name", "")),
    ],
)
def test_columns_are_known_by_what_people_call_them(kind: Kind, columns: list[str], fields: tuple[str, ...]) -> None:
    assert recognise(kind, columns) == fields
