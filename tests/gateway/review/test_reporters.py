"""The reporters' pages: who is found, phones, moves, leave and stand-ins; and what that means for what they send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.runtime import Runtime
from gateway.store import audit, leaves, reporters, roster
from gateway.store.audit import Wanted
from gateway.store.roster import KnownReporter
from gateway.values import Scope
from tests.district import PHONES, District
from tests.gateway.review.registry import make_registry, reporter_id, version_on
from tests.gateway.review.visits import sign_in


@pytest.fixture
def ids(runtime: Runtime, visitor: FlaskClient) -> Mapping[str, int]:
    """The registry's facilities, with somebody of the district signed in."""
    found = make_registry(runtime)
    sign_in(visitor, runtime)
    return found


def person(runtime: Runtime, phone: str) -> KnownReporter:
    """Return who reports from a phone, as she stands now."""
    today = runtime.now().date()
    with runtime.database.session(read_only=True) as session:
        (found,) = roster.find_by_phones(session, [phone], scope=Scope(""), today=today)[phone]
    return found


def post(visitor: FlaskClient, runtime: Runtime, phone: str, path: str, **data: Any) -> Any:
    """Send a form of a reporter's page as it was opened."""
    at = f"/reporters/{reporter_id(runtime, phone)}"
    return visitor.post(f"{at}/{path}", data={"version": version_on(visitor, at)} | data)


def test_the_list_holds_the_own_area_and_tells_what_is_special(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    with runtime.database.session() as session:
        reporters.set_stopped(session, reporter_id(runtime, PHONES["budi"]), runtime.now())
        session.commit()
    page = visitor.get("/reporters").text
    assert "Wati" in page
    assert "Pustu Teluk" in page
    assert "Jauh" not in page
    assert "STOP" in page
    stopped = visitor.get("/reporters?state=stopped").text
    assert "Budi" in stopped
    assert "Wati" not in stopped


@pytest.mark.parametrize("words", ["wat", "0812-3000-0002", "81230000002"])
def test_she_is_found_by_name_or_number_and_no_address_holds_it(
    visitor: FlaskClient, ids: Mapping[str, int], words: str
) -> None:
    found = visitor.post("/reporters/search", data={"words": words})
    assert found.status_code == 200
    assert "Wati" in found.text
    assert "Budi" not in found.text


def test_a_reporter_of_another_area_is_not_there(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    far = reporter_id(runtime, "+6281230000072")
    assert visitor.get(f"/reporters/{far}").status_code == 404
    assert visitor.get(f"/reporters/{far}/edit").status_code == 404
    for path in ("suspend", "edit", "leaves", "facilities"):
        assert visitor.post(f"/reporters/{far}/{path}", data={"version": "0"}).status_code == 404
    assert "Jauh" not in visitor.post("/reporters/search", data={"words": "081230000072"}).text


def test_phones_are_changed_and_the_old_ones_let_go(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    typed = {"name": "Bidan Ani", "language": "en", "phones": "0812 3000 0001\n62813-3000-0009"}
    assert post(visitor, runtime, PHONES["ani"], "edit", **typed).status_code == 303
    ani = person(runtime, PHONES["ani"])
    assert (ani.name, ani.language, ani.phones) == ("Bidan Ani", "en", (PHONES["ani"], "+6281330000009"))
    with runtime.database.session(read_only=True) as session:
        (done,) = audit.search(session, Wanted(noun="reporter", action="change"), scope=Scope("14.03"))
    assert PHONES["ani2"] not in str(done.details), "the audit holds no whole number"
    assert done.details["before"]["name"] == "Ani"


@pytest.mark.parametrize(
    ("phones", "said"),
    [
        ("", "Wajib diisi"),
        ("12345", "bukan nomor HP"),
        ("8,1E+11", "dirusak"),
        ("081230000002", "dipakai bidan lain"),
        ("081230000072", "dipakai bidan lain"),
    ],
)
def test_a_number_that_cannot_be_hers_is_refused_in_words(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], phones: str, said: str
) -> None:
    answer = post(visitor, runtime, PHONES["ani"], "edit", name="Ani", language="id", phones=phones)
    assert answer.status_code == 422
    assert said in answer.text
    assert person(runtime, PHONES["ani"]).phones == (PHONES["ani"], PHONES["ani2"])


def test_a_clinic_may_share_a_phone_when_staff_say_so(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    typed = {"name": "Tia", "language": "id", "phones": "081230000004", "facility": ids["DAMON"]}
    assert visitor.post("/reporters/new", data=typed).status_code == 422
    assert visitor.post("/reporters/new", data=typed | {"is_shared": "1"}).status_code == 303


def test_the_second_of_two_is_told_so(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    at = f"/reporters/{reporter_id(runtime, PHONES['ani'])}"
    seen = {"version": version_on(visitor, at)}
    assert visitor.post(f"{at}/suspend", data=seen).status_code == 303
    late = visitor.post(f"{at}/suspend", data=seen)
    assert late.status_code == 409
    assert "Orang lain lebih dulu" in late.text


def test_her_only_facility_is_not_taken_from_her(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    answer = post(visitor, runtime, PHONES["ani"], f"facilities/{ids['PMB01']}/end")
    assert answer.status_code == 422
    assert "satu-satunya" in answer.text


def test_an_officer_cannot_take_a_midwife_into_a_kecamatan_that_is_not_hers(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    sign_in(visitor, runtime, role="officer", area="14.03.03")
    assert post(visitor, runtime, "+6281230000071", "facilities", facility=ids["PMB01"]).status_code == 422
    assert [one.short_name for one in person(runtime, "+6281230000071").assignments] == ["BUNGA"]


def test_the_old_kecamatan_of_a_midwife_who_moved_changes_nothing_of_hers(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    moved = {"facility": ids["PMB01"], "instead_of": ids["BUNGA"], "from_period": "2020-02"}
    assert post(visitor, runtime, "+6281230000071", "facilities", **moved).status_code == 303
    sign_in(visitor, runtime, role="officer", area="14.03.03")
    at = f"/reporters/{reporter_id(runtime, '+6281230000071')}"
    assert visitor.get(at).status_code == 200, "her earlier reports are theirs to look after"
    assert visitor.post(f"{at}/suspend", data={"version": version_on(visitor, at)}).status_code == 409
    assert person(runtime, "+6281230000071").is_active


def test_a_leave_is_written_down_and_taken_back(visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]) -> None:
    today, wati = runtime.now().date(), reporter_id(runtime, PHONES["wati"])
    days = {"from_on": today.isoformat(), "until_on": today.replace(year=today.year + 1).isoformat(), "stand_in": wati}
    assert post(visitor, runtime, PHONES["ani"], "leaves", **days).status_code == 303
    ani = reporter_id(runtime, PHONES["ani"])
    assert "Cuti sampai" in visitor.get("/reporters?state=away").text
    with runtime.database.session(read_only=True) as session:
        assert leaves.who_is_away(session, [ani, wati], today) == {ani}
        (leave,) = leaves.leaves_of(session, ani, scope=Scope("14.03"))
    assert "PMB01" in {one.short_name for one in person(runtime, PHONES["wati"]).assignments}
    assert post(visitor, runtime, PHONES["ani"], f"leaves/{leave.id}/drop").status_code == 303
    assert "PMB01" not in {one.short_name for one in person(runtime, PHONES["wati"]).assignments}


@pytest.mark.parametrize(
    "days", [{"from_on": "2025-10-05", "until_on": "2025-10-01"}, {"from_on": "kapan", "until_on": "2025-10-01"}]
)
def test_days_that_cannot_be_are_refused_in_words(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], days: Mapping[str, str]
) -> None:
    answer = post(visitor, runtime, PHONES["ani"], "leaves", **days)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_viewer_sees_no_whole_number_and_changes_nothing(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int]
) -> None:
    sign_in(visitor, runtime, role="viewer")
    at = f"/reporters/{reporter_id(runtime, PHONES['ani'])}"
    for address in ("/reporters", at):
        assert "1230000001" not in visitor.get(address).text.replace("-", "")
    assert "Ani" not in visitor.post("/reporters/search", data={"words": "081230000001"}).text
    assert visitor.post(f"{at}/suspend", data={"version": "0"}).status_code == 403
    assert visitor.get("/registrations").status_code == 403


@pytest.mark.parametrize("language", ["id", "en"])
def test_each_page_is_there_in_both_languages(
    visitor: FlaskClient, runtime: Runtime, ids: Mapping[str, int], language: str
) -> None:
    wati = f"/reporters/{reporter_id(runtime, PHONES['wati'])}"
    for address in ("/reporters", wati, f"{wati}?wanted=damon", f"{wati}/edit", "/reporters/new", "/registrations"):
        page = visitor.get(f"{address}{'&' if '?' in address else '?'}lang={language}")
        assert page.status_code == 200, address
        assert f'<html lang="{language}">' in page.text


def let_move(district: District, phone: str, old: str, new: str, month: str) -> None:
    """Let who reports from a phone report for another facility from a month on."""
    scope, before = Scope(""), f"{month[:5]}{int(month[5:]) - 1:02}"
    with district.database.session() as session:
        (one,) = reporters.find_by_phones(session, [PHONES[phone]])[PHONES[phone]]
        roster.assign(session, one.id, district.ids[new], scope=scope, from_period=month)
        roster.end_assignment(session, one.id, district.ids[old], scope=scope, until_period=before)
        session.commit()


def test_who_moved_reports_for_each_place_in_its_months_without_naming_it(district: District) -> None:
    let_move(district, "ani", "PMB01", "PMB05", "2025-09")
    assert "PMB Dewi" in district.say("ani", "KB 0925 BARU 5 AKTIF 30")
    assert "PMB Ani" in district.say("ani", "KB 0825 BARU 4 AKTIF 30")


def test_who_moved_is_told_of_the_place_that_is_hers_now(district: District) -> None:
    let_move(district, "ani", "PMB01", "PMB05", "2025-09")
    status = district.say("ani", "STATUS")
    assert "PMB Dewi" in status
    assert "PMB Ani" not in status


def test_who_is_on_leave_is_answered_all_the_same(district: District) -> None:
    first, last = datetime(2025, 10, 1, tzinfo=UTC).date(), datetime(2025, 12, 1, tzinfo=UTC).date()
    with district.database.session() as session:
        (ani,) = reporters.find_by_phones(session, [PHONES["ani"]])[PHONES["ani"]]
        leaves.add_leave(session, ani.id, first, last, None, scope=Scope(""))
        session.commit()
    assert "Terima kasih" in district.say("ani", "KB 0925 BARU 5 AKTIF 30")


def test_what_a_suspended_midwife_sends_is_held_until_she_may_again(district: District) -> None:
    with district.database.session() as session:
        (ani,) = reporters.find_by_phones(session, [PHONES["ani"]])[PHONES["ani"]]
        known = roster.find_reporter(session, ani.id, scope=Scope(""), today=NOON_DAY)
        assert known
        values = {"is_active": False}
        roster.change_reporter(session, ani.id, values, scope=Scope(""), version=known.version, month="2025-10")
        session.commit()
    district.say("ani", "KB 0925 BARU 5 AKTIF 30", provider_id="held1")
    assert district.message("held1").state == "held"


NOON_DAY = datetime(2025, 10, 3, tzinfo=UTC).date()
