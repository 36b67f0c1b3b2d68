"""The door for USSD and the way back: whoever has dialled is written to by SMS, never by what sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.app import create_app
from gateway.channels.ussd.simulator import write_hop
from gateway.errors import Misconfigured
from gateway.redact import Secret
from gateway.review import decide
from gateway.runtime import make_ussd_channels
from gateway.settings import Settings
from gateway.store import answering, audience, conversations, inbox, outbox
from gateway.store.audience import Audience
from gateway.store.base import Database
from gateway.store.reporters import reporters
from gateway.store.way_back import Outgoing, find_way_back
from gateway.values import OutboxState, Scope
from tests.dialling import UMB, Handset, dial_district, received, to_be_sent
from tests.district import PHONES, District
from tests.gateway.review.deciding import office, seen, settle
from tests.gateway.review.visits import sign_in

ALL = Scope("")


@pytest.fixture
def district(sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path) -> District:
    """The district with a USSD channel, in which Ani has dialled her report of September."""
    made = dial_district(open_database(sqlite_url), tmp_path / "var")
    phone = Handset(made)
    phone.dial()
    phone.press_each("1", "1", "12", "40", "1")
    return made


def test_what_staff_decide_about_a_dialled_report_is_told_by_sms(district: District) -> None:
    ours = replace(office(district), outgoing=district.runtime.outgoing)
    done = settle(district, lambda s: decide.reject(s, ours, seen(district), "Angka terlalu besar.", tell=True))
    assert done.channel == to_be_sent(district)[-1].channel == "simulator"
    assert district.send() == 1


def test_staff_can_answer_a_dialled_report_in_their_own_words(district: District) -> None:
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime)
    form = {"text": "Rapat hari Jumat, Bu.", "key": "a" * 24}
    assert browser.post(f"/messages/thread/{received(district)[0].id}/answer", data=form).status_code == 303
    told = to_be_sent(district)[-1]
    assert (told.text, told.channel, told.state) == ("Rapat hari Jumat, Bu.", "simulator", OutboxState.QUEUED)


def test_reminders_and_broadcasts_to_who_has_dialled_last_go_by_sms(district: District) -> None:
    runtime = district.runtime
    with district.database.session(read_only=True) as session:
        routes = audience.find_routes(session, runtime.ways.channels, runtime.ways.only_bound)
        people = audience.list_audience(session, Audience("14"), routes, scope=ALL)
        [ani] = answering.find_team(session, [district.ids["PMB01"]]).by_facility[district.ids["PMB01"]]
    assert UMB not in runtime.ways.channels
    assert {one.channel for one in people} == {"simulator"}
    assert ani.last_channel == UMB, "what she last wrote by"
    assert routes.choose(ani.only_channel, ani.last_channel, "14.03.01") == "simulator"


def test_a_dialled_report_that_is_read_again_is_answered_by_sms(district: District) -> None:
    with district.database.session() as session:
        inbox.give_to_staff(session, [received(district)[0].id])
        inbox.put_back_one(session, received(district)[0].id)
        session.commit()
    assert district.handle() == 1
    assert (to_be_sent(district)[-1].channel, to_be_sent(district)[-1].state) == ("simulator", OutboxState.QUEUED)


def test_the_way_back_is_the_channel_that_she_last_wrote_an_sms_by(district: District) -> None:
    district.keep("ani", "HALO", channel="modem2")
    district.keep("ani", "HALO", channel=UMB)
    outgoing = Outgoing(("modem1", "modem2"), frozenset(), frozenset({UMB}))
    with district.database.session(read_only=True) as session:
        assert find_way_back(session, outgoing, UMB, PHONES["ani"]) == "modem2"
        assert find_way_back(session, outgoing, UMB, PHONES["eve"]) == "modem1"
        assert find_way_back(session, outgoing, "modem1", PHONES["ani"]) == "modem1"


def test_an_answer_that_was_read_on_the_screen_is_none_that_staff_must_look_after(district: District) -> None:
    with district.database.session(read_only=True) as session:
        assert {one.channel for one in outbox.latest_to(session)} == {"simulator"}
        assert conversations.undelivered(session, scope=ALL) == ()
    browser = create_app(district.runtime).test_client()
    sign_in(browser, district.runtime)
    assert "sudah dibaca di layar UMB" in browser.get(f"/messages/thread/{received(district)[0].id}").text


def test_the_door_takes_every_method_and_what_gateways_write_behind_its_address(district: District) -> None:
    client = create_app(district.runtime).test_client()
    secret = Secret((district.runtime.settings.var / "simulator.secret").read_text().strip())
    hop = write_hop(secret, "s", PHONES["ani"], is_first=True, name=UMB)
    shown = [
        client.open(path, method=method, data=hop.body, headers=dict(hop.headers))
        for method in ("POST", "PUT", "GET")
        for path in (f"/in/{UMB}/ussd", f"/in/{UMB}/ussd/session/17/start")
    ]
    assert {answer.status_code for answer in shown} == {200}
    assert len({answer.text for answer in shown}) == 1
    assert client.post("/in/nobody/ussd", data=hop.body, headers=dict(hop.headers)).status_code == 404
    assert client.post(hop.path, data=b"{}", headers=dict(hop.headers)).status_code == 400
    assert client.post(hop.path, data=hop.body, headers={"content-type": "application/json"}).status_code == 403


def test_a_reporter_of_the_demonstration_dials_by_the_simulator_and_by_no_other_code(district: District) -> None:
    with district.database.session() as session:
        session.execute(update(reporters).values(only_channel="simulator"))
        session.commit()
    assert "DAFTAR" in Handset(district, "ani", UMB).dial().text
    assert "lapor apa" in Handset(district, "ani", "simulator").dial().text


def test_the_simulators_phones_dial_wherever_it_stands_and_beside_real_channels_in_a_demonstration_only(
    tmp_path: Path,
) -> None:
    assert list(make_ussd_channels(Settings(var=tmp_path, channels="sms=simulator"))) == ["sms"]
    assert list(make_ussd_channels(Settings(var=tmp_path, channels="generic"))) == []
    with pytest.raises(Misconfigured, match="KABAR_DEMO=1"):
        make_ussd_channels(Settings(var=tmp_path, channels="generic", ussd="umb=simulator"))
    assert list(make_ussd_channels(Settings(var=tmp_path, channels="generic", ussd="umb=simulator", demo=True)))
