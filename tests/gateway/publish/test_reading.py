"""What the API gives to read: the token's area and nothing else, whole over all pages, and only once what is known."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gateway.publish import openapi
from gateway.settling import Choices, SettlesAt
from gateway.store import export_choices
from gateway.values import Scope
from tests.district import District
from tests.gateway.publish.conftest import WORDS, System, Systems

NEIGHBOUR = ("727150100", "Palu", "177", "PALU1", "+6281250000001", "72.71")


def ids_of(district: District) -> Mapping[str, object]:
    """Return what the neighbour's rows are called by in addresses."""
    with district.database.session(read_only=True) as session:
        report = session.execute(
            text("SELECT max(r.id) FROM reports r JOIN facilities f ON f.id = r.facility_id WHERE f.area = '72.71.01'")
        ).scalar_one()
        reporter = session.execute(text("SELECT max(id) FROM reporters")).scalar_one()
    return {"report_id": report, "reporter_id": reporter, "code": "727150100"}


def test_no_route_shows_anything_of_another_area_however_it_is_asked(systems: Systems, district: District) -> None:
    """Each route there is, bare, with each parameter, and with the neighbour's own rows in its address."""
    ids = ids_of(district)
    asked = {"area": "72.71", "facility": "727150100", "period": "2025-09", "state": "all", "limit": "500"}
    reads = [one for _, one in openapi.list_operations() if one.method == "GET"]
    assert len(reads) >= 8
    for area in ("14.03", "14.03.01", "72.7", "72"):
        system, owner = systems.make(area), systems.make("72.71")
        shown = 0
        for one in reads:
            path = one.path.format(**ids)
            names = {parameter["name"] for parameter in openapi.list_parameters(one) if parameter["in"] == "query"}
            queries = ["", *(f"?{name}={asked[name]}" for name in sorted(names & set(asked)))]
            for query in queries:
                answer = system.get(path + query)
                leaks = [mark for mark in NEIGHBOUR if mark in answer.text.replace("PALU-", "")]
                if area == "72":  # the province around it
                    continue
                assert not leaks, f"{path}{query} shows {leaks} to {area}"
                if path != one.path or query == "?area=72.71":
                    assert answer.status_code == 404, f"{path}{query} answers {answer.status_code} to {area}"
            shown += any(mark in owner.get(path).text for mark in NEIGHBOUR)
        assert shown >= 7, "this test would not notice a leak"
        for path in ("/Values", "/Coverage"):
            if area != "72":
                assert not [mark for mark in NEIGHBOUR if mark in system.feed(path).text]
            assert "72.71" in owner.feed(path).text


def test_what_is_foreign_and_what_is_not_there_are_answered_alike(system: System, district: District) -> None:
    ids = ids_of(district)
    for path, name, nothing in (
        ("/reports/{}", "report_id", "999999"),
        ("/reporters/{}", "reporter_id", "99999"),
        ("/facilities/{}", "code", "999999999"),
    ):
        foreign, absent = system.get(path.format(ids[name])), system.get(path.format(nothing))
        assert (foreign.status_code, foreign.text) == (absent.status_code, absent.text) == (404, foreign.text)
    sent = [system.report(key, facility=code) for key, code in (("a", "727150100"), ("b", "999999999"))]
    told = [one.text.replace("727150100", "X").replace("999999999", "X") for one in sent]
    assert told[0] == told[1]
    assert {one.status_code for one in sent} == {422}


def test_a_reporter_of_two_areas_is_shown_with_the_facilities_of_the_tokens_own(
    systems: Systems, district: District
) -> None:
    with district.database.session() as session:
        session.execute(
            text(
                "INSERT INTO reporter_facilities (reporter_id, facility_id, is_responsible) SELECT r.id, f.id, true "
                "FROM reporters r, facilities f WHERE r.name = 'Ani' AND f.code = '727150100'"
            )
        )
        session.commit()
    [ani] = [one for one in systems.make("14.03").get("/reporters").json["items"] if one["name"] == "Ani"]
    assert [one["code"] for one in ani["facilities"]] == ["140300101"]
    assert ani["phones"] == ["+62812•••0001", "+62812•••0011"]


def test_a_report_is_told_with_its_values_and_whether_it_is_handed_on(system: System, district: District) -> None:
    district.say("ani", WORDS)
    [report] = system.get("/reports?form=kb&period=2025-09").json["items"]
    assert report["values"] == {"baru": 12, "aktif": 40, "aktif.pil": 30}
    assert (report["state"], report["counts"], report["settled"], report["source"]) == (
        "accepted",
        True,
        False,
        "message",
    )
    with district.database.session() as session:
        export_choices.choose(session, Choices("14.03", SettlesAt.ACCEPTED), scope=Scope("14.03"))
        session.commit()
    assert system.get(f"/reports/{report['id']}").json == report | {"settled": True}
    assert system.get("/coverage").json["settled"] == 1


def test_filters_narrow_down_and_unknown_ones_are_refused(system: System, district: District) -> None:
    district.say("ani", WORDS)
    district.say("budi", "ALOKON 0925 PIL AWAL 10 TERIMA 5 KELUAR 5 AKHIR 10")

    def count(query: str) -> int:
        return len(system.get(f"/reports{query}").json["items"])

    assert [count(one) for one in ("", "?form=kb", "?form=alokon", "?period=2025-08", "?facility=140300100")] == [
        *(2, 1, 1, 0, 1)
    ]
    for query in ("?from=kb", "?period=2025-13", "?limit=0", "?limit=501", "?limit=1&limit=2", "?period=", "?state=x"):
        answer = system.get(f"/reports{query}")
        assert (answer.status_code, bool(answer.json["faults"][0]["fault_id"])) == (422, True), query


def test_what_changed_since_an_instant_is_found_also_where_only_its_state_did(
    system: System, district: District
) -> None:
    district.say("ani", WORDS)
    [first] = system.get("/reports").json["items"]
    district.pass_time(hours=1)
    later = f"{district.runtime.now():%Y-%m-%dT%H:%M:%SZ}"
    path = f"/reports?state=all&changed_since={later}"
    assert system.get(path).json["items"] == []
    district.say("ani", "KB 0925 BARU 13 AKTIF 41")
    found = system.get(path).json["items"]
    assert [(one["state"], one["replaces"]) for one in found] == [("replaced", None), ("accepted", first["id"])]
    assert [one["id"] for one in system.get("/reports").json["items"]] == [found[1]["id"]]


def test_an_answer_that_is_known_is_not_sent_again_until_something_changes(system: System, district: District) -> None:
    first = system.get("/reports")
    again = system.get("/reports", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    district.say("ani", WORDS)
    assert system.get("/reports", If_None_Match=first.headers["ETag"]).status_code == 200


def test_a_cursor_of_another_question_or_of_nobody_is_refused_in_words(system: System) -> None:
    following = system.get("/facilities?limit=1").json["next"]
    cursor = following.rpartition("cursor=")[2]
    assert system.get(f"/facilities?limit=3&cursor={cursor}").status_code == 200
    for path in (f"/facilities?type=PMB&cursor={cursor}", f"/reports?cursor={cursor}", "/reports?cursor=e30"):
        assert system.get(path).status_code == 422, path


def test_a_cursor_that_was_made_by_hand_is_refused_in_words(system: System) -> None:
    cursor = system.get("/facilities?limit=1").json["next"].rpartition("cursor=")[2]
    mark = json.loads(base64.urlsafe_b64decode(cursor + "==="))[0]
    places: list[object] = [-1, 2**63, True, None, 1.5, "x\x00", "٣", "", [], {}]
    for place in places:
        forged = base64.urlsafe_b64encode(json.dumps([mark, place]).encode()).decode().rstrip("=")
        assert system.get(f"/facilities?cursor={forged}").status_code == 422, place


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3), late=st.integers(0, 3))
def test_the_pages_together_are_the_whole_list_while_rows_come_in(
    system: System, district: District, sizes: list[int], late: int
) -> None:
    """Whatever the sizes of the pages: nothing twice, nothing left out, what comes in meanwhile stands at the end."""
    for name in ("ani", "budi", "clinic", "eve"):
        district.say(name, "KB 0925 BARU 1 AKTIF 20")
    before = [one["id"] for one in system.get("/reports?state=all&limit=500").json["items"]]
    found: list[int] = []
    cursor: str | None = ""
    turn = 0
    while cursor is not None:
        size = sizes[turn % len(sizes)]
        answer = system.get(f"/reports?state=all&limit={size}{cursor}").json
        assert len(answer["items"]) <= size
        found += [one["id"] for one in answer["items"]]
        if turn == late:
            district.say("wati", f"KB PMB02 0925 BARU {len(before) % 50} AKTIF 60")
        cursor = f"&cursor={answer['next'].rpartition('cursor=')[2]}" if answer["next"] else None
        turn += 1
    assert found == sorted(set(found))
    assert found[: len(before)] == before


@pytest.mark.parametrize("path", ["/facilities", "/reporters", "/stock"])
def test_every_list_is_whole_over_pages_of_one(system: System, district: District, path: str) -> None:
    for name in ("budi", "ani"):
        district.say(name, "ALOKON 0925 PIL AWAL 10 TERIMA 5 KELUAR 5 AKHIR 10")
    whole = system.get(f"{path}?limit=500").json["items"]
    assert len(whole) >= 2
    assert system.all_items(f"{path}?limit=1") == whole
    link = system.get(f"{path}?limit=1").headers["Link"]
    assert link == f'<{system.get(f"{path}?limit=1").json["next"]}>; rel="next"'


def test_coverage_adds_up_by_group_and_by_kecamatan(system: System, district: District) -> None:
    district.say("ani", WORDS)
    told = system.get("/coverage?form=kb&period=2025-09").json
    assert (told["there"], told["reported"], told["settled"]) == (7, 1, 0)
    for part in ("groups", "areas"):
        assert sum(one["there"] for one in told[part]) == 7
        assert sum(one["reported"] for one in told[part]) == 1
    assert told["areas"][0]["area"] == "14.03.01"
    assert system.get("/coverage?form=nothing").status_code == 404


def test_stock_is_told_with_its_status_and_what_to_send(system: System, district: District) -> None:
    district.say("budi", "ALOKON 0925 PIL AWAL 10 TERIMA 5 KELUAR 10 AKHIR 5")
    [told] = system.get("/stock?item=pil").json["items"]
    [pil] = told["items"]
    assert (told["facility"], pil["left"], pil["status"], pil["months"], pil["resupply"]) == (
        *("140300100", 5, "kurang", 0.5, 25),
    )


def test_the_description_and_its_page_need_no_token_and_hold_nothing_of_anybody(app: Flask) -> None:
    stranger = app.test_client()
    spec = json.loads(stranger.get("/api/v1/openapi.json").data)
    assert spec["openapi"] == "3.1.0"
    names = set(spec["components"]["schemas"])
    assert set(find_refs(spec)) <= {f"#/components/schemas/{name}" for name in names}
    told = {operation["operationId"] for path in spec["paths"].values() for operation in path.values()}
    for language, word in (("id", "Memulai"), ("en", "Begin")):
        page = stranger.get(f"/api/v1/docs?lang={language}")
        assert word in page.text
        assert all(f'id="{name}"' in page.text for name in told)
        assert "<script" not in page.text
        assert f'lang="{language}"' in page.text
    assert stranger.get("/api/v1/docs?lang=xx").status_code == 200
    assert json.dumps(spec).count("Palu") == 0


def find_refs(spec: object) -> list[str]:
    """Return everything that a description points to."""
    if isinstance(spec, dict):
        own = [spec["$ref"]] if "$ref" in spec else []
        return own + [ref for value in spec.values() for ref in find_refs(value)]
    return [ref for value in spec for ref in find_refs(value)] if isinstance(spec, list) else []
