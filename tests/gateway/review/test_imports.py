"""Imports on the pages: looked at first, applied as looked at, nothing deleted; what is exported comes in again."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from gateway.enrol import writing_files
from gateway.enrol.apply import apply_plan, make_plan
from gateway.enrol.columns import Kind, recognise
from gateway.enrol.plan import Act
from gateway.enrol.reading_files import read_sheet
from gateway.runtime import Runtime
from gateway.store import audit, imports, register, reporters, roster
from gateway.store.audit import Wanted
from gateway.values import Scope
from tests.district import NOON, PHONES
from tests.gateway.review.registry import make_registry
from tests.gateway.review.visits import Page, sign_in

FACILITIES = """kode faskes;nama faskes;jenis;kecamatan
140300155;PMB Cahaya;PMB;Bantan
140300100;Puskesmas Damon Baru;;
140300101;PMB Ani;PMB;14.03.01
14030015;PMB Kurang;PMB;Bantan
727150100;PMB Jauh;PMB;Palu Timur
140300155;PMB Dua Kali;PMB;Bantan
"""


@pytest.fixture
def ids(runtime: Runtime, visitor: FlaskClient) -> Mapping[str, int]:
    """The registry's facilities, with somebody of the district signed in."""
    found = make_registry(runtime)
    sign_in(visitor, runtime)
    return found


def upload(visitor: FlaskClient, text: str | bytes, kind: str = "facilities") -> TestResponse:
    """Upload a file as a browser would."""
    content = text.encode() if isinstance(text, str) else text
    data = {"kind": kind, "file": (io.BytesIO(content), "daftar.csv")}
    return visitor.post("/imports", data=data, content_type="multipart/form-data")


def take_over(visitor: FlaskClient, address: str, **more: str) -> TestResponse:
    """Apply an import as its page was looked at."""
    digest = Page(visitor.get(address)).hidden("digest")
    return visitor.post(f"{address}/apply", data={"digest": digest} | more)


def names(runtime: Runtime) -> set[str]:
    """Return what every facility is called."""
    with runtime.database.session(read_only=True) as session:
        return {one.name for one in register.stream_facilities(session, scope=Scope(""))}


def test_the_preview_tells_row_by_row_and_changes_nothing(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    before = names(runtime)
    address = upload(visitor, FACILITIES).headers["Location"]
    wrong = visitor.get(f"{address}?show=wrong").text
    assert "Kode faskes 14030015 terdiri atas 8 angka; seharusnya 9." in wrong
    assert "Sudah ada di baris 2." in wrong
    assert "PMB Cahaya" in visitor.get(f"{address}?show=new").text
    changed = visitor.get(f"{address}?show=changed").text
    assert "Puskesmas Damon</bdi></del>" in changed
    assert "Puskesmas Damon Baru" in changed
    assert "PMB Ani" in visitor.get(f"{address}?show=same").text
    assert names(runtime) == before


def test_rows_with_errors_are_left_out_only_when_that_is_said(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    address = upload(visitor, FACILITIES).headers["Location"]
    assert take_over(visitor, address).status_code == 422
    assert "PMB Cahaya" not in names(runtime)
    assert take_over(visitor, address, only_good="1").status_code == 303
    after = names(runtime)
    assert {"PMB Cahaya", "Puskesmas Damon Baru", "PMB Bunga", "PMB Jauh"} <= after
    assert "PMB Kurang" not in after
    with runtime.database.session(read_only=True) as session:
        done = audit.search(session, Wanted(action="import_changed"), scope=Scope("14.03"))
        (whole,) = audit.search(session, Wanted(action="import"), scope=Scope("14.03"))
    assert [one.details["before"] for one in done] == [{"name": "Puskesmas Damon"}]
    assert (whole.details["new"], whole.details["wrong"]) == (1, 3)


def test_what_changed_since_it_was_looked_at_is_looked_at_again(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    address = upload(visitor, "kode faskes;nama\n140300100;Damon Baru\n").headers["Location"]
    digest = Page(visitor.get(address)).hidden("digest")
    with runtime.database.session() as session:
        register.change_facility(session, ids["DAMON"], {"name": "Lain"}, scope=Scope(""), version=0)
        session.commit()
    late = visitor.post(f"{address}/apply", data={"digest": digest})
    assert late.status_code == 409
    assert "Lain" in late.text
    assert "Lain" in names(runtime)


def test_an_import_is_applied_once(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    address = upload(visitor, "kode faskes;nama\n140300100;Damon Baru\n").headers["Location"]
    digest = Page(visitor.get(address)).hidden("digest")
    assert visitor.post(f"{address}/apply", data={"digest": digest}).headers["Location"].startswith("/facilities")
    assert "/imports" in visitor.post(f"{address}/apply", data={"digest": digest}).headers["Location"]


def test_a_file_is_its_uploader_s_alone_and_goes_after_an_hour(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    address = upload(visitor, "kode faskes;nama\n140300100;Damon Baru\n").headers["Location"]
    import_id = int(address.rpartition("/")[2])
    with runtime.database.session(read_only=True) as session:
        soon = {"now": runtime.now() + timedelta(minutes=50)}
        late = {"now": runtime.now() + timedelta(minutes=70)}
        assert imports.find_import(session, import_id, ["facilities"], user_id=1, **soon)
        assert not imports.find_import(session, import_id, ["facilities"], user_id=1, **late)
    sign_in(visitor, runtime, role="administrator", area="")
    assert "Damon Baru" not in visitor.get(address, follow_redirects=True).text


def test_columns_with_names_of_their_own_are_chosen_by_hand(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    address = upload(visitor, "K1;K2\n140300100;Damon Baru\n").headers["Location"]
    assert "Tidak ada kolom yang dikenali" in visitor.get(address).text
    twice = visitor.post(f"{address}/columns", data={"column0": "code", "column1": "code"})
    assert twice.status_code == 422
    assert visitor.post(f"{address}/columns", data={"column0": "code", "column1": "name"}).status_code == 303
    assert take_over(visitor, address).status_code == 303
    assert "Damon Baru" in names(runtime)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "kosong"),
        (b"\xd0\xcf\x11\xe0xxxx", "format lama"),
        (b"PK\x03\x04", "tidak bisa dibaca"),
    ],
)
def test_a_file_that_is_not_taken_is_told_off_in_words(
    visitor: FlaskClient, ids: Mapping[str, int], content: bytes, said: str
) -> None:
    answer = upload(visitor, content)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_hostile_name_stands_in_the_preview_as_text(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    hostile = "kode faskes;nama;jenis;kecamatan\n140300166;<script>x</script>;PMB;Bantan\n"
    page = visitor.get(upload(visitor, hostile).headers["Location"]).text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_an_officer_imports_into_her_own_kecamatan_alone(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    sign_in(visitor, runtime, role="officer", area="14.03.03")
    address = upload(visitor, FACILITIES).headers["Location"]
    assert take_over(visitor, address, only_good="1").status_code == 303
    after = names(runtime)
    assert "PMB Cahaya" in after
    assert "Puskesmas Damon Baru" not in after, "it lies in another kecamatan"


REPORTERS = f"""nama bidan;nomor hp;kode faskes;bahasa
Rina;081230000055;140300100;id
Ani Wijaya;{PHONES["ani"][1:]};;
Sari;0812-3000-0004;140300104;id
Baru;081230000056;999999999;id
Rusak;8,1E+11;140300100;id
Kembar;081230000055;140300100;id
Jauh;081230000072;140300100;id
"""


def test_reporters_are_known_by_their_phones(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    address = upload(visitor, REPORTERS, kind="reporters").headers["Location"]
    wrong = visitor.get(f"{address}?show=wrong").text
    for said in ("Tidak ada faskes 999999999", "dirusak Excel", "Sudah ada di baris 2", "dipakai bidan lain"):
        assert said in wrong
    assert take_over(visitor, address, only_good="1").status_code == 303
    with runtime.database.session(read_only=True) as session:
        found = reporters.find_by_phones(session, ["+6281230000055", PHONES["ani"], PHONES["clinic"]])
    (rina,), (ani,) = found["+6281230000055"], found[PHONES["ani"]]
    assert (rina.name, [one.short_name for one in rina.facilities]) == ("Rina", ["DAMON"])
    assert (ani.name, [one.short_name for one in ani.facilities]) == ("Ani Wijaya", ["PMB01"])
    assert [one.name for one in found[PHONES["clinic"]]] == ["Sari", "Dewi"], "a shared phone stays shared"


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@pytest.mark.parametrize("kind", ["facilities", "reporters"])
def test_what_is_exported_comes_in_again_and_changes_nothing(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], kind: str, form: str
) -> None:
    given_out = visitor.get(f"/imports/export/{kind}.{form}")
    assert "attachment" in given_out.headers["Content-Disposition"]
    page = visitor.get(upload(visitor, given_out.data, kind).headers["Location"]).text
    assert "Tidak ada yang akan berubah" in page
    assert "PMB Jauh" not in page
    with runtime.database.session(read_only=True) as session:
        (done,) = audit.search(session, Wanted(action="export"), scope=Scope("14.03"))
    assert done.subject == kind


def test_a_viewer_takes_nothing_in_or_out(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    sign_in(visitor, runtime, role="viewer")
    assert visitor.get("/imports").status_code == 403
    assert upload(visitor, FACILITIES).status_code == 403
    assert visitor.get("/imports/export/reporters.csv").status_code == 403


@pytest.mark.parametrize("language", ["id", "en"])
def test_each_page_is_there_in_both_languages(visitor: FlaskClient, ids: Mapping[str, int], language: str) -> None:
    preview = upload(visitor, FACILITIES).headers["Location"]
    for address in ("/imports?kind=reporters", f"{preview}?show=new"):
        page = visitor.get(f"{address}&lang={language}")
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text


def test_every_error_can_be_taken_home_as_a_file(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    address = upload(visitor, FACILITIES).headers["Location"]
    lines = visitor.get(f"{address}/faults.csv").data.decode("utf-8-sig").splitlines()
    assert [line.split(";")[0] for line in lines[1:]] == ["5", "6", "7"]


def test_the_template_is_there(visitor: FlaskClient, ids: Mapping[str, int]) -> None:
    assert visitor.get("/imports/template/facilities.xlsx").data.startswith(b"PK")


PEOPLE = st.fixed_dictionaries(
    {
        "name": st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20),
        "phones": st.lists(st.integers(10, 99), min_size=1, max_size=3, unique=True),
        "language": st.sampled_from(["id", "en"]),
        "facilities": st.lists(st.sampled_from(["DAMON", "PMB01", "PTK"]), min_size=1, max_size=3, unique=True),
    }
)


@given(people=st.lists(PEOPLE, min_size=1, max_size=4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_is_in_the_registry_comes_back_unchanged_from_a_file(
    runtime: Runtime, ids: Mapping[str, int], people: list[dict[str, Any]]
) -> None:
    today, scope = NOON.date(), Scope("")
    with runtime.database.session() as session:  # never committed: each example finds the registry as it was
        for at, one in enumerate(people):
            phones = [f"+6281250{at:02}00{phone}" for phone in one["phones"]]
            places = [ids[place] for place in one["facilities"]]
            reporters.add_reporter(session, one["name"], phones, places, language=one["language"])
        before = list(roster.stream_reporters(session, scope=scope, today=today))
        written = writing_files.write_csv(Kind.REPORTERS, map(writing_files.reporter_row, before))
        sheet = read_sheet(b"".join(written))
        fields = recognise(Kind.REPORTERS, sheet.columns)
        named = [one for one in before if one.assignments]
        plan = make_plan(session, Kind.REPORTERS, sheet, fields, scope=scope, today=today, region="ID")
        assert plan.count()[Act.SAME] >= len(named)
        assert not plan.of(Act.NEW, Act.CHANGED)
        apply_plan(session, Kind.REPORTERS, plan, scope=scope)
        assert list(roster.stream_reporters(session, scope=scope, today=today)) == before
