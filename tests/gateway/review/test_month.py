"""This month's pages: who has reported and who has not, what it adds up to, what runs out, one reminder by hand."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from gateway.app import create_app
from gateway.store import areas, facilities, months, outbox, reporters
from gateway.store.areas import Area
from gateway.store.audit import audit
from gateway.store.base import Database
from gateway.store.facilities import NewFacility
from gateway.store.outbox import OutboxMessage
from gateway.values import Scope
from tests.district import PHONES, District, make_runtime
from tests.gateway.review.visits import Page, sign_in
from workers import totals

FOUNDING = "KB 0925 BARU 12 AKTIF 40 PIL 30"
MONTH = "period=2025-09"
LATE_EVENING = datetime(2025, 10, 3, 15, 0, tzinfo=UTC)  # 22:00 in Bengkalis
FAR = "+6281230000777"


@pytest.fixture
def district(database: Database, tmp_path: Path) -> District:
    """Seven facilities in Bengkalis, and one in the regency beside it."""
    found = District(make_runtime(database, tmp_path))
    with database.session() as session:
        areas.add_areas(
            session,
            [
                Area("14.04", "14", "regency", "Kabupaten Indragiri Hilir", "Asia/Jakarta"),
                Area("14.04.01", "14.04", "district", "Reteh", "Asia/Jakarta"),
            ],
        )
        (far,) = facilities.add_facilities(session, [NewFacility("140400101", "PMB Jauh", "FAR", "PMB", "14.04.01")])
        reporters.add_reporter(session, "Jauhari", [FAR], [far])
        session.commit()
    found.ids = {**found.ids, "FAR": far}
    return found


@pytest.fixture
def visitor(district: District) -> FlaskClient:
    """A browser."""
    return create_app(district.runtime).test_client()


def report(district: District, *texts: tuple[str, str]) -> None:
    """Have reports come in and summed up."""
    for sender, words in texts or (("ani", FOUNDING),):
        district.say(sender, words)
    totals.drain(district.runtime)


def reminders(district: District) -> list[OutboxMessage]:
    """Return every reminder that was queued."""
    with district.database.session(read_only=True) as session:
        return [one for one in outbox.latest_to(session) if one.kind == "reminder"]


def remind(visitor: FlaskClient, district: District, place: str = "PMB01", **fields: str) -> str:
    """Press the button of a facility and return the page that comes then."""
    asked = {"form": "kb", "period": "2025-09", "area": "", "back": "month"} | fields
    address = f"/month/missing/{district.ids[place]}/remind"
    return visitor.post(address, data=asked, follow_redirects=True).text


def words_of(visitor: FlaskClient, address: str) -> str:
    """Return what is read on a page, spaces made one."""
    response = visitor.get(address)
    assert response.status_code == 200, response.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.text)).split())


def test_the_month_says_how_many_reported_and_what_it_adds_up_to(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    report(district, ("ani", FOUNDING), ("budi", "KB 0925 BARU 30 AKTIF 400 PIL 100"))
    seen = words_of(visitor, f"/month?{MONTH}")
    assert "28%" in seen
    assert "2 / 7" in seen
    assert "Peserta aktif 440" in seen
    assert "Pil – 130" in seen
    assert "FKTP pemerintah 1 1 100 1 0 0" in seen, "the puskesmas, on time"
    assert "FKTP swasta 5 1 20 1 0 0" in seen
    assert "Jaringan (pustu, polindes) 1 0 0 0 0 0" in seen


def test_who_reported_is_missing_no_more(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    assert "PMB Ani" in words_of(visitor, f"/month/missing?{MONTH}")
    report(district)
    seen = words_of(visitor, f"/month/missing?{MONTH}")
    assert "PMB Ani" not in seen
    assert "PMB Wati" in seen


def test_a_report_that_waits_for_an_answer_is_missing_and_said_to_be_there(
    visitor: FlaskClient, district: District
) -> None:
    sign_in(visitor, district.runtime)
    report(district, ("ani", "KB 0925 BARU 500 AKTIF 2000"))
    assert "PMB Ani ada laporan menunggu diperiksa" in words_of(visitor, f"/month/missing?{MONTH}")


def test_an_officer_sees_nothing_of_another_area(visitor: FlaskClient, district: District) -> None:
    report(district)
    sign_in(visitor, district.runtime, "officer", "14.04.01")
    for room in ("/month", "/month/missing", "/month/stock"):
        seen = words_of(visitor, f"{room}?{MONTH}")
        assert "Ani" not in seen
        assert "Bengkalis" not in seen
        for foreign in ("14.03", "14.03.01", "14", "14.04"):
            assert visitor.get(f"{room}?area={foreign}").status_code == 404, foreign
    assert "PMB Jauh" in words_of(visitor, f"/month?{MONTH}")


def test_a_country_leads_down_to_the_kecamatan(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime, "administrator", "")
    report(district)
    for area, child in (("", "14"), ("14", "14.03"), ("14.03", "14.03.01")):
        page = Page(visitor.get(f"/month?{MONTH}&area={area}"))
        links = [str(attributes.get("href")) for tag, attributes in page.tags if tag == "a"]
        assert any(link.startswith("/month?") and f"area={child}&" in f"{link}&" for link in links), area
    assert "1 / 7" in words_of(visitor, f"/month?{MONTH}&area=14.03.01")


@pytest.mark.parametrize("asked", ["period=2025-13", "period=x", "period=1999-01", "form=nothing", "period=2031-01"])
def test_what_an_address_says_wrongly_is_the_month_that_is_due(
    visitor: FlaskClient, district: District, asked: str
) -> None:
    sign_in(visitor, district.runtime)
    assert "Laporan bulanan KB, September 2025" in words_of(visitor, f"/month?{asked}")


def test_late_is_after_the_due_day_of_the_place(visitor: FlaskClient, district: District) -> None:
    district.set_clock(datetime(2025, 10, 5, 17, 30, tzinfo=UTC))  # half past midnight of the 6th
    sign_in(visitor, district.runtime)
    report(district)
    assert "1 terlambat" in words_of(visitor, f"/month?{MONTH}")


@pytest.mark.parametrize("lang", ["id", "en"])
@pytest.mark.parametrize("room", ["/month", "/month/missing", "/month/stock", "/month?form=alokon"])
def test_every_page_speaks_both_languages_with_and_without_reports(
    visitor: FlaskClient, district: District, room: str, lang: str
) -> None:
    sign_in(visitor, district.runtime)
    mark = "&" if "?" in room else "?"
    assert visitor.get(f"{room}{mark}lang={lang}").status_code == 200
    report(district, ("ani", FOUNDING), ("ani", "ALOKON 0925 PIL 100/50/30/120"))
    assert visitor.get(f"{room}{mark}lang={lang}").status_code == 200


def test_an_area_without_facilities_says_what_to_do(visitor: FlaskClient, district: District) -> None:
    with district.database.session() as session:
        areas.add_areas(session, [Area("14.05", "14", "regency", "Kabupaten Kosong", "Asia/Jakarta")])
        session.commit()
    sign_in(visitor, district.runtime, "district", "14.05")
    assert "Belum ada faskes di sini" in words_of(visitor, "/month")


def test_a_reminder_goes_to_who_is_responsible_and_names_the_month(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    page = remind(visitor, district)
    [sent] = reminders(district)
    assert sent.recipient in (PHONES["ani"], PHONES["ani2"])
    assert sent.state == "queued"
    assert "KB Sep 25 PMB Ani sudah dekat batas 5 Okt" in sent.text
    assert "Pengingat dikirim ke Ani." in page
    with district.database.session(read_only=True) as session:
        done = session.execute(select(audit.c.action, audit.c.noun, audit.c.subject, audit.c.area)).all()
    assert ("remind", "facility", str(district.ids["PMB01"]), "14.03.01") in [tuple(row) for row in done]


def test_a_number_is_reminded_once_a_day_and_again_the_next(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    remind(visitor, district, "PMB02")
    assert "sudah diingatkan hari ini" in remind(visitor, district, "PMB02")
    assert "sudah diingatkan hari ini" in remind(visitor, district, "PTK"), "her other practice, the same phone"
    assert len(reminders(district)) == 1
    assert "diingatkan" in words_of(visitor, f"/month/missing?{MONTH}")
    district.send()
    district.pass_time(hours=24)
    sign_in(visitor, district.runtime)
    remind(visitor, district, "PMB02")
    assert len(reminders(district)) == 2


def test_who_sent_stop_is_not_reminded(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    district.say("ani", "STOP")
    assert "mengirim STOP" in remind(visitor, district)
    assert reminders(district) == []
    assert "tidak mau diingatkan" in words_of(visitor, f"/month/missing?{MONTH}")


def test_at_night_a_reminder_goes_only_when_it_is_confirmed(visitor: FlaskClient, district: District) -> None:
    district.set_clock(LATE_EVENING)
    sign_in(visitor, district.runtime)
    page = remind(visitor, district)
    assert "22.00 WIB" in page
    assert reminders(district) == []
    remind(visitor, district, urgent="1")
    assert len(reminders(district)) == 1


def test_who_has_reported_meanwhile_is_not_reminded(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    district.say("ani", FOUNDING)  # not even summed up yet
    assert "Laporannya sudah masuk" in remind(visitor, district)
    assert reminders(district) == []


def test_nobody_is_asked_for_a_month_that_is_closed(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    with district.database.session() as session:
        months.close_month(session, "kb", "2025-09", "14.03", "Rina", district.runtime.now(), "", scope=Scope("14.03"))
        session.commit()
    assert "Bulan ini sudah ditutup" in remind(visitor, district)
    assert reminders(district) == []


def test_nobody_of_another_area_can_be_reminded(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    remind(visitor, district, "FAR")
    remind(visitor, district, "FAR", area="14.04")
    assert reminders(district) == []


def test_a_facility_without_a_reporter_says_so(visitor: FlaskClient, district: District) -> None:
    with district.database.session() as session:
        session.execute(text("DELETE FROM reporter_facilities"))
        session.commit()
    sign_in(visitor, district.runtime)
    assert "belum ada yang terdaftar" in words_of(visitor, f"/month/missing?{MONTH}")
    assert "Tidak ada yang bisa diingatkan" in remind(visitor, district)


def test_a_viewer_may_look_and_not_remind_and_sees_no_whole_number(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime, "viewer")
    seen = words_of(visitor, f"/month/missing?{MONTH}")
    assert "Ingatkan" not in seen
    assert PHONES["ani"] not in seen
    assert "0812-3000-0001" not in seen
    answer = visitor.post(f"/month/missing/{district.ids['PMB01']}/remind", data={"period": "2025-09"})
    assert answer.status_code == 403
    assert reminders(district) == []


def test_the_missing_are_listed_fifty_at_a_time_and_each_once(visitor: FlaskClient, district: District) -> None:
    with district.database.session() as session:
        facilities.add_facilities(
            session,
            [
                NewFacility(f"14039{number:04}", f"Pustu {number:03}", f"T{number}", "PUSTU", "14.03.01")
                for number in range(110)
            ],
        )
        session.commit()
    sign_in(visitor, district.runtime)
    address, names = f"/month/missing?{MONTH}", []
    while address:
        page = visitor.get(address)
        names += re.findall(r"Pustu \d{3}(?=</)", page.text)
        links = [attributes for tag, attributes in Page(page).tags if tag == "a" and attributes.get("rel") == "next"]
        address = str(links[0]["href"]) if links else ""
    assert sorted(names) == [f"Pustu {number:03}" for number in range(110)]


def test_stock_says_what_runs_out_and_how_much_to_send(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    report(
        district,
        ("ani", "ALOKON 0925 PIL 100/0/80/20 IUD 10/0/10/0"),
        ("budi", "ALOKON 0925 PIL 100/0/40/60"),
    )
    seen = words_of(visitor, f"/month?{MONTH}")
    assert "Pil (siklus) KURANG 80 120 0,7 280" in seen
    assert "IUD CuT 380A (buah) KOSONG 0 10 0 30" in seen
    by_place = words_of(visitor, f"/month/stock?{MONTH}&item=pil")
    assert "PMB Ani Bengkalis KURANG 20 80 0,2 220" in by_place
    assert "Puskesmas Damon Bengkalis CUKUP 60 40 1,5 60" in by_place
    only = words_of(visitor, f"/month/stock?{MONTH}&item=iud&only=kosong")
    assert "PMB Ani" in only
    assert "Damon" not in only


def test_stock_is_set_off_against_the_use_of_who_reported_it(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    august = ("ani", "ALOKON 0825 PIL 100/0/80/20"), ("budi", "ALOKON 0825 PIL 100/0/40/60")
    report(district, *august, ("budi", "ALOKON 0925 PIL 60/10/40/30"))
    assert "Pil (siklus) KURANG 30 50 0,6 120" in words_of(visitor, f"/month?{MONTH}"), "not the use of both"


def test_enough_stock_is_what_the_district_says(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    report(district, ("budi", "ALOKON 0925 PIL 100/0/40/60"))
    with district.database.session() as session:
        session.execute(text("INSERT INTO thresholds VALUES ('14.03', '', 'alokon', 'stock_least', 2)"))
        session.commit()
    assert "Pil (siklus) KURANG" in words_of(visitor, f"/month?{MONTH}")


def test_what_waits_for_staff_is_told_with_the_month(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime, "administrator", "")
    district.say("stranger", FOUNDING)
    assert "1 pesan ditahan" in words_of(visitor, f"/month?{MONTH}")


def test_a_chart_says_in_words_what_it_draws(visitor: FlaskClient, district: District) -> None:
    sign_in(visitor, district.runtime)
    report(district)
    page = visitor.get(f"/month?{MONTH}").text
    [described] = re.findall(r"<desc[^>]*>([^<]*September 2025: 40)</desc>", page)
    assert described.startswith("Oktober 2024: –")
    assert "style=" not in page
