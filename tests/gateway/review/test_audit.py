"""The audit: readable, searchable, within one's area, and changed by nobody."""

from __future__ import annotations

import ast
import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from gateway.review.pages.deed_words import ACTIONS, ALONE, DETAILS, NOUNS
from gateway.runtime import Runtime
from gateway.store import audit
from gateway.store.audit import NewAudit, Wanted
from gateway.store.users import User
from gateway.values import Scope
from tests.gateway.review.visits import Page, sign_in
from tests.house.source import dotted, read_modules

AT = datetime(2025, 10, 3, 16, 30, tzinfo=UTC)  # 23:30 in Jakarta


@pytest.fixture
def me(visitor: FlaskClient, runtime: Runtime) -> User:
    """Bengkalis' administrator, signed in."""
    return sign_in(visitor, runtime, "administrator", "14.03")


def add(runtime: Runtime, **others: object) -> None:
    """Write something down, as it is done on another page."""
    row: dict[str, object] = {
        "at": AT,
        "user_id": 77,
        "user_name": "Sari",
        "action": "disable",
        "noun": "user",
        "subject": "12",
        "area": "14.03.01",
        "details": {"role": ["officer", "viewer"]},
    }
    with runtime.database.session() as session:
        audit.record(session, NewAudit(**(row | others)))  # type: ignore[arg-type]
        session.commit()


def words_of(visitor: FlaskClient, path: str) -> str:
    """Return what stands on a page."""
    return " ".join(Page(visitor.get(path)).words.split())


def test_a_deed_is_a_sentence_in_both_languages(visitor: FlaskClient, runtime: Runtime, me: User) -> None:
    add(runtime)
    assert "Sari menonaktifkan pengguna 12 peran: Petugas kecamatan → Pemantau (hanya melihat) 14.03.01" in words_of(
        visitor, "/audit"
    )
    assert "Sari disabled user 12 role: Kecamatan officer → Viewer 14.03.01" in words_of(visitor, "/audit?lang=en")


@pytest.mark.parametrize(
    ("about", "indonesian", "english"),
    [
        (
            {"details": {"form": "kb", "first": "kb"}},
            "formulir: Laporan bulanan KB first: kb",
            "form: Monthly family-planning report first: kb",
        ),
        (
            {"action": "drop", "noun": "ladder", "subject": "kb"},
            "Laporan bulanan KB peran",
            "Monthly family-planning report role",
        ),
        ({"action": "drop", "noun": "ladder", "subject": "bicycle"}, "bicycle peran", "bicycle role"),
        (
            {"noun": "open_figures", "details": {"was": "baru 2025-01", "value": "is_on shows_places https://a.id"}},
            "sebelum: Peserta baru, 2025-01 nilai: terbuka, dengan tempat, https://a.id",
            "before: New users, 2025-01 value: open, with places, https://a.id",
        ),
    ],
)
def test_what_the_code_calls_by_a_code_is_told_in_words(
    visitor: FlaskClient, runtime: Runtime, me: User, about: dict[str, object], indonesian: str, english: str
) -> None:
    add(runtime, **about)
    assert indonesian in words_of(visitor, "/audit")
    assert english in words_of(visitor, "/audit?lang=en")


def test_a_deed_that_has_no_words_yet_is_shown_as_it_stands(visitor: FlaskClient, runtime: Runtime, me: User) -> None:
    add(runtime, action="paint", noun="bicycle", details={"<b>": "</td>"})
    answer = visitor.get("/audit")
    assert "paint bicycle 12" in answer.text
    assert "<b>:" not in answer.text


def test_it_is_searched_by_person_action_thing_and_day(visitor: FlaskClient, runtime: Runtime, me: User) -> None:
    add(runtime, subject="12")
    add(runtime, subject="13", action="enable", user_id=None, user_name="./kabar users")
    add(runtime, subject="14", noun="report", at=AT + timedelta(hours=1))

    def found(query: str) -> set[str]:
        words = words_of(visitor, f"/audit?{query}")
        return {number for number in ("12", "13", "14") if f" {number} peran" in words}

    assert found("") == {"12", "13", "14"}
    assert found("person=77") == {"12", "14"}
    assert found("person=system") == {"13"}
    assert found("action=enable") == {"13"}
    assert found("noun=user&subject=12") == {"12"}
    assert found("day=2025-10-03") == {"12", "13"}, "the day is Jakarta's"
    assert found("day=2025-10-04") == {"14"}


@pytest.mark.parametrize("day", ["31-10-2025", "2025-13-01", "x", "9999-12-31"])
def test_a_day_that_is_none_is_said_beside_its_field(visitor: FlaskClient, me: User, day: str) -> None:
    answer = visitor.get(f"/audit?day={day}")
    assert answer.status_code == 422
    assert "bukan tanggal" in answer.text


@pytest.mark.parametrize(
    "query", ["before=x", f"before={'9' * 40}", "person=9999999999999", "subject=%00", "before=-1"]
)
def test_nonsense_in_the_address_does_no_harm(visitor: FlaskClient, me: User, query: str) -> None:
    assert visitor.get(f"/audit?{query}").status_code == 200


def test_the_audit_turns_its_pages_and_misses_nothing(visitor: FlaskClient, runtime: Runtime, me: User) -> None:
    for number in range(120):
        add(runtime, subject=f"no{number:03}")
    seen: list[str] = []
    path = "/audit"
    while path:
        page = Page(visitor.get(path))
        seen += [f"no{number:03}" for number in range(119, -1, -1) if f"no{number:03}" in page.words]
        path = next((str(attrs["href"]) for tag, attrs in page.tags if tag == "a" and attrs.get("rel") == "next"), "")
    assert seen == [f"no{number:03}" for number in range(119, -1, -1)]


def test_only_ones_own_area_is_read(visitor: FlaskClient, runtime: Runtime, me: User) -> None:
    add(runtime, area="72.71", subject="foreign")
    add(runtime, area="", subject="national")
    words = words_of(visitor, "/audit")
    assert "foreign" not in words
    assert "national" not in words
    assert "Tidak ada yang ditemukan" in words


def test_taking_it_out_is_written_down_and_no_formula_comes_out(
    visitor: FlaskClient, runtime: Runtime, me: User
) -> None:
    add(runtime, user_name="=HYPERLINK(1)", subject="@12")
    add(runtime, area="72.71", subject="foreign")
    answer = visitor.post("/audit/export", data={"noun": "user"})
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert [(row["user"], row["subject"]) for row in rows] == [("'=HYPERLINK(1)", "'@12")]
    with runtime.database.session(read_only=True) as session:
        (export,) = audit.search(session, Wanted(action="export"), scope=Scope("14.03"))
    assert (export.user_id, export.noun, export.details) == (me.id, "audit", {"rows": 1})


@pytest.mark.parametrize("change", [update(audit.audit).values(user_name="nobody"), delete(audit.audit)], ids=str)
def test_the_database_itself_refuses_to_change_what_was_written_down(runtime: Runtime, change: object) -> None:
    add(runtime)
    with runtime.database.session() as session:
        with pytest.raises(DBAPIError, match="only added to"):
            session.execute(change)  # type: ignore[call-overload]
        session.rollback()
    with runtime.database.session(read_only=True) as session:
        assert session.execute(text("SELECT user_name FROM audit")).scalar_one() == "Sari"


def test_every_deed_of_the_pages_has_its_words() -> None:
    missing = []
    for module in read_modules("gateway"):
        for call in ast.walk(module.tree):
            if isinstance(call, ast.Call) and dotted(call.func) == "frame.audit":
                literals = [str(one.value) for one in call.args[1:3] if isinstance(one, ast.Constant)]
                known = (ACTIONS, NOUNS) if isinstance(call.args[1], ast.Constant) else (NOUNS,)
                missing += [
                    f"{module.at(call.lineno)} {word}"
                    for word, words in zip(literals, known, strict=False)
                    if word not in words
                ]
                told = [one.arg for one in call.keywords if one.arg]
                missing += [f"{module.at(call.lineno)} {word}" for word in told if word not in DETAILS]
    assert not missing, f"say it in deed_words: {missing}"
    assert set(ACTIONS) >= ALONE


def test_what_changed_is_told_in_the_language_of_the_page(visitor: FlaskClient, runtime: Runtime, me: User) -> None:
    add(runtime, action="push", noun="push", details={"reports": 54, "dry_run": True, "mapping": 1})
    indonesian, english = words_of(visitor, "/audit"), words_of(visitor, "/audit?lang=en")
    for words in ("laporan: 54", "uji coba saja: ya", "pemetaan: 1"):
        assert words in indonesian
    for words in ("reports: 54", "trial only: yes", "mapping: 1"):
        assert words in english
