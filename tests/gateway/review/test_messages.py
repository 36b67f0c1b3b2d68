"""The messages' screens: lists to work off, conversations, answers by hand; each only within the visitor's area."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select, update

from gateway.app import create_app
from gateway.store import audit
from gateway.store.areas import Area, add_areas
from gateway.store.base import Database
from gateway.store.channels import channels
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.values import InboxState
from tests.district import PHONES, District, make_runtime
from tests.gateway.review.visits import Page, sign_in

TEXT = "Ibu, kapan rapat bulan ini?"


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """A district whose clock stands at noon, and another regency beside it."""
    made = District(make_runtime(database, tmp_path))
    with database.session() as session:
        add_areas(session, [Area("14.04", "14", "regency", "Kabupaten Lain", "Asia/Jakarta")])
        session.commit()
    return made


@pytest.fixture
def visitor(district: District) -> FlaskClient:
    """A browser of district staff."""
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, "district", "14.03")
    return client


def another(district: District, role: str, area: str) -> FlaskClient:
    """Return a browser of somebody else."""
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, role, area)
    return client


def sent(district: District) -> list[tuple[str, str, str | None]]:
    """Return kind, text and writer of everything that was written by hand."""
    with district.database.session(read_only=True) as session:
        rows = session.execute(select(outbox.c.kind, outbox.c.text, outbox.c.user_name).where(outbox.c.kind == "staff"))
        return [(row.kind, row.text, row.user_name) for row in rows]


def set_outbox(district: District, message_id: int, **values: object) -> int:
    """Change the answer to a message, and return its id."""
    with district.database.session() as session:
        session.execute(update(outbox).where(outbox.c.inbox_id == message_id).values(**values))
        found = session.execute(select(outbox.c.id).where(outbox.c.inbox_id == message_id)).scalar_one()
        session.commit()
    return int(found)


def give_to(district: District, area: str) -> None:
    """Let the simulator's channel belong to an area."""
    with district.database.session() as session:
        session.execute(insert(channels), {"name": "simulator", "area": area})
        session.commit()


def done_by(district: District) -> list[tuple[str, str, str]]:
    """Return action, noun and area of everything that was written down."""
    with district.database.session(read_only=True) as session:
        rows = session.execute(
            select(audit.audit.c.action, audit.audit.c.noun, audit.audit.c.area).order_by(audit.audit.c.id)
        )
        return [(row.action, row.noun, row.area) for row in rows]


def test_what_waits_for_staff_is_listed_with_who_wrote_it(district: District, visitor: FlaskClient) -> None:
    district.say("ani", TEXT)
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    page = Page(visitor.get("/messages"))
    assert TEXT in page.words
    assert "Ani" in page.words
    assert "BARU 12" not in page.words


@pytest.mark.parametrize("tab", ["work", "held", "undelivered", "all"])
@pytest.mark.parametrize("language", ["id", "en"])
def test_an_empty_list_says_what_comes_there(visitor: FlaskClient, tab: str, language: str) -> None:
    page = visitor.get(f"/messages?tab={tab}&lang={language}")
    assert page.status_code == 200
    assert 'class="empty"' in page.text


def test_what_needs_nothing_is_done_at_once_and_can_be_undone(district: District, visitor: FlaskClient) -> None:
    for sender in ("ani", "wati"):
        district.say(sender, TEXT)
    ids = [district.message(f"m{number}").id for number in (1, 2)]
    answer = visitor.post("/messages/done", data={"id": ids, "tab": "work"}, follow_redirects=True)
    assert TEXT not in answer.text
    assert {district.message(f"m{number}").state for number in (1, 2)} == {InboxState.DONE}
    [undo] = [
        attrs["action"] for tag, attrs in Page(answer).tags if tag == "form" and "undone" in str(attrs.get("action"))
    ]
    assert TEXT in visitor.post(str(undo), follow_redirects=True).text
    assert {district.message(f"m{number}").state for number in (1, 2)} == {InboxState.FOR_STAFF}
    assert done_by(district) == [("call_done", "message", "14.03.01")] * 2 + [("undo_done", "message", "14.03.01")] * 2


def test_nothing_of_another_area_is_seen_or_touched(district: District) -> None:
    district.say("ani", TEXT)
    message = district.message("m1")
    answer_id = set_outbox(district, message.id, state="failed")
    stranger = another(district, "district", "14.04")
    for address in ("/messages", "/messages?tab=all", "/messages?tab=undelivered", "/messages?tab=held"):
        assert "Ani" not in stranger.get(address).text
    for address in (
        f"/messages/thread/{message.id}",
        f"/messages/to/{answer_id}",
        f"/aliases/new?message={message.id}&at=0",
    ):
        assert stranger.get(address).status_code == 404
    form = {
        "id": message.id,
        "text": "Baik, Bu",
        "key": "k",
        "message": message.id,
        "at": "0",
        "meaning": "kb:item:pil",
    }
    assert stranger.post("/messages/done", data=form).status_code == 303
    assert stranger.post(f"/messages/thread/{message.id}/answer", data=form).status_code == 404
    assert stranger.post(f"/messages/to/{answer_id}/again", data=form).status_code == 404
    assert stranger.post("/messages/again/compare", data=form).status_code == 404
    assert stranger.post("/aliases", data=form).status_code == 404
    assert TEXT not in stranger.post("/messages/find", data={"wished": "Ani"}).text
    assert TEXT not in stranger.post("/messages/find", data={"wished": PHONES["ani"]}).text
    assert district.message("m1") == message
    assert sent(district) == []
    assert done_by(district) == []


def test_an_unknown_number_is_the_affair_of_its_channels_area(district: District, visitor: FlaskClient) -> None:
    district.say("stranger", "KB 0925 BARU 1 AKTIF 2")
    country = another(district, "administrator", "")
    assert "BARU 1" in country.get("/messages?tab=held").text
    assert "BARU 1" not in visitor.get("/messages?tab=held").text
    give_to(district, "14.03")
    assert "BARU 1" in visitor.get("/messages?tab=held").text
    assert "BARU 1" in visitor.get("/messages?tab=all").text
    assert "BARU 1" not in another(district, "officer", "14.03.01").get("/messages?tab=held").text


def test_a_viewer_reads_without_whole_numbers_and_changes_nothing(district: District) -> None:
    district.say("ani", TEXT)
    message = district.message("m1")
    viewer = another(district, "viewer", "14.03")
    for address in ("/messages", f"/messages/thread/{message.id}"):
        page = viewer.get(address)
        assert TEXT in page.text
        assert "0000001" not in page.text.replace("-", "")
    for address in ("/messages/done", f"/messages/thread/{message.id}/answer", "/messages/again/compare", "/aliases"):
        assert viewer.post(address, data={"id": message.id, "text": "x"}).status_code == 403
    assert viewer.get("/messages/again").status_code == 403
    assert viewer.get("/aliases").status_code == 403


def test_a_conversation_shows_both_sides_in_order_with_what_came_of_it(
    district: District, visitor: FlaskClient
) -> None:
    district.say("ani", "KB 0925 BARU 12")
    district.say("ani", "AKTIF 40")
    page = visitor.get(f"/messages/thread/{district.message('m2').id}").text
    assert page.index("KB 0925 BARU 12") < page.index("AKTIF &lt;jumlah&gt;") < page.index("Ref ")
    assert "PMB Ani, September 2025" in Page(visitor.get(f"/messages/thread/{district.message('m2').id}")).words


def test_a_question_without_an_answer_stands_over_the_conversation(district: District, visitor: FlaskClient) -> None:
    district.say("ani", "KB 0925 BARU 12")
    page = visitor.get(f"/messages/thread/{district.message('m1').id}").text
    assert page.count("AKTIF &lt;jumlah&gt;") == 2
    assert "belum dijawab" in page


def test_an_answer_by_hand_goes_out_once_however_often_its_form_is_sent(
    district: District, visitor: FlaskClient
) -> None:
    district.say("ani", TEXT)
    message = district.message("m1")
    address = f"/messages/thread/{message.id}"
    form = {"text": " Rapat hari Jumat,\n Bu. ", "key": Page(visitor.get(address)).hidden("key")}
    assert [visitor.post(f"{address}/answer", data=form).status_code for _ in range(2)] == [303, 303]
    assert sent(district) == [("staff", "Rapat hari Jumat, Bu.", "District 0")]
    assert district.send() > 0
    page = visitor.get(address).text
    assert "Rapat hari Jumat" in page
    assert "District 0" in page
    assert done_by(district) == [("answer", "message", "14.03.01")]


@pytest.mark.parametrize(
    ("text", "may_insist"),
    [
        ("", False),
        ("x" * 470, False),
        ("x" * 161, True),
        ("Hubungi 081234567", True),
        ("Nomor Ibu berubah", True),
        ("Terima kasih 😀", True),
    ],
)
def test_words_that_would_cost_more_or_be_dropped_are_held_until_somebody_insists(
    district: District, visitor: FlaskClient, text: str, may_insist: bool
) -> None:
    district.say("ani", TEXT)
    address = f"/messages/thread/{district.message('m1').id}/answer"
    refused = visitor.post(address, data={"text": text, "key": "a" * 24})
    assert refused.status_code == 422
    assert text[:100] in refused.text
    assert Page(refused).hidden("key") == "a" * 24
    assert sent(district) == []
    insisted = visitor.post(address, data={"text": text, "key": "a" * 24, "insist": "1"})
    assert insisted.status_code == (303 if may_insist else 422)
    assert len(sent(district)) == may_insist


def test_a_sender_that_is_no_phone_is_not_answered(district: District, visitor: FlaskClient) -> None:
    district.say("TELKOMSEL", "Promo!")
    give_to(district, "14.03")
    address = f"/messages/thread/{district.message('m1').id}"
    assert "<textarea" not in visitor.get(address).text
    assert visitor.post(f"{address}/answer", data={"text": "Baik", "key": "k"}).status_code == 422
    assert sent(district) == []


def test_what_failed_is_sent_once_more_and_only_once(district: District, visitor: FlaskClient) -> None:
    district.say("ani", TEXT)
    answer_id = set_outbox(district, district.message("m1").id, state="unsure", fault="line lost")
    assert "line lost" in visitor.get("/messages?tab=undelivered").text
    assert "dua kali" in visitor.get(f"/messages/thread/{district.message('m1').id}").text
    first = visitor.post(f"/messages/to/{answer_id}/again")
    assert first.status_code == 303
    second = visitor.post(f"/messages/to/{answer_id}/again", follow_redirects=True)
    assert "Petugas lain lebih dulu" in second.text
    assert district.send() == 1
    assert done_by(district) == [("send_again", "message", "14.03.01")]


def test_a_conversation_is_found_by_number_or_name_without_either_in_an_address(
    district: District, visitor: FlaskClient
) -> None:
    district.say("ani", TEXT)
    for wished in (PHONES["ani"], "0812-3000-0001", "ani", "PMB Ani"):
        page = visitor.post("/messages/find", data={"wished": wished})
        assert TEXT in page.text
        assert not [attrs for tag, attrs in Page(page).tags if "30000001" in str(attrs.get("href"))]
    assert "Tidak ada pesan" in visitor.post("/messages/find", data={"wished": "nobody"}).text


def test_lists_and_conversations_are_turned_page_by_page_and_leave_nothing_out(
    district: District, visitor: FlaskClient
) -> None:
    with district.database.session() as session:
        row: dict[str, object] = {
            "channel": "simulator",
            "sender": PHONES["ani"],
            "recipient": "",
            "state": "for_staff",
            "trace_id": "t",
        }
        row |= {"sent_at": district.runtime.now(), "received_at": district.runtime.now(), "lane": 1, "rounds": 0}
        row |= {"is_answered": False, "attempts": 0}
        session.execute(insert(inbox), [row | {"provider_id": f"p{n}", "text": f"pesan-{n:03}"} for n in range(120)])
        session.commit()
    for first in ("/messages", f"/messages/thread/{district.message('p119').id}"):
        seen: list[str] = []
        address = first
        while address:
            page = Page(visitor.get(address))
            seen += [f"pesan-{n:03}" for n in range(120) if f"pesan-{n:03}" in page.words]
            older = [str(attrs["href"]) for tag, attrs in page.tags if tag == "a" and attrs.get("rel") == "next"]
            address = older[0] if older else ""
        assert sorted(seen) == [f"pesan-{n:03}" for n in range(120)]


def test_the_number_of_questions_asked_does_not_grow_with_the_rows(district: District, visitor: FlaskClient) -> None:
    def count(address: str) -> int:
        asked: list[str] = []
        engine = district.database.engine
        event.listen(engine, "before_cursor_execute", listener := lambda *args: asked.append(args[2]))
        visitor.get(address)
        event.remove(engine, "before_cursor_execute", listener)
        return len(asked)

    district.say("ani", TEXT)
    addresses = ("/messages", "/messages?tab=all", "/messages?tab=undelivered", "/messages/again", "/messages/thread/1")
    few = [count(address) for address in addresses]
    for sender in ("ani", "ani2", "wati", "budi", "clinic", "eve"):
        for number in range(4):
            district.say(sender, f"{TEXT} {number}")
    assert [count(address) for address in addresses] == few


def test_a_midwifes_conversation_opens_from_her_page_within_her_area_only(
    district: District, visitor: FlaskClient
) -> None:
    district.say("ani2", TEXT)
    answer = visitor.get("/messages/with/1", follow_redirects=True)
    assert TEXT in Page(answer).words
    assert visitor.get("/messages/with/2").status_code == 200  # Wati has not written yet
    assert another(district, "district", "14.04").get("/messages/with/1").status_code == 404
