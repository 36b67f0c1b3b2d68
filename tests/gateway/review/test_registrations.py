"""Who asks by SMS to report: approved with a facility, given a second phone, moved, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask.testing import FlaskClient

from gateway.runtime import Runtime
from gateway.store import channels, inbox, outbox, registrations, reporters, wordings
from gateway.store.wordings import ChosenSentence
from gateway.values import Scope, lane_of
from tests.district import PHONES
from tests.gateway.review.registry import make_registry, reporter_id
from tests.gateway.review.visits import sign_in

STRANGER = PHONES["stranger"]


@pytest.fixture
def ids(runtime: Runtime, visitor: FlaskClient) -> Mapping[str, int]:
    """The registry, a channel of the district's own, and somebody of the district signed in."""
    found = make_registry(runtime)
    with runtime.database.session() as session:
        channels.hold_channel(session, "simulator")
        session.execute(channels.channels.update().values(area="14.03"))
        session.commit()
    sign_in(visitor, runtime)
    return found


def ask(runtime: Runtime, words: str = "DAFTAR Rina PMB Cahaya", old_phone: str | None = None) -> int:
    """Let the stranger ask to be registered, and a report of hers be held; return the request's id."""
    now = runtime.now()
    held = inbox.NewInboxMessage(
        channel="simulator",
        provider_id="held-1",
        sender=STRANGER,
        recipient="",
        text="KB 0925 BARU 3",
        sent_at=now,
        received_at=now,
        lane=lane_of(STRANGER),
        trace_id="0123456789abcdef",
        state="held",
    )
    with runtime.database.session() as session:
        registrations.ask_registration(session, STRANGER, "simulator", words, now, old_phone)
        inbox.keep(session, held)
        session.commit()
        (found,) = registrations.waiting_registrations(session)
    return found.id


def told(runtime: Runtime, phone: str) -> list[str]:
    """Return what is queued for a phone."""
    with runtime.database.session(read_only=True) as session:
        return [one.text for one in outbox.latest_to(session, states=("queued",)) if one.recipient == phone]


def test_a_request_is_shown_with_its_words_and_what_was_held(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime, "DAFTAR Rina Puskesmas Damon")
    assert "DAFTAR Rina" in visitor.get("/registrations").text
    page = visitor.get(f"/registrations/{one}").text
    assert "KB 0925 BARU 3" in page
    assert 'value="Rina"' in page, "her name is guessed"
    assert "Puskesmas Damon" in page, "and her facility"


def test_approving_registers_her_reads_what_was_held_and_tells_her(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    form = {"name": "Rina", "language": "id", "facility": ids["DAMON"], "do": "approve"}
    assert visitor.post(f"/registrations/{one}", data=form).status_code == 303
    with runtime.database.session(read_only=True) as session:
        (rina,) = reporters.find_by_phones(session, [STRANGER])[STRANGER]
        held = inbox.find_message(session, "simulator", "held-1")
    assert (rina.name, [place.short_name for place in rina.facilities]) == ("Rina", ["DAMON"])
    assert held
    assert held.state == "received"
    assert "Rina" in told(runtime, STRANGER)[0]


def test_searching_keeps_what_was_typed_and_decides_nothing(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    page = visitor.post(f"/registrations/{one}", data={"do": "search", "wanted": "damon", "name": "Rina Wijaya"})
    assert page.status_code == 200
    assert "Puskesmas Damon" in page.text
    assert "Rina Wijaya" in page.text
    assert told(runtime, STRANGER) == []


def test_without_a_facility_or_a_name_nothing_is_approved(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    answer = visitor.post(f"/registrations/{one}", data={"do": "approve", "name": "", "language": "id"})
    assert answer.status_code == 422
    assert answer.text.count("Wajib diisi") == 2


def test_the_phone_may_be_another_one_of_who_reports_already(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    budi = reporter_id(runtime, PHONES["budi"])
    searched = visitor.post(f"/registrations/{one}", data={"do": "search", "wanted": "damon", "facility": ids["DAMON"]})
    assert f'name="reporter" value="{budi}"' in searched.text
    form = {"do": "approve", "facility": ids["DAMON"], "reporter": budi, "name": "", "language": "id"}
    assert visitor.post(f"/registrations/{one}", data=form).status_code == 303
    assert reporter_id(runtime, STRANGER) == budi


def test_a_refusal_says_why_by_sms_and_leaves_what_was_held(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    assert visitor.post(f"/registrations/{one}/refuse", data={"reason": "outside", "language": "id"}).status_code == 303
    assert "di luar wilayah" in told(runtime, STRANGER)[0]
    with runtime.database.session(read_only=True) as session:
        held = inbox.find_message(session, "simulator", "held-1")
        assert registrations.waiting_registrations(session) == ()
    assert held
    assert held.state == "held"


@pytest.mark.parametrize("form", [{}, {"reason": "other"}, {"reason": "other", "other": "x" * 61}])
def test_a_refusal_without_a_reason_that_fits_is_not_sent(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], form: Mapping[str, str]
) -> None:
    one = ask(runtime)
    assert visitor.post(f"/registrations/{one}/refuse", data=form).status_code == 422
    assert told(runtime, STRANGER) == []


def test_a_move_waits_for_the_call_and_then_both_phones_are_told(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime, "DAFTAR GANTI 081230000001", old_phone=PHONES["ani"])
    assert "Ani" in visitor.get(f"/registrations/{one}").text
    assert visitor.post(f"/registrations/{one}/move").status_code == 422
    ani = reporter_id(runtime, PHONES["ani"])
    assert visitor.post(f"/registrations/{one}/move", data={"is_called": "1"}).status_code == 303
    assert reporter_id(runtime, STRANGER) == ani
    assert told(runtime, STRANGER)
    assert told(runtime, PHONES["ani"])


def test_a_midwife_of_another_area_is_not_moved(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    one = ask(runtime, "DAFTAR GANTI 081230000072", old_phone="+6281230000072")
    assert visitor.post(f"/registrations/{one}/move", data={"is_called": "1"}).status_code == 404
    with runtime.database.session(read_only=True) as session:
        assert STRANGER not in reporters.find_by_phones(session, [STRANGER])


def test_the_second_of_two_is_told_that_it_is_decided(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    form = {"name": "Rina", "language": "id", "facility": ids["DAMON"], "do": "approve"}
    visitor.post(f"/registrations/{one}", data=form)
    late = visitor.post(f"/registrations/{one}", data=form, follow_redirects=True)
    assert "Orang lain lebih dulu" in late.text
    with runtime.database.session(read_only=True) as session:
        assert len(reporters.find_by_phones(session, [STRANGER])[STRANGER]) == 1


def test_a_request_of_another_area_is_not_there(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    one = ask(runtime)
    sign_in(visitor, runtime, area="72.71")
    assert "DAFTAR Rina" not in visitor.get("/registrations").text
    assert "DAFTAR Rina" not in visitor.get(f"/registrations/{one}", follow_redirects=True).text
    form = {"name": "Rina", "language": "id", "facility": ids["JAUH"], "do": "approve"}
    visitor.post(f"/registrations/{one}", data=form)
    visitor.post(f"/registrations/{one}/refuse", data={"reason": "outside"})
    with runtime.database.session(read_only=True) as session:
        assert registrations.find_waiting(session, one, scope=Scope("14.03"))


def test_nobody_is_registered_for_a_facility_of_another_area(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    one = ask(runtime)
    form = {"name": "Rina", "language": "id", "facility": ids["JAUH"], "do": "approve"}
    assert visitor.post(f"/registrations/{one}", data=form).status_code == 422


def choose(runtime: Runtime, name: str, sentence: str) -> None:
    """Put a sentence of the answers in Bengkalis' own words."""
    own = ChosenSentence("14.03", "id", f"answers.{name}", sentence, "Rina", runtime.now())
    with runtime.database.session() as session:
        assert wordings.choose_sentence(session, own, scope=Scope(""))
        session.commit()


@pytest.mark.parametrize("what", ["approve", "second", "refuse", "move"])
def test_whoever_is_decided_about_is_told_in_the_words_that_her_area_chose(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], what: str
) -> None:
    for name, slots in (("registered", "{facility} {example}"), ("moved", "{example}"), ("moved_away", "")):
        choose(runtime, name, f"Bengkalis: {{reporter}} {slots}")
    choose(runtime, "refused", "Bengkalis: {reason}")
    one = ask(runtime, old_phone=PHONES["ani"] if what == "move" else None)
    sent = {
        "approve": ("", {"name": "Rina", "language": "id", "facility": ids["DAMON"], "do": "approve"}),
        "second": ("", {"reporter": reporter_id(runtime, PHONES["budi"]), "facility": ids["DAMON"], "do": "approve"}),
        "refuse": ("/refuse", {"reason": "outside", "language": "id"}),
        "move": ("/move", {"is_called": "1"}),
    }
    address, form = sent[what]
    assert visitor.post(f"/registrations/{one}{address}", data=form).status_code == 303
    texts = told(runtime, STRANGER) + told(runtime, PHONES["ani"])
    assert [text[:10] for text in texts] == ["Bengkalis:"] * (2 if what == "move" else 1)
