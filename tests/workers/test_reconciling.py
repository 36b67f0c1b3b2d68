"""Reconciling: what a provider had and Kabar has not is fetched, once; what is none of ours raises an alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway import backup, cli_reconcile, jobs
from gateway.app import create_app
from gateway.channels import gammu, twilio_list
from gateway.errors import Unavailable
from gateway.receive import reconcile
from gateway.store import channels, inbox, outbox, reconciling
from gateway.store.base import Database
from gateway.store.outbox import NewOutboxMessage
from tests.district import NOON, PHONES, District, make_runtime
from tests.gateway.channels.phone import PASSWORD, Phone
from tests.gateway.channels.smsd import PHONE, FakeSmsd
from tests.gateway.channels.standin import Fault
from tests.gateway.channels.twilio_api import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER, Refusal, TwilioApi
from tests.gateway.review.visits import sign_in
from tests.gateway.test_android_journey import House
from workers import errands, poll
from workers import reconciling as worker
from workers.sweep import sweep

REPORT = "KB 0925 BARU 12 AKTIF 40 PIL 30"
DAY = timedelta(days=1)


@dataclass
class Office:
    """A district that speaks through Twilio, and Twilio."""

    district: District
    api: TwilioApi

    def sid(self, number: int) -> str:
        """Return the sid of a received message."""
        return f"SM{number:032x}"

    def missed(self, number: int, text: str, ago: timedelta = timedelta(minutes=30), sender: str = "ani") -> None:
        """Let Twilio have received a message that never came here."""
        self.api.receive(self.sid(number), PHONES[sender], text, self.district.runtime.now() - ago)

    def reconcile(self, since: timedelta = DAY) -> reconcile.Outcome:
        """Ask Twilio by hand."""
        runtime = self.district.runtime
        return reconcile.reconcile(
            runtime.database, runtime.bells, runtime.channels["twilio"], runtime.now() - since, runtime.now()
        )

    def kept(self) -> list[str]:
        """Return the keys of what was kept, in the order of its coming."""
        with self.district.database.session(read_only=True) as session:
            return [one.provider_id for one in reversed(inbox.latest_messages(session, limit=1000))]

    def months_page(self) -> str:
        """Return the page that shows alarms."""
        visitor = create_app(self.district.runtime).test_client()
        sign_in(visitor, self.district.runtime, "administrator")
        return visitor.get("/month?lang=en").text


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """A district on Twilio."""
    with TwilioApi() as api:
        options = {
            "account_sid": ACCOUNT_SID,
            "auth_tokens": AUTH_TOKEN,
            "from_number": OUR_NUMBER,
            "api_url": api.url,
            "per_second": "1000",
            "timeout_seconds": "2",
        }
        runtime = make_runtime(database, tmp_path, channels="twilio", channel_options={"twilio": options})
        made = Office(District(runtime), api)
        api.clock = made.district.runtime.now
        yield made


def test_what_never_came_is_fetched_and_handled_with_the_day_it_was_sent(office: Office) -> None:
    office.missed(1, REPORT, timedelta(hours=3))
    outcome = office.reconcile()
    assert (outcome.seen, len(outcome.found), outcome.fault) == (1, 1, "")
    assert office.district.message(office.sid(1), "twilio").sent_at == NOON - timedelta(hours=3)
    assert office.district.handle() == 1
    answer = office.district.answer(office.sid(1), "twilio")
    assert answer is not None
    assert answer.text.startswith("KB Sep 25 PMB Ani: BARU 12")


def test_what_came_by_webhook_is_one_message_and_asking_again_finds_nothing(office: Office) -> None:
    office.district.keep("ani", REPORT, provider_id=office.sid(1), channel="twilio")
    office.missed(1, REPORT)
    office.missed(2, "STATUS")
    assert [len(office.reconcile().found) for _ in range(3)] == [1, 0, 0]
    assert office.kept() == [office.sid(1), office.sid(2)]


def test_all_pages_are_read_and_other_numbers_of_the_account_are_not_ours(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_list, "AT_ONCE", 3)
    for number in range(10):
        office.missed(number, f"STATUS {number}", timedelta(minutes=10 + number))
    office.api.receive(office.sid(99), "+6281", "for the front desk", NOON - timedelta(hours=1), to="+14155550000")
    outcome = office.reconcile()
    assert (outcome.seen, len(outcome.found)) == (10, 10)
    assert office.sid(99) not in office.kept()


def test_what_is_just_on_its_way_is_left_to_its_webhook(office: Office) -> None:
    office.missed(1, REPORT, timedelta(seconds=30))
    assert office.reconcile().seen == 0


@pytest.mark.parametrize("fault", [Refusal(429, 20429), Refusal(500, 0), Fault.LOST], ids=str)
def test_pages_before_a_failure_are_kept_and_the_rest_is_fetched_the_next_time(
    office: Office, monkeypatch: pytest.MonkeyPatch, fault: Refusal | Fault
) -> None:
    monkeypatch.setattr(twilio_list, "AT_ONCE", 2)
    for number in range(5):
        office.missed(number, f"STATUS {number}", timedelta(minutes=10 + number))
    office.api.list_faults = [None, fault]
    first = office.reconcile()
    assert (len(first.found), bool(first.fault)) == (2, True)
    with office.district.database.session(read_only=True) as session:
        assert channels.last_tick(session, reconcile.tick_of("twilio")) is None, "it was not reconciled to the end"
    assert (len(office.reconcile().found), len(office.kept())) == (3, 5)


def test_what_cannot_be_read_does_not_hold_up_the_others(office: Office) -> None:
    office.missed(1, REPORT)
    office.api.receive(office.sid(2), "", "from nobody", NOON - timedelta(hours=1))
    outcome = office.reconcile()
    assert (len(outcome.found), outcome.fault) == (1, "")


def add_send(office: Office, recipient: str, text: str) -> str:
    """Queue a message of ours and return its ref."""
    with office.district.database.session() as session:
        message = NewOutboxMessage(None, "letter", "twilio", PHONES[recipient], text, "trace", NOON)
        ref = outbox.add(session, message)
        session.commit()
    return ref


def states(office: Office) -> dict[str, tuple[str, str | None]]:
    """Return where each of our messages stands, by its ref, with the provider's id."""
    with office.district.database.session(read_only=True) as session:
        return {one.ref: (one.state, one.provider_id) for one in outbox.latest_to(session)}


def test_an_unsure_send_that_is_there_is_settled_and_never_sent_again(office: Office) -> None:
    office.api.lost_answers = 1
    ref, other = add_send(office, "ani", "Halo Bu Ani"), add_send(office, "wati", "Halo Bu Wati")
    office.district.send()
    assert states(office)[ref][0] == "unsure"
    office.api.ledger[0].status = "delivered"
    office.district.pass_time(minutes=5)
    assert office.reconcile().settled == 1
    assert states(office)[ref] == ("delivered", office.api.ledger[0].sid)
    assert states(office)[other][0] == "sent"
    assert (office.reconcile().settled, len(office.api.ledger)) == (0, 2)


def test_a_status_that_was_lost_is_made_up_for(office: Office) -> None:
    ref = add_send(office, "ani", "Halo")
    office.district.send()
    office.api.ledger[0].status = "delivered"
    office.district.pass_time(minutes=5)
    office.reconcile()
    assert states(office)[ref][0] == "delivered"


def test_a_send_at_the_provider_that_is_none_of_ours_raises_an_alarm_once(office: Office) -> None:
    words = "Kabar knows nothing of: change its keys"
    add_send(office, "ani", "Halo")
    office.district.send()
    office.district.pass_time(minutes=5)
    assert office.reconcile().strange == 0
    assert words not in office.months_page()
    stolen = office.api.ledger[0]
    office.api.ledger.append(type(stolen)("SM" + "f" * 32, "+6281299", OUR_NUMBER, "Menang undian!", "", at=stolen.at))
    assert [office.reconcile().strange for _ in range(2)] == [1, 0]
    assert words in office.months_page()


def test_staff_see_how_many_were_fetched_until_a_week_later(office: Office) -> None:
    words = "Messages of twilio that had not come in: 2,"
    office.missed(1, REPORT)
    office.missed(2, "STATUS")
    assert words not in office.months_page()
    office.reconcile()
    assert words in office.months_page()
    office.district.pass_time(days=8)
    assert words not in office.months_page()


def test_it_runs_by_itself_every_ten_minutes_and_looks_back_further_after_an_outage(office: Office) -> None:
    runtime = office.district.runtime
    assert worker.NAME in errands.ERRANDS
    office.missed(1, "from before Kabar")
    assert worker.drain(runtime) == 0, "what an account received before Kabar is not Kabar's"
    office.district.keep("ani", REPORT, provider_id=office.sid(2), channel="twilio")
    office.district.pass_time(minutes=9)
    assert worker.drain(runtime) == 0
    office.district.pass_time(minutes=2)
    office.missed(3, "STATUS", timedelta(minutes=5))
    assert worker.drain(runtime) == 1
    assert office.sid(3) in office.kept()
    office.district.pass_time(hours=12)  # nothing ran
    office.missed(4, "STATUS", timedelta(hours=30))  # the network was late with this one
    assert worker.drain(runtime) == 1
    assert office.sid(4) in office.kept()


def test_the_clock_rings_for_it(office: Office, redis_url: str) -> None:
    runtime = office.district.runtime
    object.__setattr__(runtime, "bells", jobs.Bells(jobs.connect(redis_url)))
    sweep(runtime)
    assert runtime.bells.redis.exists("kabar:bell:errands:reconciling")


def test_a_fault_in_one_adapter_leaves_the_others_asked(database: Database, tmp_path: Path) -> None:
    (tmp_path / "smsd.db").touch()
    FakeSmsd(f"sqlite:///{tmp_path / 'smsd.db'}")
    given = {
        name: {"database_url": f"sqlite:///{tmp_path / 'smsd.db'}", "phone_id": name} for name in ("modem1", "modem2")
    }
    district = District(make_runtime(database, tmp_path, channels="modem1=gammu, modem2=gammu", channel_options=given))
    for name in given:
        district.keep("ani", "STATUS", channel=name)
    district.runtime.channels["modem1"].look_back = None  # type: ignore[method-assign,assignment]
    assert worker.drain(district.runtime) == 2
    with database.session(read_only=True) as session:
        assert channels.last_tick(session, reconcile.tick_of("modem1")) is None
        assert channels.last_tick(session, reconcile.tick_of("modem2")) is not None


def test_a_database_that_goes_away_in_between_is_waited_for_and_is_no_fault_of_an_adapter(office: Office) -> None:
    runtime = office.district.runtime
    office.district.keep("ani", REPORT, provider_id=office.sid(1), channel="twilio")
    office.missed(2, "STATUS")
    with runtime.database.session() as session:
        reconciling.findings.drop(session)
        session.commit()
    with pytest.raises(Unavailable):
        worker.drain(runtime)
    assert office.kept() == [office.sid(1)]


def test_a_restore_from_an_older_backup_and_a_reconcile_bring_back_all_that_came_since(
    office: Office, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    runtime, url = office.district.runtime, office.district.database.engine.url.render_as_string(hide_password=False)
    environ = {"PATH": f"{request.getfixturevalue('postgresql').programs}:/usr/bin:/bin"}
    source = backup.Source(url, {}, tmp_path / "var2", "0.1.0", environ)
    office.missed(1, REPORT)
    office.reconcile()
    office.district.handle()
    older = backup.make_backup(source, tmp_path / "backups", (), runtime.now()).path
    office.district.pass_time(hours=5)
    since = (("ani", "KB 0925 BARU 12 AKTIF 50"), ("wati", "KB 0925 PMB02 BARU 3 AKTIF 9"), ("budi", "STATUS"))
    for number, (sender, text) in enumerate(since, 2):
        office.missed(number, text, timedelta(minutes=60 - number), sender)
        office.district.keep(sender, text, office.sid(number), runtime.now() - timedelta(minutes=60 - number), "twilio")
    office.district.handle()
    before = figures(office)
    office.district.database.dispose()
    backup.restore(source, older, "", repeatable=(), may_replace=True, now=runtime.now())
    assert office.kept() == [office.sid(1)]
    assert worker.drain(runtime) == 1
    assert sorted(office.kept()) == [office.sid(number) for number in (1, 2, 3, 4)]
    office.district.handle()
    assert figures(office) == before


def figures(office: Office) -> list[tuple[object, ...]]:
    """Return every report that counts: its facility, month, state and when it was sent."""
    from_reports = (
        "SELECT facility_id, period, state, sent_at FROM reports ORDER BY facility_id, period, sent_at, state"
    )
    with office.district.database.session(read_only=True) as session:
        return [tuple(row) for row in session.exec_driver_sql(from_reports)]


def test_gammu_gives_what_was_ticked_off_before_the_database_was_lost(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gammu, "AT_ONCE", 3)
    (tmp_path / "smsd.db").touch()
    smsd = FakeSmsd(f"sqlite:///{tmp_path / 'smsd.db'}")
    given = {"modem1": {"database_url": smsd.url, "phone_id": PHONE}}
    runtime = make_runtime(database, tmp_path, channels="modem1=gammu", channel_options=given)
    at = (NOON + timedelta(hours=7)).replace(tzinfo=None)  # as the office's own clock shows it
    for number in range(8):
        smsd.receive(PHONES["ani"], f"STATUS {number}", at - timedelta(minutes=number))
    smsd.receive(PHONES["ani"], "other modem", at, RecipientID="modem9", Processed=True)
    assert poll.drain(runtime, "modem1") == 8
    with database.session() as session:
        session.execute(inbox.inbox.delete())
        session.commit()
    found = reconcile.reconcile(database, runtime.bells, runtime.channels["modem1"], NOON - DAY, NOON)
    assert (found.seen, len(found.found)) == (8, 8)
    again = reconcile.reconcile(database, runtime.bells, runtime.channels["modem1"], NOON - DAY, NOON)
    assert (again.seen, len(again.found)) == (8, 0)
    with database.session(read_only=True) as session:
        assert {finding.count for finding in reconciling.missing_lately(session, ["modem1"], NOON - DAY)} == {8}


def test_the_phone_is_asked_to_tell_its_inbox_once_more_and_what_is_here_stays_one(
    database: Database, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with Phone() as phone:
        house = House(database, tmp_path, {"phone": phone})
        try:
            house.runtime.clock[0] = now
            phone.receive(PHONES["ani"], REPORT, now - timedelta(hours=2))
            phone.inbox = [
                (PHONES["ani"], REPORT, now - timedelta(hours=2)),
                (PHONES["wati"], "STATUS", now - timedelta(hours=1)),  # its webhook was given up
                (PHONES["wati"], "HELP", now - timedelta(days=9)),
            ]
            outcome = reconcile.reconcile(
                database, house.runtime.bells, house.runtime.channels["phone"], now - DAY, now
            )
            assert (outcome.is_coming, outcome.fault) == (True, "")
            assert phone.export() == [200, 200]
            assert sorted(one.text for one in house.kept()) == [REPORT, "STATUS"]
        finally:
            house.close()


def test_a_phone_that_cannot_be_asked_says_why(database: Database, tmp_path: Path) -> None:
    with Phone() as phone:
        house = House(database, tmp_path, {"phone": phone})
        try:
            phone.password = "another"
            outcome = reconcile.reconcile(database, house.runtime.bells, house.runtime.channels["phone"], NOON, NOON)
            assert "401" in outcome.fault
            phone.password, phone.can_refresh = PASSWORD, False
            outcome = reconcile.reconcile(database, house.runtime.bells, house.runtime.channels["phone"], NOON, NOON)
            assert "too old" in outcome.fault
        finally:
            house.close()


def call(office: Office, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr(cli_reconcile, "start", lambda: office.district.runtime)
    return CliRunner().invoke(cli_reconcile.command, arguments)


def test_by_hand_it_says_what_was_seen_and_found_in_both_languages(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.missed(1, REPORT, timedelta(days=2))
    shown = call(office, monkeypatch, "--channel", "twilio", "--since", "2025-10-01")
    assert shown.exit_code == 0
    assert "since 2025-09-30 17:00 UTC: 1 seen, 0 kept before, 1 missing and kept now" in shown.output
    assert "1 terlihat, 0 sudah ada, 1 baru disimpan" in shown.output
    assert office.district.message(office.sid(1), "twilio").trace_id in shown.output
    office.api.list_faults = [Refusal(401, 20003)]
    refused = call(office, monkeypatch)
    assert refused.exit_code == 1
    assert "credentials are wrong" in refused.output
    assert "there are: twilio" in call(office, monkeypatch, "--channel", "xl").output


def test_a_channel_that_has_nobody_to_ask_is_named(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = make_runtime(database, tmp_path)
    monkeypatch.setattr(cli_reconcile, "start", lambda: runtime)
    shown = CliRunner().invoke(cli_reconcile.command, [])
    assert (shown.exit_code, "simulator: its provider cannot be asked" in shown.output) == (0, True)
