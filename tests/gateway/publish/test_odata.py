"""The feed for Excel and Power BI: flat, in pages, read with a token as the password; what it does not do it says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.publish import odata, odata_query
from gateway.publish.odata_query import read_filter
from gateway.publish.problems import Refusal
from tests.district import District
from tests.gateway.publish.conftest import WORDS, System

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database: that nothing leaks, and what is added up, is tested on both elsewhere."""
    return sqlite_url


@pytest.fixture
def filled(system: System, district: District) -> System:
    """A system that reads what four have reported."""
    for name in ("ani", "budi", "eve"):
        district.say(name, WORDS)
    district.say("budi", "ALOKON 0925 PIL AWAL 10 TERIMA 5 KELUAR 5 AKHIR 10 KONDOM AWAL 3 TERIMA 2 KELUAR 1 AKHIR 4")
    return system


def pages(system: System, path: str) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the rows of each page."""
    following: str | None = path
    while following:
        answer = system.feed(following)
        assert answer.status_code == 200, answer.text
        assert answer.headers["OData-Version"] == "4.0"
        yield answer.json["value"]
        link = answer.json.get("@odata.nextLink")
        assert link is None or link.startswith("http://localhost/odata/v1/")
        following = urlsplit(link)._replace(scheme="", netloc="").geturl().removeprefix("/odata/v1") if link else None


def rows(system: System, path: str) -> list[Mapping[str, Any]]:
    """Return the rows of all pages."""
    return [row for page in pages(system, path) for row in page]


def test_the_feed_describes_the_tables_and_columns_that_it_gives(filled: System) -> None:
    service = filled.feed("/").json
    names = [one["name"] for one in service["value"]]
    root = ET.fromstring(filled.feed("/$metadata").data)
    assert [one.get("Name") for one in root.iter(f"{EDM}EntitySet")] == names == ["Values", "Coverage"]
    for kind in root.iter(f"{EDM}EntityType"):
        name = str(kind.get("Name")).removesuffix("Row")
        columns = [str(one.get("Name")) for one in kind.iter(f"{EDM}Property")]
        answer = filled.feed(f"/{name}").json
        assert answer["@odata.context"] == f"http://localhost/odata/v1/$metadata#{name}"
        assert all(sorted(row) == sorted(columns) for row in answer["value"])
        keys = [tuple(row[one.get("Name")] for one in kind.iter(f"{EDM}PropertyRef")) for row in answer["value"]]
        assert len(keys) == len(set(keys))
        assert keys


@pytest.mark.parametrize("table", ["Values", "Coverage"])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_pages_of_a_table_together_are_the_whole(
    filled: System, table: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows(filled, f"/{table}")
    filtered = rows(filled, f"/{table}?$filter=period ge '2025-09'")
    monkeypatch.setattr(odata, "ROWS", size)
    paged = [*pages(filled, f"/{table}?$filter=period ge '2025-09'")]
    assert all(len(page) <= size for page in paged)
    assert [row for page in paged for row in page] == filtered
    assert filled.feed(f"/{table}?$count=true&$top=0").json == {
        "@odata.context": f"http://localhost/odata/v1/$metadata#{table}",
        "@odata.count": len(whole),
        "value": [],
    }
    assert filled.feed(f"/{table}/$count").text == str(len(whole))
    for top, skip in ((4, 0), (5, 2), (500, 9), (1, len(filtered) + 4)):
        query = f"/{table}?$filter=period ge '2025-09'&$top={top}&$skip={skip}"
        assert rows(filled, query) == filtered[skip : skip + top], (top, skip)


def test_filters_and_columns_are_taken_as_excel_writes_them(filled: System) -> None:
    query = "/Values?$select=measure,item,quantity&$filter=(form eq 'kb') and (facility_code eq '140300101')"
    assert rows(filled, query) == [
        {"measure": "aktif", "item": "", "quantity": 40},
        {"measure": "aktif", "item": "pil", "quantity": 30},
        {"measure": "baru", "item": "", "quantity": 12},
    ]

    def count(words: str) -> int:
        return len(rows(filled, f"/Values?$filter={words}"))

    assert count("item eq ''") == 6
    assert count("measure eq 'akhir' and item eq 'kondom'") == 1
    assert count("regency eq '14.03' and area eq '14.03.01'") == len(rows(filled, "/Values"))
    nothing = (
        "area eq '14.03'",
        "regency eq '72.71'",
        "form eq ''",
        "form eq 'kb' and form eq 'alokon'",
        "period lt '2025-09'",
    )
    assert [count(one) for one in nothing] == [0] * len(nothing)
    assert count("period gt '2025-08' and period le '2025-09'") == len(rows(filled, "/Values"))
    assert {row["area"] for row in rows(filled, "/Coverage?$filter=form eq 'kb'")} == {"14.03.01"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("$orderby=period", 501), ("$expand=x", 501), ("$search=x", 501), ("$apply=x", 501), ("$format=xml", 501)),
        *(("$filter=period eq '2025-09' or form eq 'kb'", 501), ("$filter=not form eq 'kb'", 501)),
        *(("$filter=quantity gt 3", 501), ("$filter=form ge 'kb'", 501), ("$filter=contains(form,'k')", 501)),
        *(("$filter=form eq 'kb' and", 501), ("$filter=(form eq 'kb'", 422), ("$filter=form eq 'kb", 422)),
        *(("$filter=period eq '2025'", 422), ("$top=-1", 422), ("$top=x", 422), ("$skip=1e3", 422)),
        *(("$select=nothing", 422), ("$count=yes", 422), ("$skiptoken=x", 422), ("$skiptoken=W10", 422)),
        *(("$skiptoken=WzEsIDIsIDNd", 422), ("$filter=" + "(" * 3000, 501)),
    ],
)
def test_what_the_feed_does_not_do_is_refused_in_words(filled: System, query: str, status: int) -> None:
    answer = filled.feed(f"/Values?{query}")
    assert answer.status_code == status
    assert answer.json["error"]["message"]
    assert answer.headers["OData-Version"] == "4.0"


def test_the_feed_opens_with_a_token_as_password_only(filled: System) -> None:
    for password in ("", "x", "kabar_" + "0" * 36):
        answer = filled.feed("/Values", password)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Kabar", charset="UTF-8"'
    bearer = filled.client.get("/odata/v1/Values", headers={"Authorization": f"Bearer {filled.secret}"})
    assert bearer.status_code == 200


def test_a_sum_over_the_feed_is_the_sum_of_the_reports(filled: System) -> None:
    reports = filled.all_items("/reports?form=kb")
    values = rows(filled, "/Values?$filter=form eq 'kb' and measure eq 'baru' and item eq ''")
    assert sum(row["quantity"] for row in values) == sum(one["values"]["baru"] for one in reports) == 36


def test_a_filter_with_a_quote_in_it_is_read_as_odata_doubles_it() -> None:
    [clause] = read_filter("form eq 'it''s'", {"form": frozenset({"eq"})})
    assert clause.value == "it's"
    with pytest.raises(Refusal):
        odata_query.read_place("!")
