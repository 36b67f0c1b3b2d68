"""The inventory as docs/privacy.md shows it: what is kept, why, which columns tell of a person, and how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.store.inventory import Kind, kinds, tables


def inventory_page() -> str:
    """Return both tables: how long each kind is kept, and what each table of the database holds."""
    return "\n".join((*_kinds(), "", *_tables())) + "\n"


def say_time(kind: Kind) -> str:
    """Return how long a kind is kept, in words."""
    return kind.fixed or f"{kind.days} days; the office may choose {kind.least} to {kind.most}"


def _kinds() -> Iterator[str]:
    yield "| kind | what | kept |"
    yield "|---|---|---|"
    yield from (f"| `{one.code}` | {one.english} | {say_time(one)} |" for one in kinds().values())


def _tables() -> Iterator[str]:
    yield "| table | why | of a person | of staff | kind |"
    yield "|---|---|---|---|---|"
    for one in tables().values():
        person, staff = _names(one.personal), _names(one.columns.get("staff", ()))
        yield f"| `{one.name}` | {one.why} | {person} | {staff} | {one.kept} |"


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)
