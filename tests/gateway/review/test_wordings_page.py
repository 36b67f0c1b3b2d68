"""The wordings' page: a sentence in an area's own words, said there and nowhere else, and never one that cannot go."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.forms import load_forms
from gateway.reply.sentence import SAMPLES, check_sentence, find_slots
from gateway.reply.wordings import GROUPS, LONGEST, load_wordings
from parsers.read import read_message
from tests.district import NOON, District
from tests.gateway.review.visits import sign_in

ADDRESS = "/wordings/id/answers.text"
OWN = "Pesan Ibu kami baca besok. Contoh: {example}"


@pytest.mark.parametrize("code", sorted(load_wordings()))
def test_every_sentence_of_the_files_passes_its_own_check(code: str) -> None:
    wording, forms = load_wordings()[code], load_forms()
    for group in GROUPS:
        for own, sentence in getattr(wording, group).items():
            checked = check_sentence(
                wording,
                f"{group}.{own}",
                sentence,
                lambda words: read_message(words, NOON.date(), forms).command is not None,
            )
            assert (own, checked.faults, checked.dropped) == (own, (), ())
            assert "{" not in checked.shown


def test_every_slot_that_holds_words_has_a_sample() -> None:
    assert set(SAMPLES) >= {name for name in LONGEST if name != "count"}
    assert find_slots("{form[0]}") is None


def test_a_sentence_is_said_where_it_was_chosen_and_the_original_comes_back(
    budi: FlaskClient, district: District
) -> None:
    assert budi.post(ADDRESS, data={"area": "14.03", "sentence": OWN}).status_code == 303
    assert district.say("ani", "besok rapat ya bu").startswith("Pesan Ibu kami baca besok. Contoh: KB SEP25")
    assert "Kabupaten Bengkalis" in budi.get("/wordings?area=14.03").text
    assert OWN in budi.get(f"{ADDRESS}?area=14.03.01").text, "the area around counts in it"
    assert OWN not in budi.get(f"{ADDRESS}?area=").text
    budi.post(ADDRESS, data={"area": "14.03", "what": "drop"})
    assert district.say("ani", "besok rapat lagi ya bu").startswith("Pesan Ibu diteruskan")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("", "Write a sentence."),
        ("Halo", "{example} must stand in it"),
        (OWN + " {facility}", "{facility} cannot stand in it"),
        ("Contoh: {example!r}", "Braces may only hold a name"),
        ("Contoh: {example", "Braces may only hold a name"),
        (OWN + " ā", "ā"),
        (OWN + " 2025", "2025"),
        (OWN + " Balas KUCING", "KUCING"),
        (OWN + " sekali lagi" * 10, "Too long for one SMS by"),
    ],
)
def test_a_sentence_that_cannot_be_said_is_refused_in_words_and_stays(
    budi: FlaskClient, district: District, sentence: str, told: str
) -> None:
    answer = budi.post(f"{ADDRESS}?lang=en", data={"area": "14.03", "sentence": sentence})
    assert answer.status_code == 422
    assert told in answer.text
    assert told in budi.post(f"{ADDRESS}/check?lang=en", data={"sentence": sentence}).text
    assert district.say("ani", "besok rapat ya bu").startswith("Pesan Ibu diteruskan")


def test_a_part_of_answers_may_not_grow_for_it_shares_its_sms(budi: FlaskClient) -> None:
    address = "/wordings/id/parts.thanks_short?lang=en"
    assert budi.post(address, data={"area": "", "sentence": "Keliru? balas RALAT. Ref {ref}"}).status_code == 422
    assert budi.post(address, data={"area": "", "sentence": "Keliru? RALAT. Ref {ref}"}).status_code == 303


def test_a_word_that_routes_drop_is_warned_of_and_may_be_used(budi: FlaskClient) -> None:
    sentence = "Nomor ini milik Dinas. Contoh: {example}"
    assert "Nomor" in budi.post(f"{ADDRESS}/check?lang=en", data={"sentence": sentence}).text.split("because of")[1]
    assert budi.post(ADDRESS, data={"area": "14.03", "sentence": sentence}).status_code == 303


def test_what_a_midwife_would_read_is_shown_with_its_length(budi: FlaskClient) -> None:
    page = budi.post(f"{ADDRESS}/check?lang=en", data={"sentence": OWN}).text
    assert "Contoh: KB SEP25 BARU 12 AKTIF 40 PIL 30" in page
    assert "fits one SMS" in page


@pytest.mark.parametrize("group", GROUPS)
def test_a_sentence_is_called_by_itself_and_not_by_a_key_of_the_code(budi: FlaskClient, group: str) -> None:
    page = budi.get(f"/wordings?group={group}").text
    assert "<code>" not in page
    for name in getattr(load_wordings()["id"], group):
        assert f'href="/wordings/id/{group}.{name}?' in page


def test_from_a_sentence_one_comes_back_to_the_sentences_of_its_kind(budi: FlaskClient) -> None:
    page = budi.get("/wordings/id/problems.word_unknown?area=14.03").text
    assert '<p class="back"><a href="/wordings?language=id&amp;group=problems&amp;area=14.03">← ' in page
    assert re.search(r"<h2[^>]*>Pertanyaan</h2>", page)


@pytest.mark.parametrize("address", ["/wordings/xx/answers.text", "/wordings/id/answers.x", "/wordings/id/code.x"])
def test_what_is_no_sentence_is_not_there(budi: FlaskClient, address: str) -> None:
    assert budi.get(address).status_code == 404
    assert budi.post(address, data={"area": "", "sentence": OWN}).status_code == 404
    assert budi.get("/wordings?group=months").status_code == 404


def test_an_administrator_of_one_area_speaks_for_that_area_only(district: District) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, "administrator", "14.03")
    for area in ("", "14", "15.01"):
        assert browser.post(ADDRESS, data={"area": area, "sentence": OWN}).status_code == 404
        assert browser.get("/wordings", query_string={"area": area}).status_code == 404
    assert browser.post(ADDRESS, data={"area": "14.03", "sentence": OWN}).status_code == 303


@pytest.mark.parametrize("role", ["viewer", "officer", "district"])
def test_who_does_not_administer_is_told_so(district: District, role: str) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, "14.03")
    for address in ("/wordings", ADDRESS):
        assert browser.get(address).status_code == 403
    assert browser.post(ADDRESS, data={"area": "14.03", "sentence": OWN}).status_code == 403
    assert browser.post(f"{ADDRESS}/check", data={"sentence": OWN}).status_code == 403
