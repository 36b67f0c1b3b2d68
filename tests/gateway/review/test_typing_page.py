"""The clerk's desk: what is to be typed into SIGA, what is typed, and what changed after it was."""

from __future__ import annotations

from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.settling import Choices
from gateway.store import audit, export_choices
from gateway.store.audit import Wanted
from gateway.values import ReportState, Scope
from tests.district import District
from tests.gateway.export.making import settle
from tests.gateway.review.visits import Page, sign_in

ANI = {"baru": 12, "baru.pil": 5, "aktif": 40, "aktif.pil": 30}
SEPTEMBER = "period=2025-09&form=kb"


def listed(browser: FlaskClient, address: str = f"/typing?{SEPTEMBER}&lang=en") -> str:
    """Return the words of the list."""
    return " ".join(Page(browser.get(address)).words.split())


def screen(browser: FlaskClient, facility_id: int, about: str = SEPTEMBER) -> str:
    """Return a facility's screen."""
    return browser.get(f"/typing/{facility_id}?{about}&lang=en").text


def tick(browser: FlaskClient, facility_id: int, report_id: int) -> str:
    """Tick a facility as typed, and return where one is sent."""
    answer = browser.post(f"/typing/{facility_id}?{SEPTEMBER}", data={"report": str(report_id)})
    assert answer.status_code == 303
    return answer.location


def deeds(district: District) -> list[tuple[str, str]]:
    """Return what was written down about ticks, oldest first."""
    with district.database.session(read_only=True) as session:
        found = audit.search(session, Wanted(noun="report"), scope=Scope(""), limit=20)
    return [(one.action, one.subject) for one in found if one.action in ("tick", "untick")][::-1]


def test_only_settled_reports_are_to_be_typed(rina: FlaskClient, district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", ANI, state=ReportState.ACCEPTED)
    page = listed(rina)
    assert "PMB Ani 140300101 Bengkalis Not typed yet" in page
    assert "PMB Wati" not in page
    assert "0 / 1" in page


def test_figures_stand_in_the_order_of_the_entry_form_ready_to_copy(rina: FlaskClient, district: District) -> None:
    settle(district, "PMB01", ANI | {"ulang.suntik3": 7, "baru.mal": 3})
    page = Page(rina.get(f"/typing/{district.ids['PMB01']}?{SEPTEMBER}&lang=en"))
    figures = [
        (attrs["aria-label"], attrs["value"])
        for tag, attrs in page.tags
        if tag == "input" and attrs.get("class") == "figure" and "readonly" in attrs
    ]
    assert figures[:3] == [
        ("Suntik 3 bulan, Ulangan", "7"),
        ("Suntik 3 bulan, Total pelayanan (4+5+6)", "7"),
        ("Pil, Baru bukan pasca", "5"),
    ]
    assert ("Tidak dirinci, Jumlah baru (1+2+3)", "7") in figures
    assert ("Jumlah, Total pelayanan (4+5+6)", "19") in figures
    assert "Users now 40" in page.words
    assert "New users, Lactational amenorrhoea 3" in page.words


def test_a_tick_says_who_and_leads_to_the_next_that_is_not_typed(rina: FlaskClient, district: District) -> None:
    first = settle(district, "PMB01", ANI)
    settle(district, "PMB02", ANI)
    where = tick(rina, district.ids["PMB01"], first)
    assert f"/typing/{district.ids['PMB02']}?" in where
    assert "1 / 2" in listed(rina)
    assert "Typed District" in listed(rina)
    assert "PMB Ani" not in listed(rina, f"/typing?{SEPTEMBER}&only=open&lang=en")
    assert deeds(district) == [("tick", str(first))]


def test_a_report_that_changes_after_the_tick_shows_old_and_new_figures(rina: FlaskClient, district: District) -> None:
    tick(rina, district.ids["PMB01"], settle(district, "PMB01", ANI))
    settle(district, "PMB01", ANI | {"baru.pil": 8})
    assert "Changed after it was typed" in listed(rina)
    page = screen(rina, district.ids["PMB01"])
    assert "New users, Pill: 5 → <strong>8</strong>" in page
    assert "<del>5</del>" in page


def test_what_was_typed_and_counts_no_more_is_told_until_the_tick_is_taken(
    rina: FlaskClient, district: District
) -> None:
    report = settle(district, "PMB01", ANI)
    tick(rina, district.ids["PMB01"], report)
    settle(district, "PMB01", ANI, state=ReportState.FLAGGED)
    assert "Typed, settled no more" in listed(rina)
    assert "This report counts no more" in screen(rina, district.ids["PMB01"])
    answer = rina.post(f"/typing/{district.ids['PMB01']}?{SEPTEMBER}", data={"what": "untick"})
    assert answer.status_code == 303
    assert "PMB Ani" not in listed(rina)
    assert deeds(district) == [("tick", str(report)), ("untick", str(report))]


def test_a_report_that_changed_while_it_was_typed_is_not_ticked(rina: FlaskClient, district: District) -> None:
    old = settle(district, "PMB01", ANI)
    settle(district, "PMB01", ANI | {"aktif": 41})
    assert f"/typing/{district.ids['PMB01']}" in tick(rina, district.ids["PMB01"], old)
    assert "This report has changed while you were typing" in screen(rina, district.ids["PMB01"])
    assert deeds(district) == []


def test_ticking_twice_keeps_one_tick_and_one_deed(rina: FlaskClient, district: District) -> None:
    report = settle(district, "PMB01", ANI)
    tick(rina, district.ids["PMB01"], report)
    tick(rina, district.ids["PMB01"], report)
    assert "1 / 1" in listed(rina)
    assert len(deeds(district)) == 1


def test_the_undo_of_a_tick_takes_it_away(rina: FlaskClient, district: District) -> None:
    tick(rina, district.ids["PMB01"], settle(district, "PMB01", ANI))
    notice = rina.get(f"/typing?{SEPTEMBER}").text
    address = notice.split('action="/typing/')[1].split('"')[0].replace("&amp;", "&")
    assert rina.post(f"/typing/{address}").status_code == 303
    assert "0 / 1" in listed(rina)


def test_a_month_is_typed_apart_from_the_others_and_each_form_too(rina: FlaskClient, district: District) -> None:
    tick(rina, district.ids["PMB01"], settle(district, "PMB01", ANI))
    settle(district, "PMB01", ANI, period="2025-08")
    settle(district, "PMB01", {"awal.pil": 10, "akhir.pil": 9}, form="alokon")
    assert "0 / 1" in listed(rina, "/typing?period=2025-08&form=kb")
    assert "0 / 1" in listed(rina, "/typing?period=2025-09&form=alokon")
    assert 'aria-label="Pil (siklus), Selisih (7-6)"' in screen(
        rina, district.ids["PMB01"], "period=2025-09&form=alokon"
    )


def test_nobody_types_for_a_place_outside_their_area_or_without_the_right(district: District) -> None:
    report = settle(district, "PMB01", ANI)
    for role, area, status in (("officer", "72.71", 404), ("viewer", "14.03", 403)):
        browser = create_app(district.runtime).test_client()
        sign_in(browser, district.runtime, role, area)
        address = f"/typing/{district.ids['PMB01']}?{SEPTEMBER}"
        assert browser.get(address).status_code == status
        assert browser.post(address, data={"report": str(report)}).status_code == status
    assert deeds(district) == []


def test_a_layout_that_cannot_be_used_is_told_and_the_shipped_one_shown(rina: FlaskClient, district: District) -> None:
    settle(district, "PMB01", ANI)
    with district.database.session() as session:
        export_choices.choose(session, Choices("14.03", layout="[siga.kb]\npaper='A5'"), scope=Scope(""))
        session.commit()
    page = screen(rina, district.ids["PMB01"])
    assert "siga.kb.paper" in page
    assert "Pil, Baru bukan pasca" in page


def test_the_list_goes_on_from_any_place_without_a_fault(rina: FlaskClient, district: District) -> None:
    settle(district, "PMB01", ANI)
    settle(district, "PMB02", ANI)
    for after in ("140300101", "x", "%00", "-1"):
        page = listed(rina, f"/typing?{SEPTEMBER}&after={after}")
        assert ("PMB Ani" in page) is (after != "140300101")
        assert "PMB Wati" in page
