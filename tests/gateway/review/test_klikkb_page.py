"""The pages of Klik-KB: a file looked at and taken over, who is whom, who is new to registration, counts back."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.export import run
from gateway.settling import Choices, SettlesAt
from gateway.store import agreements, audit, export_choices, exports, klikkb
from gateway.store.audit import Wanted
from gateway.store.klikkb import Listed
from gateway.values import Scope
from tests.district import PHONES, District
from tests.gateway.review.registry import reporter_id
from tests.gateway.review.visits import Page, sign_in
from tests.klikkb import fill_directory, make_agreement

REGENCY = Scope("14.03")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What these pages ask was asked of both kinds of database (enrol, store): one is enough here."""
    return sqlite_url


FILE = """ID Anggota;Nama Bidan;NIK;No HP;Kode Faskes;Kecamatan
KK-001;Ani;1403010101900001;0812-3000-0001;140300101;Bengkalis
KK-009;Bidan Baru;1403010101900002;0812-3000-0077;140300106;Bengkalis
KK-010;Salah Nomor;1403010101900003;8,1E+11;;Bengkalis
"""


def upload(visitor: FlaskClient, text: str = FILE, area: str = "14.03") -> TestResponse:
    """Upload a file as a browser would."""
    fields = {"area": area, "file": (io.BytesIO(text.encode()), "klik-kb.csv")}
    return visitor.post("/klikkb/files", data=fields, content_type="multipart/form-data")


def choose(visitor: FlaskClient, address: str, *fields: str) -> TestResponse:
    """Say which column is which."""
    return visitor.post(f"{address}/columns", data={f"column{at}": field for at, field in enumerate(fields)})


def take_over(visitor: FlaskClient, address: str, **more: str) -> TestResponse:
    """Apply a file as its page was looked at."""
    digest = Page(visitor.get(address)).hidden("digest")
    return visitor.post(f"{address}/apply", data={"digest": digest} | more)


def import_file(visitor: FlaskClient) -> None:
    """Take the file over, columns and all."""
    address = upload(visitor).headers["Location"]
    choose(visitor, address, "klikkb_id", "name", "", "phones", "facility_code", "area")
    assert take_over(visitor, address, only_good="1").status_code == 303


def listed(district: District) -> dict[str, Listed]:
    """Return the directory by Klik-KB id."""
    with district.database.session(read_only=True) as session:
        return klikkb.list_all(session, "14.03", scope=REGENCY)


def test_columns_are_chosen_once_and_the_next_file_goes_straight_to_its_preview(rina: FlaskClient) -> None:
    address = upload(rina).headers["Location"]
    asked = rina.get(address).text
    assert "Kolom mana itu apa?" in asked
    assert "1403010101900001" not in asked  # one sees what a column is by its mask
    assert "•••" in asked
    assert "Tanpa kolom itu" in choose(rina, address, "", "name", "", "phones", "", "").text
    assert choose(rina, address, "klikkb_id", "name", "", "phones", "facility_code", "area").status_code == 303
    preview = rina.get(address).text
    assert "1403010101900001" not in preview
    assert "Pakai: 2 baru, 0 berubah, 0 tidak ada lagi" in rina.get(upload(rina).headers["Location"]).text
    assert "id anggota" in rina.get("/klikkb/files").text  # the choice is shown, and can be forgotten
    other = upload(rina, FILE.replace("ID Anggota", "Kode Anggota")).headers["Location"]
    assert "Kolom mana itu apa?" in rina.get(other).text
    rina.post("/klikkb/columns/forget", data={"area": "14.03"})
    assert "Kolom mana itu apa?" in rina.get(upload(rina).headers["Location"]).text


def test_what_is_not_needed_is_thrown_away_once_the_columns_are_chosen(district: District, rina: FlaskClient) -> None:
    address = upload(rina).headers["Location"]
    choose(rina, address, "klikkb_id", "name", "", "phones", "facility_code", "area")
    upload(rina)
    with district.database.session(read_only=True) as session:
        kept = session.exec_driver_sql("SELECT CAST(sheet AS TEXT) FROM imports").scalars().all()
    assert len(kept) == 2
    assert all("KK-001" in one and "1403010101900001" not in one for one in kept)


def test_a_file_is_looked_at_first_and_changes_nobody_s_right_to_report(district: District, rina: FlaskClient) -> None:
    address = upload(rina).headers["Location"]
    choose(rina, address, "klikkb_id", "name", "", "phones", "facility_code", "area")
    assert "Bidan Baru" in rina.get(f"{address}?show=new").text
    assert "8,1E+11" in rina.get(f"{address}?show=wrong").text
    assert "8,1E+11" in rina.get(f"{address}/faults.csv").text
    assert listed(district) == {}
    assert take_over(rina, address).status_code == 422
    assert take_over(rina, address, only_good="1").status_code == 303
    assert set(listed(district)) == {"KK-001", "KK-009"}
    page = rina.get("/klikkb").text
    assert "Bidan Baru" in page
    assert "klik-kb.csv" in page
    assert district.say("+6281230000077", "KB 0925 BARU 1 AKTIF 2").startswith("HP ini belum terdaftar")
    with district.database.session(read_only=True) as session:
        (done,) = audit.search(session, Wanted(action="import", noun="directory"), scope=REGENCY)
    assert (done.details["new"], done.details["wrong"]) == (2, 1)
    assert "+62" not in str(done.details)


def test_a_preview_that_is_no_longer_true_is_shown_again_instead(district: District, rina: FlaskClient) -> None:
    import_file(rina)
    address = upload(rina, FILE.replace("Bidan Baru", "Bidan Lama")).headers["Location"]
    digest = Page(rina.get(address)).hidden("digest")
    with district.database.session() as session:
        fill_directory(session, [("KK-050", "Lain", "")])
        session.commit()
    late = rina.post(f"{address}/apply", data={"digest": digest, "only_good": "1"})
    assert late.status_code == 409
    assert "KK-050" in rina.get(f"{address}?show=gone").text
    assert listed(district)["KK-009"].name == "Bidan Baru"


def test_that_many_are_gone_must_be_said(district: District, rina: FlaskClient) -> None:
    with district.database.session() as session:
        fill_directory(session, [(f"KK-1{number:02}", f"Bidan {number}", "") for number in range(30)])
        session.commit()
    address = upload(rina, FILE.replace("8,1E+11", "")).headers["Location"]
    choose(rina, address, "klikkb_id", "name", "", "phones", "facility_code", "area")
    assert "30 bidan tidak ada lagi" in rina.get(address).text
    assert take_over(rina, address).status_code == 422
    assert take_over(rina, address, many_gone="1").status_code == 303
    assert sum(one.gone_at is not None for one in listed(district).values()) == 30


def test_a_file_goes_after_an_hour_and_is_nobody_else_s(
    district: District, rina: FlaskClient, budi: FlaskClient
) -> None:
    address = upload(rina).headers["Location"]
    assert "/klikkb" in budi.get(address).headers["Location"]
    assert "/imports" in budi.get(address.replace("/klikkb/files", "/imports")).headers["Location"]
    assert "/imports" in rina.get(address.replace("/klikkb/files", "/imports")).headers["Location"]
    district.set_clock(district.runtime.now() + timedelta(minutes=61))
    assert rina.get(address).status_code == 303


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "Berkas ini kosong"), (b"\xd0\xcf\x11\xe0", "kata sandi"), (b"PK\x03\x04", "tidak bisa dibaca")],
)
def test_what_cannot_be_read_is_told_off_in_words(rina: FlaskClient, content: bytes, words: str) -> None:
    fields = {"area": "14.03", "file": (io.BytesIO(content), "x.xlsx")}
    answer = rina.post("/klikkb/files", data=fields, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert words in answer.text


def test_who_is_new_is_handed_to_registration_and_looked_at_there(district: District, rina: FlaskClient) -> None:
    import_file(rina)
    address = rina.post("/klikkb/register", data={"area": "14.03"}).headers["Location"]
    assert address.startswith("/imports/")
    page = rina.get(f"{address}?show=new").text
    assert "Bidan Baru" in page
    assert "140300106" in page
    assert take_over(rina, address).status_code == 303
    assert reporter_id(district.runtime, "+6281230000077")
    again = rina.post("/klikkb/register", data={"area": "14.03"})
    assert again.headers["Location"].startswith("/klikkb")


def test_a_likeness_is_proposed_and_kept_only_by_staff_s_word(district: District, rina: FlaskClient) -> None:
    with district.database.session() as session:
        fill_directory(session, [("KK-020", "Bdn. Budi, S.ST", "")])
        session.commit()
    page = rina.get("/klikkb?show=decide").text
    assert "Bdn. Budi, S.ST" in page
    budi_id = reporter_id(district.runtime, PHONES["budi"])
    midwife_id = listed(district)["KK-020"].id
    assert listed(district)["KK-020"].reporter_id is None
    assert rina.post(f"/klikkb/midwives/{midwife_id}/match", data={"reporter": budi_id}).status_code == 303
    assert listed(district)["KK-020"].reporter_id == budi_id
    assert "Bdn. Budi, S.ST" in rina.get("/klikkb?show=registered").text
    assert rina.post(f"/klikkb/midwives/{midwife_id}/match", data={"reporter": ""}).status_code == 303
    assert listed(district)["KK-020"].reporter_id is None


def test_counts_are_asked_for_only_under_an_agreement(district: District, rina: FlaskClient) -> None:
    wanted = {"area": "14.03", "form": "kb", "from": "2025-09", "to": "2025-09", "format": "klikkb"}
    refused = rina.post("/klikkb/counts", data=wanted)
    assert refused.status_code == 422
    assert "Belum ada perjanjian dengan Klik-KB" in refused.text
    with district.database.session() as session:
        make_agreement(session)
        session.commit()
    assert "12/PKS/2025" in rina.get("/klikkb").text
    assert rina.post("/klikkb/counts", data=wanted | {"form": "alokon"}).status_code == 422
    assert rina.post("/klikkb/counts", data=wanted | {"from": "2025-05"}).status_code == 422
    assert rina.post("/klikkb/counts", data=wanted | {"format": "siga"}).status_code == 422
    assert rina.post("/klikkb/counts", data=wanted).status_code == 303
    with district.database.session(read_only=True) as session:
        (asked,) = exports.list_exports(session, scope=REGENCY)
    assert (asked.format, asked.form, asked.area, asked.state) == ("klikkb", "kb", "14.03", "queued")


def test_an_agreement_near_its_end_is_told_of_where_counts_are_made(district: District, rina: FlaskClient) -> None:
    with district.database.session() as session:
        make_agreement(session)
        session.commit()
    assert "Siapkan perjanjian baru" not in rina.get("/klikkb").text
    with district.database.session() as session:
        make_agreement(session, number="13", starts_on=date(2025, 2, 1), ends_on=date(2025, 10, 20))
        session.commit()
    assert "Siapkan perjanjian baru" in rina.get("/klikkb").text
    assert "segera berakhir" in rina.get("/klikkb/agreements").text


def test_officers_and_viewers_see_none_of_it_and_neighbours_nothing_of_ours(
    district: District, rina: FlaskClient
) -> None:
    import_file(rina)
    midwife_id = listed(district)["KK-009"].id
    app = rina.application
    for role, area, status in (("officer", "14.03", 403), ("viewer", "14.03", 403), ("district", "72.71", 404)):
        other = app.test_client()
        sign_in(other, district.runtime, role, area)
        assert other.get("/klikkb?area=14.03").status_code == status
        assert other.get("/klikkb/files?area=14.03").status_code == status
        assert upload(other).status_code == status
        assert other.post(f"/klikkb/midwives/{midwife_id}/match", data={"reporter": ""}).status_code == status
        assert other.post("/klikkb/columns/forget", data={"area": "14.03"}).status_code == status
        assert other.get("/klikkb/agreements?area=14.03").status_code == status


def test_a_file_for_klik_kb_is_handed_out_only_while_the_agreement_holds(district: District, rina: FlaskClient) -> None:
    with district.database.session() as session:
        fill_directory(session)
        agreement_id = make_agreement(session)
        export_choices.choose(session, Choices("14.03", SettlesAt.ACCEPTED), scope=REGENCY)
        session.commit()
    district.say("ani", "KB 0925 BARU 3 AKTIF 40")
    wanted = {"area": "14.03", "form": "kb", "from": "2025-09", "to": "2025-09", "format": "klikkb"}
    rina.post("/klikkb/counts", data=wanted)
    made = run.make_next(district.database, district.runtime.forms, district.runtime.now)
    assert made
    assert "KK-001" in rina.get(f"/exports/{made.ref}/file").text
    with district.database.session() as session:
        agreements.revoke(session, agreement_id, "Budi", "salah", district.runtime.now(), scope=REGENCY)
        session.commit()
    assert rina.get(f"/exports/{made.ref}/file").status_code == 303


def test_files_for_klik_kb_are_offered_to_who_may_send_figures_out(district: District, rina: FlaskClient) -> None:
    officer = rina.application.test_client()
    sign_in(officer, district.runtime, "officer")
    assert "Klik-KB, per bidan" in rina.get("/exports").text
    assert "Klik-KB, per bidan" not in officer.get("/exports").text
