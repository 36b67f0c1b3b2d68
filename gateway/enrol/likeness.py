"""Find what stands in the registry twice: names that are probably one, phones and codes that are the same. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

_KIND_WORDS = frozenset(
    {
        *("pmb", "tpmb", "bpm", "bps", "bidan", "bdn", "bd", "ibu", "ny", "dr", "drg", "hj", "h"),
        *("puskesmas", "pkm", "pustu", "polindes", "klinik", "rs", "rsu", "rsud", "rsia", "praktik", "praktek"),
        *("mandiri", "desa", "kec", "kecamatan", "sst", "s", "st", "keb", "am", "amd", "str", "tr", "skm", "m"),
    }
)
_ALIKE = 0.85  # of two names without their titles, letter by letter
_FEWEST_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a double: its name, the group that it is looked for in, and marks that only one can have."""

    id: int
    name: str
    group: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two that are probably one, and why: `mark`, `name`."""

    first_id: int
    second_id: int
    why: str


def find_likenesses(found: Iterable[Candidate]) -> tuple[Likeness, ...]:
    """Return the pairs that are probably one, those with the same mark first.

    >>> pairs = find_likenesses([Candidate(1, "PMB Ani Sari", "a"), Candidate(2, "Bidan Ani Sari, S.ST", "a")])
    >>> [(pair.first_id, pair.second_id, pair.why) for pair in pairs]
    [(1, 2, 'name')]
    """
    candidates = sorted(found, key=lambda one: one.id)
    pairs: dict[tuple[int, int], str] = {}
    for together in _by_mark(candidates):
        pairs |= {(one.id, other.id): "mark" for one, other in combinations(together, 2)}
    for together in _by_group(candidates):
        named = [(one, own_name(one.name)) for one in together]
        for one, other in _beside(named):
            pairs.setdefault((one, other), "name")
    ordered = sorted(pairs.items(), key=lambda pair: (pair[1] != "mark", pair[0]))
    return tuple(Likeness(first, second, why) for (first, second), why in ordered)


def own_name(name: str) -> str:
    """Return what is left of a name without titles and kinds of facilities: small letters and digits, words sorted.

    >>> own_name("PMB Ny. Ani, S.ST"), own_name("Bidan ANI")
    ('ani', 'ani')
    """
    words = re.findall(r"[a-z0-9]+", name.casefold())
    return " ".join(sorted(word for word in words if word not in _KIND_WORDS)) or " ".join(sorted(words))


def _by_mark(found: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for one in found:
        for mark in one.marks:
            groups[mark].append(one)
    return (together for together in groups.values() if len(together) > 1)


def _by_group(found: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for one in found:
        groups[one.group].append(one)
    return iter(groups.values())


def _beside(named: Sequence[tuple[Candidate, str]]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of alike names of one group. Only those that begin or end alike are compared letter by letter."""
    buckets: dict[str, set[int]] = defaultdict(set)
    for at, (_, name) in enumerate(named):
        buckets[f"<{name[:2]}"].add(at)
        buckets[f"{name[-2:]}>"].add(at)
    compared = {pair for these in buckets.values() for pair in combinations(sorted(these), 2)}
    for first, second in sorted(compared):
        (one, name), (other, beside) = named[first], named[second]
        if name == beside or (min(len(name), len(beside)) >= _FEWEST_LETTERS and _is_alike(name, beside)):
            yield one.id, other.id


def _is_alike(name: str, beside: str) -> bool:
    digits, others = re.sub(r"[^0-9]", "", name), re.sub(r"[^0-9]", "", beside)
    if digits != others:  # Klinik Sehat 1 and Klinik Sehat 2 are two
        return False
    matcher = SequenceMatcher(None, name, beside, autojunk=False)
    return matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE
