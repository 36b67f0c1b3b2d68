"""Whatever befalls sessions, in any order: no answer that was accepted is lost, and a confirmation makes one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.lines import DialogueState, UssdHop, UssdScreen
from gateway.receive import hops
from gateway.receive.hops import Stage
from gateway.store import dialogues
from gateway.store.base import Database
from gateway.store.dialogues import Standing
from gateway.values import Sender, SenderKind
from parsers.dialogue import Dialogue
from tests.dialling import UMB, dial_district, figures, received, revisions, sessions_of
from tests.district import NOON, PHONES, District

_numbers = count(1)
ANI = Sender(PHONES["ani"], SenderKind.PHONE)
FIRST = Standing(1, UMB, "s", ANI.address, DialogueState.OPEN, Dialogue(), None, "x", False, (), 0, 0, 0, NOON)

# What befalls a hop: all is well; the gateway repeats it; Kabar dies before the commit, or after it with the screen
# unseen, and the gateway repeats the hop, or the midwife dials again; the session is dropped, with word of it or none.
BEFALLS = st.sampled_from(["well"] * 6 + ["twice", "early", "late", "early_redial", "late_redial", "over", "silent"])


@pytest.fixture
def district(sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path) -> District:
    """The district with a USSD channel."""
    return dial_district(open_database(sqlite_url), tmp_path / "var")


@dataclass
class Midwife:
    """Somebody who types a report into whatever screen she sees, by a gateway of one kind or the other."""

    district: District
    is_whole: bool
    session_id: str = ""
    typed: list[str] = field(default_factory=list)
    screen: UssdScreen | None = None
    accepted: int = 0  # numbers that a screen has shown to be taken
    confirmed: int = 0  # times that she pressed Kirim and a commit followed

    def hop(self) -> UssdHop:
        """Return her hop as it stands: what was typed last, or all of it."""
        key = "" if self.is_whole else str(len(self.typed))
        inputs = tuple(self.typed) if self.is_whole else tuple(self.typed[-1:])
        return UssdHop(self.session_id, ANI, inputs, self.is_whole, is_first=not self.typed, key=key)

    def knock(self, *, dies: bool = False) -> UssdScreen:
        """Have the hop answered; whoever dies commits nothing."""
        runtime = self.district.runtime
        self.district.pass_time(seconds=1)
        with self.district.database.session() as session:
            answered = hops.take_hop(Stage(session, runtime.rules, runtime.now(), 5), UMB, self.hop())
            if not dies:
                session.commit()
        return answered.screen

    def dial(self) -> UssdScreen:
        """Begin another session, and return its first screen."""
        self.session_id, self.typed = f"law{next(_numbers)}", []
        self.screen = self.knock()
        return self.screen

    def choose(self) -> str:
        """Return what she answers the screen with."""
        assert self.screen is not None
        text = self.screen.text
        answers = {"Peserta BARU": "12", "Peserta AKTIF": "40", "1 Kirim": "1", "1 Lanjutkan": "1"}
        return next((answer for words, answer in answers.items() if words in text), "1")

    def go_on(self, what: str) -> None:
        """Answer the screen, and let something befall the hop."""
        if what in ("over", "silent"):
            if what == "over":
                with self.district.database.session() as session:
                    dialogues.end(session, UMB, self.session_id, ANI.address, self.district.runtime.now())
                    session.commit()
            self.dial()
            return
        self.typed.append(self.choose())
        if what.startswith("early"):
            self.knock(dies=True)
        elif what != "well":
            before = self.knock()
            if what in ("twice", "late"):
                assert self.knock() == before, "a repeat is shown the same screen"
        if what.endswith("redial"):
            self.dial()
        else:
            self.screen = self.knock()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(befalls=st.lists(BEFALLS, min_size=4, max_size=24), is_whole=st.booleans())
def test_no_answer_is_lost_and_one_confirmation_makes_one_report(
    district: District, befalls: list[str], is_whole: bool
) -> None:
    before = len(received(district)), len(revisions(district))
    district.pass_time(days=2)  # drafts of the example before are no more
    midwife = Midwife(district, is_whole)
    midwife.dial()
    most = 0
    for what in befalls:
        with district.database.session(read_only=True) as session:
            kept = sessions_of(session, ANI.address)
        unsent = [one for one in kept if one.changed_at > district.runtime.now() - timedelta(days=1)]
        most = max([most, *(len(draft.values) for one in unsent if (draft := dialogues.draft_of(one)))])
        assert midwife.screen is not None
        if midwife.screen.ends or len(received(district)) > before[0]:
            break
        midwife.go_on(what)
    is_sent = len(received(district)) - before[0]
    assert is_sent <= 1, "she confirmed once"
    assert len(revisions(district)) - before[1] <= is_sent
    if is_sent:
        assert figures(district) == {"baru": 12, "aktif": 40}
        return
    offered = midwife.dial()  # nothing that was kept is lost: it is offered now, all of it
    if most:
        assert "1 Lanjutkan" in offered.text
        with district.database.session(read_only=True) as session:
            offer = sessions_of(session, ANI.address)[-1].offer
        assert offer is not None
        assert len(offer.values) >= most


@pytest.mark.parametrize(
    ("standing", "hop", "expected"),
    [
        (FIRST, UssdHop("s", ANI, is_first=True), False),
        (replace(FIRST, hops=2, taken=1), UssdHop("s", ANI, ("1",), is_whole=True), True),
        (replace(FIRST, hops=2, taken=1), UssdHop("s", ANI, (), is_whole=True, is_first=True), True),
        (replace(FIRST, hops=2, taken=1), UssdHop("s", ANI, ("1", "1"), is_whole=True), False),
        (replace(FIRST, hops=3, taken=2), UssdHop("s", ANI, ("1",)), False),
        (replace(FIRST, hops=3, taken=2, ends=True), UssdHop("s", ANI, ("1",)), True),
        (replace(FIRST, hops=3, taken=2, ends=True), UssdHop("s", ANI, is_first=True), False),
    ],
)
def test_a_hop_without_a_key_is_a_repeat_only_where_that_can_be_told(
    standing: Standing, hop: UssdHop, expected: bool
) -> None:
    assert hops.is_repeat(standing, hop, NOON) is expected


def take(district: District, hop: UssdHop) -> UssdScreen:
    """Have a hop answered and kept."""
    runtime = district.runtime
    with district.database.session() as session:
        answered = hops.take_hop(Stage(session, runtime.rules, runtime.now(), 5), UMB, hop)
        session.commit()
    return answered.screen


def test_what_was_typed_since_the_beginning_is_replayed_where_the_session_is_not_known(district: District) -> None:
    shown = take(district, UssdHop("lost", ANI, ("0925", "12", "40"), is_whole=True))
    assert "AKTIF 40" in shown.text
    take(district, UssdHop("lost", ANI, ("0925", "12", "40", "1"), is_whole=True))
    assert figures(district) == {"baru": 12, "aktif": 40}


def test_what_can_be_replayed_in_two_ways_is_asked_and_not_guessed(district: District) -> None:
    shown = take(district, UssdHop("lost", ANI, ("1", "1", "12"), is_whole=True))
    assert "dua cara" in shown.text
    assert received(district) == ()


def test_one_id_of_two_numbers_is_two_sessions(district: District) -> None:
    eve = Sender(PHONES["eve"], SenderKind.PHONE)
    take(district, UssdHop("same", ANI, is_first=True, key="1"))
    take(district, UssdHop("same", ANI, ("1",), key="2"))
    shown = take(district, UssdHop("same", eve, is_first=True, key="1"))
    assert "Ani" not in shown.text
    assert shown.text.startswith("Report what")


def test_an_id_that_is_used_again_begins_another_session_and_the_draft_of_the_first_is_offered(
    district: District,
) -> None:
    take(district, UssdHop("phone", ANI, is_first=True))
    for typed in ("1", "1", "12"):
        take(district, UssdHop("phone", ANI, (typed,)))
    assert "1 Lanjutkan" in take(district, UssdHop("phone", ANI, is_first=True)).text
    for typed in ("1", "40", "1"):
        take(district, UssdHop("phone", ANI, (typed,)))
    assert figures(district) == {"baru": 12, "aktif": 40}
    take(district, UssdHop("phone", ANI, is_first=True))
    for typed in ("1", "1", "13", "41", "1"):
        take(district, UssdHop("phone", ANI, (typed,)))
    assert figures(district) == {"baru": 13, "aktif": 41}
    assert len(received(district)) == 2


def test_a_first_hop_of_a_gateway_that_names_none_is_known_again(district: District) -> None:
    first = UssdHop("f1", ANI, ("123",), inputs_if_new=())
    assert take(district, first) == take(district, first)
    assert "bulan apa" in take(district, UssdHop("f1", ANI, ("1",), inputs_if_new=())).text


def test_an_id_that_is_too_long_is_kept_by_its_hash_and_never_cut(district: District) -> None:
    ids = ["x" * 300 + end for end in "ab"]
    for one in ids:
        take(district, UssdHop(one, ANI, is_first=True, key="1"))
    with district.database.session(read_only=True) as session:
        assert len(sessions_of(session, ANI.address)) == 2
