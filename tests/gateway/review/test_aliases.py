"""Words for the reader: two clicks from an unread word to a proposal, one decision by an administrator."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.review.pages import aliases as pages
from gateway.store.aliases import AliasState, aliases
from parsers.aliases import AliasFault
from tests.district import District
from tests.gateway.review.visits import Page, sign_in

UNREAD = "KB 0925 BARU 12 AKTIF 40 MICROGYNON 30"


def browse(district: District, role: str, area: str = "14.03") -> FlaskClient:
    """Return a browser of somebody with this role."""
    client = create_app(district.runtime).test_client()
    sign_in(client, district.runtime, role, area)
    return client


def kept(district: District) -> list[tuple[str, str, str, str]]:
    """Return word, meaning, area and state of every alias."""
    with district.database.session(read_only=True) as session:
        rows = session.execute(select(aliases).order_by(aliases.c.id))
        return [(row.word, f"{row.form}:{row.kind}:{row.code}", row.area, row.state) for row in rows]


def propose(district: District, officer: FlaskClient, meaning: str = "kb:item:pil") -> None:
    """Propose what the unread word of Ani's message means, as somebody clicks it."""
    district.say("ani", UNREAD)
    message = district.message("m1")
    links = [
        str(attrs["href"])
        for tag, attrs in Page(officer.get(f"/messages/thread/{message.id}")).tags
        if tag == "a" and attrs.get("class") == "unread"
    ]
    page = Page(officer.get(links[0]))
    assert "MICROGYNON" in page.words
    form = {"message": page.hidden("message"), "at": page.hidden("at"), "meaning": meaning}
    assert officer.post("/aliases", data=form).status_code == 303


def decide(district: District, who: FlaskClient, decision: str, seen: str = "proposed", **more: str) -> str:
    """Decide on the first alias, and return the page that follows."""
    form = {"decision": decision, "seen": seen} | more
    return who.post("/aliases/1/decide", data=form, follow_redirects=True).text


def test_every_fault_has_words() -> None:
    assert set(pages.FAULTS) == set(AliasFault)
    assert set(pages.TABS) == set(AliasState)


def test_a_word_is_proposed_by_two_clicks_and_counts_once_approved(district: District) -> None:
    officer, administrator = browse(district, "officer", "14.03.01"), browse(district, "administrator")
    propose(district, officer)
    assert kept(district) == [("microgynon", "kb:item:pil", "14.03.01", "proposed")]
    assert "MICROGYNON" in Page(officer.get("/aliases")).words
    page = Page(administrator.get("/aliases"))
    assert "1 dari pesan terakhir" in page.words
    decide(district, administrator, "approve", where="mine")
    assert kept(district) == [("microgynon", "kb:item:pil", "14.03", "approved")]
    assert "PIL 7" in district.say("budi", "KB 0925 BARU 12 AKTIF 40 MICROGYNON 7")


def test_a_word_that_is_refused_or_taken_back_does_not_count(district: District) -> None:
    administrator = browse(district, "administrator")
    propose(district, administrator)
    decide(district, administrator, "approve")
    assert "tidak berlaku" in decide(district, administrator, "refuse", seen="approved")
    assert kept(district)[0][3] == "refused"
    assert "PIL 7" not in district.say("budi", "KB 0925 BARU 12 AKTIF 40 MICROGYNON 7")


def test_two_administrators_cannot_decide_one_after_the_other_unseen(district: District) -> None:
    first, second = browse(district, "administrator"), browse(district, "administrator")
    propose(district, first)
    decide(district, first, "refuse")
    assert "Petugas lain sudah memutuskan" in decide(district, second, "approve")
    assert kept(district)[0][3] == "refused"


def test_who_is_no_administrator_decides_nothing_nor_does_one_of_another_area(district: District) -> None:
    officer, elsewhere = browse(district, "officer", "14.03"), browse(district, "administrator", "72.71")
    propose(district, officer)
    assert officer.post("/aliases/1/decide", data={"decision": "approve", "seen": "proposed"}).status_code == 403
    assert elsewhere.post("/aliases/1/decide", data={"decision": "approve", "seen": "proposed"}).status_code == 404
    assert "MICROGYNON" not in elsewhere.get("/aliases").text
    assert kept(district)[0][3] == "proposed"


def test_a_word_is_proposed_once(district: District) -> None:
    officer = browse(district, "officer", "14.03")
    propose(district, officer)
    form = {"message": "1", "at": "25", "meaning": "kb:item:kondom"}
    assert "sudah diusulkan" in officer.post("/aliases", data=form, follow_redirects=True).text
    assert len(kept(district)) == 1


@pytest.mark.parametrize("meaning", ["", "kb:item:nothing", "kb:form:alokon", "x:y:z:w", "kb:bad:pil"])
def test_a_meaning_that_the_form_does_not_have_is_told_beside_the_word(district: District, meaning: str) -> None:
    officer = browse(district, "officer", "14.03")
    district.say("ani", UNREAD)
    answer = officer.post("/aliases", data={"message": "1", "at": "25", "meaning": meaning})
    assert answer.status_code == 422
    assert "MICROGYNON" in answer.text
    assert kept(district) == []


@pytest.mark.parametrize("at", ["", "0", "26", "-1", "x"])
def test_what_is_no_unread_word_cannot_be_proposed(district: District, at: str) -> None:
    officer = browse(district, "officer", "14.03")
    district.say("ani", UNREAD)
    assert officer.get(f"/aliases/new?message=1&at={at}").status_code == 404
    assert officer.post("/aliases", data={"message": "1", "at": at, "meaning": "kb:item:pil"}).status_code == 404


def test_a_word_that_has_become_doubtful_since_is_not_approved(district: District) -> None:
    administrator = browse(district, "administrator")
    propose(district, administrator)
    district.say("wati", f"{UNREAD.replace('MICROGYNON', 'MICROGYNOM')} PMB02")
    form = {"message": str(district.message("m2").id), "at": "25", "meaning": "kb:item:kondom"}
    assert administrator.post("/aliases", data=form).status_code == 303
    decide(district, administrator, "approve")
    page = administrator.post(
        "/aliases/2/decide", data={"decision": "approve", "seen": "proposed"}, follow_redirects=True
    )
    assert "beda satu huruf" in page.text
    assert [row[3] for row in kept(district)] == ["approved", "proposed"]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("tab", ["proposed", "approved", "refused"])
def test_an_empty_list_says_how_a_word_gets_there(district: District, language: str, tab: str) -> None:
    page = browse(district, "administrator", "").get(f"/aliases?tab={tab}&lang={language}")
    assert page.status_code == 200
    assert 'class="empty"' in page.text


def test_the_words_of_the_whole_country_are_seen_everywhere_and_decided_only_there(district: District) -> None:
    country = browse(district, "administrator", "")
    propose(district, country)
    decide(district, country, "approve")
    local = browse(district, "administrator", "14.03")
    assert "MICROGYNON" in local.get("/aliases?tab=approved").text
    assert local.post("/aliases/1/decide", data={"decision": "refuse", "seen": "approved"}).status_code == 404
    assert kept(district) == [("microgynon", "kb:item:pil", "", "approved")]
