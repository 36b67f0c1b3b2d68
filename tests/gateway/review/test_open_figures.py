"""The page of public figures: who may open them, what is seen before it is published, and that it stays."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.hiding import ALL
from gateway.opening import Openness
from gateway.store import open_figures
from gateway.values import Scope
from tests.district import District
from tests.gateway.publish.opened import AREA, KB, MONTH, fill, settle
from tests.gateway.review.visits import Page, sign_in

CHOSEN = {
    "area": AREA,
    "is_on": "1",
    "shows_places": "1",
    "measure-baru": "1",
    "first_period": "2025-08",
    "source": "Dinas P2KB",
    "licence": "CC BY 4.0",
    "sites": "",
}


@pytest.fixture
def district(district: District) -> District:
    """A district with three kecamatan and a month of settled reports."""
    fill(district)
    return district


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: what the page asks the store is asked of both kinds in the store's own tests."""
    return sqlite_url


def visit(district: District, role: str, area: str) -> FlaskClient:
    """Return a browser in which somebody is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


def seal_of(browser: FlaskClient) -> str:
    """Return what somebody has seen who looks at the month."""
    return Page(browser.get(f"/open-figures?period={MONTH}")).hidden("seen")


def publish(browser: FlaskClient) -> int:
    """Publish the month as its page shows it, and return what was answered."""
    typed = {"area": AREA, "period": MONTH, "what": "publish", "seen": seal_of(browser), "sure": "1"}
    return browser.post("/open-figures/month", data=typed).status_code


def months_of(district: District) -> list[open_figures.OpenMonth]:
    """Return the months that were published."""
    with district.database.session(read_only=True) as session:
        return list(open_figures.list_months(session, AREA, scope=Scope(AREA)))


def chosen_of(district: District) -> Openness | None:
    """Return what was chosen."""
    with district.database.session(read_only=True) as session:
        return open_figures.find_openness(session, AREA, scope=Scope(AREA))


@pytest.mark.parametrize("role", ["officer", "viewer"])
def test_only_who_may_set_things_opens_figures(district: District, role: str) -> None:
    browser = visit(district, role, AREA)
    assert browser.get("/open-figures").status_code == 403
    assert browser.post("/open-figures", data=CHOSEN).status_code == 403
    assert (
        browser.post("/open-figures/month", data={"area": AREA, "period": MONTH, "what": "publish"}).status_code == 403
    )


def test_nobody_opens_the_figures_of_another_area(district: District) -> None:
    browser = visit(district, "district", "72.71")
    assert browser.get(f"/open-figures?area={AREA}").status_code == 404
    assert browser.post("/open-figures", data=CHOSEN).status_code == 404
    assert (
        browser.post("/open-figures/month", data={"area": AREA, "period": MONTH, "what": "withdraw"}).status_code == 404
    )
    part = visit(district, "district", "14.03.01")
    assert "Dibuka oleh kabupaten/kota" in part.get("/open-figures").text
    assert part.post("/open-figures", data=CHOSEN).status_code == 404
    assert chosen_of(district) is None


def test_figures_are_closed_until_somebody_opens_them(rina: FlaskClient, district: District) -> None:
    before = rina.get("/open-figures").text
    assert "/embed/14.03" not in before
    assert "Dinas Pengendalian Penduduk dan KB Kabupaten Bengkalis" in html.unescape(before)
    answer = rina.post("/open-figures", data=CHOSEN | {"sites": "https://Palu.go.id/\nhttps://*.palu.go.id"})
    assert answer.status_code == 303
    chosen = chosen_of(district)
    assert chosen is not None
    assert (chosen.is_on, chosen.names_practices, chosen.measures) == (True, False, ("baru",))
    assert chosen.sites == ("https://palu.go.id", "https://*.palu.go.id")
    assert rina.get("/embed/14.03").status_code == 200


def test_the_two_lines_and_the_addresses_are_there_to_copy(rina: FlaskClient) -> None:
    rina.post("/open-figures", data=CHOSEN)
    shown = html.unescape(rina.get("/open-figures").text)
    assert (
        '<iframe src="http://localhost/embed/14.03" title="Alat kontrasepsi dan angka KB, Kabupaten Bengkalis"' in shown
    )
    assert '<p><a href="http://localhost/embed/14.03">' in shown
    addresses = re.findall(r'href="http://localhost(/open/v1/[^"]+)"', shown)
    assert len(addresses) == 5
    assert {rina.get(address).status_code for address in addresses} == {200}


@pytest.mark.parametrize(
    "site", ["palu.go.id", "https://palu.go.id; script-src *", "http://palu.go.id", "https://*", "*"]
)
def test_a_site_that_is_none_is_told_and_nothing_typed_is_lost(
    rina: FlaskClient, district: District, site: str
) -> None:
    answer = rina.post("/open-figures", data=CHOSEN | {"sites": site, "source": "Kantor Kami"})
    assert answer.status_code == 422
    assert "bukan alamat situs" in answer.text
    assert "Kantor Kami" in answer.text
    assert html.escape(site) in answer.text
    assert chosen_of(district) is None


def test_an_empty_source_is_told_beside_its_field(rina: FlaskClient, district: District) -> None:
    answer = rina.post("/open-figures", data=CHOSEN | {"source": "  "})
    assert answer.status_code == 422
    assert 'id="source-fault"' in answer.text
    assert chosen_of(district) is None


def test_what_is_seen_is_what_is_published(rina: FlaskClient, district: District) -> None:
    rina.post("/open-figures", data=CHOSEN)
    page = " ".join(Page(rina.get(f"/open-figures?period={MONTH}")).words.split())
    assert "seperti yang akan dilihat semua orang" in page
    assert "9 dari 14 faskes ikut" in page
    assert publish(rina) == 303
    [month] = months_of(district)
    assert month.tables["baru"][ALL][ALL] == sum(values["baru"] for values in KB.values())
    assert month.tables["baru"]["14.03.01"]["iud"] is None
    assert (month.there["settled"], month.published_by) == (9, "District 0")
    assert "seperti yang dilihat semua orang" in rina.get(f"/open-figures?period={MONTH}").text
    assert '"period":"2025-09"' in rina.get("/open/v1/14.03/totals.json").text


def test_figures_that_changed_meanwhile_are_not_published_unseen(rina: FlaskClient, district: District) -> None:
    seen = seal_of(rina)
    settle(district, "PMB04", {"baru": 9, "baru.pil": 9, "aktif": 50})
    typed = {"area": AREA, "period": MONTH, "what": "publish", "seen": seen}
    answer = rina.post("/open-figures/month", data=typed)
    assert answer.status_code == 409
    assert "berubah selagi Anda membaca" in answer.text
    assert months_of(district) == []


def test_a_month_is_published_once_withdrawn_and_shown_again(rina: FlaskClient, district: District) -> None:
    assert publish(rina) == 303
    [first] = months_of(district)
    about = {"area": AREA, "period": MONTH}
    again = rina.post("/open-figures/month", data=about | {"what": "publish", "seen": "x"})
    assert again.status_code == 404
    assert rina.post("/open-figures/month", data=about | {"what": "withdraw"}).status_code == 303
    assert months_of(district)[0].withdrawn_at == district.runtime.now()
    assert "Tampilkan lagi" in rina.get(f"/open-figures?period={MONTH}").text
    assert rina.post("/open-figures/month", data=about | {"what": "show_again"}).status_code == 303
    assert months_of(district) == [first]


@pytest.mark.parametrize("period", ["2025-10", "2024-01", "2025-13", "", "x"])
def test_no_other_month_is_published(rina: FlaskClient, district: District, period: str) -> None:
    typed = {"area": AREA, "period": period, "what": "publish", "seen": "x"}
    assert rina.post("/open-figures/month", data=typed).status_code == 404
    assert months_of(district) == []


def test_a_month_that_is_not_whole_is_published_on_purpose_only(rina: FlaskClient, district: District) -> None:
    typed = {"area": AREA, "period": MONTH, "what": "publish", "seen": seal_of(rina)}
    answer = rina.post("/open-figures/month", data=typed)
    assert answer.status_code == 422
    assert "5 faskes belum ikut" in answer.text
    assert "Belum semua faskes ikut" in answer.text
    assert months_of(district) == []


def test_a_month_without_settled_reports_is_not_published(rina: FlaskClient, district: District) -> None:
    rina.post("/open-figures", data=CHOSEN)
    page = rina.get("/open-figures?period=2025-08").text
    assert "dapat diumumkan setelah laporan tiga faskes" in page
    assert 'value="publish"' not in page


def test_what_was_done_stands_in_the_audit(budi: FlaskClient, district: District) -> None:
    budi.post("/open-figures", data=CHOSEN)
    publish(budi)
    budi.post("/open-figures/month", data={"area": AREA, "period": MONTH, "what": "withdraw"})
    words = " ".join(Page(budi.get("/audit?lang=id")).words.split())
    for deed in ("memilih angka publik", "mengumumkan bulan publik", "menarik bulan publik"):
        assert deed in words
