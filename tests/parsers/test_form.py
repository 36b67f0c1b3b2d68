"""Forms are files: what ships is whole, and a file with a fault says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.form import Check, FormError, load_form
from parsers.words import lexicon_of
from tests.parsers.corpus import SHIPPED, forms_for, read_cases

MINIMAL = """
code = "anc"
version = 1
shape = "measure-first"
keywords = ["anc"]
example = "ANC 0925 K1 12"
required = ["k1"]
name = { id = "Laporan ANC" }

[[measures]]
code = "k1"
word = "K1"
name = { id = "Kunjungan pertama" }
aliases = ["k1"]
"""


def test_the_smallest_form_is_one_measure() -> None:
    form = load_form(MINIMAL)
    assert (form.code, list(form.measures), form.items) == ("anc", ["k1"], {})
    assert form.name("en") == "Laporan ANC"


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ('code = "anc"', "code = ", "no valid TOML"),
        ('code = "anc"', "", "code: is missing"),
        ("version = 1", 'version = "1"', "version: must be a whole number"),
        ("version = 1", "version = true", "version: must be a whole number"),
        ('shape = "measure-first"', 'shape = "upside-down"', "shape: must be one of measure-first, item-first"),
        ('keywords = ["anc"]', "keywords = []", "keywords: a form needs at least one"),
        ('keywords = ["anc"]', 'keywords = "anc"', "keywords: must be a list of words"),
        ('required = ["k1"]', 'required = ["k2"]', "required: there is no 'k2'"),
        ('name = { id = "Laporan ANC" }', 'name = { en = "ANC" }', "name: must have at least 'id'"),
        ('aliases = ["k1"]', 'aliases = ["k2"]', "k1: word: 'K1' must be one of its aliases"),
        ('word = "K1"', "", "measures[0] (k1): word: is missing"),
        ('word = "K1"', 'word = "K1"\ncolour = "red"', "measures[0] (k1): colour: is not known here"),
        ('example = "ANC 0925 K1 12"', 'example = ""', "example: must be a text"),
        ("[[measures]]", '[[rules]]\ncheck = "never"\n[[measures]]', "rules[0]: check: must be one of"),
        (
            "[[measures]]",
            '[[rules]]\ncheck = "parts"\nkeys = ["k9"]\n[[measures]]',
            "rules[0]: keys, other, less: there",
        ),
        ("version = 1", "version = 1\nat_once = ['k9']", "at_once: there is no 'k9'"),
        ("version = 1", "version = 1\nat_once = []", "at_once: must begin with the required measures"),
        ('word = "K1"', 'word = "K1"\nussd = { en = "First" }', "measures[0] (k1): ussd: must have at least 'id'"),
        (
            'word = "K1"',
            'word = "K1"\nussd = { id = "[K1]" }',
            "ussd: must be at most 24 plain characters each: '[K1]'",
        ),
        ("[[measures]]", "[ussd]\nid = 'Laporan bulanan ibu hamil'\n[[measures]]", "ussd: must be at most 24 plain"),
        ("[[measures]]", "[caps.PMB]\nk9 = 3\n[[measures]]", "caps (PMB): there is no 'k9'"),
        ("[[measures]]", "measures = 3\n[[measure]]", "must be tables"),
    ],
)
def test_a_fault_is_named_with_its_place(right: str, wrong: str, fault: str) -> None:
    assert right in MINIMAL
    with pytest.raises(FormError) as error:
        load_form(MINIMAL.replace(right, wrong, 1))
    assert fault in str(error.value)


def test_one_word_cannot_mean_two_things() -> None:
    twice = MINIMAL + '\n[[measures]]\ncode = "k4"\nword = "K4"\nname = { id = "Keempat" }\naliases = ["k4", "K1"]\n'
    with pytest.raises(FormError, match="'K1' already means 'k1'"):
        load_form(twice)


def test_a_kind_belongs_to_an_item_that_exists() -> None:
    item = '\n[[items]]\ncode = "x3"\nword = "X3"\nname = { id = "X" }\naliases = ["x3"]\nkind_of = "x"\nkind = "3"\n'
    with pytest.raises(FormError, match=r"items \(x3\): kind_of: there is no 'x'"):
        load_form(MINIMAL + item)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_form_that_ships_has_a_corpus_with_every_one_of_its_words(path: Path) -> None:
    corpus = Path(__file__).parent / "forms" / f"{path.stem}.txt"
    written = " ".join(case.text.lower() for case in read_cases(corpus))
    form = load_form(path.read_text(encoding="utf-8"))
    aliases = [alias for measure in form.measures.values() for alias in measure.aliases]
    if path.stem == "kb":  # the stock form shares these with it
        aliases += [alias for item in form.items.values() for alias in item.aliases]
    unseen = [word for word in (*aliases, *form.keywords, *form.ambiguous) if word.lower() not in written]
    assert not [word for word in unseen if path.stem == "kb" or word not in form.ambiguous]


def test_answers_name_values_in_words_that_can_be_sent_back() -> None:
    kb, alokon = (next(f for f in forms_for(Path("kb.txt")) if f.code == code) for code in ("kb", "alokon"))
    assert kb.word_for("aktif") == "AKTIF"
    assert kb.word_for("aktif.pil") == "AKTIF PIL"
    assert alokon.word_for("akhir.pil") == "PIL SISA"


def test_every_kind_of_check_is_used_by_a_form_that_ships() -> None:
    assert {rule.check for form in forms_for(Path("kb.txt")) for rule in form.rules} == set(Check)


def test_the_words_of_a_form_are_built_once() -> None:
    forms = forms_for(Path("kb.txt"))
    assert lexicon_of(forms[0], forms) is lexicon_of(forms[0], forms)
