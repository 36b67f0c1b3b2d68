"""The ladder's page: which steps there are, changed within one's area, checked in words; and reminders go by it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from gateway.app import create_app
from gateway.calendar import Hours
from gateway.ladder import Audience, OffDays, find_ladder
from gateway.store import audit, ladders
from gateway.store.audit import Wanted
from gateway.values import Scope
from tests.district import District
from tests.gateway.review.visits import sign_in
from tests.reminding import at, look, share_clock, told

ADDRESS = "/reminders/ladder"
COUNTRY = Scope("")
MANNERS = {"area": "14.03", "form": "kb", "first": "9", "last": "17", "off_days": "sundays", "spread": "60"}


@pytest.fixture(autouse=True)
def the_day_before(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon of the day before the first reminders go."""
    share_clock(district, monkeypatch)
    district.set_clock(at(1, 12))


def visit(district: District, role: str = "district", area: str = "14.03") -> FlaskClient:
    """Return a browser in which somebody of this role and area is signed in."""
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime, role, area)
    return browser


def read_form(page: str) -> list[tuple[str, str]]:
    """Return what the ladder's form would send as it stands, without its token."""
    form = page.partition(f'<form method="post" action="{ADDRESS}">')[2].partition("</form>")[0]
    found = []
    for tag, inside in re.findall(r"(<input[^>]*>|<select[^>]*>)(.*?)(?=<input|<select|$)", form, re.DOTALL):
        known = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if tag.startswith("<select"):
            chosen = re.search(r'<option value="([^"]*)" selected', inside)
            found.append((known["name"], chosen[1] if chosen else ""))
        elif known["type"] != "checkbox" or re.search(r"\schecked", tag):
            found.append((known["name"], known.get("value", "")))
    return [(name, value) for name, value in found if name != "csrf"]


def fill(browser: FlaskClient, query: str = "", **changes: Any) -> list[tuple[str, str]]:
    """Return the ladder's form as it stands, with the steps' fields changed: `days={"before": "5"}`."""
    fields = read_form(browser.get(f"{ADDRESS}{query}").text)
    codes = [value for name, value in fields if name == "code"]
    counts = dict.fromkeys(changes, 0)
    filled = []
    for name, value in fields:
        if name in changes and isinstance(changes[name], dict):
            code = codes[counts[name]]
            counts[name] += 1
            filled.append((name, changes[name].get(code, value)))
        else:
            filled.append((name, value))
    return filled


def send(browser: FlaskClient, fields: list[tuple[str, str]]) -> Any:
    """Send the ladder's form."""
    return browser.post(f"{ADDRESS}?lang=en", data=MultiDict(fields))


def counting(district: District, area: str = "14.03.01", form: str = "kb") -> Any:
    """Return the ladder that counts."""
    with district.database.session(read_only=True) as session:
        chosen = ladders.all_ladders(session)
    return find_ladder((*district.runtime.rules.ladders, *chosen), area, form)


def deeds(district: District) -> list[str]:
    """Return what was written down about ladders and manners, the newest first."""
    with district.database.session(read_only=True) as session:
        found = audit.search(session, Wanted(), scope=COUNTRY, limit=20)
    return [f"{one.action} {one.noun} {one.subject}".strip() for one in found if one.noun in ("ladder", "manners")]


def test_the_steps_stand_with_their_dates_in_both_languages(rina: FlaskClient) -> None:
    page = rina.get(f"{ADDRESS}?lang=en").text
    assert "Thursday 2 Oct, 08:00" in page
    assert "Friday 10 Oct, 09:00" in page
    assert "These count for the whole country." in page
    page = rina.get(f"{ADDRESS}?lang=id").text
    assert "Kamis 2 Okt, 08.00" in page
    assert "bidan penanggung jawab" in page


def test_what_is_saved_unchanged_is_the_same_ladder(rina: FlaskClient, district: District) -> None:
    before = counting(district)
    assert send(rina, fill(rina)).status_code == 303
    after = counting(district)
    assert (after.area, after.is_on, after.types, after.rungs) == ("14.03", True, frozenset(), before.rungs)
    assert "Chosen here." in visit(district).get(f"{ADDRESS}?lang=en").text
    assert deeds(district) == ["change ladder kb"]


def test_a_step_that_was_moved_goes_on_its_new_day(rina: FlaskClient, district: District) -> None:
    assert send(rina, fill(rina, days={"before": "1"}, hour={"before": "10"})).status_code == 303
    assert look(district, 2, 8) == 0
    assert look(district, 4, 9) == 0
    assert look(district, 4, 10) == 5


def test_a_step_is_switched_off_removed_and_added(rina: FlaskClient, district: District) -> None:
    fields = [pair for pair in fill(rina) if pair != ("is_on", "before")] + [("remove", "due"), ("add", "1")]
    places = [at for at, (name, _) in enumerate(fields) if name == "days"]
    fields[places[-1]] = ("days", "4")
    assert send(rina, fields).status_code == 303
    rungs = {rung.code: rung for rung in counting(district).rungs}
    assert not rungs["before"].is_on
    assert "due" not in rungs
    assert rungs["step1"].days == 4
    assert rungs["step1"].audience is Audience.RESPONSIBLE
    assert look(district, 2, 8) == 0


def test_a_form_is_asked_for_of_some_types_only(rina: FlaskClient, district: District) -> None:
    fields = [*fill(rina, "?form=alokon"), ("is_asked", "1"), ("types", "PUSKESMAS"), ("types", "nonsense")]
    assert send(rina, fields).status_code == 303
    chosen = counting(district, form="alokon")
    assert chosen.is_on
    assert chosen.types == {"PUSKESMAS"}
    look(district, 2, 8)
    assert "budi" in told(district)
    page = visit(district).get("/reminders?lang=en&form=alokon&verdict=not_asked").text
    assert "Facilities of this type are not asked for this form" in page


def test_a_form_that_is_no_longer_asked_for_reminds_nobody(rina: FlaskClient, district: District) -> None:
    send(rina, [pair for pair in fill(rina) if pair[0] != "is_asked"])
    assert look(district, 2, 8) == 0
    assert "This form is not asked for here" in visit(district).get(f"{ADDRESS}?lang=en").text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"days": {"before": "28"}}, "A number of days from 0 to 27."),
        ({"days": {"before": "x"}}, "A number of days from 0 to 27."),
        ({"days": {"before": ""}}, "A number of days from 0 to 27."),
        ({"days": {"before": "0"}}, "Another step for the same people stands on this day."),
        ({"hour": {"before": "23"}}, "Nobody is written to at this hour."),
        ({"hour": {"before": ""}}, "Please choose one."),
        ({"audience": {"before": "everybody"}}, "Please choose one."),
        ({"wording": {"before": "thanks_year"}}, "This sentence is not for them."),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_what_was_typed_stays(
    rina: FlaskClient, district: District, changes: dict[str, Any], fault: str
) -> None:
    before = counting(district)
    fields = fill(rina, "", **changes)
    answer = send(rina, fields)
    assert answer.status_code == 422
    assert answer.text.count(fault) == 1
    assert counting(district) == before
    [typed] = [one["before"] for one in changes.values()]
    if typed.isdigit():
        assert ("days" if "days" in changes else "hour", typed) in read_form(answer.text)


def test_a_step_for_staff_has_its_own_sentence_whatever_is_chosen(rina: FlaskClient, district: District) -> None:
    assert send(rina, fill(rina, audience={"late": "district"}, days={"late": "9"})).status_code == 303
    assert {rung.code: rung.wording for rung in counting(district).rungs}["late"] == "remind_district"


def test_whoever_comes_second_is_told_and_overwrites_nothing(rina: FlaskClient, district: District) -> None:
    late = fill(rina, days={"before": "6"})
    assert send(rina, fill(rina, days={"before": "7"})).status_code == 303
    answer = send(rina, late)
    assert answer.status_code == 409
    assert "Somebody else has changed this meanwhile" in answer.text
    assert counting(district).rungs[0].days == -7


def test_an_area_goes_back_to_the_ladder_around_it(rina: FlaskClient, district: District) -> None:
    before = counting(district)
    send(rina, fill(rina, days={"before": "7"}))
    assert rina.post(ADDRESS, data={"area": "14.03", "form": "kb", "what": "drop"}).status_code == 303
    assert counting(district) == before
    assert deeds(district) == ["drop ladder kb", "change ladder kb"]


def test_a_kecamatan_has_its_own_ladder_and_the_regency_shows_where(rina: FlaskClient, district: District) -> None:
    send(rina, fill(rina, "?area=14.03.01", days={"before": "7"}))
    assert counting(district, "14.03.01").rungs[0].days == -7
    assert counting(district, "14.03.02").rungs[0].days == -3
    assert "Chosen elsewhere in your area" in rina.get(f"{ADDRESS}?lang=en").text


def test_hours_and_days_are_chosen_and_reminders_keep_to_them(rina: FlaskClient, district: District) -> None:
    assert rina.post("/reminders/manners", data=MANNERS).status_code == 303
    with district.database.session(read_only=True) as session:
        [chosen] = ladders.all_manners(session)
    assert (chosen.hours, chosen.off_days, chosen.spread_minutes) == (Hours(9, 17), OffDays.SUNDAYS, 60)
    assert look(district, 2, 8) == 0
    assert look(district, 2, 9) == 5
    page = visit(district).get(f"{ADDRESS}?lang=en").text
    assert "Saturday 4 Oct, 09:00" in page  # the due day is a Sunday
    drop = {"area": "14.03", "form": "kb", "what": "drop"}
    assert visit(district).post("/reminders/manners", data=drop).status_code == 303
    assert deeds(district) == ["drop manners", "change manners"]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"first": "4"}, "Hours from 5 to 22"),
        ({"last": "23"}, "Hours from 5 to 22"),
        ({"first": "17"}, "Hours from 5 to 22"),
        ({"first": "x"}, "Hours from 5 to 22"),
        ({"spread": "601"}, "Minutes from 0 to 600"),
        ({"spread": ""}, "Minutes from 0 to 600"),
        ({"off_days": "fridays"}, "Please choose one"),
    ],
)
def test_manners_that_cannot_be_are_told_beside_their_field(
    rina: FlaskClient, district: District, typed: dict[str, str], fault: str
) -> None:
    answer = rina.post("/reminders/manners?lang=en", data=MANNERS | typed)
    assert answer.status_code == 422
    assert fault in answer.text
    with district.database.session(read_only=True) as session:
        assert ladders.all_manners(session) == ()


@pytest.mark.parametrize("role", ["viewer", "officer"])
def test_who_may_not_choose_is_told_so(district: District, role: str) -> None:
    browser = visit(district, role)
    assert browser.get(ADDRESS).status_code == 403
    assert browser.post(ADDRESS, data={"area": "14.03", "form": "kb"}).status_code == 403
    assert browser.post("/reminders/manners", data=MANNERS).status_code == 403


@pytest.mark.parametrize("area", ["15.01", "14", "", "14.99"])
def test_an_area_of_others_is_not_there(rina: FlaskClient, district: District, area: str) -> None:
    assert rina.get(f"{ADDRESS}?area={area}").status_code == 404
    assert send(rina, [("area", area), ("form", "kb"), ("what", "drop")]).status_code == 404
    assert rina.post("/reminders/manners", data=MANNERS | {"area": area}).status_code == 404
    with district.database.session(read_only=True) as session:
        assert ladders.all_manners(session) == ()


def test_an_administrator_of_the_country_chooses_for_all(budi: FlaskClient, district: District) -> None:
    assert send(budi, fill(budi, "?area=", days={"before": "7"})).status_code == 303
    assert counting(district).rungs[0].days == -7
    assert counting(district).area == ""
