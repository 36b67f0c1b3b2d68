"""`./kabar remind --plan`: who would be reminded on a day, and why or why not; it writes nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from gateway.cli_remind import remind
from gateway.errors import Malformed
from gateway.store import channels, pauses, users
from gateway.store.base import Database
from gateway.store.outbox import outbox
from gateway.store.reminders import reminders
from gateway.store.users import NewUser
from gateway.values import Role, Scope
from tests.district import NOON, PHONES, District, make_runtime

COUNTRY = Scope("")


@pytest.fixture
def district(database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> District:
    """A terminal before a district's database; Ani has reported September."""
    monkeypatch.setenv("KABAR_DATABASE_URL", database_url)
    monkeypatch.setenv("KABAR_VAR", str(tmp_path / "var"))
    made = District(make_runtime(database, tmp_path))
    made.say("ani", "KB 0925 BARU 12 AKTIF 40 PIL 30")
    return made


def plan(*words: str) -> str:
    """Return what `./kabar remind --plan` prints; a fault is raised as it is."""
    return CliRunner().invoke(remind, ["--plan", *words], catch_exceptions=False, standalone_mode=False).output


def line_of(printed: str, name: str) -> str:
    """Return the only line about a facility."""
    (found,) = [line for line in printed.splitlines() if f" {name} " in line]
    return found


def test_each_facility_has_a_line_that_says_why_or_why_not(district: District) -> None:
    with district.database.session() as session:
        pauses.add_pause(
            *(session, "", district.ids["DAMON"], (date(2025, 10, 1), date(2025, 10, 9)), "closed", "Bu Rina", NOON),
            scope=COUNTRY,
        )
        session.commit()
    district.say("eve", "STOP")
    printed = plan("--on", "2025-10-03")
    assert "14.03 Kabupaten Bengkalis, Asia/Jakarta" in printed
    assert "14.03.01 Bengkalis" in printed
    assert "Sudah lapor / Has reported" in line_of(printed, "PMB Ani")
    assert "Diingatkan / Is reminded [before 02-10 08:00]: Wati +62812" in line_of(printed, "Pustu Teluk")
    assert "closed for a while" in line_of(printed, "Puskesmas Damon")
    assert "Sent STOP" in line_of(printed, "PMB Eve")
    assert "3 orang/people, 3 SMS" not in printed  # Sari and Dewi share a phone, Wati has two places
    assert "= 2 orang/people, 2 SMS" in printed


def test_no_phone_number_is_printed_whole(district: District) -> None:
    printed = plan("--on", "2025-10-07")
    assert "+62812•••0002" in printed
    assert not any(phone in printed for phone in PHONES.values())


def test_what_it_would_cost_is_said_where_the_price_is_known(district: District) -> None:
    assert "Rp" not in plan("--on", "2025-10-03")
    with district.database.session() as session:
        channels.choose_channel(session, "simulator", None, 1350, scope=COUNTRY)
        session.commit()
    assert "4 orang/people, 4 SMS, Rp5.400." in plan("--on", "2025-10-03")


def test_a_whole_day_has_every_rung_of_it_and_an_hour_those_that_have_begun(district: District) -> None:
    with district.database.session() as session:
        officer = users.add_user(session, NewUser("hadi", "Pak Hadi", Role.OFFICER, "14.03.01", "id", NOON))
        users.set_phone(session, officer, "+6281230000077", scope=COUNTRY)
        session.commit()
    assert "[officer 08-10 09:00]: Pak Hadi +62812•••0077" in plan("--on", "2025-10-08")
    assert "Pak Hadi" not in plan("--on", "2025-10-08", "--at", "08:59")
    assert "Is reminded [due 05-10 08:00]" in plan("--on", "2025-10-05")
    assert "Night or day off [before 02-10 08:00]" in plan("--on", "2025-10-05", "--at", "07:59")


def test_only_the_area_and_the_form_that_were_asked_for_are_shown(district: District) -> None:
    assert "PMB Wati" in plan("--on", "2025-10-03", "--area", "14.03.01", "--form", "KB")
    assert "No facility is asked to report" in plan("--on", "2025-10-03", "--area", "14.03.01", "--form", "alokon")


def test_a_plan_writes_nothing(district: District) -> None:
    def count() -> list[int]:
        with district.database.session(read_only=True) as session:
            return [session.execute(select(func.count()).select_from(one)).scalar_one() for one in (outbox, reminders)]

    before = count()
    assert "Is reminded" in plan("--on", "2025-10-03")
    assert count() == before


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--on", "besok"), "bukan hari"),
        (("--on", "2025-02-30"), "is no day"),
        (("--on", "9999-12-31"), "is no day"),
        (("--on", "0001-01-01"), "is no day"),
        (("--at", "25:00"), "is no time of day"),
        (("--at", "pagi"), "bukan jam"),
        (("--area", "99.99"), "there is no area"),
        (("--form", "gizi"), "tidak ada formulir"),
    ],
)
def test_what_cannot_be_is_said_in_words(district: District, words: tuple[str, ...], fault: str) -> None:
    with pytest.raises(Malformed, match=fault):
        plan(*words)


def test_reminders_are_not_sent_from_a_terminal(district: District) -> None:
    with pytest.raises(click.UsageError, match="it is the workers who send"):
        CliRunner().invoke(remind, [], catch_exceptions=False, standalone_mode=False)
