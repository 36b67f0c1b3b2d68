"""Read again: chosen, compared and applied from the pages, each message once, each only in its own area."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from gateway.app import create_app
from gateway.handle.rereading import Obstacle
from gateway.review.pages import rereading as pages
from gateway.store import aliases
from gateway.store.aliases import AliasState
from gateway.store.audit import audit
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.questions import questions
from gateway.store.reports import reports
from gateway.values import InboxState, Scope
from parsers.aliases import Alias
from tests.district import District, make_runtime
from tests.gateway.review.visits import Page, sign_in

UNREAD = "KB 0925 BARU 12 AKTIF 40 MICROGYNON 30"


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district whose reader has just been taught a word, and two messages with that word that wait for staff."""
    made = District(make_runtime(database, tmp_path))
    made.say("ani", UNREAD)
    made.say("budi", UNREAD)
    now = made.runtime.now()
    with database.session() as session:
        session.execute(update(inbox).values(state=InboxState.FOR_STAFF))
        session.execute(update(questions).values(state="expired"))
        alias = Alias("kb", "item", "pil", "microgynon")
        alias_id = aliases.propose(session, alias, "", scope=Scope(""), by=(1, "R"), now=now)
        assert alias_id
        by = (1, "R")
        aliases.decide(session, alias_id, AliasState.APPROVED, was=AliasState.PROPOSED, scope=Scope(""), by=by, now=now)
        session.commit()
    return made


@pytest.fixture
def visitor(district: District) -> FlaskClient:
    """A browser of district staff."""
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, "district", "14.03")
    return client


def ids_on(page: Page) -> list[str]:
    """Return the messages that a page offers to choose."""
    return [str(attrs["value"]) for tag, attrs in page.tags if tag == "input" and attrs.get("name") == "id"]


def compare(visitor: FlaskClient, ids: list[str]) -> tuple[Page, dict[str, object]]:
    """Look at the differences of some messages, and return the page and the form that it would send."""
    page = Page(visitor.post("/messages/again/compare", data={"id": ids}))
    tags: dict[str, object] = {f"tag-{one}": page.hidden(f"tag-{one}") for one in ids_on(page)}
    return page, tags | {"id": ids_on(page)}


def count_reports(district: District) -> int:
    """Return how many reports there are."""
    with district.database.session(read_only=True) as session:
        return len(session.execute(select(reports.c.id)).all())


def test_every_obstacle_has_words() -> None:
    assert set(pages.OBSTACLES) == set(Obstacle)


def test_messages_are_chosen_compared_and_applied_once(district: District, visitor: FlaskClient) -> None:
    chosen = ids_on(Page(visitor.get("/messages/again?which=for_staff&month=2025-10")))
    assert len(chosen) == 2
    page, form = compare(visitor, chosen)
    assert "PMB Ani, September 2025" in page.words
    assert "30" in page.words
    assert count_reports(district) == 0
    assert visitor.post("/messages/again/apply", data=form).status_code == 303
    assert visitor.post("/messages/again/apply", data=form).status_code in (303, 409)  # sent twice
    assert district.handle() == 2
    assert count_reports(district) == 2
    assert {district.message(f"m{number}").rounds for number in (1, 2)} == {1}
    with district.database.session(read_only=True) as session:
        done = session.execute(select(audit.c.action, audit.c.subject, audit.c.area)).all()
        answers = session.execute(select(outbox.c.state, outbox.c.reason).where(outbox.c.kind == "answer2")).all()
    assert [(row.action, row.area) for row in done] == [("read_again", "14.03.01")] * 2
    assert [tuple(row) for row in answers] == [("withheld", "quiet")] * 2


def test_only_what_was_chosen_is_applied(district: District, visitor: FlaskClient) -> None:
    _, form = compare(visitor, ["1", "2"])
    visitor.post("/messages/again/apply", data=form | {"id": ["1"]})
    district.handle()
    assert [district.message(f"m{number}").state for number in (1, 2)] == [InboxState.DONE, InboxState.FOR_STAFF]


def test_what_would_come_of_a_message_now_is_not_applied_in_place_of_what_was_seen(
    district: District, visitor: FlaskClient
) -> None:
    _, form = compare(visitor, ["1"])
    with district.database.session() as session:
        session.execute(update(inbox).where(inbox.c.id == 1).values(text=UNREAD.replace("30", "3")))
        session.commit()
    answer = visitor.post("/messages/again/apply", data=form)
    assert answer.status_code == 409
    assert "0 pesan sedang dibaca ulang" in answer.text
    assert district.handle() == 0
    assert district.message("m1").state == InboxState.FOR_STAFF


def test_an_answer_goes_out_where_staff_want_it(district: District, visitor: FlaskClient) -> None:
    _, form = compare(visitor, ["1"])
    visitor.post("/messages/again/apply", data=form | {"sends": "1"})
    district.handle()
    answer = district.answer("m1")
    assert answer
    assert (answer.kind, answer.state) == ("answer2", "queued")
    assert "PIL 30" in answer.text


def test_a_message_that_would_ask_is_left_alone_while_no_answers_are_sent(
    district: District, visitor: FlaskClient
) -> None:
    with district.database.session() as session:
        session.execute(update(inbox).where(inbox.c.id == 1).values(text="KB 0925 BARU 12 MICROGYNON 3"))
        session.commit()
    page, form = compare(visitor, ["1"])
    assert "Bidan akan ditanya" in page.words
    assert visitor.post("/messages/again/apply", data=form).status_code == 409
    assert district.message("m1").state == InboxState.FOR_STAFF
    visitor.post("/messages/again/apply", data=form | {"sends": "1"})
    district.handle()
    answer = district.answer("m1")
    assert answer
    assert answer.state == "queued"


def test_an_officer_of_another_area_compares_and_applies_nothing(district: District, visitor: FlaskClient) -> None:
    stranger = create_app(district.runtime).test_client()
    sign_in(stranger, district.runtime, "district", "72.71")
    assert ids_on(Page(stranger.get("/messages/again?which=for_staff&month=2025-10"))) == []
    _, form = compare(visitor, ["1", "2"])
    assert stranger.post("/messages/again/compare", data={"id": ["1"]}).status_code == 404
    assert stranger.post("/messages/again/apply", data=form).status_code == 404
    assert district.handle() == 0


def test_reports_of_a_month_are_listed_until_they_are_approved(district: District, visitor: FlaskClient) -> None:
    district.say("wati", "KB PMB02 0925 BARU 12 AKTIF 40")
    address = "/messages/again?which=reports&month=2025-09&form=kb"
    assert ids_on(Page(visitor.get(address))) == ["3"]
    page, _ = compare(visitor, ["3"])
    assert "sama seperti sebelumnya" in page.words
    with district.database.session() as session:
        session.execute(update(reports).values(state="approved"))
        session.commit()
    assert ids_on(Page(visitor.get(address))) == []
    page, _ = compare(visitor, ["3"])
    assert "sudah disetujui" in page.words


def test_nothing_chosen_is_told(visitor: FlaskClient) -> None:
    for address in ("/messages/again/compare", "/messages/again/apply"):
        assert "Pilih dulu" in visitor.post(address, data={}, follow_redirects=True).text


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("which", ["for_staff", "dead", "reports", "nonsense"])
def test_every_choice_has_a_page_and_says_so_when_there_is_nothing(
    visitor: FlaskClient, language: str, which: str
) -> None:
    page = visitor.get(f"/messages/again?which={which}&month=2024-01&lang={language}")
    assert page.status_code == 200
    assert 'class="empty"' in page.text
