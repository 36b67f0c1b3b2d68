"""The page to embed: small, framed by other sites, in two languages, without a trace in the browser that shows it."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import re

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.opening import Openness
from gateway.publish.embed import ROWS, WORDS
from gateway.store import areas, facilities, open_figures
from gateway.store.areas import Area
from gateway.store.facilities import NewFacility
from gateway.values import Scope
from tests.district import District
from tests.gateway.publish.opened import AREA, fill, open_up, publish
from tests.gateway.review.visits import Page

MOST = 30_000  # bytes, uncompressed: a page for slow lines


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: the page asks nothing that the feed does not."""
    return sqlite_url


@pytest.fixture
def anybody(district: District) -> FlaskClient:
    """A browser of nobody we know, and a regency that has opened its figures."""
    fill(district)
    open_up(district)
    publish(district)
    return create_app(district.runtime).test_client()


def words_of(anybody: FlaskClient, asked: str = "") -> str:
    """Return what stands on the page."""
    answer = anybody.get(f"/embed/{AREA}{asked}")
    assert answer.status_code == 200
    body = answer.text.partition("</head>")[2]
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", body)).split())


def policy_of(anybody: FlaskClient) -> dict[str, str]:
    """Return the page's own policy."""
    written = anybody.get(f"/embed/{AREA}").headers["Content-Security-Policy"]
    return dict(one.split(" ", 1) for one in written.split("; "))


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["id"].keys() == WORDS["en"].keys()
    assert WORDS["id"]["types"].keys() == WORDS["en"]["types"].keys()
    for name, words in WORDS["id"].items():
        if isinstance(words, str):
            assert sorted(re.findall(r"\{\w+\}", words)) == sorted(re.findall(r"\{\w+\}", WORDS["en"][name])), name


def test_the_first_look_tells_where_each_method_is_and_the_sums(anybody: FlaskClient) -> None:
    words = words_of(anybody)
    assert "Di mana ada alat kontrasepsi?" in words
    assert "Pil 2 tempat" in words  # Puskesmas Duri, and the practices of Bengkalis
    assert "MOW (tubektomi) 1 tempat" in words
    assert "Angka September 2025" in words
    assert "9 dari 14 faskes sudah masuk." in words
    assert "Jumlah 229 940" in words
    assert "Sumber: Dinas P2KB Bengkalis lewat Kabar. Lisensi CC BY 4.0." in words


def test_a_method_and_a_kecamatan_can_be_looked_for(anybody: FlaskClient) -> None:
    pil = words_of(anybody, "?method=pil")
    assert pil.index("Puskesmas Duri") < pil.index("Puskesmas Rupat")
    assert "tersedia: Pil" in pil
    mandau = words_of(anybody, "?kecamatan=14.03.02")
    assert "tersedia: Pil, Implan 2 batang habis: IUD" in mandau
    assert "RS Mandau Rumah sakit · Mandau · pelayanan April 2025 s.d. September 2025" in mandau
    assert "Puskesmas Rupat" not in mandau
    assert "Angka September 2025 · Mandau" in mandau
    assert "5 Praktik bidan Bengkalis" in words_of(anybody, "?kecamatan=14.03.01")


def test_what_nobody_knows_is_as_if_it_was_not_asked(anybody: FlaskClient) -> None:
    plain = anybody.get(f"/embed/{AREA}").data
    for asked in ("?kecamatan=99.99", "?method=<script>", "?lang=xx", "?page=-1", "?kecamatan=14.03"):
        assert anybody.get(f"/embed/{AREA}{asked}").data == plain
    assert anybody.get(f"/embed/{AREA}?method=pil&page=٣").status_code == 200


def test_small_figures_are_hidden_on_the_page_too(anybody: FlaskClient) -> None:
    words = words_of(anybody, "?kecamatan=14.03.01")
    assert "IUD * " in words
    assert "angka kecil" in words


def test_english_is_asked_for_and_kept_in_the_links(anybody: FlaskClient) -> None:
    answer = anybody.get(f"/embed/{AREA}?lang=en&kecamatan=14.03.02")
    assert '<html lang="en">' in answer.text
    assert "Figures of September 2025" in answer.text
    assert 'name="lang" value="en"' in answer.text
    assert f'href="/embed/{AREA}?kecamatan=14.03.02"' in answer.text
    assert anybody.get(f"/embed/{AREA}", headers={"Accept-Language": "en"}).data == anybody.get(f"/embed/{AREA}").data


def test_every_site_may_show_it_in_a_frame_or_only_those_listed(anybody: FlaskClient, district: District) -> None:
    answer = anybody.get(f"/embed/{AREA}")
    assert "X-Frame-Options" not in answer.headers
    assert policy_of(anybody)["frame-ancestors"] == "*"
    open_up(district, sites=("https://palu.go.id", "https://*.bengkaliskab.go.id"))
    district.pass_time(minutes=2)
    assert policy_of(anybody)["frame-ancestors"] == "'self' https://palu.go.id https://*.bengkaliskab.go.id"


def test_other_pages_are_still_framed_by_nobody(anybody: FlaskClient) -> None:
    for page in ("/login", f"/open/v1/{AREA}/totals.json", "/nowhere"):
        answer = anybody.get(page)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_it_runs_nothing_leaves_nothing_and_takes_nothing_from_elsewhere(anybody: FlaskClient) -> None:
    anybody.set_cookie("kabar_language", "en")
    answer = anybody.get(f"/embed/{AREA}?lang=en")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert policy_of(anybody)["default-src"] == "'none'"
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy_of(anybody)["style-src"] == f"'sha256-{digest}'"
    tags = Page(answer).tags
    assert {tag for tag, _ in tags} & {"script", "img", "iframe", "link", "object"} == set()
    links = [str(attrs.get(name)) for _, attrs in tags for name in ("href", "src", "action") if name in attrs]
    assert [link for link in links if not link.startswith(("/embed/", "/open/"))] == []


def test_it_is_asked_for_again_without_being_sent_again(anybody: FlaskClient) -> None:
    tag = anybody.get(f"/embed/{AREA}").headers["ETag"]
    again = anybody.get(f"/embed/{AREA}", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert "frame-ancestors *" in again.headers["Content-Security-Policy"]


def test_what_is_not_open_is_said_in_the_frame(anybody: FlaskClient) -> None:
    answer = anybody.get("/embed/72.71")
    assert answer.status_code == 404
    assert "belum dibuka untuk umum" in answer.text
    assert "X-Frame-Options" not in answer.headers


@pytest.mark.parametrize("asked", ["", "?method=pil", "?kecamatan=32.01.07&lang=en", "?method=pil&page=3"])
def test_the_page_of_the_largest_regency_is_small(anybody: FlaskClient, district: District, asked: str) -> None:
    with district.database.session() as session:
        parts = [f"32.01.{number:02}" for number in range(1, 52)]
        names = [f"Kecamatan Bernama Panjang Sekali {part}" for part in parts]
        areas.add_areas(session, [Area("32", None, "province", "Jawa Barat", "Asia/Jakarta")])
        areas.add_areas(session, [Area("32.01", "32", "regency", "Kabupaten Bogor", "Asia/Jakarta")])
        areas.add_areas(
            session,
            [Area(part, "32.01", "district", name, "Asia/Jakarta") for part, name in zip(parts, names, strict=True)],
        )
        facilities.add_facilities(
            session,
            [
                NewFacility(
                    f"3201{n:05}",
                    f"Puskesmas Pembantu Bernama Panjang Sekali Nomor {n}",
                    f"P{n}",
                    "PUSTU",
                    parts[n % 51],
                )
                for n in range(900)
            ],
        )
        open_figures.choose_openness(
            session, Openness("32.01", is_on=True, source="Dinas"), district.runtime.now(), scope=Scope("")
        )
        session.commit()
    answer = anybody.get(f"/embed/32.01{asked}")
    assert answer.status_code == 200
    assert len(answer.data) <= MOST
    assert answer.text.count("<li>") <= ROWS


def test_no_combination_of_filters_shows_a_figure_that_the_files_hide(anybody: FlaskClient) -> None:
    months = anybody.get(f"/open/v1/{AREA}/totals.json").get_json()["months"]
    figures = [one for month in months for one in month["figures"]]
    assert any(one["is_hidden"] for one in figures)
    page = anybody.get(f"/embed/{AREA}").text
    kecamatan, methods = (re.findall(r'value="([^"]*)"', _select(page, name)) for name in ("kecamatan", "method"))
    assert min(len(kecamatan), len(methods)) > 3
    seen: set[int] = set()
    for part, method, language in itertools.product(kecamatan, [*methods, "x"], ("id", "en")):
        asked = f"?kecamatan={part}&method={method}&lang={language}&page=0&period=2025-08&min=1"
        table = (
            anybody.get(f"/embed/{AREA}{asked}").text.partition('aria-labelledby="figures"')[2].partition("</table>")[0]
        )
        shown = {int(re.sub("[.,]", "", one)) for one in re.findall(r"<td[^>]*>([0-9.,]+)</td>", table)}
        open_ones = {one["value"] for one in figures if one["area"] == (part or AREA) and not one["is_hidden"]}
        assert shown <= open_ones | {0}, asked
        assert not shown & {1, 2, 3, 4}, asked
        seen |= shown
    assert len(seen) > 3


def _select(page: str, name: str) -> str:
    return page.partition(f'<select name="{name}">')[2].partition("</select>")[0]
