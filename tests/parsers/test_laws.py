"""What holds for every message, whatever was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from parsers.explain import explain
from parsers.form import Form
from parsers.read import read_message
from parsers.reading import Kind, OpenQuestion, Reading
from parsers.words import COURTESY
from tests.parsers.corpus import forms_for

SENT_ON = date(2025, 10, 3)
FORMS = forms_for(Path("kb.txt"))
KB = next(form for form in FORMS if form.code == "kb")
QUESTION = OpenQuestion(read_message("KB 0925 BARU 12", SENT_ON, FORMS).reports[0])

_SEPARATORS = (" ", ", ", "; ", ": ", " = ", "\n", " | ", "  ", "#", "*", "/", " - ", ".")
_NUMBERS = ("3", "7", "12", "40", "1.200", "dua belas")
_VOCABULARY = sorted({
    *(alias for form in FORMS for measure in form.measures.values() for alias in measure.aliases),
    *(alias for form in FORMS for item in form.items.values() for alias in item.aliases),
    *("kb", "alokon", "stok", "nihil", "-", "tidak ada", "0925", "sep", "2025", "bln", "09/25", "bulan lalu", "2509"),
    *("xyz", "PMB01", "bu", "terima kasih", "pp", "s", "tidak", "ya", "stop", "batal", "ralat", "status", "Ani", "mei"),
    *("1", "12,5", "100/50/30/120", "3O", "l", "ribu", "%", "+", "?", "tahun", *_NUMBERS),
})  # fmt: skip


def _read(text: str, question: OpenQuestion | None = None) -> Reading:
    return read_message(text, SENT_ON, FORMS, question)


@given(st.text(max_size=1700), st.sampled_from([None, QUESTION]))
def test_no_text_whatever_raises(text: str, question: OpenQuestion | None) -> None:
    reading = _read(text, question)
    assert reading.kind in Kind
    assert explain(text, SENT_ON, FORMS, question)


@given(st.lists(st.sampled_from(_VOCABULARY), max_size=25), st.sampled_from(["", " ", "\n", ","]), st.booleans())
def test_no_heap_of_known_words_raises(words: list[str], separator: str, has_question: bool) -> None:
    text = separator.join(words)
    reading = _read(text, QUESTION if has_question else None)
    for report in reading.reports:
        for problem in report.problems:
            assert text[problem.span.start : problem.span.end] == problem.words
        assert report.period or report.problems


@given(st.lists(st.sampled_from(_VOCABULARY), min_size=2, max_size=12), st.sampled_from([" ", "\n", ", "]))
def test_no_value_appears_that_is_not_in_the_text(words: list[str], separator: str) -> None:
    text = separator.join(["kb", *words])
    digits = text.replace("3O", "30").replace("dua belas", "12").replace("1.200", "1200").replace("l", "1")
    numbers = {int(run) for run in re.findall(r"\d+", digits)} | {0}
    for report in _read(text).reports:
        assert set(report.values.values()) <= numbers


@given(st.data())
def test_no_number_is_dropped_from_a_clean_report(data: st.DataObject) -> None:
    words = ["kb", "0925", "baru", "12", "pil", "7", "aktif", "40"]
    for extra in data.draw(st.lists(st.sampled_from(_VOCABULARY), max_size=3)):
        words.insert(data.draw(st.integers(0, len(words))), extra)
    place = data.draw(st.sampled_from([index for index, word in enumerate(words) if word in _NUMBERS]))
    before = _read(" ".join(words))
    words[place] = "8"
    after = _read(" ".join(words))
    if before.kind is Kind.REPORT and before.is_clean:
        assert (after.kind, after.reports) != (before.kind, before.reports)


@st.composite
def _values(draw: st.DrawFn) -> dict[str, int]:
    """Values of a KB report that break no rule."""
    values: dict[str, int] = {}
    for measure in ("baru", "aktif"):
        items = draw(st.lists(st.sampled_from(sorted(KB.items)), max_size=4, unique=True))
        given_items = {item: draw(st.integers(0, 500)) for item in items}
        values[measure] = sum(given_items.values()) + draw(st.integers(0, 300))
        values |= {f"{measure}.{item}": value for item, value in given_items.items()}
    for measure in draw(st.lists(st.sampled_from(["ganti", "ulang", "komplikasi", "gagal", "cabut"]), unique=True)):
        values[measure] = draw(st.integers(0, 99_999))
    values["pasca"] = draw(st.integers(0, values["baru"]))
    return values


def _write(draw: st.DrawFn, form: Form, values: Mapping[str, int]) -> list[str]:
    """Write out values as words and numbers: measures in any order, in any alias, the word or the number first."""
    is_number_first = draw(st.booleans())
    measures = draw(st.permutations(sorted({key.partition(".")[0] for key in values})))
    written: list[str] = []
    for measure in measures:
        items = draw(st.permutations([key for key in values if key.startswith(f"{measure}.")]))
        for key in [measure, *items]:
            part = form.items[key.partition(".")[2]] if "." in key else form.measures[measure]
            # with the number first, the digit of `20 SUNTIK3` at the end might as well be a count: it is asked about
            aliases = [alias for alias in part.aliases if not is_number_first or alias.isalpha()]
            alias = draw(st.sampled_from(aliases))
            change = draw(st.sampled_from([str.upper, str.lower, str.title]))
            pair = [change(alias), str(values[key])]
            written += reversed(pair) if is_number_first else pair
    return written


@st.composite
def _written(draw: st.DrawFn) -> tuple[dict[str, int], list[str]]:
    values = draw(_values())
    return values, _write(draw, KB, values)


@given(_written(), st.sampled_from(_SEPARATORS))
def test_a_written_out_report_reads_back(written: tuple[dict[str, int], list[str]], separator: str) -> None:
    values, words = written
    numbers = [word for word in words if word.isdecimal()]
    # a dot or a stroke between two numbers, as in `IUD.12` behind `S3`, is another matter: the corpus has it
    assume(separator != "." or not any(len(number) == 3 for number in numbers))
    report = _read("KB 0925 " + separator.join(words)).reports[0]
    assert (dict(report.values), report.period, report.problems) == (values, "2025-09", ())


@given(_written(), st.data())
def test_courtesy_around_a_report_changes_nothing(
    written: tuple[dict[str, int], list[str]], data: st.DataObject
) -> None:
    values, words = written
    polite = ["KB", "0925", *words]
    safe = sorted(COURTESY - {"ini"})  # `bulan ini` is a month
    for _ in range(data.draw(st.integers(1, 4))):
        polite.insert(data.draw(st.sampled_from([0, len(polite)])), data.draw(st.sampled_from(safe)))
    report = _read(" ".join(polite)).reports[0]
    assert (dict(report.values), report.period, report.problems) == (values, "2025-09", ())


@st.composite
def _one_edit(draw: st.DrawFn, word: str) -> str:
    """Make one mistake in a word."""
    letters = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
    at = draw(st.integers(0, len(word) - 1))
    return draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + draw(letters) + word[at:],
                word[:at] + draw(letters) + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            ]
        )
    )


@given(st.sampled_from([1, 3, 5, 7]), st.data())
def test_one_mistake_in_a_long_word_is_repaired_aloud_or_asked(at: int, data: st.DataObject) -> None:
    words = ["KB", "BARU", "12", "AKTIF", "40", "SUNTIK", "17", "KONDOM", "4"]
    right = _read(" ".join(words)).reports[0]
    word = words[at].lower()
    words[at] = data.draw(_one_edit(word))
    assume(words[at] != word)
    reading = _read(" ".join(words))
    known = {alias for measure in KB.measures.values() for alias in measure.aliases}
    known |= {alias for item in KB.items.values() for alias in item.aliases}
    if reading.kind is Kind.REPORT and reading.is_clean:
        report = reading.reports[0]
        assert report.values == right.values
        assert words[at] in known or any(repair.written == words[at] for repair in report.repairs)
