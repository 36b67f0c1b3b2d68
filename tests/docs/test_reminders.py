"""The reminders in the midwives' guide are those that Kabar writes, word for word."""

from __future__ import annotations

from gateway.owing import Standing
from gateway.remind.plan import Asked
from tests.docs.pages import code_in, page
from tests.gateway.remind.letters import HERS, OTHERS, QUESTION, owed, say


def test_the_reminders_of_the_guide_are_written_so() -> None:
    [table] = page("docs/panduan-bidan.md").tables("SMS pengingat")
    hers, anothers = (Asked(1, phone, QUESTION, is_open=True) for phone in (HERS, OTHERS))
    assert [code_in(row[0]) for row in table] == [
        say(owed()),
        say(owed(standing=Standing.ASKED, asked=hers)),
        say(owed(standing=Standing.ASKED, asked=anothers)),
        say(owed(wording="remind_again")),
    ]
