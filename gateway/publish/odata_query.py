"""What an OData address asks for, read into plain wishes; what this feed does not do is refused in words."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.publish.problems import Kind, Refusal
from gateway.values import clean_text

ROWS = 1000  # of one page
SIZE = 3  # words of a condition
_KNOWN = {"$top", "$skip", "$count", "$select", "$filter", "$format", "$skiptoken"}
_NAME, _TEXT = r"[A-Za-z_]+", r"'(?:[^']|'')*'"
_TOKENS = re.compile(rf"\s*(?:({_TEXT})|({_NAME})|(-?[0-9]+)|([(),]))")
_COMPARE = {"eq", "ge", "gt", "le", "lt"}


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. `operator` is eq, ge, gt, le or lt."""

    column: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `place` is where a page begins, as the page before said; `top` None is all."""

    clauses: tuple[Clause, ...] = ()
    select: tuple[str, ...] = ()
    top: int | None = None
    skip: int = 0
    is_counted: bool = False
    place: Any = None


def read_query(given: Mapping[str, str], columns: Mapping[str, str], filtered: Mapping[str, frozenset[str]]) -> Query:
    """Return what an address asks for.

    Shape: `columns` maps the names of a table to their types, `filtered` those that can be filtered to the operators.
    Errors: Refusal: 501 for what this feed does not do, 422 for what is no OData.
    """
    for name in given:
        if name.startswith("$") and name not in _KNOWN:
            raise _not_built(f"This feed has no {name}.", f"Umpan ini tidak mengenal {name}.")
    if given.get("$format", "json").split(";")[0] not in ("json", "application/json"):
        raise _not_built("This feed speaks JSON only.", "Umpan ini hanya memakai JSON.")
    top = _number(given, "$top")
    query = Query(
        clauses=read_filter(given.get("$filter", ""), filtered),
        select=_columns(given.get("$select", ""), columns),
        top=top,
        skip=_number(given, "$skip") or 0,
        is_counted=given.get("$count", "false") == "true",
    )
    if given.get("$count", "false") not in ("true", "false"):
        raise _wrong("$count")
    return replace(query, place=read_place(given["$skiptoken"])) if "$skiptoken" in given else query


def read_filter(written: str, filtered: Mapping[str, frozenset[str]]) -> tuple[Clause, ...]:
    """Return the conditions of a filter, all of which must hold: `period ge '2025-01' and regency eq '14.03'`.

    >>> read_filter("(period eq '2025-09' and form eq 'k''b')", dict.fromkeys(("period", "form"), frozenset({"eq"})))
    (Clause(column='period', operator='eq', value='2025-09'), Clause(column='form', operator='eq', value="k'b"))
    """
    if not written.strip():
        return ()
    words = _split(written)
    found, place = [], 0
    depth = 0
    while place < len(words):
        while place < len(words) and words[place] == "(":
            depth, place = depth + 1, place + 1
        clause, place = _read_clause(words, place, filtered)
        found.append(clause)
        while place < len(words) and words[place] == ")":
            depth, place = depth - 1, place + 1
        if place < len(words):
            if words[place] != "and" or depth < 0 or place + 1 == len(words):
                raise _no_such_filter()
            place += 1
    if depth:
        raise _wrong("$filter")
    return tuple(found)


def write_place(place: object) -> str:
    """Return where a page begins as a word for its address."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_place(written: str) -> Any:
    """Return where a page begins. Errors: Refusal."""
    try:
        return json.loads(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
    except (ValueError, RecursionError) as error:
        raise _wrong("$skiptoken") from error


def refuse_place() -> Refusal:
    """Return the refusal of a place that this feed never gave."""
    return _wrong("$skiptoken")


def _read_clause(words: list[str], place: int, filtered: Mapping[str, frozenset[str]]) -> tuple[Clause, int]:
    if len(words) < place + SIZE or words[place + 1] not in _COMPARE:
        raise _no_such_filter()
    column, operator, value = words[place : place + SIZE]
    if operator not in filtered.get(column, frozenset()) or not value.startswith("'"):
        known = ", ".join(f"{name} ({' '.join(sorted(these))})" for name, these in filtered.items())
        raise _not_built(
            f"Filter by these columns and operators only, with texts in quotes: {known}.",
            f"Saringan hanya untuk kolom dan operator ini, teks dalam tanda kutip: {known}.",
        )
    return Clause(column, operator, clean_text(value[1:-1].replace("''", "'"))), place + SIZE


def _split(written: str) -> list[str]:
    found, place = [], 0
    written = written.strip()
    while place < len(written):
        match = _TOKENS.match(written, place)
        if match is None:
            raise _wrong("$filter")
        found.append(next(filter(None, match.groups())))
        place = match.end()
    return found


def _columns(written: str, columns: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in written.split(",") if name.strip()))
    if names == ("*",):
        return ()
    if unknown := [name for name in names if name not in columns]:
        raise Refusal(Kind.INVALID, f"There is no column {unknown[0][:40]}.", f"Tidak ada kolom {unknown[0][:40]}.")
    return names


def _number(given: Mapping[str, str], name: str) -> int | None:
    written = given.get(name)
    if written is None:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) < 10):
        raise _wrong(name)
    return int(written)


def _no_such_filter() -> Refusal:
    return _not_built(
        "Filters are conditions joined by `and`: period eq '2025-09' and regency eq '14.03'.",
        "Saringan berupa syarat yang digabung `and`: period eq '2025-09' and regency eq '14.03'.",
    )


def _not_built(en: str, id: str) -> Refusal:  # noqa: A002  a language's code, as everywhere
    return Refusal(Kind.NOT_BUILT, en, id)


def _wrong(name: str) -> Refusal:
    return Refusal(Kind.INVALID, f"{name} is not written as OData has it.", f"Penulisan {name} tidak menurut OData.")
