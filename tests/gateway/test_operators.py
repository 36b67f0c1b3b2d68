"""Routes: an operator's numbers are written to by that operator's SIM, whoever writes and whatever is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.errors import Misconfigured
from gateway.settings import read_settings
from gateway.store import facilities, outbox, reporters
from gateway.store.audience import Audience, Routes, count_audience, find_routes, list_audience
from gateway.store.base import Database
from gateway.store.facilities import NewFacility
from gateway.values import Scope
from tests.district import PHONES, District, make_runtime
from tests.gateway.review.visits import sign_in
from tests.reminding import look

ROUTES = "telkomsel=modem1, xl=modem2, +62899=modem3"
NAMES = ("modem0", "modem1", "modem2", "modem3")
TELKOMSEL, XL, TRI, SMARTFREN = "+6281230000001", "+6281790000001", "+6289990000001", "+6288190000001"
FOUNDING = "KB 0925 BARU 12 AKTIF 40"


def make_routed(database: Database, var: Path, routes: str = ROUTES, listed: str = "") -> District:
    """Return a district with four modems; the phones of the district are Telkomsel's."""
    given = {name: {"secrets": "s" * 32, "send_url": "http://127.0.0.1:1/"} for name in NAMES}
    channels = ", ".join([f"{name}=generic" for name in NAMES] + ([listed] if listed else []))
    runtime = make_runtime(
        database, var, channels=channels, channel_options=given, routes=routes, demo=True, answers_per_hour=100
    )
    return District(runtime)


@pytest.fixture
def routed(database: Database, tmp_path: Path) -> District:
    """A district with four modems, on either database."""
    return make_routed(database, tmp_path)


def test_an_answer_goes_by_the_modem_of_the_senders_operator_and_that_one_is_rung(routed: District) -> None:
    with routed.database.session() as session:
        for number, phone in enumerate((XL, TRI, SMARTFREN)):
            reporters.add_reporter(session, f"R{number}", [phone], [routed.ids[f"PMB0{number + 4}"]])
        session.commit()
    sent_by = {TELKOMSEL: "modem1", XL: "modem2", TRI: "modem3", SMARTFREN: "modem0"}
    for phone, channel in sent_by.items():
        key = routed.keep(phone, FOUNDING, channel="modem0")
        routed.handle()
        answer = routed.answer(key, "modem0")
        assert answer is not None
        assert (answer.recipient, answer.channel) == (phone, channel)


def test_without_routes_an_answer_goes_the_way_its_message_came(database: Database, tmp_path: Path) -> None:
    district = make_routed(database, tmp_path, routes="")
    key = district.keep("ani", FOUNDING, channel="modem2")
    district.handle()
    answer = district.answer(key, "modem2")
    assert answer is not None
    assert answer.channel == "modem2"


def test_who_is_bound_to_a_channel_and_who_writes_in_the_simulator_stay_there(
    database: Database, tmp_path: Path
) -> None:
    district = make_routed(database, tmp_path, listed="simulator")
    with district.database.session() as session:
        reporters.add_reporter(session, "Bound", ["+6281230000031"], [district.ids["PMB04"]], only_channel="modem3")
        session.commit()
    for phone, channel in (("+6281230000031", "modem3"), ("ani", "simulator"), ("stranger", "simulator")):
        key = district.keep(phone, FOUNDING, channel=channel)
        district.handle()
        answer = district.answer(key, channel)
        assert answer is not None
        assert answer.channel == channel
    routes = Routes(dict.fromkeys(NAMES, ""), by_prefix={"+62812": "modem1"})
    assert routes.choose("modem3", "modem0", "14.03", "+6281230000031") == "modem3"
    assert routes.choose(None, "modem0", "14.03", "+6281230000031") == "modem1"
    assert routes.choose(None, "modem0", "14.03", "+6281790000031") == "modem0"


def test_reminders_go_by_the_route(routed: District) -> None:
    with routed.database.session() as session:
        [place] = facilities.add_facilities(session, [NewFacility("140300107", "PMB X", "PMB07", "PMB", "14.03.01")])
        reporters.add_reporter(session, "X", [XL], [place])
        session.commit()
    look(routed, 3, 8)
    with routed.database.session(read_only=True) as session:
        queued = {one.recipient: one.channel for one in outbox.latest_to(session, states=("queued",))}
    assert (queued[TELKOMSEL], queued[XL]) == ("modem1", "modem2")


def test_broadcasts_go_by_the_route_and_are_counted_so(routed: District) -> None:
    with routed.database.session() as session:
        reporters.add_reporter(session, "X", [XL], [routed.ids["PMB04"]])
        session.commit()
    ways, whom, scope = routed.runtime.ways, Audience("14.03"), Scope("14.03")
    with routed.database.session(read_only=True) as session:
        routes = find_routes(session, ways.channels, ways.only_bound, ways.rules.outgoing.routes)
        by_phone = {one.phone: one.channel for one in list_audience(session, whom, routes, scope=scope)}
        shares = count_audience(session, whom, routes, scope=scope)
    assert (by_phone[TELKOMSEL], by_phone[XL]) == ("modem1", "modem2")
    counted = {name: sum(one.count for one in shares if one.channel == name) for name in NAMES}
    assert counted == {"modem0": 0, "modem1": len(by_phone) - 1, "modem2": 1, "modem3": 0}


def test_what_staff_write_goes_by_the_route(routed: District) -> None:
    key = routed.keep("ani", FOUNDING, channel="modem0")
    visitor = create_app(routed.runtime).test_client()
    sign_in(visitor, routed.runtime)
    message = routed.message(key, "modem0")
    sent = visitor.post(f"/messages/thread/{message.id}/answer", data={"text": "Terima kasih Ibu", "key": "k"})
    assert sent.status_code == 303
    with routed.database.session(read_only=True) as session:
        (mine,) = outbox.latest_to(session, [PHONES["ani"]])
    assert mine.channel == "modem1"


@pytest.mark.parametrize(
    ("routes", "fault"),
    [
        ("telkomsel=modem9", "tidak ada kanal / there is no channel 'modem9': modem1, sim"),
        ("telkomsel", "there is no channel ''"),
        ("telkomsl=modem1", "'telkomsl' bukan operator / is no operator (axis, indosat, smartfren, telkomsel, xl)"),
        ("0899=modem1", "'0899' bukan operator / is no operator"),
        ("xl=modem1, XL=modem1", "'xl' tertulis dua kali / stands twice"),
        ("xl=sim", "'sim' hanya simulator / is a simulator"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused_at_the_start(routes: str, fault: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read_settings({"KABAR_CHANNELS": "modem1=generic, sim=simulator", "KABAR_ROUTES": routes})
    assert fault in refused.value.faults["KABAR_ROUTES"]


def test_a_start_that_is_written_out_comes_before_its_operators() -> None:
    given = {"KABAR_CHANNELS": "modem1=generic, modem2=generic", "KABAR_ROUTES": "+62811=modem2, telkomsel=modem1"}
    routes = read_settings(given).routes_by_prefix
    assert (routes["+62811"], routes["+62812"]) == ("modem2", "modem1")
