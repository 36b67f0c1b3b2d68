"""A mapping is held against what its DHIS2 knows: every fault by name before anything is sent, and none invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from gateway.export.dhis2.check import Checked, Flaw, as_json, check, from_json
from gateway.export.dhis2.knock import Unread, try_destination
from gateway.export.dhis2.mapping_rows import list_unmapped, suggest
from gateway.export.dhis2.metadata import UNITS_AT_ONCE, read_metadata
from gateway.export.dhis2.payload import find_org_unit
from gateway.forms import load_forms
from gateway.mapping import Cell, Mapping
from gateway.store.settled import Place
from tests.gateway.channels.standin import Fault, Reply, closed_address
from tests.gateway.export.dhis2.metadata_server import Known, MetadataServer, make_client, make_known

FORM = next(form for form in load_forms() if form.code == "kb")
CODES = ["140300101", "140300102"]
TODAY = date(2025, 10, 3)


@pytest.fixture
def server() -> Iterator[MetadataServer]:
    with MetadataServer(make_known(FORM, CODES)) as found:
        yield found


def place(code: str) -> Place:
    return Place(
        1, code, f"PMB {code[-1]}", "PMB", None, "14.03.01", "Bengkalis", "Asia/Jakarta", None, None, None, None, True
    )


def look(
    server: MetadataServer, mapping: Mapping | None = None, period: str = "2025-09", codes: list[str] | None = None
) -> Checked:
    """Check a mapping against the server, as the page does."""
    mapping = mapping or suggest(FORM)
    places = [place(code) for code in codes or CODES]
    units = [unit for one in places if (unit := find_org_unit(mapping, one))]
    elements = {cell.data_element for cell in mapping.cells.values()}
    theirs = read_metadata(make_client(server.url).get, mapping.data_set, mapping.scheme, elements, units)
    return check(mapping, list_unmapped(mapping, FORM), places, theirs, period, TODAY)


def test_a_mapping_that_fits_has_no_fault(server: MetadataServer) -> None:
    found = look(server)
    assert found.findings == ()
    assert found.is_good
    assert (found.cells, found.facilities) == (len(suggest(FORM).cells), 2)


def drop_element(known: Known) -> None:
    known.take_out("KB_BARU")
    known.objects["dataElements"].remove(known.element("KB_BARU"))


def drop_combo(known: Known) -> None:
    combos = known.element("KB_BARU")["categoryCombo"]["categoryOptionCombos"]
    combos[:] = [one for one in combos if one["code"] != "PIL"]


CASES: dict[Flaw, tuple[Callable[[Known], object], str]] = {
    Flaw.NO_SET: (lambda known: known.objects["dataSets"].clear(), "KB_BULANAN"),
    Flaw.NOT_MONTHLY: (lambda known: known.data_set.update(periodType="Quarterly"), "Quarterly"),
    Flaw.NO_RIGHT: (lambda known: known.rights.clear(), ""),
    Flaw.NO_ELEMENT: (drop_element, "KB_BARU"),
    Flaw.NOT_IN_SET: (lambda known: known.take_out("KB_BARU"), "KB_BARU"),
    Flaw.NO_COMBO: (drop_combo, "baru.pil: KB_BARU · PIL"),
    Flaw.NO_ATTRIBUTE: (
        lambda known: known.data_set.update(
            categoryCombo={"categoryOptionCombos": [{"id": "a", "code": "BKKBN"}, {"id": "b", "code": "DINKES"}]}
        ),
        "default",
    ),
    Flaw.VALUE_TYPE: (lambda known: known.element("KB_BARU").update(valueType="TEXT"), "KB_BARU (TEXT)"),
    Flaw.DROPS_ZERO: (lambda known: known.element("KB_BARU").update(zeroIsSignificant=False), "KB_BARU"),
    Flaw.NO_UNIT: (lambda known: known.objects["organisationUnits"].pop(), "PMB 2 (140300102): 140300102"),
    Flaw.UNASSIGNED: (
        lambda known: known.objects["organisationUnits"][1].update(dataSets=[]),
        "PMB 2 (140300102): 140300102",
    ),
    Flaw.OUTSIDE: (
        lambda known: known.objects["organisationUnits"][1].update(path="/ouJambi/ou2"),
        "PMB 2 (140300102): 140300102",
    ),
    Flaw.CLOSED: (lambda known: known.data_set.update(expiryDays=2), "2025-10-02"),
}


@pytest.mark.parametrize("flaw", list(CASES))
def test_each_fault_is_found_alone_and_says_what_it_is_about(server: MetadataServer, flaw: Flaw) -> None:
    spoil, named = CASES[flaw]
    spoil(server.known)
    [finding] = look(server).findings
    assert finding.flaw is flaw
    assert finding.named == ((named,) if named else ())


def test_the_running_month_is_not_open_where_no_future_months_are(server: MetadataServer) -> None:
    assert [one.flaw for one in look(server, period="2025-10").findings] == [Flaw.NOT_OPEN]
    server.known.data_set["openFuturePeriods"] = 1
    assert look(server, period="2025-10").findings == ()


def test_what_only_warns_does_not_stand_in_the_way(server: MetadataServer) -> None:
    server.known.element("KB_BARU")["zeroIsSignificant"] = False
    assert look(server).is_good
    server.known.take_out("KB_BARU")
    assert not look(server).is_good


def test_a_figure_without_a_cell_and_a_facility_without_a_code_are_listed(server: MetadataServer) -> None:
    mapping = suggest(FORM)
    cells = {key: cell for key, cell in mapping.cells.items() if key != "aktif.pil"}
    found = look(server, replace(mapping, cells=cells, org_unit_by="kemenkes_code", org_units={CODES[0]: CODES[0]}))
    assert {one.flaw: one.named for one in found.findings} == {
        Flaw.UNMAPPED: ("aktif.pil",),
        Flaw.NO_CODE: ("PMB 2 (140300102)",),
    }


def test_uids_are_looked_up_as_uids(server: MetadataServer) -> None:
    by_code = {one["code"]: one for one in server.known.objects["dataElements"]}

    def as_uid(cell: Cell) -> Cell:
        element = by_code[cell.data_element]
        combos = {one["code"]: one["id"] for one in element["categoryCombo"]["categoryOptionCombos"]}
        return Cell(element["id"], combos[cell.category_option_combo or "default"])

    mapping = suggest(FORM)
    cells = {key: as_uid(cell) for key, cell in mapping.cells.items()}
    units = {code: f"ou{code}" for code in CODES}
    found = look(server, replace(mapping, data_set="dsKBBULAN01", scheme="UID", cells=cells, org_units=units))
    assert found.findings == ()


def test_many_facilities_are_asked_for_a_few_at_a_time(server: MetadataServer) -> None:
    codes = [f"1403{number:05}" for number in range(2 * UNITS_AT_ONCE + 1)]
    server.known.objects["organisationUnits"] = make_known(FORM, codes).objects["organisationUnits"]
    assert look(server, codes=codes).findings == ()
    assert sum("organisationUnits.json" in one.path for one in server.seen) == 3
    assert max(len(one.path) for one in server.seen) < 4000


def test_a_check_is_kept_as_it_was_found(server: MetadataServer) -> None:
    server.known.take_out("KB_BARU")
    found = look(server)
    assert from_json(as_json(found)) == found


TRIES: dict[str, Reply | Fault] = {
    "login_refused": Reply.of_json({"message": "Unauthorized"}, 401),
    "forbidden": Reply.of_json({"message": "Access is denied"}, 403),
    "moved": Reply(302, headers={"Location": "/dhis-web-login/"}),
    "not_dhis2": Reply(200, b"<html><title>Wi-Fi login</title></html>", {"Content-Type": "text/html"}),
    "theirs": Reply(502, b"<html>bad gateway</html>"),
    "silent": Fault.LOST,
}


@pytest.mark.parametrize("outcome", list(TRIES))
def test_each_way_that_a_server_disappoints_has_its_name(server: MetadataServer, outcome: str) -> None:
    server.instead = TRIES[outcome]
    assert try_destination(make_client(server.url).get).outcome == outcome
    with pytest.raises(Unread) as caught:
        look(server)
    assert caught.value.knock.outcome == outcome


def test_a_server_that_works_tells_its_version_and_who_we_are(server: MetadataServer) -> None:
    found = try_destination(make_client(server.url).get)
    assert (found.outcome, found.version, found.user, found.units) == ("good", "2.40.3", "kabar", ("Riau",))


def test_a_user_who_may_not_write_is_told_before_anything_is_sent(server: MetadataServer) -> None:
    server.known.rights = ["F_VIEW"]
    assert try_destination(make_client(server.url).get).outcome == "no_right"
    server.known.rights, server.known.mine = ["ALL"], []
    assert try_destination(make_client(server.url).get).outcome == "no_unit"


def test_a_server_that_is_not_there_and_one_that_must_not_be_called_are_told_apart() -> None:
    with closed_address() as address:
        assert try_destination(make_client(address).get).outcome == "connect"
    assert try_destination(make_client("http://10.1.2.3").get).outcome == "scheme"
    assert try_destination(make_client("https://10.1.2.3").get).outcome == "private"
    assert try_destination(make_client("https://no-such-host.invalid").get).outcome == "name"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"version": 5, "authorities": "x"}'])
def test_an_answer_of_any_shape_is_no_stumbling_block(server: MetadataServer, body: bytes) -> None:
    server.instead = Reply(200, body)
    assert try_destination(make_client(server.url).get).outcome in {"not_dhis2", "good"}
