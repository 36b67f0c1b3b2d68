"""How a reading is shown to staff, and written as JSON."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from parsers.explain import explain
from parsers.read import read_message
from parsers.report_json import as_json
from tests.parsers.corpus import forms_for

FORMS = forms_for(Path("kb.txt"))
SENT_ON = date(2025, 10, 3)


def test_every_word_is_shown_with_what_it_was_taken_for() -> None:
    shown = explain("KB 0925 BARUU 32 suntik 3 2O XYZ 5 Ani", SENT_ON, FORMS)
    assert [" ".join(line.split()) for line in shown] == [
        "KB keyword kb",
        "0925 period",
        "BARUU measure baru (misspelt)",
        "32 number 32",
        "suntik 3 item suntik3",
        "2O number 20 (letters for digits)",
        "XYZ unknown",
        "5 number 5",
        "Ani remark",
        "= report",
        "kb 2025-09: baru 32, baru.suntik3 20",
        '~ spelling: "BARUU" read as baru',
        '~ digits: "2O" read as 20',
        "# Ani",
        '? measure_missing: "KB" key aktif',
        '? word_unknown: "XYZ 5" measure baru, number 5',
    ]


def test_the_founding_message_as_json() -> None:
    assert as_json(read_message("KB 0925 BARU 12 AKTIF 40 PIL 30", SENT_ON, FORMS)) == {
        "kind": "report",
        "clean": True,
        "command": None,
        "reports": [
            {
                "form": "kb",
                "period": "2025-09",
                "facility": None,
                "values": {"baru": 12, "aktif": 40, "aktif.pil": 30},
                "repairs": [],
                "problems": [],
            }
        ],
    }


def test_a_question_as_json_says_what_where_and_about_which_key() -> None:
    written = as_json(read_message("KB 0925 BARU 12 AKTIF", SENT_ON, FORMS))
    assert written["clean"] is False
    assert written["reports"][0]["problems"] == [
        {"code": "number_missing", "words": "AKTIF", "span": [16, 21], "about": {"key": "aktif"}}
    ]


def test_a_message_longer_than_we_read_is_never_clean_and_goes_to_a_human_whole() -> None:
    text = "KB 0925 BARU 12 AKTIF 40 " + "x" * 1600
    written = as_json(read_message(text, SENT_ON, FORMS))
    assert (written["kind"], written["clean"], written["reports"]) == ("text", False, [])
    assert [problem["code"] for problem in written["problems"]] == ["message_too_long"]
    assert as_json(read_message(text[:1600], SENT_ON, FORMS))["kind"] == "report"


def test_without_forms_nothing_is_a_report_and_nothing_raises() -> None:
    assert read_message("KB 0925 BARU 12", SENT_ON, ()).kind == "text"
    assert read_message("STATUS", SENT_ON, ()).kind == "command"
    assert explain("KB 0925", SENT_ON, ()) == ["= text"]
