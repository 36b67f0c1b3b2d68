"""An area's own sentences: of each the one that the smallest area around somebody chose."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.reply.chosen import nearest, speak
from gateway.reply.wordings import load_wordings
from gateway.store.wordings import ChosenSentence

WORDINGS = load_wordings()


def chosen(area: str, sentence: str, name: str = "answers.started", language: str = "id") -> ChosenSentence:
    return ChosenSentence(area, language, name, sentence, "Rina", datetime(2025, 10, 3, tzinfo=UTC))


def test_the_smallest_area_around_somebody_decides_how_it_is_said() -> None:
    these = [
        chosen("14.03", "regency"),
        chosen("", "country"),
        chosen("14.03.01", "district"),
        chosen("14", "province"),
    ]
    for area, said in (("14.03.01", "district"), ("14.03.02", "regency"), ("14.04", "province"), ("91.01", "country")):
        assert speak(WORDINGS, these, area)["id"].answers["started"] == said
        assert nearest(these, area)["id", "answers.started"].sentence == said


def test_what_an_area_chose_changes_one_sentence_of_one_language() -> None:
    spoken = speak(WORDINGS, [chosen("14", "own")], "14.03")
    assert spoken["en"] == WORDINGS["en"]
    assert {**spoken["id"].answers, "started": WORDINGS["id"].answers["started"]} == WORDINGS["id"].answers


def test_a_sentence_that_no_file_has_any_more_changes_nothing() -> None:
    these = [chosen("14", "own", name="answers.gone"), chosen("14", "own", language="xx")]
    assert speak(WORDINGS, these, "14") == WORDINGS
