"""What holds for every USSD session, whatever is typed and whatever was kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.segments import fits_one_sms
from parsers.dialogue import Dialogue, Ground, Month, Place, Turn, as_json, from_json, next_screen, show_answer
from parsers.form import Form, Shape, load_form
from parsers.read import read_message
from parsers.rules import find_faults, find_missing
from parsers.screens import BACK, MORE, plain
from tests.parsers.corpus import forms_for
from tests.parsers.handset import MONTHS, PLACE, make_ground

FORMS = (*forms_for(Path("kb.txt")), load_form((Path(__file__).parent / "forms" / "anc.toml").read_text("utf-8")))
LONG = Place("PST02", "Puskesmas Pembantu Rawat Inap [Cihideung Café] Kecamatan Sukamaju Selatan")
BEFORE = {
    f"{m}{i}": 99_999 for m in ("baru", "aktif", "awal", "akhir", "k1") for i in ("", ".pil", ".suntik3", ".muda")
}
LATER = tuple(Month(f"2025-{month:02}", before=BEFORE) for month in range(6, 0, -1))
MONTHS_BEFORE = (*(replace(month, before=BEFORE) for month in MONTHS), *LATER)
GROUNDS = [
    replace(make_ground(), forms=FORMS, months={(form.code, "PMB01"): MONTHS_BEFORE for form in FORMS}),
    replace(
        make_ground((PLACE, LONG), MONTHS_BEFORE),
        forms=FORMS,
        months={(form.code, code): MONTHS_BEFORE for form in FORMS for code in ("PMB01", "PST02")},
    ),
    replace(make_ground(months=MONTHS_BEFORE), forms=FORMS[:1]),
    replace(make_ground(months=MONTHS_BEFORE, language="en"), forms=FORMS[1:2]),
    replace(make_ground((LONG,), MONTHS_BEFORE, "en")),
    replace(make_ground(), months={}),
    replace(make_ground(), forms=(), places=()),
]

grounds = st.sampled_from(GROUNDS)
keys = st.sampled_from(["0", "1", "2", "3", "4", "5", "6", "9", "12", "40", "99", "00"])
typed_things = st.one_of(
    keys,
    st.integers(0, 120_000).map(str),
    st.sampled_from(
        ["0925", "0825", "0725", "09", "sep", "2509", "PMB01", "kb", "12*40*30", "0925*12*40", "", "1.200"]
    ),
    st.sampled_from(["KB 0925 BARU 12 AKTIF 40", "ALOKON 0825 PIL 100/50/30/120", "x" * 200, "YA", "-1", "*", "#"]),
)
steps = st.builds(
    "{} {}".format,
    st.sampled_from(["form", "place", "period", "number", "parts", "part", "summary", "answer", "other"]),
    st.sampled_from(["", "baru", "aktif.pil", "awal.pil", "pil", "kadaluarsa.suntik3", "pp", "k1.muda", "."]),
).map(str.strip)
states = st.builds(
    Dialogue,
    step=st.one_of(steps, st.text(max_size=10)),
    form=st.sampled_from(["", "kb", "alokon", "anc", "?"]),
    place=st.sampled_from(["", "PMB01", "PST02", "?"]),
    period=st.one_of(st.sampled_from(["", "2025-09", "2025-07", "2031-01"]), st.text(max_size=8)),
    values=st.dictionaries(
        st.one_of(
            st.text(max_size=6), st.sampled_from(["baru", "aktif", "aktif.pil", "awal.pil", "akhir.suntik3", "k1"])
        ),
        st.integers(-5, 200_000),
        max_size=5,
    ),
    page=st.integers(-3, 12),
    answer=st.one_of(st.just(""), st.text(max_size=400)),
)


def has_more(turn: Turn) -> bool:
    """Whether a screen has a page behind it."""
    return any(line.startswith(f"{MORE} ") for line in turn.text.split("\n"))


def is_noted(turn: Turn, ground: Ground) -> bool:
    """Whether a screen says that something was wrong."""
    return turn.text != next_screen(turn.dialogue, [], ground).text


@given(states, st.lists(st.one_of(st.text(max_size=30), typed_things), max_size=6), grounds)
def test_nothing_that_is_typed_or_kept_raises_and_each_screen_is_one_sms(
    state: Dialogue, inputs: list[str], ground: Ground
) -> None:
    turn = next_screen(state, inputs, ground)
    assert fits_one_sms(turn.text)
    assert turn.text
    assert turn == next_screen(state, inputs, ground)
    assert from_json(json.loads(json.dumps(as_json(turn.dialogue)))) == turn.dialogue


@given(st.lists(typed_things, max_size=30), grounds)
def test_each_screen_of_a_walk_fits_and_is_shown_again_on_the_next_dial(inputs: list[str], ground: Ground) -> None:
    turn = next_screen(Dialogue(), [], ground)
    for typed in inputs:
        turn = next_screen(turn.dialogue, [typed], ground)
        assert fits_one_sms(turn.text)
        again = next_screen(from_json(as_json(turn.dialogue)), [], ground)
        assert turn.sends or again.dialogue == turn.dialogue
        assert turn.sends or turn.text.endswith(again.text.partition("\n")[2])


@given(st.lists(typed_things, max_size=12), grounds)
def test_what_is_typed_at_once_stands_where_it_stands_typed_one_by_one(inputs: list[str], ground: Ground) -> None:
    one_by_one = next_screen(Dialogue(), [], ground)
    walked = 0
    for typed in inputs:
        turn = next_screen(one_by_one.dialogue, [typed], ground)
        if turn.sends or is_noted(turn, ground) or typed in {BACK, MORE}:
            break
        one_by_one, walked = turn, walked + 1
    at_once = next_screen(Dialogue(), inputs[:walked], ground)
    assert (at_once.dialogue, at_once.text) == (one_by_one.dialogue, one_by_one.text)


@given(states, typed_things, grounds)
def test_what_is_wrong_moves_nothing(state: Dialogue, typed: str, ground: Ground) -> None:
    before = next_screen(state, [], ground)
    after = next_screen(before.dialogue, [typed], ground)
    if "*" not in typed and not after.sends and is_noted(after, ground):
        assert after.dialogue == before.dialogue or after.dialogue.place != before.dialogue.place


@given(states, st.text(max_size=400), st.booleans(), grounds)
def test_a_question_is_shown_whole_over_as_many_screens_as_it_takes(
    state: Dialogue, answer: str, asks: bool, ground: Ground
) -> None:
    turn = show_answer(state, answer, ground, asks=asks)
    assert fits_one_sms(turn.text)
    if turn.ends:
        assert turn.dialogue == Dialogue()
        return
    pages = []
    while turn.text.split("\n")[-1].startswith(f"{MORE} "):
        pages.append(turn.text.rpartition("\n")[0])
        turn = next_screen(turn.dialogue, [MORE], ground)
        assert fits_one_sms(turn.text)
    pages.append("".join(turn.text.split("\n")[:-2]))
    assert "".join("".join(pages).split()) == "".join(plain(" ".join(answer.split())).split())


@st.composite
def whole_reports(draw: st.DrawFn) -> tuple[Form, Mapping[str, int]]:
    """Values of any form; whether they agree with each other is not sought."""
    form = draw(st.sampled_from(FORMS))
    possible = [f"{m.code}.{i}" for m in form.measures.values() for i in form.items if i in m.items]
    possible += list(form.measures) if form.shape is Shape.MEASURE_FIRST else []
    counts = st.one_of(st.integers(0, 4), st.just(0), st.integers(0, 99_999))
    chosen = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=14, unique=True))
    values = {key: draw(counts) for key in chosen}
    for measure in form.measures:  # totals that hold their items, so that most of these reports can be sent
        added = sum(v for k, v in values.items() if k.startswith(f"{measure}."))
        if form.shape is Shape.MEASURE_FIRST and (measure in values or measure in form.required):
            values[measure] = min(99_999, values.get(measure, 0) + added)
    return form, values


@given(
    whole_reports(), grounds, st.sampled_from(["PMB01", "PST02"]), st.sampled_from(["2025-09", "2025-08", "2025-01"])
)
def test_what_is_sent_reads_back_as_what_was_typed(
    report: tuple[Form, Mapping[str, int]], ground: Ground, place: str, period: str
) -> None:
    form, values = report
    turn = next_screen(Dialogue("summary", form.code, place, period, values), [], ground)
    while has_more(turn):
        turn = next_screen(turn.dialogue, [MORE], ground)
    kept = turn.dialogue
    turn = next_screen(kept, ["1"], ground)
    is_agreed = not [*find_faults(values, form), *find_missing(values, form)]
    if kept.step == "summary" and kept.form == form.code and is_agreed:
        assert turn.sends, turn.text
    if kept.step == "summary" and turn.sends:
        reading = read_message(turn.sends, ground.today, ground.forms)
        [read] = reading.reports
        assert reading.is_clean
        assert (read.repairs, read.remark) == ((), "")
        assert (read.form, read.facility, read.period) == (kept.form, kept.place, kept.period)
        assert read.values == kept.values


@given(whole_reports())
def test_what_does_not_agree_is_told_at_the_summary_and_not_sent(report: tuple[Form, Mapping[str, int]]) -> None:
    form, values = report
    state = Dialogue("summary", form.code, "PMB01", "2025-09", values)
    if [*find_faults(values, form), *find_missing(values, form)]:
        for _ in range(12):
            turn = next_screen(state, ["1"], GROUNDS[0])
            assert not turn.sends
            state = next_screen(turn.dialogue, [MORE], GROUNDS[0]).dialogue
