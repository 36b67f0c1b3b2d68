"""A mapping on its pages: downloaded, filled in, looked at, taken into use, and checked before anything is sent."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from gateway.enrol.reading_files import read_book
from gateway.export.dhis2.mapping_book import write_mapping
from gateway.export.dhis2.mapping_rows import suggest
from gateway.mapping import Cell, Mapping
from gateway.store import destinations, mappings
from gateway.store.mappings import Version
from gateway.values import Scope
from tests.district import District
from tests.gateway.export.dhis2.metadata_server import MetadataServer, make_known
from tests.gateway.review.test_destinations_page import add, visit

COUNTRY = Scope("")
CODES = [f"14030010{number}" for number in (0, 1, 2, 3, 4, 5, 6)]


@pytest.fixture
def server(district: District) -> Iterator[MetadataServer]:
    form = next(one for one in district.runtime.forms if one.code == "kb")
    with MetadataServer(make_known(form, CODES)) as found:
        yield found


@pytest.fixture
def office(district: District) -> FlaskClient:
    return visit(district)


@pytest.fixture
def address(office: FlaskClient, server: MetadataServer) -> str:
    """The address of the page of a mapping that is still to be made."""
    return f"/destinations/{add(office, address=server.url)}/mappings/kb"


def fill(district: District, **changes: object) -> bytes:
    """Return a workbook as somebody filled it in."""
    form = next(one for one in district.runtime.forms if one.code == "kb")
    mapping = replace(suggest(form), **changes)  # type: ignore[arg-type]
    return write_mapping(mapping, form, [(code, "") for code in CODES], district.runtime.now())


def upload(browser: FlaskClient, address: str, content: bytes, name: str = "pemetaan.xlsx") -> str:
    """Upload a workbook and return the address of what would change."""
    answer = browser.post(address, data={"file": (io.BytesIO(content), name)})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def use(browser: FlaskClient, draft: str) -> None:
    """Press the button that takes what was looked at into use."""
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(draft).text)
    assert seen
    assert browser.post(f"{draft}/use", data={"seen": seen[1]}).status_code == 303


def versions(district: District) -> tuple[Version, ...]:
    with district.database.session(read_only=True) as session:
        [one] = destinations.list_destinations(session, scope=COUNTRY)
        return mappings.list_versions(session, one.destination.id, "kb", scope=COUNTRY)


def in_use(district: District) -> Mapping | None:
    with district.database.session(read_only=True) as session:
        [one] = destinations.list_destinations(session, scope=COUNTRY)
        return mappings.find_mapping(session, one.destination.id, "kb", scope=COUNTRY)


def test_the_file_to_begin_with_has_every_figure_and_every_facility(office: FlaskClient, address: str) -> None:
    answer = office.get(f"{address}.xlsx")
    book = read_book(answer.data, 6)
    assert list(book) == ["pemetaan", "faskes", "sasaran"]
    assert ("baru.pil", "Peserta baru, Pil", "KB_BARU", "PIL", "", "") in book["pemetaan"]
    assert [row[0] for row in book["faskes"][1:]] == CODES
    assert 'filename="pemetaan-kb-contoh.xlsx"' in answer.headers["Content-Disposition"]


def test_nothing_goes_by_an_upload_until_it_was_looked_at(
    district: District, office: FlaskClient, address: str
) -> None:
    draft = upload(office, address, fill(district))
    page = office.get(draft).text
    assert "KB_BARU · PIL" in page
    assert in_use(district) is None
    use(office, draft)
    found = in_use(district)
    assert found
    assert found.version == 1
    assert found.cells["baru.pil"] == Cell("KB_BARU", "PIL")


def test_a_new_version_shows_what_it_changes_and_the_old_ones_stay(
    district: District, office: FlaskClient, address: str
) -> None:
    use(office, upload(office, address, fill(district)))
    draft = upload(office, address, fill(district, data_set="KB_BARU_SEKALI", org_units={"140300101": "OU1"}))
    page = office.get(draft).text
    for words in ("KB_BULANAN", "KB_BARU_SEKALI", "OU1"):
        assert words in page
    use(office, draft)
    assert [one.version for one in versions(district)] == [2, 1]
    assert all(one.user_name and len(one.file_digest) == 64 for one in versions(district))
    old = read_book(office.get(f"{address}.xlsx?version=1").data, 6)["sasaran"]
    new = read_book(office.get(f"{address}.xlsx").data, 6)["sasaran"]
    assert (old[0][1], new[0][1]) == ("KB_BULANAN", "KB_BARU_SEKALI")


def test_an_old_version_can_be_used_again(district: District, office: FlaskClient, address: str) -> None:
    use(office, upload(office, address, fill(district)))
    use(office, upload(office, address, fill(district, data_set="LAIN")))
    answer = office.post(f"{address}/again", data={"version": "1"})
    use(office, answer.headers["Location"])
    found = in_use(district)
    assert found
    assert (found.version, found.data_set) == (3, "KB_BULANAN")


def test_faults_are_told_row_by_row_and_nothing_is_kept(district: District, office: FlaskClient, address: str) -> None:
    cells = {"baru": Cell("KB_BARU"), "baru.pil": Cell("KB_BARU")}
    content = fill(district, cells=cells, left_out=frozenset(), org_units={"140300101": "X", "140300102": "X"})
    answer = office.post(address, data={"file": (io.BytesIO(content), "x.xlsx")})
    assert answer.status_code == 422
    assert "2 kesalahan" in answer.text
    assert "terhitung dua kali" in answer.text
    assert "saling menimpa" in answer.text
    assert versions(district) == ()


@pytest.mark.parametrize(
    "content", [b"", b"kunci;nama\n1;2\n", b"PK\x03\x04 no workbook", b"\xd0\xcf\x11\xe0" + b"x" * 600]
)
def test_what_is_no_workbook_is_told_in_words(office: FlaskClient, address: str, content: bytes) -> None:
    answer = office.post(address, data={"file": (io.BytesIO(content), "x.xlsx")})
    assert answer.status_code == 422
    assert 'id="file-fault"' in answer.text


def test_who_looked_at_an_older_version_is_shown_anew(district: District, office: FlaskClient, address: str) -> None:
    mine = upload(office, address, fill(district, data_set="SAYA"))
    use(office, upload(office, address, fill(district, data_set="TEMAN")))
    office.post(f"{mine}/use", data={"seen": "0"})
    found = in_use(district)
    assert found
    assert found.data_set == "TEMAN"
    use(office, mine)
    found = in_use(district)
    assert found
    assert (found.version, found.data_set) == (2, "SAYA")


def test_a_draft_is_its_owners_alone_and_gone_after_an_hour(
    district: District, office: FlaskClient, address: str
) -> None:
    draft = upload(office, address, fill(district))
    colleague = visit(district)
    assert colleague.get(draft).status_code == 303
    assert colleague.post(f"{draft}/use", data={"seen": "0"}).status_code == 303
    district.pass_time(minutes=61)
    office.post(f"{draft}/use", data={"seen": "0"})
    assert in_use(district) is None


def test_a_check_finds_nothing_where_all_is_well(district: District, office: FlaskClient, address: str) -> None:
    use(office, upload(office, address, fill(district)))
    office.post(f"{address}/check")
    page = office.get(address).text
    assert "Tidak ada yang menghalangi" in page
    assert "7 faskes" in page
    assert versions(district)[0].checked_at == district.runtime.now()


def test_a_check_says_what_is_wrong_and_what_to_do(
    district: District, office: FlaskClient, address: str, server: MetadataServer
) -> None:
    use(office, upload(office, address, fill(district)))
    server.known.take_out("KB_BARU")
    server.known.element("KB_AKTIF")["zeroIsSignificant"] = False
    server.known.objects["organisationUnits"].pop()
    office.post(f"{address}/check")
    page = office.get(address).text
    for words in ("tidak ada di data set", "KB_BARU", "KB_AKTIF", "PMB Eve (140300106)", "Minta pengelola DHIS2"):
        assert words in page
    assert {one.method for one in server.seen} == {"GET"}


def test_a_check_that_nobody_answers_leaves_the_last_one_standing(
    district: District, office: FlaskClient, address: str, server: MetadataServer
) -> None:
    use(office, upload(office, address, fill(district)))
    office.post(f"{address}/check")
    before = versions(district)[0].checked
    server.__exit__(None, None, None)
    assert office.post(f"{address}/check").status_code == 303
    assert "tidak dapat dihubungi" in office.get(address).text
    assert versions(district)[0].checked == before


def test_a_report_without_a_cell_is_warned_of_before_it_is_refused(
    district: District, office: FlaskClient, address: str
) -> None:
    form = next(one for one in district.runtime.forms if one.code == "kb")
    cells = {key: cell for key, cell in suggest(form).cells.items() if key != "aktif.pil"}
    draft = upload(office, address, fill(district, cells=cells))
    assert "Peserta aktif, Pil" in office.get(draft).text
    use(office, draft)
    assert "Peserta aktif, Pil" in office.get(address).text


def test_officers_have_no_way_to_mappings(district: District, office: FlaskClient, address: str) -> None:
    officer = visit(district, "officer", "14.03.01")
    assert officer.get(address).status_code == 403
    assert officer.get(f"{address}.xlsx").status_code == 403
    assert officer.post(f"{address}/check").status_code == 403
