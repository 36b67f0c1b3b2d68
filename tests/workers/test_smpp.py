"""SMPP: what an SMSC delivers is kept once and answered once, whatever breaks; what is sent goes once, at its pace."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from gateway.checkup import check_parts
from gateway.runtime import utc_now
from gateway.segments import write_header
from gateway.store import channels
from gateway.store.base import Database
from gateway.store.inbox import inbox
from gateway.store.outbox import outbox
from gateway.store.parts import parts
from tests.chaos.harness import wait_until
from tests.district import NOON, PHONES
from tests.peers.smpp_station import ANI, REPORT, Station, process
from tests.peers.smsc import OK, PASSWORD, QUEUE_FULL, THROTTLED, Smsc
from tests.servers import PostgresServer
from workers.sweep import sweep

TEMPORARY = 0x64


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC of our own."""
    with Smsc() as running:
        yield running


MakeStation = Callable[..., Station]


@pytest.fixture
def make_station(smsc: Smsc, tmp_path: Path, sqlite_url: str) -> Iterator[MakeStation]:
    """Makes a station on SQLite, or on the database that it is given."""
    made: list[Station] = []

    def make(database: Database | None = None, **options: str) -> Station:
        made.append(Station(database or Database(sqlite_url), tmp_path, smsc, **options))
        return made[-1]

    yield make
    for station in made:
        station.stop()
        station.district.database.dispose()


@pytest.fixture
def station(make_station: MakeStation) -> Station:
    """A station that is bound."""
    made = make_station()
    made.start()
    return made


def test_a_report_comes_in_its_answer_goes_out_and_its_receipt_comes_back(
    database: Database, make_station: MakeStation
) -> None:
    station = make_station(database)
    station.start()
    message = station.ask()
    station.await_states("delivered")
    assert message.statuses == [OK]
    (kept,), (sent,) = station.rows(inbox), station.rows(outbox)
    assert (kept.sender, kept.recipient, kept.text, kept.state) == (PHONES["ani"], "2345", REPORT, "done")
    assert (sent.provider_id, sent.segments) == ("b001", 1)
    assert [one.to for one in station.smsc.submitted] == [ANI]
    assert station.smsc.submitted[0].text == sent.text


def test_what_the_smsc_is_too_busy_for_is_sent_later(station: Station) -> None:
    station.smsc.script.extend([THROTTLED, QUEUE_FULL])
    station.ask()
    station.await_states("delivered")
    assert len(station.smsc.submitted) == 3
    assert (station.rows(outbox)[0].refusals, station.rows(outbox)[0].attempts) == (2, 1)


def test_what_the_smsc_refuses_is_shown_and_not_sent_again(station: Station) -> None:
    station.smsc.script.append(0x0B)
    station.ask()
    station.await_states("failed")
    assert station.rows(outbox)[0].fault_code == "0x0b"
    assert len(station.smsc.submitted) == 1


def test_a_receipt_that_says_never_makes_the_message_failed(station: Station) -> None:
    station.smsc.receipt = "UNDELIV"
    station.ask()
    station.await_states("failed")
    assert station.rows(outbox)[0].fault == "UNDELIV"


def test_a_line_cut_before_the_answer_leaves_the_message_unsure_and_the_link_comes_back(station: Station) -> None:
    station.smsc.script.append("drop")
    station.ask()
    station.await_states("unsure")
    wait_until(lambda: station.smsc.binds == 2, "the second bind")
    station.ask("KB 0925 BARU 13 AKTIF 41 PIL 30")
    station.await_states("unsure", "delivered")


def test_a_line_cut_after_the_answer_loses_nothing_and_the_receipt_comes_over_the_next(station: Station) -> None:
    station.smsc.script.append("last")
    station.ask()
    station.await_states("delivered")
    assert station.smsc.binds == 2
    assert len(station.smsc.submitted) == 1


def test_a_message_that_the_smsc_is_silent_about_is_unsure_and_never_sent_again(make_station: MakeStation) -> None:
    station = make_station(timeout_seconds="0.3")
    station.start()
    station.smsc.script.append("silent")
    station.ask()
    station.await_states("unsure")
    assert len(station.smsc.submitted) == 1


def test_a_receipt_that_is_quicker_than_the_answer_is_not_lost(station: Station) -> None:
    station.smsc.script.append("early")
    station.ask()
    station.await_states("delivered")


def test_a_receipt_that_comes_twice_changes_nothing(station: Station) -> None:
    station.smsc.repeats_receipts = True
    station.ask()
    station.await_states("delivered")
    wait_until(lambda: all(one.done.is_set() for one in station.smsc.messages), "both are acknowledged")
    assert station.states() == ["delivered"]


def test_pdus_that_come_in_pieces_are_read_whole(station: Station) -> None:
    station.smsc.piece = 3
    station.ask()
    station.await_states("delivered")


def test_an_smsc_that_answers_no_enquiry_is_left_and_bound_anew(make_station: MakeStation) -> None:
    station = make_station(timeout_seconds="0.3")
    station.smsc.is_deaf = True
    station.start()
    wait_until(lambda: station.smsc.binds >= 2, "the second bind")
    station.smsc.is_deaf = False
    station.ask()
    station.await_states("delivered")


def test_a_message_whose_acknowledgement_was_lost_is_kept_once_and_answered_once(station: Station) -> None:
    station.smsc.drops_answers = True
    message = station.smsc.deliver(ANI, REPORT)
    wait_until(lambda: message.tries >= 2, "it is delivered again")
    station.smsc.drops_answers = False
    wait_until(message.done.is_set, "it is acknowledged")
    station.handle()
    station.await_states("delivered")
    assert len(station.rows(inbox)) == 1


def test_a_part_whose_acknowledgement_was_lost_is_joined_once(station: Station) -> None:
    station.smsc.drops_answers = True
    first = station.smsc.deliver(ANI, write_header(7, 2, 1) + b"KB 0925 BARU 12 ", esm_class=0x40)
    wait_until(lambda: first.tries >= 2, "it is delivered again")
    station.smsc.drops_answers = False
    second = station.smsc.deliver(ANI, write_header(7, 2, 2) + b"AKTIF 40", esm_class=0x40)
    wait_until(lambda: first.done.is_set() and second.done.is_set(), "both are acknowledged")
    station.handle()
    station.await_states("delivered")
    assert [row.text for row in station.rows(inbox)] == ["KB 0925 BARU 12 AKTIF 40"]
    assert len(station.rows(parts)) == 2


def test_two_equal_messages_are_two(station: Station) -> None:
    station.ask()
    station.ask()
    assert len(station.rows(inbox)) == 2
    station.await_states("delivered", "delivered")


def test_two_equal_messages_are_two_across_links_once_the_first_is_known_to_be_acknowledged(station: Station) -> None:
    station.ask()
    tick = proven(station)
    wait_until(lambda: proven(station) not in {tick, None}, "an enquiry's answer is noted")
    tick = proven(station)
    wait_until(lambda: proven(station) != tick, "and the next one")
    station.smsc.drop()
    wait_until(lambda: station.smsc.binds == 2, "the second bind")
    station.ask()
    assert len(station.rows(inbox)) == 2


def test_doctor_says_whether_the_process_holds_the_link(make_station: MakeStation) -> None:
    station = make_station()
    chosen = station.runtime.settings.model_copy(update={"database_url": str(station.district.database.engine.url)})
    for heard_at, wanted in ((utc_now(), True), (NOON, False)):
        with station.district.database.session() as session:
            channels.tick(session, "smpp:smpp", heard_at)
            session.commit()
        (said,) = (check for check in check_parts(chosen) if check.name == "smpp")
        assert said.is_well is wanted
    assert "not bound since 2025-10-03" in said.words


def test_what_cannot_be_read_is_kept_for_staff_and_acknowledged(station: Station) -> None:
    message = station.smsc.deliver(ANI, b"\x05\x00", esm_class=0x40)
    wait_until(message.done.is_set, "it is acknowledged")
    (kept,) = station.rows(inbox)
    assert (kept.state, kept.raw is not None) == ("for_staff", True)
    assert message.statuses == [OK]


def test_a_long_text_goes_in_parts_and_is_delivered_with_its_last(station: Station) -> None:
    text = "Ibu bidan, " + "laporan bulan lalu belum ada. " * 10
    station.ask()
    station.await_states("delivered")
    with station.district.database.session() as session:
        session.execute(outbox.update().values(text=text, state="queued", provider_id=None))
        session.commit()
    wait_until(lambda: len(station.smsc.submitted) == 1 + 3, "three parts")
    station.await_states("delivered")
    parts = station.smsc.submitted[1:]
    assert "".join(part.text for part in parts) == text
    assert [part.octets[:6][3:].hex() for part in parts] == [f"{parts[0].octets[3]:02x}03{n:02x}" for n in (1, 2, 3)]
    assert [part.registered_delivery for part in parts] == [2, 2, 1]
    assert station.rows(outbox)[0].segments == 3


def test_a_part_that_did_not_arrive_makes_the_message_failed(station: Station) -> None:
    station.ask()
    station.await_states("delivered")
    station.smsc.receipt = "ENROUTE"  # of the last part nothing final is told
    station.smsc.script.extend(["fail", "accept"])
    with station.district.database.session() as session:
        session.execute(outbox.update().values(text="a" * 200, state="queued", provider_id=None))
        session.commit()
    station.await_states("failed")


def test_a_part_that_is_refused_beside_one_that_was_taken_leaves_the_message_unsure(station: Station) -> None:
    station.ask()
    station.await_states("delivered")
    station.smsc.script.extend(["accept", THROTTLED])
    with station.district.database.session() as session:
        session.execute(outbox.update().values(text="a" * 200, state="queued"))
        session.commit()
    station.await_states("unsure")


def test_neither_the_outbound_worker_nor_the_sweep_sends_by_a_channel_with_a_process_of_its_own(
    make_station: MakeStation,
) -> None:
    station = make_station()
    station.district.keep("ani", REPORT, channel="smpp")
    station.handle()
    assert station.district.send() == 0
    sweep(station.runtime)
    assert station.states() == ["queued"]


def test_while_the_smsc_is_away_messages_wait_and_nothing_is_tried(make_station: MakeStation) -> None:
    station = make_station(port="9")
    station.district.keep("ani", REPORT, channel="smpp")
    station.handle()
    station.start()
    wait_until(lambda: "no connection" in station.channel.health(station.runtime.now()).words, "the fault is told")
    (row,) = station.rows(outbox)
    assert (row.state, row.attempts, row.refusals) == ("queued", 0, 0)


def test_a_wrong_password_is_told_in_words(make_station: MakeStation) -> None:
    station = make_station(password="wrong")
    station.start()
    wait_until(lambda: "password is wrong" in station.channel.health(station.runtime.now()).words, "the fault is told")
    assert not station.channel.health(station.runtime.now()).is_well


def test_while_the_database_is_away_nothing_is_acknowledged_and_it_comes_again(
    postgresql: PostgresServer, postgresql_url: str, make_station: MakeStation
) -> None:
    station = make_station(Database(postgresql_url))
    station.start()
    wait_until(lambda: station.smsc.binds == 1, "it is bound")
    name = make_url(postgresql_url).database
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    postgresql.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    message = station.smsc.deliver(ANI, REPORT)
    wait_until(lambda: len(message.statuses) >= 2, "it is refused for now, and comes again")
    assert set(message.statuses) == {TEMPORARY}
    postgresql.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    wait_until(message.done.is_set, "it is acknowledged")
    station.handle()
    station.await_states("delivered")
    assert len(station.rows(inbox)) == 1


def test_a_process_that_was_killed_before_its_acknowledgement_arrived_keeps_one_message_and_answers_once(
    make_station: MakeStation, tmp_path: Path
) -> None:
    station = make_station()
    with process(station, tmp_path) as running:
        wait_until(lambda: station.smsc.binds == 1, "it is bound")
        station.smsc.drops_answers = True  # committed, and the SMSC has not heard of it
        message = station.smsc.deliver(ANI, REPORT)
        wait_until(lambda: len(station.rows(inbox)) == 1, "it is kept")
        running.kill()
        running.wait()
    assert not message.done.is_set()
    station.smsc.drops_answers = False
    station.handle()
    with process(station, tmp_path) as running:
        wait_until(message.done.is_set, "it is acknowledged")
        station.await_states("delivered")
        running.send_signal(signal.SIGTERM)
        assert running.wait() == 0
    assert len(station.rows(inbox)) == 1
    assert len(station.smsc.submitted) == 1
    log = (tmp_path / "smpp.log").read_text()
    assert '"event": "repeated"' in log
    assert PASSWORD not in log


def test_a_fault_of_ours_ends_the_whole_process_so_that_it_is_started_anew(
    make_station: MakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = make_station()
    monkeypatch.setattr(station.channel, "open", lambda: 1 // 0)
    station.start()
    wait_until(station.stopped.is_set, "the process is told to stop")
    station.line.join()
    assert station.line.has_crashed


def test_a_fault_of_ours_while_the_link_is_up_leaves_no_thread_that_keeps_the_process_alive(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.ask()
    monkeypatch.setattr(station.channel, "enquire_seconds", None)
    wait_until(station.stopped.is_set, "the process is told to stop")
    station.line.join()
    assert station.line.has_crashed
    assert f"{station.channel.name} keeper" not in {thread.name for thread in threading.enumerate()}


def proven(station: Station) -> Any:
    """Return until when acknowledgements are known to have arrived."""
    with station.district.database.session(read_only=True) as session:
        return channels.last_tick(session, "smpp:smpp")
