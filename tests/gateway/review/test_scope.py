"""Nobody sees or touches another area's rows, by any address: every route is walked, with all that a foreign one has.

A new page is walked by itself. What this test cannot know is how to fill in a word in an address: `WORDS` says it, and
a route with an unknown one fails by name.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby, product
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, IntegerConverter, Rule
from werkzeug.test import TestResponse

from gateway.review.deeds import Deed
from gateway.review.pages import frame
from gateway.runtime import Runtime
from gateway.store.base import Database
from tests.district import make_district
from tests.gateway.review import foreign
from tests.gateway.review.visits import sign_in

WORDS = {  # what may stand in an address in the place of a word
    "token": ("0" * 32,),
    "screen": ("month",),
    "filename": ("kabar.css",),
    "channel": (foreign.CHANNEL,),
    "name": ("suara",),
    "batch": ("foreign",),
    "deed": tuple(Deed),
    "language_code": ("id",),
    "ref": ("foreign",),
    "form": ("kb",),
    "kind": ("chatter",),
}
FIELDS = {  # what a foreign row is called by in the fields of forms and addresses; all others are its number
    "area": foreign.PLACE,
    "areas": foreign.PLACE,
    "kecamatan": foreign.PLACE,
    "facility_code": "727199900",
    "channel": foreign.CHANNEL,
    "form": "kb",
    "period": foreign.PERIOD,
    "month": foreign.PERIOD,
    "of": foreign.PERIOD,
    "language": "id",
    "next": "/",
    "to": f"{foreign.ID}-kb",
    "seen": f"{foreign.ID}.flagged.1",
    "tick": f"{foreign.ID}.flagged.1",
    "phone": foreign.PHONE,
    "number": foreign.PHONE,
    "q": "727199900",
    "words": "727199900",
    "lang": "en",
    "live": "off",
    "what": "off",
    "since": "2025-01-01",
    "kinds": "report.accepted",
    "address": "https://elsewhere.example/",
}
READ = re.compile(r"""(?:args|form|values)(?:\.get|\.getlist)?[(\[]\s*"(\w+)\"""")
STRANGERS = [
    ("administrator", "14.03"),
    ("district", "14.03"),
    ("officer", "14.03.01"),
    ("viewer", "14.03"),
    ("administrator", "72.7"),  # a code that begins like the foreign one, and is another
]
OPEN = {"login", "invitation", "files", "help"}  # for everybody: they show nothing of any area


@dataclass(frozen=True)
class Call:
    """One request of the walk."""

    method: str
    path: str
    endpoint: str
    fields: tuple[tuple[str, str], ...] = ()

    def open(self, visitor: FlaskClient) -> TestResponse:
        """Send it."""
        given = dict(self.fields)
        if self.method == "GET":
            return visitor.get(self.path, query_string=given, buffered=True)
        return visitor.open(self.path, method=self.method, data=given, buffered=True)

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.endpoint}) {dict(self.fields)}"


def rules_of(app: Flask) -> list[Rule]:
    """Return the addresses of all pages."""
    names = {name for name, blueprint in app.blueprints.items() if "review.pages" in blueprint.import_name}
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in names]


@cache
def fields_read_by(module: str) -> tuple[str, ...]:
    """Return the names of the fields that a page module reads, from its forms and its addresses."""
    path = frame.FOLDER / "pages" / f"{module}.py"
    found = set(READ.findall(path.read_text(encoding="utf-8"))) if path.exists() else set()
    beside = ("area", "facility", "reporter", "report", "message", "user", "period", "form", "q", "month")
    return tuple(sorted(found | set(beside)))


def addresses(rule: Rule) -> Iterator[str]:
    """Return a rule's addresses with the foreign district's rows in them."""
    choices: dict[str, tuple[object, ...]] = {}
    for name, converter in rule._converters.items():
        if isinstance(converter, IntegerConverter):
            choices[name] = (foreign.ID,)
        elif isinstance(converter, AnyConverter):
            choices[name] = tuple(sorted(converter.items))
        else:
            assert name in WORDS, f"{rule.endpoint} {rule.rule}: say in WORDS what <{name}> of a foreign area is"
            choices[name] = WORDS[name]
    for values in product(*choices.values()):
        built = rule.build(dict(zip(choices, values, strict=True)))
        assert built, rule.rule
        yield built[1]


def calls_of(app: Flask, *, one_by_one: bool = False) -> Iterator[Call]:
    """Return every request of the walk: each address bare, with all its fields, and if wished with each alone."""
    for rule in rules_of(app):
        module = rule.endpoint.partition(".")[0]
        fields = tuple((name, FIELDS.get(name, str(foreign.ID))) for name in fields_read_by(module))
        for path, method in product(addresses(rule), sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})):
            yield Call(method, path, rule.endpoint)
            yield Call(method, path, rule.endpoint, fields)
            if method == "GET" and one_by_one:
                for field in fields:
                    yield Call(method, path, rule.endpoint, (field,))


def words_of(answer: TestResponse) -> str:
    """Return what can be read in an answer, in a workbook too."""
    if answer.data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            return "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return "" if (answer.mimetype or "").startswith("image") else answer.data.decode("utf-8", "replace")


def find_faults(call: Call, answer: TestResponse) -> Iterator[str]:
    """Return what an answer gives away."""
    if leak := foreign.find_leak(f"{words_of(answer)}{answer.headers}"):
        yield f"shows: {leak}"
    if f"/{foreign.ID}" in call.path and not call.fields and answer.status_code not in {303, 403, 404}:
        yield f"answers {answer.status_code}, as if it were there"
    if answer.status_code >= 500:
        yield f"breaks down: {answer.status_code}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: whose rows a condition takes is the same on both, and is tested there."""
    return sqlite_url


@pytest.fixture
def planted(runtime: Runtime, database_url: str) -> Runtime:
    """A runtime with our district and a foreign one."""
    own = Database(database_url)
    make_district(own)
    own.dispose()
    foreign.plant(runtime)
    return runtime


@pytest.mark.parametrize(("role", "area"), STRANGERS)
def test_nobody_sees_or_touches_another_areas_rows_by_any_address(
    app: Flask, planted: Runtime, role: str, area: str
) -> None:
    with planted.database.session(read_only=True) as session:
        before = foreign.remember(session)
    faults: list[str] = []
    visitor = app.test_client()
    sign_in(visitor, planted, role, area)
    calls = calls_of(app, one_by_one=(role, area) == STRANGERS[0])
    for module, of_module in groupby(calls, key=lambda call: call.endpoint.partition(".")[0]):
        for call in of_module:
            answer = call.open(visitor)
            if answer.headers.get("Location", "").startswith("/login"):  # the walk came by the way out
                sign_in(visitor, planted, role, area)
            faults += [f"{call} {fault}" for fault in find_faults(call, answer)]
        with planted.database.session(read_only=True) as session:
            after = foreign.remember(session)
        faults += [f"a page of {module} changed {name}" for name in before if before[name] != after[name]]
        before = after
    assert not faults, "\n".join(faults)


def test_who_looks_after_an_area_does_see_it(app: Flask, planted: Runtime) -> None:
    visitor = app.test_client()
    sign_in(visitor, planted, "administrator", foreign.AREA)
    shown = {
        call.endpoint
        for call in calls_of(app)
        if call.method == "GET" and foreign.find_leak(words_of(call.open(visitor)))
    }
    lists = {"users.show_users", "audit.show_audit", "facilities.show_facilities", "reporters.show_reporters"}
    lists |= {"reports.show_reports", "messages.show_messages", "queue.show_queue", "tokens.show_tokens"}
    assert lists & set(app.view_functions) - shown == set(), "the walk would not notice a leak there"


def test_every_page_is_for_who_is_signed_in_unless_it_is_named_here(app: Flask, planted: Runtime) -> None:
    for call in calls_of(app):
        if call.fields or call.endpoint.partition(".")[0] in OPEN | {"phone"}:
            continue
        answer = call.open(app.test_client())
        assert answer.status_code in {302, 303}, f"{call} answers a stranger {answer.status_code}"
        assert answer.headers["Location"].startswith("/login"), str(call)


def test_what_a_stranger_types_into_open_pages_shows_and_changes_nothing(app: Flask, planted: Runtime) -> None:
    with planted.database.session(read_only=True) as session:
        before = foreign.remember(session)
    for call in calls_of(app):
        if call.endpoint.partition(".")[0] in OPEN:
            assert not foreign.find_leak(call.open(app.test_client()).text), str(call)
    with planted.database.session(read_only=True) as session:
        assert foreign.remember(session) == before


def test_the_walk_knows_what_pages_read(tmp_path: Path) -> None:
    assert {"login", "password", "next"} <= set(fields_read_by("login"))
    assert {"area", "role", "seen"} <= set(fields_read_by("users"))
