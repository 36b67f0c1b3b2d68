"""A district whose months go to a DHIS2 on loopback: reports by hand, a mapping, pushes, and what is there then."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from datetime import timedelta

from sqlalchemy import text

from gateway.channels.http import HttpClient
from gateway.export.dhis2.plan import Plan, Wish, make_plan
from gateway.export.dhis2.push import send_next
from gateway.export.dhis2.turns import Terms
from gateway.mapping import Cell, Destination, Mapping
from gateway.redact import Secret
from gateway.settling import Choices, SettlesAt
from gateway.store import export_choices, push_queue, pushes, reports
from gateway.store.pushes import NewPush, Push, ShownTurn
from gateway.store.reports import NewReport, ReportKey
from gateway.values import COUNTING, ReportState, Scope
from tests.district import District
from tests.gateway.export.dhis2.dhis2_server import TOKEN, Dhis2Server

PERIOD = "2025-09"
AREA = Scope("14.03")
CELLS = {
    "baru.iud": Cell("KB_BARU", "IUD"),
    "baru.pil": Cell("KB_BARU", "PIL"),
    "baru.kondom": Cell("KB_BARU", "KONDOM"),
    "pasca.iud": Cell("KB_PASCASALIN", "IUD"),
    "aktif": Cell("KB_AKTIF"),
}
UNITS = {"140300101": "3201010001", "140300102": "3201010002"}
FIRST = {"baru.iud": 3, "baru.pil": 5, "baru.kondom": 0, "pasca.iud": 1, "aktif": 40}


def make_mapping(cells: MappingOf[str, Cell] = CELLS, units: MappingOf[str, str] = UNITS, version: int = 1) -> Mapping:
    """Return a mapping to the data set of the stand-in."""
    return Mapping(7, version, "kb", "KB_BULANAN", "CODE", cells, units, "kemenkes_code", frozenset({"baru", "pasca"}))


class Office:
    """A district and the DHIS2 that its months go to."""

    def __init__(self, district: District, server: Dhis2Server) -> None:
        self.district, self.server = district, server
        self.mapping = make_mapping()
        self.is_on = True
        self.secret: Secret | None = Secret(TOKEN)
        self._count = 0
        with district.database.session() as session:
            export_choices.choose(session, Choices("14.03", SettlesAt.ACCEPTED), scope=AREA)
            session.commit()

    @property
    def destination(self) -> Destination:
        """Where the months go."""
        return Destination(3, "14.03", "ASDK", self.server.url, "token", "", "", is_on=self.is_on)

    def report(self, short_name: str, values: MappingOf[str, int] | None) -> int:
        """Let a facility's month be these values from now on; None withdraws it."""
        self._count += 1
        now = self.district.runtime.now() + timedelta(seconds=self._count)
        key = ReportKey("kb", self.district.ids[short_name], PERIOD)
        with self.district.database.session() as session:
            old = reports.find_current(session, key)
            if old is not None:
                was = ReportState.WITHDRAWN if values is None else ReportState.REPLACED
                reports.set_state(session, old.id, was, was=old.state)
            if values is None:
                session.commit()
                return 0
            new = NewReport(key, ReportState.ACCEPTED, now, f"hand-{self._count}", values, "", {}, 1, 1, now)
            report_id = reports.add(session, new)
            session.commit()
        return report_id

    def plan(self, *, is_whole: bool = False) -> Plan:
        """Return what a push would send."""
        with self.district.database.session(snapshot=True) as session:
            wish = Wish(PERIOD, "14.03", is_whole)
            return make_plan(session, self.destination, self.mapping, wish, scope=AREA, shown=(0, 50))

    def ask(self, *, is_whole: bool = False, is_dry_run: bool = False) -> Push:
        """Confirm a push of the month as it is planned."""
        plan, mapping = self.plan(is_whole=is_whole), self.mapping
        new = NewPush(
            *(3, "ASDK", "127.0.0.1", mapping.id, mapping.version, mapping.data_set, "kb", PERIOD, "14.03"),
            is_whole=is_whole,
            is_dry_run=is_dry_run,
            about={},
        )
        turns = [one.as_turn() for one in plan.planned if one.is_needed or one.faults]
        with self.district.database.session() as session:
            push = pushes.ask(session, new, (None, "Bu Rina"), self.district.runtime.now(), scope=AREA)
            assert push is not None
            pushes.add_turns(session, push, turns, self.district.runtime.now(), scope=AREA)
            push_queue.end_if_done(session, push.id, self.district.runtime.now())
            session.commit()
        return push

    def send_one(self) -> bool:
        """Send what is due now, one facility; tell whether there was any."""
        terms = Terms(self.destination, self.mapping, self.secret)
        lines = HttpClient(read_seconds=5)
        found = send_next(
            self.district.database, lambda session, push: terms, lambda _: lines, self.district.runtime.now
        )
        return found is not None

    def work(self) -> None:
        """Send until nothing waits any more, however long the waits are."""
        for _ in range(200):
            while self.send_one():
                pass
            with self.district.database.session(read_only=True) as session:
                waiting = session.execute(text("SELECT count(*) FROM push_turns WHERE state = 'queued'")).scalar_one()
            if not waiting:
                return
            self.district.pass_time(hours=3)
        raise AssertionError("it never ended")

    def push(self, **how: bool) -> Push:
        """Ask for a push and see it through."""
        push = self.ask(**how)
        self.work()
        return self.find(push)

    def find(self, push: Push) -> Push:
        """Return a push as it stands."""
        with self.district.database.session(read_only=True) as session:
            found = pushes.find_push(session, push.id, scope=AREA)
        assert found is not None
        return found

    def turns(self, push: Push) -> dict[str, ShownTurn]:
        """Return the turns of a push by facility name."""
        with self.district.database.session(read_only=True) as session:
            return {one.name: one for one in pushes.list_turns(session, push, COUNTING, scope=AREA)}

    def let_leases_end(self) -> None:
        """Let who sends be taken for dead."""
        with self.district.database.session() as session:
            session.execute(text("UPDATE push_turns SET lease_until = '2020-01-01 00:00:00' WHERE state = 'sending'"))
            session.commit()

    @property
    def ours(self) -> dict[tuple[str, str, str], str]:
        """What should be there: org unit, data element and combo, and the value."""
        places = {"PMB01": "3201010001", "PMB02": "3201010002"}
        found = {}
        for short_name, unit in places.items():
            with self.district.database.session(read_only=True) as session:
                report = reports.find_current(session, ReportKey("kb", self.district.ids[short_name], PERIOD))
            for key, number in (report.values if report else {}).items():
                if cell := self.mapping.cells.get(key):
                    found[unit, cell.data_element, cell.category_option_combo or "default"] = str(number)
        return found

    @property
    def theirs(self) -> dict[tuple[str, str, str], str]:
        """What is there."""
        country = self.server.imports.country
        return {
            (country.units[unit], country.elements[element], country.combos[combo]): value
            for (element, _period, unit, combo), value in self.server.imports.live.items()
        }
