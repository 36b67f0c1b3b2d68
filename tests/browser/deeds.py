"""What staff have done by the time that a browser looks in: their forms, filled in and sent as a browser would."""

from __future__ import annotations

import io
import re
from dataclasses import asdict, replace
from datetime import date

from flask.testing import FlaskClient
from sqlalchemy import text

from gateway.export.dhis2 import check, knock, mapping_book, mapping_rows
from gateway.runtime import Runtime
from gateway.store import destinations, mappings
from gateway.values import Scope
from tests.browser.forms import Form, fill_in
from tests.browser.sending import send_a_month
from tests.klikkb import make_agreement
from workers import exports

FACILITIES = (
    b"Kode,Nama,Jenis,Kode wilayah,Nama pendek\n"
    b"140350990,PMB Rahayu,PMB,14.03.09,PMB90\n"
    b"140350991,PMB Salmah,PMB,14.03.99,PMB91\n"
    b"14035,PMB Tiur,BIDAN,14.03.09,PMB92\n"
)


def make_token(staff: FlaskClient) -> None:
    """Let the dashboard of the Dinas read through the API, as it has done already."""
    form = Form(staff.get("/tokens/new").text, "/tokens/new$")
    typed = {"name": "Dasbor Dinas", "area": "14.03", "scopes": ["read:reports", "read:coverage"], "days": "365"}
    made = staff.post(form.action, data=form.fields | typed)
    secret = re.search(r"kabar_\w{36}", made.text)
    assert secret, made.text
    answer = staff.get("/api/v1/coverage", headers={"Authorization": f"Bearer {secret[0]}"})
    assert answer.status_code == 200, answer.text


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


def note_batches(runtime: Runtime, staff: FlaskClient) -> None:
    """Note batches of a facility that reported its stock: one has expired, one expires soon, one nobody knows of."""
    with runtime.database.session(read_only=True) as session:
        reported = "SELECT facility_id FROM reports WHERE form = 'alokon' AND period = '2025-09'"
        found = text(f"SELECT max(id) FROM facilities WHERE area LIKE '14.03.%' AND id IN ({reported})")
        place = f"/month/batches/new?facility={session.execute(found).scalar_one()}"
    for number, source, expires_on, quantity in (
        ("PL2307A", "apbn", "8/2025", "12"),
        ("PL2411C", "apbn", "1/2026", "96"),
        ("KF-0193", "apbd", "31/5/2027", "30"),
        ("TANPA ED", "mandiri", "", "6"),
    ):
        batch = {"number": number, "source": source, "expires_on": expires_on, "quantity": quantity}
        fill_in(staff, place, "/month/batches/new$", item="pil", **batch)


def prepare_dhis2(runtime: Runtime, staff: FlaskClient) -> None:
    """Add a DHIS2 that was tried and a mapping that was checked, and leave another mapping to be looked at."""
    typed = {"name": "ASDK Riau", "address": "https://dhis2.example.go.id", "area": "14.03", "auth": "token"}
    secret = "d2pat_0000000000000000000000000000001234"
    there = fill_in(staff, "/destinations/new", "/destinations/new$", **typed, secret=secret)
    with runtime.database.session(read_only=True) as session:
        some = text("SELECT code, name FROM facilities WHERE area LIKE '14.03.%' ORDER BY code LIMIT 3")
        facilities = [(row.code, row.name) for row in session.execute(some)]
    units = {code: f"ASDK_{code}" for code, _ in facilities}
    place = f"{there}/mappings/kb"
    form = next(one for one in runtime.forms if one.code == "kb")
    first = mapping_rows.suggest(form)
    lacking = {key: cell for key, cell in first.cells.items() if key != "gagal.kondom"}
    for mapping in (replace(first, cells=lacking), replace(first, org_units=units)):
        book = mapping_book.write_mapping(mapping, form, facilities, runtime.now())
        draft = fill_in(staff, place, "/kb$", file=(io.BytesIO(book), "pemetaan-kb.xlsx"))
        if mapping.cells is lacking:
            fill_in(staff, draft, "/use$")
    number, scope, now = int(there.rpartition("/")[2]), Scope(""), runtime.now()
    met = knock.Knock(knock.GOOD, 200, "2.40.3", "kabar", ("Dinkes Kabupaten Bengkalis",))
    found = (
        check.Finding(check.Flaw.NOT_IN_SET, ("KB_CABUT",), 1),
        check.Finding(check.Flaw.UNASSIGNED, (f"{facilities[0][1]} ({facilities[0][0]}): {facilities[0][0]}",), 1),
        check.Finding(check.Flaw.DROPS_ZERO, ("KB_BARU", "KB_GANTI"), 2),
    )
    with runtime.database.session() as session:
        destinations.keep_try(session, number, asdict(met), now, scope=scope)
        [version] = mappings.list_versions(session, number, scope=scope)
        checked = check.as_json(check.Checked(found, len(lacking), 61, "2025-09"))
        mappings.keep_check(session, version.id, checked, now, scope=scope)
        session.commit()


def open_figures(staff: FlaskClient) -> None:
    """Open the regency's figures, and publish the last month that is settled."""
    shown = {f"measure-{code}": "1" for code in ("baru", "aktif")}
    chosen = {"is_on": "1", "shows_places": "1", "first_period": "2025-07"}
    fill_in(staff, "/open-figures", "/open-figures#", **shown, **chosen)
    fill_in(staff, "/open-figures?period=2025-08", "/open-figures/month$", what="publish", sure="1")


def do_all(runtime: Runtime, staff: FlaskClient) -> None:
    """Approve, reject and correct, propose a word, prepare a broadcast, note batches, read a file, close a month."""
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
    note_batches(runtime, staff)
    make_token(staff)
    keep_directory(runtime, staff)
    send_a_month(runtime, staff)
    file = (io.BytesIO(FACILITIES), "faskes-baru.csv")
    fill_in(staff, "/imports?kind=facilities", "/imports", file=file)
    open_figures(staff)
    fill_in(staff, "/channels/simulator/trial", "/trial$", number="0812 7700 9001")
    prepare_dhis2(runtime, staff)
    fill_in(staff, "/calendar/close?area=14.03&form=kb&period=2025-07", "/calendar/close", reason="Sudah direkap.")
