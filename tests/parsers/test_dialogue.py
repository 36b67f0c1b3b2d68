"""USSD sessions as they are written down for those who train midwives, and what a transcript cannot show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from parsers.dialogue import Dialogue, Ground, Month, Place, from_json, next_screen, show_answer
from tests.parsers.handset import MONTHS, PLACE, Handset, make_ground, play

TRANSCRIPTS = sorted((Path(__file__).parent / "dialogues").glob("*.txt"))
GROUND = make_ground()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_session_goes_as_its_transcript_says(path: Path) -> None:
    transcript = path.read_text(encoding="utf-8")
    assert play(transcript) == transcript


def test_the_month_that_is_due_stands_first_and_the_others_say_what_is_known_of_them() -> None:
    shown = next_screen(Dialogue(), ["1"], GROUND).text
    assert "1 Sep 25\n2 Agu 25 (sudah)\n3 Jul 25 (ditutup)" in shown


def test_what_leaves_no_choice_is_not_asked() -> None:
    kb = replace(GROUND, forms=tuple(form for form in GROUND.forms if form.code == "kb"))
    assert next_screen(Dialogue(), [], kb).text.startswith("KB PMB Ani: bulan apa?")


def test_nothing_is_sent_that_was_not_shown_before() -> None:
    everything = ["0925", "12", "40", "1"]
    turn = next_screen(Dialogue(), everything, GROUND)
    assert not turn.sends
    assert "BARU 12\nAKTIF 40" in turn.text
    assert next_screen(turn.dialogue, ["1"], GROUND).sends == "KB PMB01 0925 BARU 12 AKTIF 40"


def test_a_long_summary_is_sent_from_its_last_page_only() -> None:
    items = ("suntik1", "suntik3", "pil", "kondom", "iud", "implan1", "implan2", "mow", "mop")
    values = {f"{measure}.{item}": 1000 for measure in ("baru", "aktif") for item in items}
    turn = next_screen(Dialogue("summary", "kb", "PMB01", "2025-09", values), [], GROUND)
    assert "1 Kirim" not in turn.text
    early = next_screen(turn.dialogue, ["1"], GROUND)
    assert not early.sends
    assert early.text.startswith("Baca dulu")
    pages = [turn.text]
    while "99 Lanjut" in turn.text:
        turn = next_screen(turn.dialogue, ["99"], GROUND)
        pages.append(turn.text)
    assert "".join(pages).count("1.000") == len(values)
    assert next_screen(turn.dialogue, ["1"], GROUND).sends.endswith("MOP 1000")


def test_a_line_that_goes_on_on_the_next_page_names_again_what_it_is_about() -> None:
    items = ("suntik1", "suntik3", "pil", "kondom", "iud", "implan1", "implan2", "mow", "mop", "mal")
    values = {"baru": 3, **{f"aktif.{item}": 1000 for item in items}}
    first = next_screen(Dialogue("summary", "kb", "PMB01", "2025-09", values), [], GROUND)
    second = next_screen(first.dialogue, ["99"], GROUND)
    assert "\nAKTIF.. " in second.text


def test_a_month_that_is_no_more_offered_is_asked_again() -> None:
    kept = Dialogue("summary", "kb", "PMB01", "2025-06", {"baru": 12, "aktif": 40})
    turn = next_screen(kept, [], GROUND)
    assert "bulan apa?" in turn.text
    assert "AKTIF 40" in next_screen(turn.dialogue, ["1"], GROUND).text


def test_figures_of_a_place_that_is_hers_no_more_are_never_sent_for_the_one_that_is_left() -> None:
    both = make_ground((PLACE, Place("PST02", "Pustu Cihideung")))
    seen = next_screen(Dialogue(), ["1", "PST02", "1", "12", "40"], both)
    assert "AKTIF 40" in seen.text
    turn = next_screen(seen.dialogue, ["1"], GROUND)
    assert (turn.sends, turn.dialogue.values) == ("", {})
    assert next_screen(seen.dialogue, ["1"], both).sends == "KB PST02 0925 BARU 12 AKTIF 40"


def test_a_month_typed_first_must_be_offered_for_the_place_that_is_chosen() -> None:
    other = Place("PST02", "Pustu Cihideung")
    ground = make_ground((PLACE, other))
    ground = replace(ground, months={key: MONTHS[: 1 + (key[1] == "PMB01")] for key in ground.months})
    turn = next_screen(Dialogue(), ["0825", "PST02", "12"], ground)
    assert turn.text.startswith('"Agu 25" bukan bulan di pilihan. Sisanya tidak dibaca.')
    assert not turn.dialogue.values
    assert next_screen(Dialogue(), ["0825", "pmb01", "12"], ground).dialogue.values == {"baru": 12}


def test_a_whole_message_must_be_for_a_place_and_a_month_that_may_be_reported() -> None:
    for text in (
        "KB PST02 0925 BARU 12 AKTIF 40",
        "KB 0725 BARU 12 AKTIFF",
        "selamat pagi bu",
        "KB 0525 BARU 1 AKTIF 2",
    ):
        turn = next_screen(Dialogue(), [text], GROUND)
        assert (turn.dialogue.form, turn.dialogue.values) == ("", {}), text
        assert "1 Laporan KB" in turn.text
    turn = next_screen(Dialogue(), ["KB pmb01 BARU 12 AKTIF 40"], GROUND)
    assert "bulan apa?" in turn.text  # no month was written: it is asked for, not assumed
    assert turn.dialogue.values == {"baru": 12, "aktif": 40}


def test_a_place_whose_code_would_be_read_as_something_else_is_left_out_or_not_sent_at_all() -> None:
    odd = Place("PIL", "Klinik Pil")
    done = Dialogue("summary", "kb", "PIL", "2025-09", {"baru": 12, "aktif": 40})
    assert next_screen(done, ["1"], make_ground((odd,))).sends == "KB 0925 BARU 12 AKTIF 40"
    among_others = next_screen(done, ["1"], make_ground((odd, PLACE)))
    assert not among_others.sends
    assert among_others.text.startswith("Maaf, tidak bisa lewat UMB.")


@pytest.mark.parametrize(
    ("ground", "said"),
    [
        (replace(GROUND, forms=()), "Belum ada laporan yang bisa dikirim lewat UMB."),
        (replace(GROUND, places=()), "Tempat praktik Ibu belum kami catat. Hubungi petugas KB."),
        (replace(GROUND, forms=GROUND.forms[:1], months={}), "ALOKON PMB Ani: tidak ada bulan yang bisa dilaporkan"),
    ],
)
def test_where_nothing_can_be_reported_the_session_says_so_and_ends(ground: Ground, said: str) -> None:
    turn = next_screen(Dialogue(form="kb"), [], ground)
    assert turn.text.startswith(said)
    assert turn.ends


def test_an_answer_that_asks_nothing_ends_the_session_and_leaves_nothing() -> None:
    turn = show_answer(Dialogue("summary", "kb"), "KB Sep 25: terima kasih.", GROUND, asks=False)
    assert (turn.text, turn.ends, turn.dialogue) == ("KB Sep 25: terima kasih.", True, Dialogue())


def test_a_number_or_a_text_answers_a_question_as_it_was_typed() -> None:
    for typed in ("45", "AKTIF 45", "tidak", "AKTIF*45"):
        handset = Handset(GROUND)
        handset.type("0925", "12", "400")
        handset.type("1")
        handset.hear("KB Sep 25: AKTIF 400, bulan lalu 40. Benar?", asks=True)
        assert handset.type(typed).sends == typed


def test_an_opening_stock_is_asked_beside_the_closing_stock_of_the_month_before() -> None:
    month = Month("2025-09", before={"akhir.pil": 120, "awal.pil": 80})
    turn = next_screen(Dialogue(), ["2", "1", "1"], make_ground(months=(month,)))
    assert "Stok AWAL? SISA bulan lalu 120." in turn.text


@pytest.mark.parametrize(
    "state",
    [
        None, [], "summary", 7, {"step": 7}, {"values": [1]}, {"values": {"baru": "12"}}, {"values": {"baru": -1}},
        {"values": {"baru": True}}, {"page": "1"}, {"page": -1}, {"form": None},
    ],
)  # fmt: skip
def test_a_state_that_is_broken_starts_over(state: object) -> None:
    assert from_json(state) == Dialogue()


def test_a_state_of_an_older_shape_is_read_as_far_as_it_goes() -> None:
    assert from_json({"form": "kb", "colour": "red"}) == Dialogue(form="kb")
