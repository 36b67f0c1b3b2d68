"""What is hidden stays hidden: whoever does sums with everything that is shown learns too little of any figure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hiding import ALL, FEWEST, SMALL, WIDTH, Place, Shown, add_sums, hide

ROWS, COLUMNS = ("a", "b", "c", "d"), ("iud", "kondom", "mow", "pil")
NUMBERS = st.one_of(st.integers(0, 7), st.integers(0, 300))
INNER = st.fixed_dictionaries({(row, column): NUMBERS for row in ROWS for column in COLUMNS})
FACILITIES = st.fixed_dictionaries({row: st.integers(0, 6) for row in ROWS})


class Stranger:
    """Whoever wants to know what is hidden, and can do sums without fault.

    A table of rows, columns and their sums is a network: each figure flows from its row to its column, and a sum the
    other way. How far a hidden figure can rise or fall is how much can flow round by the other hidden ones.
    """

    def __init__(self, table: Mapping[Place, int], shown: Shown, thin: set[str]) -> None:
        self.hidden = {place: table[place] for place, number in shown.items() if number is None}
        self.thin = thin

    def width(self, place: Place) -> int:
        """Return how far apart the least and the most that a figure can be are, as far as it matters."""
        return self._room(place, rises=True) + self._room(place, rises=False)

    def _room(self, place: Place, *, rises: bool) -> int:
        """Return how far a figure can go, by pushing one after the other round the network."""
        left = dict(self.hidden)
        for step in range(WIDTH):
            if not rises and left[place] == self._least(place):
                return step
            path = self._find_path(left, place, rises=rises)
            if path is None:
                return step
            left[place] += 1 if rises else -1
            for other, change in path:
                left[other] += change
        return WIDTH

    def _least(self, place: Place) -> int:
        """Everybody knows that zeros are shown, but for rows that few stand behind."""
        return 0 if place[0] in self.thin else 1

    def _ends(self, place: Place) -> tuple[str, str]:
        row, column = f"row {place[0]}", f"column {place[1]}"
        return (row, column) if (place[0] == ALL) == (place[1] == ALL) else (column, row)

    def _find_path(self, left: Mapping[Place, int], place: Place, *, rises: bool) -> list[tuple[Place, int]] | None:
        out, into = self._ends(place)
        start, goal = (into, out) if rises else (out, into)
        ways: dict[str, list[tuple[str, Place, int]]] = defaultdict(list)
        for other in self.hidden:
            if other != place:
                first, last = self._ends(other)
                ways[first].append((last, other, 1))
                if left[other] > self._least(other):
                    ways[last].append((first, other, -1))
        came: dict[str, tuple[str, Place, int] | None] = {start: None}
        queue = deque([start])
        while queue and goal not in came:
            here = queue.popleft()
            for there, other, change in ways[here]:
                if there not in came:
                    came[there] = (here, other, change)
                    queue.append(there)
        if goal not in came:
            return None
        path, at = [], goal
        while (step := came[at]) is not None:
            at = step[0]
            path.append(step[1:])
        return path


def hide_all(inner: Mapping[Place, int], facilities: Mapping[str, int]) -> tuple[dict[Place, int], Shown, set[str]]:
    """Return a table, what is shown of it, and its rows that few stand behind."""
    table, behind = add_sums(inner), {**facilities, ALL: sum(facilities.values())}
    return table, hide(table, behind), {row for row, number in behind.items() if number < FEWEST}


@given(INNER, FACILITIES)
def test_no_hidden_figure_can_be_worked_out(inner: dict[Place, int], facilities: dict[str, int]) -> None:
    table, shown, thin = hide_all(inner, facilities)
    if all(number is None for number in shown.values()):
        return  # nothing is shown, so nothing can be worked out
    stranger = Stranger(table, shown, thin)
    assert {place: stranger.width(place) for place in stranger.hidden if stranger.width(place) < WIDTH} == {}


@given(INNER, FACILITIES)
def test_what_is_shown_is_true_and_neither_small_nor_of_few(
    inner: dict[Place, int], facilities: dict[str, int]
) -> None:
    table, shown, thin = hide_all(inner, facilities)
    assert set(shown) == set(table)
    for place, number in shown.items():
        assert number is None or number == table[place]
        assert number is None or not 0 < number < SMALL
        assert number is None or place[0] not in thin


@given(INNER, FACILITIES, st.randoms())
def test_the_same_table_is_always_hidden_the_same_way(
    inner: dict[Place, int], facilities: dict[str, int], chance: object
) -> None:
    _, shown, _ = hide_all(inner, facilities)
    mixed = list(inner.items())
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert hide_all(dict(mixed), dict(reversed(facilities.items())))[1] == shown


def test_a_small_figure_takes_three_others_with_it_and_the_rest_is_shown() -> None:
    inner = {
        ("a", "pil"): 40,
        ("a", "iud"): 2,
        ("a", "mow"): 30,
        ("b", "pil"): 60,
        ("b", "iud"): 21,
        ("b", "mow"): 9,
        ("c", "pil"): 80,
        ("c", "iud"): 33,
        ("c", "mow"): 50,
    }
    _, shown, _ = hide_all(inner, dict.fromkeys("abc", 5))
    assert {place for place, number in shown.items() if number is None} == {
        ("a", "iud"),
        ("a", "mow"),
        ("b", "iud"),
        ("b", "mow"),
    }
    assert shown[ALL, ALL] == 325


def test_a_table_of_small_figures_only_is_not_shown_at_all() -> None:
    _, shown, _ = hide_all({("a", "pil"): 2}, {"a": 9})
    assert set(shown.values()) == {None}


@pytest.mark.parametrize("behind", [0, FEWEST - 1])
def test_nothing_is_shown_of_a_place_that_too_few_reported_from(behind: int) -> None:
    _, shown, _ = hide_all({("a", "pil"): 200, ("a", "iud"): 90}, {"a": behind})
    assert set(shown.values()) == {None}


def test_the_stranger_finds_what_a_careless_table_gives_away() -> None:
    table = add_sums({("a", "pil"): 2, ("a", "iud"): 20, ("b", "pil"): 30, ("b", "iud"): 40})
    careless: Shown = {**table, ("a", "pil"): None}
    assert Stranger(table, careless, set()).width(("a", "pil")) == 0
    still: Shown = {**careless, ("a", "iud"): None, ("b", "pil"): None, ("b", "iud"): None}
    assert Stranger(table, still, set()).width(("a", "pil")) >= WIDTH
