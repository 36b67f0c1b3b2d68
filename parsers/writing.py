"""Values to text: a report as the message that says it, without a doubt left for the reader."""

from __future__ import annotations

from collections.abc import Mapping

from parsers.form import Form, Shape


def write_message(form: Form, facility: str, period: str, values: Mapping[str, int]) -> str:
    """Write a report as one message; `facility` may be empty.

    Shape: `KB PMB01 0925 BARU 12 AKTIF 40 PIL 30`, or `ALOKON 0925 PIL AWAL 100 TERIMA 50`, in the form's own order.
    """
    words = [form.keywords[0].upper(), *([facility] if facility else []), f"{period[5:]}{period[2:4]}"]
    if form.shape is Shape.ITEM_FIRST:
        for item in form.items:
            counts = [(form.measures[m].word, values[f"{m}.{item}"]) for m in form.measures if f"{m}.{item}" in values]
            words += [form.items[item].word] if counts else []
            words += [f"{word} {count}" for word, count in counts]
    else:
        for measure in form.measures:
            counts = [(form.items[i].word, values[f"{measure}.{i}"]) for i in form.items if f"{measure}.{i}" in values]
            if measure in values:
                words.append(f"{form.measures[measure].word} {values[measure]}")
            elif counts:
                words.append(form.measures[measure].word)
            words += [f"{word} {count}" for word, count in counts]
    return " ".join(words)
