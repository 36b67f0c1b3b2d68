"""The hands of staff who decide: what they see, what they do about it, and what has come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from gateway.handle.accept import ByHand
from gateway.handle.reading_json import to_json
from gateway.review import decide, undo
from gateway.review.deeds import Done, Office, Seen
from gateway.store import outbox, questions, reports
from gateway.store.base import Session
from gateway.store.reports import Report, ReportKey
from gateway.store.users import User
from gateway.values import Role
from parsers.reading import ReadReport
from tests.district import PHONES, District

Found = TypeVar("Found")

KB = "KB 0925 BARU 12 AKTIF 40 PIL 30"
WANTED = {"baru": 12, "aktif": 40, "aktif.pil": 30}


def office(district: District, name: str = "Sari", area: str = "14.03") -> Office:
    """Return somebody of the office, at the district's clock."""
    user = User(7, name.lower(), name, Role.DISTRICT, area, "id", True, False)
    runtime = district.runtime
    return Office(user, runtime.now(), {form.code: form for form in runtime.forms}, runtime.wordings)


def key_of(district: District, place: str = "PMB01") -> ReportKey:
    """Return what September's report of a facility is about."""
    return ReportKey("kb", district.ids[place], "2025-09")


def revisions(district: District, place: str = "PMB01") -> tuple[Report, ...]:
    """Return every revision of September's report of a facility."""
    with district.database.session(read_only=True) as session:
        return reports.revisions(session, key_of(district, place))


def figures(district: District, place: str = "PMB01") -> Mapping[str, int] | None:
    """Return what counts for September of a facility, None where nothing does."""
    with district.database.session(read_only=True) as session:
        found = reports.find_current(session, key_of(district, place))
    return found.values if found else None


def seen(district: District, place: str = "PMB01", nth: int = -1) -> Seen:
    """Return the newest revision, or another one, as somebody sees it now."""
    known = revisions(district, place)
    return Seen(known[nth].id, known[nth].state, known[-1].revision)


def settle(district: District, act: Callable[[Session], Found]) -> Found:
    """Do something in a session of its own and keep it."""
    with district.database.session() as session:
        found = act(session)
        session.commit()
    return found


def by_hand(values: Mapping[str, int], key: str = "page-1") -> ByHand:
    """Return a corrected report as it was typed."""
    reading = to_json(ReadReport("kb", "2025-09", dict(values)))
    return ByHand(key, reading, values, form_version=1, seen_id=None, made_by=0)


def correct(district: District, values: Mapping[str, int], *, tell: bool = True, key: str = "page-1") -> Done:
    """Have the newest revision corrected."""
    what = seen(district)
    return settle(
        district,
        lambda s: decide.correct(s, office(district), what, by_hand(values, key), "Salah ketik", tell=tell),
    )


def notices(district: District, name: str = "ani") -> list[str]:
    """Return what staff have had sent to a phone, oldest first."""
    with district.database.session(read_only=True) as session:
        found = outbox.latest_to(session, [PHONES[name]])
    return [one.text for one in found if one.kind in (decide.NOTICE, decide.QUESTION)][::-1]


def states(district: District, place: str = "PMB01") -> list[str]:
    """Return where every revision stands, oldest first."""
    return [one.state for one in revisions(district, place)]


def take_back(district: District, done: Done) -> bool:
    """Undo a decision and return whether its message had gone out."""
    undone = settle(district, lambda s: undo.undo(s, office(district), done.decision_id))
    assert undone is not None
    return undone.is_said


def flag_a_change(district: District) -> Done:
    """Report, approve, and report something else: the second one is for staff to decide."""
    district.say("ani", KB)
    approved = settle(district, lambda s: decide.approve(s, office(district), seen(district)))
    district.say("ani", "KB 0925 BARU 12 AKTIF 45 PIL 30")
    assert states(district) == ["approved", "flagged"]
    return approved


def ask(district: District, text: str = "KB Sep 25: AKTIF 40, benar? Balas YA, atau AKTIF <jumlah>") -> Done:
    """Send the newest revision back with a question."""
    what = seen(district)
    return settle(district, lambda s: decide.send_back(s, office(district), what, text))


def reject(district: District) -> Done:
    """Reject the newest revision and tell its sender."""
    return settle(district, lambda s: decide.reject(s, office(district), seen(district), "Keliru", tell=True))


def approve(district: District) -> Done:
    """Approve the newest revision."""
    return settle(district, lambda s: decide.approve(s, office(district), seen(district)))


def withdraw(district: District) -> Done:
    """Approve the newest revision and withdraw the approval."""
    return settle(district, lambda s: decide.withdraw_approval(s, office(district), seen(district), "Keliru"))


STARTS: dict[str, Callable[[District], object]] = {
    "accepted": lambda d: d.say("ani", KB),
    "approved": lambda d: (d.say("ani", KB), approve(d)),
    "flagged": flag_a_change,
    "waiting": lambda d: (d.say("ani", KB), ask(d)),
}
ACTS: dict[str, Callable[[District], Done]] = {
    "approve": approve,
    "accept": lambda d: settle(d, lambda s: decide.accept(s, office(d), seen(d))),
    "reject": reject,
    "send back": lambda d: ask(d, "KB Sep 25: apakah bulannya benar? Balas YA"),
    "withdraw": withdraw,
    "correct": lambda d: correct(d, WANTED | {"aktif": 44}),
}
DOABLE = [
    *(("accepted", act) for act in ("approve", "reject", "send back", "correct")),
    *(("approved", act) for act in ("reject", "withdraw", "correct")),
    *(("flagged", act) for act in ("approve", "accept", "reject", "send back", "correct")),
    *(("waiting", act) for act in ("approve", "accept", "reject", "send back", "correct")),
]


def open_question(district: District) -> str | None:
    """Return what Ani is asked now, None where nothing is."""
    with district.database.session(read_only=True) as session:
        found = questions.open_questions(session, [PHONES["ani"]])
    return found[PHONES["ani"]].text if found else None
