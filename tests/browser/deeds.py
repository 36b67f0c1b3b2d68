"""What staff have done by the time that a browser looks in: their forms, filled in and sent as a browser would."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from gateway.runtime import Runtime
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
    file = (io.BytesIO(FACILITIES), "faskes-baru.csv")
    fill_in(staff, "/imports?kind=facilities", "/imports", file=file)
    open_figures(staff)
    fill_in(staff, "/calendar/close?area=14.03&form=kb&period=2025-07", "/calendar/close", reason="Sudah direkap.")
