"""Telling: in order, at least once, under one id; whoever fails is told again, and holds up nobody else."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from gateway import keybox
from gateway.channels.http import HttpClient
from gateway.export.webhooks import deliver
from gateway.export.webhooks import tell as telling
from gateway.export.webhooks.sign import new_secret
from gateway.store import areas, events, facilities, hook_deliveries, hooks, reporters
from gateway.store.areas import Area
from gateway.store.base import database_now
from gateway.store.facilities import NewFacility
from tests.district import NOON, PHONES, District
from tests.gateway.channels.standin import Fault, Reply, closed_address
from tests.gateway.export.webhooks.listening import (
    EVERYWHERE,
    Receiver,
    add_hook,
    deliveries,
    end_leases,
    find_hook,
    is_signed,
    key_of,
    tell,
)
from tests.gateway.review.deciding import KB, approve
from workers import hooks as worker

PALU = "+6281230000077"


def test_a_receiver_is_told_what_happened_and_can_believe_it(district: District, receiver: Receiver) -> None:
    add_hook(district, receiver)
    district.say("ani", KB)
    approve(district)
    district.close_month("kb", "2025-09")
    district.set_clock(datetime.now(UTC))  # the library believes only what is told now
    tell(district)
    assert receiver.told == ["report.accepted", "report.approved", "month.closed"]
    for seen in receiver.seen:
        assert (
            Webhook(receiver.secret.reveal()).verify(seen.body, dict(seen.headers))["id"] == seen.headers["webhook-id"]
        )
        assert is_signed(seen, receiver.secret)
    accepted, _, closed = receiver.heard
    assert accepted["id"] == receiver.ids[0]
    assert accepted["id"].startswith("evt_")
    about = dict(accepted["data"])
    assert about.pop("report") | {"id": 0} == {"id": 0, "revision": 1, "state": "accepted"}
    assert about == {
        "form": "kb",
        "period": "2025-09",
        "facility": {"code": "140300101", "name": "PMB Ani"},
        "area": {"code": "14.03.01", "name": "Bengkalis"},
        "values": {"aktif": 40, "aktif.pil": 30, "baru": 12},
    }
    assert closed["data"]["area"]["code"] == "14.03"
    assert datetime.fromisoformat(closed["data"]["closed_at"]) >= NOON


def test_nobody_is_told_a_phone_number_or_who_sent_a_report(district: District, receiver: Receiver) -> None:
    add_hook(district, receiver)
    district.say("budi", KB)
    tell(district)
    (seen,) = receiver.seen
    said = f"{dict(seen.headers)}{seen.body.decode()}"
    assert "Budi" not in said
    assert PHONES["budi"].removeprefix("+62") not in said
    assert KB not in said


def test_a_receiver_that_fails_is_told_again_under_the_same_id_and_in_order(district: District) -> None:
    with Receiver(Reply(500), Fault.LOST, Reply(302, headers={"Location": "/elsewhere"})) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        approve(district)
        tell(district)
        assert len(receiver.seen) == 1, "the second event waits for the first"
        for count, wait in ((1, 0.01), (2, 0.2), (3, 0.7)):
            tell(district)
            assert len(receiver.seen) == count, "not before its time"
            tell(district, hours=wait)
        assert receiver.told == ["report.accepted", "report.approved"]
        assert [seen.path for seen in receiver.seen] == ["/kabar"] * 5
        assert len(set(receiver.ids[:4])) == 1
        assert receiver.ids[4] != receiver.ids[3]
        assert [(one.state, one.tries) for one in deliveries(district, hook_id)] == [("delivered", 4), ("delivered", 1)]


def test_a_status_counts_even_if_the_rest_of_the_answer_never_comes(district: District) -> None:
    cut = {"Content-Length": "1000", "Connection": "close"}
    with Receiver(Reply(500, b"so", cut), Reply(200, b"so", cut)) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        tell(district)
        tell(district, hours=1)
        assert len(set(receiver.ids)) == 1
        assert [(one.state, one.status, one.tries) for one in deliveries(district, hook_id)] == [("delivered", 200, 2)]


def test_waits_grow_and_are_never_shorter_than_a_receiver_asks_for() -> None:
    assert list(deliver.WAITS) == sorted(set(deliver.WAITS))
    for tries, wait in enumerate([*deliver.WAITS, deliver.WAITS[-1]]):
        assert all(0.8 * wait <= deliver.find_wait(tries) <= 1.2 * wait for _ in range(20))
    assert deliver.find_wait(0, timedelta(hours=3)) == timedelta(hours=3)
    assert deliver.find_after("Fri, 03 Oct 2025 06:00:00 GMT", NOON) == timedelta(hours=1)
    assert deliver.find_after("999999999999999999999", NOON) == timedelta(hours=24)


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_busy_says_when_to_come_again(district: District, status: int) -> None:
    with Receiver(Reply(status, headers={"Retry-After": "7200"})) as receiver:
        add_hook(district, receiver)
        district.say("ani", KB)
        tell(district)
        tell(district, hours=1.9)
        assert len(receiver.seen) == 1
        tell(district, hours=0.2)
        assert receiver.told == ["report.accepted"]


def test_who_is_gone_is_told_nothing_any_more(district: District) -> None:
    with Receiver(Reply(410)) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        tell(district)
        found = find_hook(district, hook_id)
        assert (found.state, found.why) == (hooks.OFF, hooks.GONE)
        approve(district)
        tell(district, hours=100)
        assert len(receiver.seen) == 1


def test_an_event_that_is_refused_gives_way_to_the_next_and_can_be_told_again(district: District) -> None:
    with Receiver(*[Reply(422)] * deliver.MOST_REFUSALS) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        approve(district)
        for _ in range(deliver.MOST_REFUSALS):
            tell(district, hours=3)
        assert receiver.told == ["report.approved"]
        assert [one.state for one in deliveries(district, hook_id)] == ["failed", "delivered"]
        with district.database.session() as session:
            since = district.runtime.now() - timedelta(days=1)
            assert hook_deliveries.replay(session, hook_id, since=since, scope=EVERYWHERE) == 1
            session.commit()
        tell(district)
        assert receiver.told == ["report.approved", "report.accepted"]
        assert receiver.ids[-1] == receiver.ids[0]


def test_one_event_is_told_again_on_demand(district: District, receiver: Receiver) -> None:
    hook_id = add_hook(district, receiver)
    district.say("ani", KB)
    tell(district)
    (delivery,) = deliveries(district, hook_id)
    with district.database.session() as session:
        assert hook_deliveries.replay(session, hook_id, delivery_id=delivery.id, scope=EVERYWHERE) == 1
        session.commit()
    tell(district)
    assert receiver.ids == [delivery.ref] * 2


def test_what_a_killed_worker_had_told_is_told_again_under_the_same_id(district: District, receiver: Receiver) -> None:
    hook_id = add_hook(district, receiver)
    district.say("ani", KB)
    approve(district)
    with district.database.session() as session:
        telling.tell_events(session, district.runtime.now())
        session.commit()
    with district.database.session() as session:
        claimed = hook_deliveries.claim(session, hook_id, district.runtime.now())
        session.commit()
    assert claimed is not None
    deliver.deliver(HttpClient(), claimed, [receiver.secret], district.runtime.now())  # and here it is killed
    assert tell(district) == 0, "its hold stands"
    end_leases(district)
    tell(district)
    assert receiver.told == ["report.accepted", "report.accepted", "report.approved"]
    assert receiver.ids[0] == receiver.ids[1]
    with district.database.session() as session:  # it was not killed after all, only slow: nothing of it counts
        outcome = deliver.Outcome(deliver.Result.AGAIN, 500, "answer")
        assert not deliver.record(session, claimed, outcome, 1, district.runtime.now())


def test_a_slow_receiver_holds_up_no_other(district: District) -> None:
    with Receiver() as slow, Receiver() as quick:
        slow.gate.clear()
        add_hook(district, slow)
        add_hook(district, quick)
        district.say("ani", KB)
        thread = threading.Thread(target=worker.drain, args=(district.runtime,))
        thread.start()
        assert quick.has_heard.wait(60), "heard while the slow one still thinks"
        assert slow.heard == []
        slow.gate.set()
        thread.join(60)
        assert slow.told == quick.told == ["report.accepted"]


def _add_palu(district: District) -> None:
    with district.database.session() as session:
        place = NewFacility("727150100", "PMB Lia", "PMB71", "PMB", "72.71.01")
        areas.add_areas(
            session,
            [
                Area("72", None, "province", "Sulawesi Tengah", "Asia/Makassar"),
                Area("72.71", "72", "regency", "Kota Palu", "Asia/Makassar"),
                Area("72.71.01", "72.71", "district", "Palu Timur", "Asia/Makassar"),
            ],
        )
        reporters.add_reporter(session, "Lia", [PALU], list(facilities.add_facilities(session, [place])))
        session.commit()


def test_a_hook_hears_of_its_own_area_and_of_its_own_kinds_only(district: District, receiver: Receiver) -> None:
    _add_palu(district)
    with Receiver() as palu, Receiver() as everybody, Receiver() as months, Receiver() as kecamatan:
        add_hook(district, receiver, "14.03")
        add_hook(district, palu, "72.71")
        add_hook(district, everybody, "")
        add_hook(district, months, "14", ["month.closed"])
        add_hook(district, kecamatan, "14.03.01", ["month.closed"])
        district.say("ani", KB)
        district.say(PALU, KB)
        district.close_month("kb", "2025-09", "14.03")
        tell(district)
        assert [one["data"]["area"]["code"] for one in receiver.heard] == ["14.03.01", "14.03"]
        assert [one["data"]["area"]["code"] for one in palu.heard] == ["72.71.01"]
        assert len(everybody.heard) == 3
        assert months.told == kecamatan.told == ["month.closed"]


def test_both_secrets_are_good_while_one_is_exchanged_for_the_other(district: District, receiver: Receiver) -> None:
    hook_id, old, new = add_hook(district, receiver), receiver.secret, new_secret()
    with district.database.session() as session:
        until = district.runtime.now() + timedelta(hours=24)
        locked = keybox.lock(key_of(district), new.reveal())
        hooks.replace_secret(session, find_hook(district, hook_id), locked, until, scope=EVERYWHERE)
        session.commit()
    district.say("ani", KB)
    tell(district)
    approve(district)
    receiver.secret = new
    tell(district)
    assert receiver.told == ["report.accepted", "report.approved"]
    assert all(is_signed(seen, secret) for seen in receiver.seen for secret in (old, new))
    district.pass_time(hours=25)
    with district.database.session() as session:
        telling.queue_test(session, find_hook(district, hook_id), district.runtime.now())
        session.commit()
    worker.drain(district.runtime)
    assert is_signed(receiver.seen[-1], new)
    assert not is_signed(receiver.seen[-1], old)


def test_who_fails_for_three_days_is_paused_and_hears_all_of_it_later(district: District) -> None:
    with Receiver(*[Reply(500)] * 30) as receiver:
        hook_id = add_hook(district, receiver)
        district.say("ani", KB)
        for _ in range(10):
            tell(district, hours=29)
        found = find_hook(district, hook_id)
        assert (found.state, found.why) == (hooks.PAUSED, hooks.FAILING)
        tries = len(receiver.seen)
        tell(district, hours=100)
        assert len(receiver.seen) == tries, "a paused one is left alone"
        approve(district)
        receiver.replies.clear()
        with district.database.session() as session:
            hooks.set_state(session, hook_id, hooks.ON, "", district.runtime.now(), scope=EVERYWHERE)
            session.commit()
        tell(district)
        assert receiver.told == ["report.accepted", "report.approved"]


def test_a_test_goes_first_and_once_even_to_who_is_paused(district: District, receiver: Receiver) -> None:
    hook_id = add_hook(district, receiver)
    district.say("ani", KB)
    now = district.runtime.now()
    with district.database.session() as session:
        hooks.set_state(session, hook_id, hooks.PAUSED, hooks.BY_STAFF, now, scope=EVERYWHERE)
        telling.queue_test(session, find_hook(district, hook_id), now)
        session.commit()
    tell(district)
    assert receiver.told == ["webhook.ping"]
    assert tell(district, hours=30) == 0


@pytest.mark.parametrize("fault", ["connect", "key"])
def test_what_cannot_be_sent_is_named_and_kept(district: District, receiver: Receiver, fault: str) -> None:
    hook_id = add_hook(district, receiver)
    district.say("ani", KB)
    with closed_address() as nowhere, district.database.session() as session:
        changed: dict[str, Any] = {"address": nowhere} if fault == "connect" else {"secret": "locked elsewhere"}
        session.execute(hooks.hooks.update().values(changed))
        session.commit()
    tell(district)
    (one,) = deliveries(district, hook_id)
    assert (one.state, one.fault, one.status) == ("queued", fault, None)


def test_events_are_forgotten_after_a_month_and_not_before(district: District, receiver: Receiver) -> None:
    hook_id = add_hook(district, receiver)
    district.say("ani", KB)
    for days, left in ((29, 1), (31, 0)):
        with district.database.session() as session:
            session.execute(update(events.events).values(at=database_now(session) - timedelta(days=days)))
            session.commit()
        tell(district)
        assert len(deliveries(district, hook_id)) == left
