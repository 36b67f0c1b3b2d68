"""The table of the corpus counts every message once, and shows none that was read wrongly."""

from __future__ import annotations

import pytest

from tests.parsers import table
from tests.parsers.corpus import corpus_files, read_cases
from tests.parsers.table import CLASSES, Checked, check_corpus, draw_table


def test_every_message_of_the_corpus_comes_out_of_the_command_line_as_it_must(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert table.main() == 0, capsys.readouterr().out
    *classes, total = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[0] for row in classes] == list(CLASSES)
    assert sum(int(row[1]) for row in classes) == int(total[1]) == sum(len(list(read_cases(p))) for p in corpus_files())
    assert {row[3] for row in (*classes, total)} == {"0"}
    assert all(int(row[1]) > 50 for row in classes), "every class has its messages"


def test_a_message_that_is_read_otherwise_is_counted_as_wrong() -> None:
    checked = check_corpus()
    spoilt = Checked(checked[0].case, "text")
    rows = [line.split() for line in draw_table([spoilt, *checked[1:]]).splitlines()]
    assert rows[-1][-1] == "1"
