"""Who of Klik-KB's directory is probably which reporter of ours: proposed by name and place, decided by staff. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.enrol.likeness import Candidate, find_likenesses
from gateway.store.klikkb import Listed
from gateway.store.midwives import Person


def find_counterparts(midwives: Iterable[Listed], people: Iterable[Person]) -> tuple[tuple[Listed, Person], ...]:
    """Return the pairs of one kecamatan whose names are alike, titles left aside.

    >>> from gateway.store.klikkb import Listed
    >>> listed = Listed(7, "KK-7", "Ani Sari, S.ST", None, "14.03.01", "", None, None, None)
    >>> pairs = find_counterparts([listed], [Person(3, "Bidan Ani Sari", "14.03.01")])
    >>> [(one.klikkb_id, who.name) for one, who in pairs]
    [('KK-7', 'Bidan Ani Sari')]
    """
    by_midwife = {-one.id: one for one in midwives}  # two tables have the same ids: one side's are turned round
    by_person = {one.id: one for one in people}
    listed = [Candidate(at, one.name, one.area) for at, one in by_midwife.items()]
    pairs = find_likenesses([*listed, *(Candidate(at, one.name, one.area) for at, one in by_person.items())])
    return tuple(
        (by_midwife[pair.first_id], by_person[pair.second_id])
        for pair in pairs
        if pair.first_id in by_midwife and pair.second_id in by_person
    )
