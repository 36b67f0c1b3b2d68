"""A breach: whose data somebody could see, took or changed in a time, and how to tell these people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gateway.errors import Malformed
from gateway.spreadsheet import write_row
from gateway.store import areas, exposures, roster, users
from gateway.store.base import Session
from gateway.store.exposures import Concerned
from gateway.values import Scope

HEADS = ("nama", "nomor HP", "bagaimana / how")


@dataclass(frozen=True, slots=True)
class Exposed:
    """Somebody whose data is concerned, and by which ways."""

    person: Concerned
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is known of a breach: when, and by whom, in which file or where; what is empty may have been anybody's."""

    since: datetime
    until: datetime
    login: str = ""
    export: str = ""
    area: str | None = None


def find_exposed(session: Session, suspicion: Suspicion, today: date) -> tuple[Exposed, ...]:
    """Return whose data was in what could be seen or was taken, by name.

    What is shown on a page is not written down: who was signed in could see everybody of their area.
    Errors: Malformed for a user, an export or an area that is not there, and for a time that ends before it begins.
    """
    if suspicion.until <= suspicion.since:
        raise Malformed("akhirnya sebelum awalnya / the end is before the beginning: --since, --until")
    if suspicion.area and areas.find_area(session, suspicion.area) is None:
        raise Malformed(f"tidak ada wilayah / there is no area {suspicion.area!r}")
    ways: dict[Concerned, list[str]] = defaultdict(list)
    for way, people in _ways(session, suspicion, today):
        for person in people:
            ways[person].append(way)
    ordered = sorted(ways, key=lambda person: (person.name, person.id))
    return tuple(Exposed(person, tuple(dict.fromkeys(ways[person]))) for person in ordered)


def _ways(session: Session, suspicion: Suspicion, today: date) -> Iterable[tuple[str, Iterable[Concerned]]]:
    since, until = suspicion.since, suspicion.until
    if suspicion.export:
        taken = exposures.find_export(session, suspicion.export)
        if taken is None:
            raise Malformed(f"tidak ada ekspor / there is no export {suspicion.export!r}")
        yield f"export {taken.ref}", exposures.people_in(session, taken)
        return
    if suspicion.area is not None:
        yield f"area {suspicion.area or '*'}", _people_of_area(session, suspicion.area, today)
        return
    name = ""
    if suspicion.login:
        user = users.find_by_login(session, suspicion.login)
        if user is None:
            raise Malformed(f"tidak ada pengguna / there is no user {suspicion.login!r}")
        name = user.name
        yield f"changed by {user.login}", exposures.people_touched(session, since, until, name)
    reaches = list(exposures.users_at_work(session, since, until, suspicion.login))
    if not suspicion.login:
        reaches += exposures.tokens_in_use(session, since, until)
    for reach in reaches:
        yield reach.words, _people_of_area(session, reach.area, today)
    for taken in exposures.exports_taken(session, since, until, name):
        yield f"export {taken.ref}", exposures.people_in(session, taken)


def _people_of_area(session: Session, area: str, today: date) -> tuple[Concerned, ...]:
    found = roster.stream_reporters(session, scope=Scope(area), today=today)
    return tuple(
        Concerned(one.id, one.name, tuple(sorted(one.phones))) for one in found if not one.name.startswith("erased:")
    )


def as_table(found: Iterable[Exposed]) -> str:
    """Return the list as a file that a spreadsheet opens, whatever a name begins with."""
    lines = [write_row(HEADS)]
    lines += [write_row((one.person.name, " ".join(one.person.phones), "; ".join(one.ways))) for one in found]
    return "".join(lines)
