"""Words of the pages, said at a terminal: in both languages at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from gateway.review.pages.language import load_catalogue


def say(words: str, about: Mapping[str, str] | None = None) -> str:
    """Return words of the pages in both languages, what they name filled in."""
    filled = defaultdict(str, about or {})
    indonesian, english = (each % filled if about else each for each in (load_catalogue("id").gettext(words), words))
    return indonesian if indonesian == english else f"{indonesian} / {english}"
