"""What staff have done by the time that a browser looks in: their forms, filled in and sent as a browser would."""

from __future__ import annotations

import io
import re

from flask.testing import FlaskClient
from sqlalchemy import text

from gateway.runtime import Runtime
from tests.browser.forms import fill_in
from tests.browser.sending import send_a_month
from workers import exports

FACILITIES = (
    b"Kode,Nama,Jenis,Kode wilayah,Nama pendek\n"
    b"140350990,PMB Rahayu,PMB,14.03.09,PMB90\n"
    b"140350991,PMB Salmah,PMB,14.03.99,PMB91\n"
    b"14035,PMB Tiur,BIDAN,14.03.09,PMB92\n"
)


def pause_reminders(runtime: Runtime, staff: FlaskClient) -> None:
    """Pause the reminders of one kecamatan, and leave one facility of another out."""
    with runtime.database.session(read_only=True) as session:
        owing = text("SELECT max(id) FROM facilities WHERE area LIKE '14.03.%' AND type = 'PMB'")
        facility = session.execute(owing).scalar_one()
    why = "Banjir di Bantan; bidan membantu di posko."
    fill_in(staff, "/reminders/pauses?area=14.03.02", "/reminders/pauses$", reason=why, until="2025-10-08")
    fill_in(staff, f"/reminders/facilities/{facility}/skip", "/skip$", why="leave", until="2025-10-20")


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
    send_a_month(runtime, staff)
    file = (io.BytesIO(FACILITIES), "faskes-baru.csv")
    fill_in(staff, "/imports?kind=facilities", "/imports", file=file)
    fill_in(staff, "/calendar/close?area=14.03&form=kb&period=2025-07", "/calendar/close", reason="Sudah direkap.")
