"""A person's own data on the pages: kept as long as chosen, handed out to her, erased after her name was typed."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.forget import erase
from gateway.review.pages.privacy import FIXED
from gateway.store import audit, erasures, retention
from gateway.store.audit import Wanted
from gateway.store.inventory import kinds
from gateway.values import Scope
from tests.district import PHONES, District
from tests.gateway.review.visits import sign_in

WHOLE = Scope("")
ANI = 1
SURE = {"name": " ani ", "reason": "permintaan sendiri"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: erasing is tried on both where it is done."""
    return sqlite_url


def visit(district: District, role: str, area: str) -> FlaskClient:
    """Return a browser in which somebody is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


@pytest.mark.parametrize(("language", "words"), [("id", "7 hari"), ("en", "7 days")])
def test_what_nobody_can_choose_is_said_in_words_without_a_file_that_nobody_can_open(
    district: District, language: str, words: str
) -> None:
    page = visit(district, "administrator", "").get(f"/privacy?lang={language}").text
    assert "docs/" not in page
    assert words in page


def test_what_nobody_can_choose_is_kept_as_long_as_the_inventory_says() -> None:
    fixed = {code: one.fixed for code, one in kinds().items() if one.fixed}
    assert set(FIXED) == set(fixed)
    assert [code for code, words in FIXED.items() if not fixed[code].startswith(words.partition(";")[0])] == []


def last_deed(district: District) -> tuple[str, str, str]:
    """Return what was written down last."""
    with district.database.session(read_only=True) as session:
        (found, *_) = audit.search(session, Wanted(), scope=WHOLE)
    return found.action, found.noun, found.subject


def test_the_house_chooses_how_long_it_keeps_a_kind(district: District, budi: FlaskClient) -> None:
    assert budi.post("/privacy/chatter", data={"days": "1"}).status_code == 422
    assert budi.post("/privacy/audit", data={"days": "90"}).status_code == 404
    assert budi.post("/privacy/chatter", data={"days": "90"}).status_code == 303
    assert last_deed(district) == ("change", "retention", "chatter")
    with district.database.session(read_only=True) as session:
        assert retention.chosen(session)["chatter"].days == 90
    assert 'value="90"' in budi.get("/privacy").text
    regency = visit(district, "administrator", "14.03")
    assert regency.post("/privacy/chatter", data={"days": "91"}).status_code == 404
    assert "<form" not in regency.get("/privacy").text.partition('id="times"')[2].partition("</table>")[0]


def test_she_is_handed_what_is_kept_of_her_and_it_is_written_down(district: District, rina: FlaskClient) -> None:
    district.say("ani", "kapan rapat?")
    answer = rina.post(f"/reporters/{ANI}/data")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "isi: kapan rapat?" in answer.text
    assert f'"phones": [\n    "{PHONES["ani"]}"' in answer.text
    assert last_deed(district) == ("hand_out", "reporter", str(ANI))
    assert visit(district, "officer", "14.03.01").post(f"/reporters/{ANI}/data").status_code == 403


def test_an_administrator_erases_her_by_typing_her_name(
    district: District, budi: FlaskClient, rina: FlaskClient
) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 12")
    path = f"/reporters/{ANI}/erase"
    assert (rina.get(path).status_code, rina.post(path, data=SURE).status_code) == (403, 403)
    assert budi.post(path, data=SURE | {"name": "Wati"}).status_code == 422
    assert budi.post(path, data=SURE | {"reason": " "}).status_code == 422
    assert "Ani" in budi.get(path).text
    assert budi.post(path, data=SURE).status_code == 303
    assert last_deed(district) == ("erase", "reporter", str(ANI))
    with district.database.session(read_only=True) as session:
        (erased,) = erasures.latest_erasures(session, scope=WHOLE)
    assert (erased.reason, erased.counts["reporters"]) == ("permintaan sendiri", 1)
    assert len(erase.read_list(district.runtime.settings.var)) == 3  # two numbers and the entry
    shown = [
        budi.get(page).text for page in ("/reporters", "/messages", "/reports", "/reports/1", "/audit", "/privacy")
    ]
    assert erased.pseudonym in shown[-1]
    assert not [text for text in shown if "1230000001" in text or ">Ani<" in text]


def test_who_looks_after_a_part_only_can_neither_see_nor_erase_the_whole(district: District) -> None:
    elsewhere = visit(district, "administrator", "14.03.02")
    for path in (f"/reporters/{ANI}/data", f"/reporters/{ANI}/erase"):
        assert elsewhere.post(path, data=SURE).status_code == 404


def test_numbers_in_a_text_are_shown_to_whom_they_concern(district: District) -> None:
    district.say("ani", "tolong hubungi 0812-3456-7890, ibu dengan NIK 1403012501900001")
    seen = {}
    for role in ("viewer", "officer", "administrator"):
        text = visit(district, role, "14.03").get("/messages/thread/1", follow_redirects=True).text
        seen[role] = "0812-3456-7890" in text, "1403012501900001" in text, "3000-0001" in text
    assert seen == {
        "viewer": (False, False, False),
        "officer": (True, False, True),
        "administrator": (True, True, True),
    }


def test_numbers_of_the_training_phone_are_nobodys_and_shown_to_all(district: District) -> None:
    district.say("ani", "DAFTAR GANTI 081230000099")
    assert "081230000099" in visit(district, "viewer", "14.03").get("/phone").text
