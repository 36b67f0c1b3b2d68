"""What staff have done by the time that a browser looks in: their forms, filled in and sent as a browser would."""

from __future__ import annotations

import io
import re
from datetime import date
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from gateway.runtime import Runtime
from tests.klikkb import make_agreement
from workers import exports

FACILITIES = (
    b"Kode,Nama,Jenis,Kode wilayah,Nama pendek\n"
    b"140350990,PMB Rahayu,PMB,14.03.09,PMB90\n"
    b"140350991,PMB Salmah,PMB,14.03.99,PMB91\n"
    b"14035,PMB Tiur,BIDAN,14.03.09,PMB92\n"
)


class Form(HTMLParser):
    """The form of a page that is sent to an address like this, and what it holds before anybody types."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, Any] = {}
        self._pattern = re.compile(action)
        self._is_inside = False
        self.feed(page)
        assert self.action, f"there is no form to {action}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Find the form, then keep its fields."""
        given = dict(attrs)
        if tag == "form" and not self.action and self._pattern.search(given.get("action") or ""):
            self.action, self._is_inside = str(given["action"]), True
        elif self._is_inside and tag == "input" and given.get("type") not in {"checkbox", "radio", "file"}:
            self.fields[str(given.get("name"))] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """Leave the form."""
        if tag == "form":
            self._is_inside = False


def fill_in(staff: FlaskClient, path: str, action: str, **typed: Any) -> str:
    """Open a page, fill in one of its forms, send it, and return the page that it leads to."""
    form = Form(staff.get(path).text, action)
    answer = staff.post(form.action, data=form.fields | typed, content_type="multipart/form-data")
    assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text}"
    return answer.headers["Location"]


def pause_reminders(runtime: Runtime, staff: FlaskClient) -> None:
    """Pause the reminders of one kecamatan, and leave one facility of another out."""
    with runtime.database.session(read_only=True) as session:
        owing = text("SELECT max(id) FROM facilities WHERE area LIKE '14.03.%' AND type = 'PMB'")
        facility = session.execute(owing).scalar_one()
    why = "Banjir di Bantan; bidan membantu di posko."
    fill_in(staff, "/reminders/pauses?area=14.03.02", "/reminders/pauses$", reason=why, until="2025-10-08")
    fill_in(staff, f"/reminders/facilities/{facility}/skip", "/skip$", why="leave", until="2025-10-20")


def keep_directory(runtime: Runtime, staff: FlaskClient) -> None:
    """Take over a directory of Klik-KB with most of our midwives and some others, and look at the next file of it."""
    with runtime.database.session() as session:
        ours = text(
            "SELECT r.name, p.phone FROM reporters r JOIN reporter_phones p ON p.reporter_id = r.id ORDER BY r.id"
        )
        known = [(name, phone) for name, phone in session.execute(ours)][2:40]
        make_agreement(session, number="HK.02.01/214/2025", may_name=True, ends_on=date(2025, 10, 31))
        session.commit()
    others = [("Bidan Nurlela, S.Keb", "0812-7700-1001"), ("Bdn. Sri Wahyuni", "0812-7700-1002"), ("Yusnidar", "")]
    rows = [f"KK{at:05};{name};{phone};Bantan\n" for at, (name, phone) in enumerate(known + others, start=1201)]
    heads, extra = "ID Klik-KB;Nama Lengkap;No WA;Kecamatan\n", "KK01300;Bidan Rosmiati;0812-7700-1009;Rupat\n"
    for text_of_file in (heads + "".join(rows), heads + "".join(rows[3:]) + extra + "KK01301;Fitri;8,1E+11;Rupat\n"):
        file = (io.BytesIO(text_of_file.encode()), "direktori-klik-kb.csv")
        address = fill_in(staff, "/klikkb/files?area=14.03", "/klikkb/files", file=file)
        if "KK01300" not in text_of_file:
            columns = {"column0": "klikkb_id", "column1": "name", "column2": "phones", "column3": "area"}
            fill_in(staff, address, "/columns$", **columns)
            fill_in(staff, address, "/apply$")
    other = b"Kode Bidan;Nama;NIK;Tgl Lahir;No HP\nKK01201;Ani;1403010101900001;1990-01-01;0812-7700-1001\n"
    fill_in(staff, "/klikkb/files?area=14.03", "/klikkb/files", file=(io.BytesIO(other), "berkas-lain.csv"))


def hand_on(runtime: Runtime, staff: FlaskClient) -> None:
    """Have files made of what counts, then reject a report that is in them."""
    chosen = {"area": "14.03", "settles_at": "accepted", "injectable_as": "suntik3"}
    fill_in(staff, "/exports/choices?area=14.03", "/exports/choices$", **chosen)
    with runtime.database.session(read_only=True) as session:
        wrong = text(
            "SELECT max(id) FROM reports WHERE state = 'accepted' AND form = 'kb' AND period = '2025-09'"
            " AND facility_id IN (SELECT id FROM facilities WHERE area LIKE '14.03.%')"
        )
        report = session.execute(wrong).scalar_one()
    for name in ("csv_excel", "siga_kb"):
        fill_in(staff, "/exports", "/exports$", format=name, form="kb", first="2025-09", last="2025-09", area="14.03")
    exports.drain(runtime)
    fill_in(staff, f"/reports/{report}", "reject$", reason="Angkanya milik faskes lain.")


def do_all(runtime: Runtime, staff: FlaskClient) -> None:
    """Approve, reject and correct, propose a word, prepare a broadcast, read a file in, and close a month."""
    with runtime.database.session(read_only=True) as session:
        ask = session.execute
        done = ask(text("SELECT id FROM reports WHERE state = 'accepted' AND form = 'kb' ORDER BY id DESC")).scalars()
        first, second, third, *_ = done.all()
        message = ask(text("SELECT max(id) FROM inbox WHERE text LIKE '%KALENDER%'")).scalar_one()
    fill_in(staff, f"/reports/{first}", "approve$")
    fill_in(staff, f"/reports/{second}", "approve$")
    fill_in(staff, f"/reports/{third}", "reject$", reason="Dikirim dua kali oleh orang yang berbeda.")
    link = re.search(r"/aliases/new\?message=\d+&amp;at=\d+", staff.get(f"/messages/thread/{message}").text)
    assert link, re.findall(r".*KALENDER.*|unread.*", staff.get(f"/messages/thread/{message}").text)
    fill_in(staff, link[0].replace("&amp;", "&"), "/aliases$", meaning="kb:item:kondom")
    fill_in(
        staff,
        "/broadcasts/new",
        "/broadcasts",
        text_id="Bu, pelatihan KB hari Kamis jam 9 di kantor Dinas. Mohon hadir.",
        text_en="Family-planning training on Thursday at 9, at the district office. Please come.",
        area="14.03",
        language="",
        form="kb",
        period="2025-09",
    )
    pause_reminders(runtime, staff)
    hand_on(runtime, staff)
    keep_directory(runtime, staff)
    file = (io.BytesIO(FACILITIES), "faskes-baru.csv")
    fill_in(staff, "/imports?kind=facilities", "/imports", file=file)
    fill_in(staff, "/calendar/close?area=14.03&form=kb&period=2025-07", "/calendar/close", reason="Sudah direkap.")
