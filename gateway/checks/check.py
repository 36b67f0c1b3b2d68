"""A check: one thing that was looked at, and in words what is so or what to mend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `words` say what is so, or what to mend: Indonesian, then English.

    What is no fault but might be better is `advice`: it is well, and does not stand in the way of anything.
    """

    name: str
    is_well: bool
    words: str
    is_advice: bool = False

    def say(self, language: str) -> str:
        """Return the words in one language, or whole where they are not two halves divided by ` / `."""
        halves = self.words.split(" / ")
        return halves[language != "id"] if len(halves) == 2 else self.words

    @property
    def verdict(self) -> str:
        """What it comes to, in a word: `ok`, `advice` or `mend`."""
        return "mend" if not self.is_well else "advice" if self.is_advice else "ok"


def well(name: str, words: str) -> Check:
    """Return that something is as it must be."""
    return Check(name, True, words)


def mend(name: str, indonesian: str, english: str) -> Check:
    """Return a fault with its remedy."""
    return Check(name, False, f"{indonesian} / {english}")


def advise(name: str, indonesian: str, english: str) -> Check:
    """Return what might be better."""
    return Check(name, True, f"{indonesian} / {english}", is_advice=True)
