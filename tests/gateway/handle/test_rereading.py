"""Read again: what would come of a message now is shown first, and applied without losing or doubling anything."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from gateway.handle import rereading as handling
from gateway.handle.rereading import Difference, Obstacle
from gateway.store import aliases, inbox, questions, reports, rereading
from gateway.store.aliases import AliasState
from gateway.store.outbox import outbox
from gateway.store.reports import ReportKey
from gateway.values import InboxState, ReportState, Scope
from parsers.aliases import Alias
from tests.district import PHONES, District

ALL = Scope("")
BY = (1, "Rina")
MICROGYNON = Alias("kb", "item", "pil", "microgynon")
UNREAD = "KB 0925 BARU 12 AKTIF 40 MICROGYNON 30"


def teach(district: District, alias: Alias = MICROGYNON, area: str = "") -> int:
    """Teach the reader a word, and return the alias' id."""
    now = district.runtime.now()
    with district.database.session() as session:
        alias_id = aliases.propose(session, alias, area, scope=ALL, by=BY, now=now)
        assert alias_id
        assert aliases.decide(
            session, alias_id, AliasState.APPROVED, was=AliasState.PROPOSED, scope=ALL, by=BY, now=now
        )
        session.commit()
    return alias_id


def compare(district: District, *provider_ids: str) -> tuple[Difference, ...]:
    """Return what would come of messages now, and see to it that looking changed nothing."""
    messages = [district.message(one) for one in provider_ids]
    with district.database.session() as session:
        found = handling.compare(session, messages, district.runtime.rules, district.runtime.now(), scope=ALL)
        session.commit()  # looking may be committed: it left nothing behind
    assert [district.message(one) for one in provider_ids] == messages
    return found


def apply(district: District, differences: tuple[Difference, ...], *, sends: bool = False) -> int:
    """Apply differences as they were seen, have them handled, and return how many were."""
    tags = {one.message.id: one.tag for one in differences}
    messages = [one.message for one in differences]
    with district.database.session() as session:
        again = handling.compare(session, messages, district.runtime.rules, district.runtime.now(), scope=ALL)
        applied = handling.apply(session, again, tags=tags, sends=sends, scope=ALL)
        session.commit()
    district.handle()
    return len(applied)


def revisions(district: District, place: str = "PMB01", period: str = "2025-09") -> list[tuple[str, dict[str, int]]]:
    """Return state and values of each revision of a KB report."""
    with district.database.session(read_only=True) as session:
        found = reports.revisions(session, ReportKey("kb", district.ids[place], period))
    return [(one.state, dict(one.values)) for one in found]


def answers(district: District) -> list[tuple[str, str | None]]:
    """Return state and reason of everything in the outbox, oldest first."""
    with district.database.session(read_only=True) as session:
        rows = session.execute(select(outbox.c.state, outbox.c.reason).order_by(outbox.c.id))
        return [(row.state, row.reason) for row in rows]


def give_to_staff(district: District, sender: str, text: str) -> str:
    """Have a message asked about in vain, so that staff have it; return its provider id."""
    provider_id = district.keep(sender, text)
    district.handle()
    with district.database.session() as session:
        message = district.message(provider_id)
        session.execute(update(inbox.inbox).where(inbox.inbox.c.id == message.id).values(state=InboxState.FOR_STAFF))
        session.execute(update(questions.questions).values(state="expired"))
        session.commit()
    return provider_id


def test_a_message_for_staff_is_shown_as_it_would_be_read_and_then_read_so_once(district: District) -> None:
    one = give_to_staff(district, "ani", UNREAD)
    teach(district)
    [found] = compare(district, one)
    assert found.then.figures == ()
    assert found.now.state == InboxState.DONE
    assert dict(found.now.figures[0].values) == {"baru": 12, "aktif": 40, "aktif.pil": 30}
    assert revisions(district) == []
    assert apply(district, (found,)) == 1
    assert revisions(district) == [(ReportState.ACCEPTED, {"baru": 12, "aktif": 40, "aktif.pil": 30})]
    assert apply(district, (found,)) == 0  # what was seen is no longer what is there
    assert len(revisions(district)) == 1


def test_reading_again_sends_no_answer_unless_it_is_wanted(district: District) -> None:
    one, other = give_to_staff(district, "ani", UNREAD), give_to_staff(district, "budi", UNREAD)
    teach(district)
    quiet, loud = compare(district, one, other)
    apply(district, (quiet,))
    assert answers(district)[-1] == ("withheld", "quiet")
    apply(district, (loud,), sends=True)
    assert answers(district)[-1][0] == "queued"


def test_a_counting_report_is_replaced_by_the_new_reading_of_its_own_message(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40, MICROGYNON", provider_id="a")
    teach(district, Alias("kb", "measure", "ulang", "microgynon"))
    before = revisions(district)
    assert before == [(ReportState.ACCEPTED, {"baru": 12, "aktif": 40})]
    [found] = compare(district, "a")
    assert found.asks  # the word is a measure now, and has no number
    assert revisions(district) == before
    assert apply(district, (found,)) == 0  # a question is sent only where answers are
    assert apply(district, (found,), sends=True) == 1
    assert revisions(district) == before


def test_figures_read_again_count_once_and_keep_their_place_in_time(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 30", provider_id="a")
    with district.database.session() as session:  # as if an older reader had missed the pills
        session.execute(update(reports.report_values).where(reports.report_values.c.item == "pil").values(quantity=3))
        session.commit()
    [found] = compare(district, "a")
    assert found.may_be_applied
    assert apply(district, (found,)) == 1
    assert [state for state, _ in revisions(district)] == [ReportState.REPLACED, ReportState.ACCEPTED]
    assert revisions(district)[-1][1]["aktif.pil"] == 30
    district.say("ani", "KB 0925 BARU 13 AKTIF 41")
    assert [state for state, _ in revisions(district)].count(ReportState.ACCEPTED) == 1


def test_what_is_approved_is_not_read_again(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40", provider_id="a")
    with district.database.session() as session:
        current = reports.find_current(session, ReportKey("kb", district.ids["PMB01"], "2025-09"))
        assert current
        reports.set_state(session, current.id, ReportState.APPROVED, was=ReportState.ACCEPTED)
        session.commit()
    [found] = compare(district, "a")
    assert found.obstacle is Obstacle.SETTLED
    assert apply(district, (found,)) == 0
    assert revisions(district) == [(ReportState.APPROVED, {"baru": 12, "aktif": 40})]


def test_an_answer_to_a_question_is_not_read_without_it(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12")
    district.say("ani", "AKTIF 40", provider_id="b")
    [found] = compare(district, "b")
    assert found.obstacle is Obstacle.LESS
    assert apply(district, (found,)) == 0
    assert revisions(district) == [(ReportState.ACCEPTED, {"baru": 12, "aktif": 40})]


def test_a_sender_with_an_open_question_is_not_confused_by_her_older_message(district: District) -> None:
    one = give_to_staff(district, "ani", UNREAD)
    district.say("ani", "KB 0925 BARU 12", provider_id="later")
    teach(district)
    [found] = compare(district, one)
    assert found.obstacle is Obstacle.ASKED
    assert apply(district, (found,)) == 0


def test_a_message_that_still_cannot_be_handled_is_named_and_left(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = give_to_staff(district, "ani", UNREAD)

    def fail(*_: object) -> None:
        raise RuntimeError("still broken")

    monkeypatch.setattr("gateway.handle.command.pass_on", fail)
    monkeypatch.setattr("gateway.handle.report.take", fail)
    [found] = compare(district, one)
    assert found.obstacle is Obstacle.FAILS
    assert district.message(one).state == InboxState.FOR_STAFF


def test_a_word_counts_in_the_area_that_it_was_taught_for(district: District) -> None:
    teach(district, area="72.71")
    district.say("ani", UNREAD)
    assert revisions(district) == []
    teach(district, area="14.03")
    district.say("ani", UNREAD)
    assert revisions(district) == [(ReportState.ACCEPTED, {"baru": 12, "aktif": 40, "aktif.pil": 30})]


def test_a_word_that_was_taken_back_counts_no_more(district: District) -> None:
    alias_id = teach(district)
    with district.database.session() as session:
        now = district.runtime.now()
        assert aliases.decide(session, alias_id, AliasState.REFUSED, was=AliasState.APPROVED, scope=ALL, by=BY, now=now)
        session.commit()
    district.say("ani", UNREAD)
    assert revisions(district) == []


def test_a_report_tells_by_which_words_it_was_read(district: District) -> None:
    teach(district)
    district.say("ani", UNREAD)
    with district.database.session(read_only=True) as session:
        kept = session.execute(select(reports.reports.c.reading)).scalar_one()
    assert kept["taught"]


def test_what_staff_called_done_waits_again_when_they_undo_it(district: District) -> None:
    one = give_to_staff(district, "ani", "ibu, kapan rapat?")
    message_id = district.message(one).id
    with district.database.session() as session:
        assert rereading.call_done(session, [message_id], scope=ALL) == (message_id,)
        assert rereading.call_done(session, [message_id], scope=ALL) == ()
        session.commit()
    assert district.message(one).state == InboxState.DONE
    with district.database.session() as session:
        assert rereading.undo_done(session, [message_id], scope=Scope("72")) == ()
        assert rereading.undo_done(session, [message_id], scope=ALL) == (message_id,)
        assert rereading.undo_done(session, [message_id], scope=ALL) == ()
        session.commit()
    assert district.message(one).state == InboxState.FOR_STAFF


def test_what_was_read_is_not_undone_as_if_staff_had_called_it_done(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40", provider_id="a")
    with district.database.session() as session:
        assert rereading.undo_done(session, [district.message("a").id], scope=ALL) == ()
    assert PHONES["ani"] == district.message("a").sender
