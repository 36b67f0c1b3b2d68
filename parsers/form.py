"""What may be reported: a form, its measures, items and rules, read from a TOML text. A new form is a new file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

LANGUAGES = ("id", "en")  # in the order of falling back
LONGEST_LABEL = 24  # of what a USSD screen calls something; a screen holds 160 characters


class FormError(ValueError):
    """A form's text that cannot be used; the sentence names the place and the fault."""


class Shape(StrEnum):
    """How a form is written in an SMS."""

    MEASURE_FIRST = "measure-first"  # BARU 12 PIL 5 SUNTIK 7
    ITEM_FIRST = "item-first"  # PIL AWAL 100 TERIMA 50, or PIL 100/50/30/120


class Check(StrEnum):
    """What a rule checks; `rules` and `judge` say how. The first two need the report alone, the others need facts."""

    PARTS = "parts"  # the sum of `keys` is at most the sum of `other`
    EQUATION = "equation"  # the one of `keys` is the sum of `other` less the sum of `less`
    AT_LEAST = "at-least"  # the one of `keys` is at least the one of `other`
    OPENING = "opening"  # the one of `keys` is the one of `other` of the month before
    MOVES = "moves"  # the one of `keys` stays near its number of the month before
    UNUSUAL = "unusual"  # `items` are not offered by `facility_types`
    UNITS = "units"  # numbers of `items` at `least` or above, or divisible by `multiple`, look like another unit


@dataclass(frozen=True, slots=True)
class Item:
    """What a measure is broken down by, e.g. a method. `word` is what answers call it and what a sender may send back.

    Shape: an item with `kind_of` is one kind of another item, told by the number `kind` behind that item's word:
    `suntik 3 20`. One that is not `in_total` is counted beside its measure's total, never in it; one that is not
    `is_counted` belongs to no measure unless the measure names it, and is only known so that it can be refused by name.
    `ussd` is empty, or holds what USSD screens call it in each language, where its name is too long for them. `unit`
    is empty, or says in each language what it is counted in; one of an item that `is_pack` holds several pieces.
    """

    code: str
    word: str
    names: Mapping[str, str]
    aliases: tuple[str, ...]
    kind_of: str | None = None
    kind: str | None = None
    kind_words: tuple[str, ...] = ()
    in_total: bool = True
    is_counted: bool = True
    exports: Mapping[str, str] = field(default_factory=dict)
    ussd: Mapping[str, str] = field(default_factory=dict)
    unit: Mapping[str, str] = field(default_factory=dict)
    is_pack: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted, e.g. new users. `items` are the codes it may be broken down by; `ussd` is as that of an item."""

    code: str
    word: str
    names: Mapping[str, str]
    aliases: tuple[str, ...]
    items: frozenset[str]
    exports: Mapping[str, str] = field(default_factory=dict)
    ussd: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a report must agree with. `check` says what the other fields mean."""

    check: Check
    keys: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    facility_types: tuple[str, ...] = ()
    least: int = 0
    multiple: int = 0


@dataclass(frozen=True, eq=False)  # compared by identity, so that what is built from a form can be cached by it
class Form:
    """One form: what it is called, what it counts, how it is written, and what must hold.

    Shape: `keywords[0]` is the one that answers name. `caps` maps a facility type to the most that a measure or an item
    can be there. `shorthand` names the measures of bare numbers behind an item, in order. `units` are words that may
    stand behind a number and say nothing new. `ambiguous` maps a word that is never guessed to what it may mean.
    `taught` is empty, or tells apart forms that were taught other words (`parsers.aliases`). `ussd` is as that of an
    item; `at_once` are the keys of the bare numbers that may be typed into a USSD session in one go (`12*40*30`).
    """

    code: str
    version: int
    shape: Shape
    keywords: tuple[str, ...]
    names: Mapping[str, str]
    example: str
    measures: Mapping[str, Measure]
    items: Mapping[str, Item]
    required: tuple[str, ...] = ()
    default_measure: str | None = None
    shorthand: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    ambiguous: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    caps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    taught: str = ""
    ussd: Mapping[str, str] = field(default_factory=dict)
    at_once: tuple[str, ...] = ()

    def name(self, language: str) -> str:
        """Call the form by its name in a language, falling back to Indonesian."""
        return self.names.get(language) or self.names[LANGUAGES[0]]

    def word_for(self, key: str) -> str:
        """Write a key (`aktif.pil`) in words that may be sent back: `AKTIF PIL`, or item first where the form is."""
        measure, _, item = key.partition(".")
        words = [self.measures[measure].word] + ([self.items[item].word] if item else [])
        return " ".join(reversed(words) if self.shape is Shape.ITEM_FIRST else words)


def load_form(text: str) -> Form:
    """Read one form from its TOML text.

    Errors: FormError names the place and the fault, e.g. `measures[1] (aktif): aliases: must be a list of words`.
    """
    try:
        table = _Table(tomllib.loads(text), "")
    except tomllib.TOMLDecodeError as error:
        raise FormError(f"no valid TOML: {error}") from None
    items = {item.code: item for item in map(_load_item, table.tables("items"))}
    measures = {measure.code: measure for measure in (_load_measure(t, items) for t in table.tables("measures"))}
    form = Form(
        code=table.text("code"),
        version=table.number("version"),
        shape=table.one_of("shape", Shape),
        keywords=table.words("keywords"),
        names=table.names("name"),
        example=table.text("example"),
        measures=measures,
        items=items,
        required=table.words("required", ()),
        default_measure=table.text("default_measure", None),
        shorthand=table.words("shorthand", ()),
        units=table.words("units", ()),
        ambiguous=table.texts("ambiguous"),
        rules=tuple(_load_rule(rule) for rule in table.tables("rules")),
        caps=table.numbers_of_tables("caps"),
        ussd=table.labels("ussd"),
        at_once=table.words("at_once", table.words("required", ())),
    )
    table.refuse_the_rest()
    _check_whole(form)
    return form


def _load_item(table: _Table) -> Item:
    table.name_by("code")
    item = Item(
        code=table.text("code"),
        word=table.text("word"),
        names=table.names("name"),
        aliases=table.words("aliases"),
        kind_of=table.text("kind_of", None),
        kind=table.text("kind", None),
        kind_words=table.words("kind_words", ()),
        in_total=table.flag("in_total", default=True),
        is_counted=table.flag("is_counted", default=True),
        exports=table.texts("exports"),
        ussd=table.labels("ussd"),
        unit=table.labels("unit"),
        is_pack=table.flag("is_pack", default=False),
    )
    table.refuse_the_rest()
    return item


def _load_measure(table: _Table, items: Mapping[str, Item]) -> Measure:
    table.name_by("code")
    measure = Measure(
        code=table.text("code"),
        word=table.text("word"),
        names=table.names("name"),
        aliases=table.words("aliases"),
        items=frozenset(table.words("items", tuple(item.code for item in items.values() if item.is_counted))),
        exports=table.texts("exports"),
        ussd=table.labels("ussd"),
    )
    table.refuse_the_rest()
    return measure


def _load_rule(table: _Table) -> Rule:
    rule = Rule(
        check=table.one_of("check", Check),
        keys=table.words("keys", ()),
        other=table.words("other", ()),
        less=table.words("less", ()),
        items=table.words("items", ()),
        facility_types=table.words("facility_types", ()),
        least=table.number("least", 0),
        multiple=table.number("multiple", 0),
    )
    table.refuse_the_rest()
    return rule


def _check_whole(form: Form) -> None:
    """Refuse a form whose parts do not fit each other."""
    if not form.keywords:
        raise FormError("keywords: a form needs at least one")
    if not form.measures:
        raise FormError("measures: a form needs at least one")
    _check_references(form)
    _check_aliases(form)


def _check_references(form: Form) -> None:
    measures = set(form.measures)
    items = set(form.items)
    named = [("required", form.required, measures), ("shorthand", form.shorthand, measures)]
    named += [("default_measure", (form.default_measure,) if form.default_measure else (), measures)]
    named += [(f"measures ({m.code}): items", tuple(sorted(m.items)), items) for m in form.measures.values()]
    named += [(f"items ({i.code}): kind_of", (i.kind_of,) if i.kind_of else (), items) for i in form.items.values()]
    for number, rule in enumerate(form.rules):
        named += [(f"rules[{number}]: keys, other, less", rule.keys + rule.other + rule.less, measures)]
        named += [(f"rules[{number}]: items", rule.items, items)]
    named += [(f"caps ({kind})", tuple(caps), measures | items) for kind, caps in form.caps.items()]
    keys = measures | {f"{m.code}.{item}" for m in form.measures.values() for item in m.items}
    named += [("at_once", form.at_once, keys)]
    for where, codes, known in named:
        for code in codes:
            if code not in known:
                raise FormError(f"{where}: there is no {code!r}")
    if form.at_once[: len(form.required)] != form.required:
        raise FormError("at_once: must begin with the required measures, in their order")
    for item in form.items.values():
        if (item.kind_of is None) != (item.kind is None):
            raise FormError(f"items ({item.code}): kind_of and kind belong together")


def _check_aliases(form: Form) -> None:
    owners: dict[str, str] = {}
    parts: list[tuple[str, Measure | Item]] = [*form.measures.items(), *form.items.items()]
    for code, part in parts:
        if "." in code:
            raise FormError(f"{code}: a code holds no dot")
        for alias in part.aliases:
            if owners.setdefault(alias.lower(), code) != code:
                raise FormError(f"{code}: aliases: {alias!r} already means {owners[alias.lower()]!r}")
        if part.word.lower() not in (alias.lower() for alias in part.aliases):
            raise FormError(f"{code}: word: {part.word!r} must be one of its aliases, so that it can be sent back")


E = TypeVar("E", bound=StrEnum)
_NOT_PLAIN = frozenset("[]{}\\^~|`")  # two septets in GSM-7, or none at all
_REQUIRED: Any = object()


class _Table:
    """One TOML table, taken apart key by key, with errors that name the place."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table = table
        self._where = where
        self._taken: set[str] = set()

    def name_by(self, key: str) -> None:
        if isinstance(self._table.get(key), str):
            self._where = f"{self._where} ({self._table[key]})"

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        value = self._take(key, default)
        if value is not default and (not isinstance(value, str) or not value.strip()):
            raise self._fault(key, "must be a text")
        return value

    def number(self, key: str, default: Any = _REQUIRED) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._fault(key, "must be a whole number")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self._fault(key, "must be true or false")
        return value

    def one_of(self, key: str, choices: type[E]) -> E:
        value = self.text(key)
        if value not in set(choices):
            raise self._fault(key, f"must be one of {', '.join(choices)}")
        return choices(value)

    def words(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        value = self._take(key, default)
        if value is default:
            return tuple(default)
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            raise self._fault(key, "must be a list of words")
        return tuple(value)

    def texts(self, key: str) -> dict[str, str]:
        value = self._take(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self._fault(key, "must be a table of texts")
        return dict(value)

    def names(self, key: str) -> dict[str, str]:
        names = self.texts(key)
        if not names.get(LANGUAGES[0]):
            raise self._fault(key, f"must have at least {LANGUAGES[0]!r}")
        return names

    def labels(self, key: str) -> dict[str, str]:
        labels = self.names(key) if key in self._table else self.texts(key)
        for label in labels.values():
            is_plain = all(" " <= mark <= "~" and mark not in _NOT_PLAIN for mark in label)
            if not 0 < len(label) <= LONGEST_LABEL or not is_plain:
                raise self._fault(key, f"must be at most {LONGEST_LABEL} plain characters each: {label!r}")
        return labels

    def numbers_of_tables(self, key: str) -> dict[str, dict[str, int]]:
        value = self._take(key, {})
        if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
            raise self._fault(key, "must be a table of tables")
        return {
            name: {code: _Table(table, f"{key} ({name})").number(code) for code in table}
            for name, table in value.items()
        }

    def tables(self, key: str) -> list[_Table]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            raise self._fault(key, f"must be tables, each under [[{key}]]")
        return [_Table(table, f"{key}[{number}]") for number, table in enumerate(value)]

    def refuse_the_rest(self) -> None:
        for key in self._table:
            if key not in self._taken:
                raise self._fault(key, "is not known here")

    def _take(self, key: str, default: Any) -> Any:
        self._taken.add(key)
        if key in self._table:
            return self._table[key]
        if default is _REQUIRED:
            raise self._fault(key, "is missing")
        return default

    def _fault(self, key: str, fault: str) -> FormError:
        return FormError(f"{self._where}: {key}: {fault}" if self._where else f"{key}: {fault}")
