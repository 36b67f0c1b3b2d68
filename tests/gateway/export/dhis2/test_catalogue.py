"""Every case of the catalogue, in each of the three generations: what is there, and in which words it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.http import HttpClient
from gateway.export.dhis2 import results
from gateway.export.dhis2.client import Client, import_params
from gateway.export.dhis2.payload import write_body
from gateway.export.dhis2.reasons import CODES, Reason
from gateway.export.dhis2.results import Course, Heard, Sent
from gateway.mapping import Cell, Destination
from gateway.redact import Secret
from tests.gateway.export.dhis2.dhis2_server import TOKEN, Dhis2Server
from tests.gateway.export.dhis2.their_country import make_country

HERE = Path(__file__).parent
CATALOGUE = json.loads((HERE / "catalogue.json").read_text())
MONTH: Mapping[str, Any] = json.loads((HERE / "month.json").read_text())
CASES = [(case["name"], generation) for case in CATALOGUE["cases"] for generation in (36, 42, 43)]
Change = Callable[[dict[str, Any]], object]


def value(at: int, **changed: object) -> Change:
    """Change one value of the month."""
    return lambda month: month["dataValues"][at].update(changed)


def group(**changed: object) -> Change:
    """Change what stands once for all values."""
    return lambda month: month.update(changed)


def _scatter(month: dict[str, Any]) -> None:
    for one in month["dataValues"]:
        one |= {"orgUnit": month["orgUnit"], "period": month["period"]}
    del month["orgUnit"], month["period"]
    month["dataValues"][5]["orgUnit"] = "3201019999"


def _complete_nowhere(month: dict[str, Any]) -> None:
    month["completeDate"] = "2025-10-03"
    for one in month["dataValues"]:
        one["orgUnit"] = month["orgUnit"]
    del month["orgUnit"]


def _repeat(month: dict[str, Any]) -> None:
    month["dataValues"].append(month["dataValues"][0] | {"value": "99"})


CHANGES: Mapping[str, Change] = {
    "unknown data element code": value(3, dataElement="KB_TYPO"),
    "unknown org unit code": group(orgUnit="3201019999"),
    "unknown org unit, one value of bulk": _scatter,
    "unknown data set code": group(dataSet="KB_LAMA"),
    "unknown category option combo": value(0, categoryOptionCombo="IUD_BARU"),
    "invalid period 202513": group(period="202513"),
    "period 2025-09": group(period="2025-09"),
    "quarterly period for monthly set": group(period="2025Q3"),
    "future period": group(period="202512"),
    "current month, openFuturePeriods=0": group(period="202510"),
    "value 1.234 (thousands dot)": value(2, value="1.234"),
    "value 1,5 (decimal comma)": value(2, value="1,5"),
    "value 007 (leading zero)": value(2, value="007"),
    "negative value": value(2, value="-3"),
    "value with space": value(2, value="12 "),
    "value 12.0": value(2, value="12.0"),
    "empty value": value(2, value=""),
    "empty value over an existing value": value(2, value=""),
    "numeric JSON value": value(2, value=7),
    "zero, zeroIsSignificant=false": value(2, value="0"),
    "duplicate key": _repeat,
    "atomic=true with one bad value": value(2, value="1,5"),
    "completeDate without orgUnit at group level": _complete_nowhere,
}
COUNTRIES: Mapping[str, Mapping[str, Any]] = {
    "expired period": {"expiry_days": 10, "today": date(2025, 11, 20)},
    "org unit outside user hierarchy": {"user_units": {"ouBidanAni1"}},
    "org unit not assigned to data set": {"assigned": {"ouBidanAni1"}},
    "zero, zeroIsSignificant=false": {"keeps_zero": False},
}
TWICE = {
    "empty value over an existing value",
    "importStrategy=CREATE on existing",
    "resend identical (retry)",
    "importStrategy=DELETE",
}
# Case: what it is called in each generation, by what it does; nothing where it is taken.
FINE = (None, None, None)
WORDS: Mapping[str, tuple[Reason | None, Reason | None, Reason | None]] = {
    "unknown data element code": (Reason.ABOUT_CELL, Reason.DATA_ELEMENT, Reason.DATA_ELEMENT),
    "unknown org unit code": (Reason.ORG_UNIT,) * 3,
    "unknown org unit, one value of bulk": (Reason.OTHER, Reason.ORG_UNIT, Reason.ORG_UNIT),
    "unknown data set code": (Reason.DATA_SET,) * 3,
    "unknown category option combo": (Reason.COMBO,) * 3,
    "invalid period 202513": (Reason.ABOUT_PERIOD, Reason.PERIOD, Reason.UNREADABLE),
    "period 2025-09": FINE,
    "quarterly period for monthly set": (None, None, Reason.PERIOD_TYPE),
    "future period": (Reason.ABOUT_PERIOD, Reason.FUTURE, Reason.UNTIMELY),
    "current month, openFuturePeriods=0": (Reason.ABOUT_PERIOD, Reason.FUTURE, Reason.UNTIMELY),
    "expired period": (Reason.ABOUT_PERIOD, Reason.EXPIRED, Reason.UNTIMELY),
    "org unit outside user hierarchy": (Reason.OTHER, Reason.OUTSIDE, Reason.OUTSIDE),
    "org unit not assigned to data set": (None, None, Reason.UNASSIGNED),
    "value 1.234 (thousands dot)": (Reason.ABOUT_CELL, Reason.VALUE, Reason.VALUE),
    "value 1,5 (decimal comma)": (Reason.ABOUT_CELL, Reason.VALUE, Reason.VALUE),
    "value 007 (leading zero)": (Reason.ABOUT_CELL, Reason.VALUE, Reason.VALUE),
    "negative value": (Reason.ABOUT_CELL, Reason.VALUE, Reason.VALUE),
    "value with space": (Reason.ABOUT_CELL, Reason.VALUE, Reason.VALUE),
    "value 12.0": (Reason.ABOUT_CELL, Reason.VALUE, None),
    "empty value": (None, None, Reason.EMPTY),
    "empty value over an existing value": (None, None, Reason.EMPTY),
    "numeric JSON value": (None, None, Reason.UNREADABLE),
    "zero, zeroIsSignificant=false": FINE,
    "duplicate key": (None, None, Reason.TWICE),
    "forgot idScheme=CODE": (Reason.DATA_SET, Reason.DATA_SET, Reason.DATA_ELEMENT),
    "importStrategy=CREATE on existing": FINE,
    "resend identical (retry)": FINE,
    "atomic=true with one bad value": (Reason.ABOUT_CELL, Reason.VALUE, Reason.ALL_OR_NOTHING),
    "dryRun=true": FINE,
    "importStrategy=DELETE": FINE,
    "completeDate without orgUnit at group level": (Reason.OTHER, Reason.OTHER, Reason.COMPLETE_DATE),
}
CELLS_NAMED = {Reason.DATA_ELEMENT, Reason.COMBO, Reason.ABOUT_CELL, Reason.VALUE, Reason.EMPTY}


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    """One line for all cases."""
    client = HttpClient()
    yield client
    client.close()


def make_client(http: HttpClient, address: str, hear: Callable[[Any], None] = lambda call: None) -> Client:
    """Return a client of a destination at an address."""
    place = Destination(1, "14.03", "ASDK", address, "token", "", "", is_on=True)
    return Client(http, place, Secret(TOKEN), hear)


def month_of(name: str) -> dict[str, Any]:
    """Return the data value set that a case sends."""
    month: dict[str, Any] = deepcopy(dict(MONTH))
    month.pop("completeDate", None)
    if name in CHANGES:
        CHANGES[name](month)
    return month


def sent_of(month: Mapping[str, Any]) -> Sent:
    """Return a data value set as what an answer is heard against."""
    cells = [Cell(one["dataElement"], one["categoryOptionCombo"]) for one in month["dataValues"]]
    return Sent(cells, month["dataSet"], month.get("orgUnit", ""), month.get("period", "202509"))


def reason_of(heard: Heard) -> Reason | None:
    """Return what a case ends in."""
    troubles = (*heard.whole, *heard.cells.values())
    named = [one.reason for one in troubles if one.reason is not Reason.WITH_OTHERS]
    return named[0] if named else None


@pytest.mark.parametrize(("name", "generation"), CASES)
def test_each_case_ends_in_its_words_and_stores_what_the_catalogue_says(
    http: HttpClient, name: str, generation: int
) -> None:
    case = next(one for one in CATALOGUE["cases"] if one["name"] == name)
    expected = case["gen"][str(generation)]
    country = make_country()
    for field, setting in COUNTRIES.get(name, {}).items():
        setattr(country, field, setting)
    month = month_of(name)
    with Dhis2Server(generation, country) as server:
        client = make_client(http, server.url)
        if name in TWICE:
            client.post_values(write_body(month_of("")), {"idScheme": "CODE"})
        assert len(server.imports.live) == expected["stored_before"]
        answer = client.post_values(write_body(month), case["request"]["query"])
        assert (answer.status, len(server.imports.live)) == (expected["http"], expected["stored_after"])
    heard = results.hear(answer.status, answer.headers, answer.body, sent_of(month))
    reason = reason_of(heard)
    assert reason is WORDS[name][(36, 42, 43).index(generation)]
    recorded = json.dumps(expected["response"]).encode()
    assert reason_of(results.hear(expected["http"], {}, recorded, sent_of(month))) is reason, "as in the catalogue"
    if name not in TWICE and heard.stored is not None and name != "dryRun=true":
        assert heard.stored == expected["stored_after"] + (name == "duplicate key" and generation < 43)
    if reason in CELLS_NAMED:
        changed = {at for at, one in enumerate(month["dataValues"]) if one != month_of("")["dataValues"][at]}
        told = {at for at, one in heard.cells.items() if one.reason is reason}
        assert told == (changed or {0}), "the very cell that is at fault is named"


def test_the_catalogue_is_known_case_by_case() -> None:
    assert {case["name"] for case in CATALOGUE["cases"]} == {*WORDS}
    assert len(CASES) == 93


STRANGE_ANSWERS: Mapping[str, tuple[Course, Reason]] = {
    "401 bad PAT": (Course.HALT, Reason.LOGIN),
    "403 missing F_DATAVALUE_ADD": (Course.HALT, Reason.FORBIDDEN),
    "401 wrong Basic password": (Course.HALT, Reason.LOGIN),
    "302 to login page (no Basic header and no X-Requested-With: XMLHttpRequest)": (Course.HALT, Reason.MOVED),
    "415 wrong content type": (Course.PARK, Reason.MEDIA),
    "409 malformed JSON (<=2.42)": (Course.READ_BACK, Reason.UNREADABLE),
    "400 invalid JSON or invalid ISO period (>=2.43)": (Course.PARK, Reason.UNREADABLE),
    "500 JSON number instead of string (2.43)": (Course.ONCE, Reason.UNREADABLE),
    "504 nginx while import goes on": (Course.READ_BACK, Reason.TIMED_OUT),
    "502/503 restart": (Course.WAIT, Reason.BUSY),
    "200 HTML (captive portal / SSO)": (Course.HALT, Reason.PAGE),
    "connection reset after send": (Course.READ_BACK, Reason.CUT),
    "async accepted": (Course.READ_BACK, Reason.ASYNC),
}


def test_each_way_a_connection_fails_is_known() -> None:
    assert {case["name"] for case in CATALOGUE["http_level"]} == {*STRANGE_ANSWERS}
    assert len(STRANGE_ANSWERS) == 13


def test_each_known_code_has_its_reason_and_an_unknown_one_keeps_its_number() -> None:
    conflict = {"errorCode": "E9999", "value": "something new", "indexes": [1]}
    summary = {"status": "WARNING", "importCount": {"imported": 39, "ignored": 1}, "conflicts": [conflict]}
    heard = results.hear(409, {}, json.dumps({"response": summary}).encode(), sent_of(month_of("")))
    assert (heard.cells[1].reason, heard.cells[1].code) == (Reason.OTHER, "E9999")
    assert Reason.OTHER not in CODES.values()


@pytest.mark.parametrize("generation", [36, 42, 43])
@pytest.mark.parametrize("name", ["quarterly period for monthly set", "org unit not assigned to data set"])
def test_what_would_be_taken_silently_is_refused_because_we_ask_for_strictness(
    http: HttpClient, name: str, generation: int
) -> None:
    country = make_country()
    for field, setting in COUNTRIES.get(name, {}).items():
        setattr(country, field, setting)
    with Dhis2Server(generation, country) as server:
        make_client(http, server.url).post_values(write_body(month_of(name)), import_params("CODE"))
        assert not server.imports.live


@pytest.mark.parametrize("generation", [36, 42, 43])
def test_a_compressed_body_is_taken_like_any_other(http: HttpClient, generation: int) -> None:
    with Dhis2Server(generation) as server:
        client = make_client(http, server.url)
        client.post_values(write_body(month_of("")), import_params("CODE"), is_packed=True)
        assert len(server.imports.live) == 40
