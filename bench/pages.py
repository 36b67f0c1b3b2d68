"""How long each screen takes, and how many questions it asks the database: `python -m bench.pages`.

A large district (1,000 facilities, a year) on SQLite and the nation (33,014 facilities, a year) on PostgreSQL, seen by
an administrator of the whole country and by the staff of one regency. The questions are counted at a tenth of the size
too: they must be the same.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text
from werkzeug.routing import Rule

from bench.measure import percentile
from bench.nation import DISTRICT, NATION, Size, fill
from gateway.app import create_app
from gateway.review.pages import entrance
from gateway.runtime import Runtime, make_runtime, start_logging
from gateway.settings import Settings
from gateway.store import schema, users, visits
from gateway.store.base import is_postgresql
from gateway.store.facilities import facilities
from gateway.store.inbox import inbox
from gateway.store.patience import have_patience
from gateway.store.registrations import registrations
from gateway.store.reports import reports
from gateway.store.users import NewUser
from gateway.store.visits import NewVisit
from gateway.values import Role
from tests.servers import PostgresServer

DISTRICT_SIZE, NATION_SIZE = Size(1000, is_national=False), Size(NATION, is_national=True)
ROUNDS = 15
WARM_UP = 2  # the first looks fill caches of statements and templates
GOAL_MS = 300.0
PASSED_OVER = {"files", "health", "phone", "login", "invitation", "help"}  # no screen of staff, or asks nothing
WITH_MORE = {  # a screen that shows something only when it is asked for
    "reports.show_reports": ("?period={period}", "?state=flagged"),
    "month.show_month": ("?area=14.03", "?area=14.03.01", "?form=alokon"),
    "stock.show_stock": ("?item=pil&only=kosong",),
    "facilities.show_facilities": ("?words=05",),
    "reporters.show_reporters": ("?words=05",),
    "messages.show_messages": ("?tab=all",),
}


@dataclass
class Screen:
    """One address and what it took: milliseconds by who looked, and questions."""

    address: str
    spans: dict[str, list[float]] = field(default_factory=dict)
    questions: dict[str, int] = field(default_factory=dict)
    status: int = 0


class Questions:
    """Counts what an engine is asked."""

    def __init__(self, runtime: Runtime) -> None:
        self.count = 0
        event.listen(runtime.database.engine, "before_cursor_execute", self._hear)

    def _hear(self, *_: Any) -> None:
        self.count += 1


def measure(runtime: Runtime, rounds: int, warm_up: int = WARM_UP) -> dict[str, Screen]:
    """Look at every screen as an administrator and as staff of a regency; return what each took."""
    app = create_app(runtime)
    questions = Questions(runtime)
    screens: dict[str, Screen] = {}
    for who, role, area in (("country", Role.ADMINISTRATOR, ""), ("regency", Role.DISTRICT, DISTRICT)):
        client = app.test_client()
        _sign_in(client, runtime, role, area)
        for address in _addresses(runtime, list(app.url_map.iter_rules()), area):
            screen = screens.setdefault(_shape(address), Screen(_shape(address)))
            for number in range(warm_up + rounds):
                before, started = questions.count, time.perf_counter()
                response = client.get(address, buffered=True)
                span = (time.perf_counter() - started) * 1000
                if number >= warm_up:
                    screen.spans.setdefault(who, []).append(span)
                    screen.questions[who] = questions.count - before
            screen.status = max(screen.status, response.status_code)
    return screens


def _sign_in(client: FlaskClient, runtime: Runtime, role: Role, area: str) -> None:
    now, token = runtime.now(), entrance.new_token()
    with runtime.database.session() as session:
        user_id = users.add_user(session, NewUser(f"{role}-{time.time_ns()}", role.title(), role, area, "id", now))
        visits.begin_visit(session, NewVisit(entrance.hash_token(token), user_id, now))
        session.commit()
    client.set_cookie(entrance.COOKIE, token)


def _addresses(runtime: Runtime, rules: list[Rule], area: str) -> Iterator[str]:
    """Yield the addresses of every screen, its numbers filled in with what is there in an area."""
    known = _known_ids(runtime, area)
    for rule in sorted(rules, key=str):
        room = rule.endpoint.partition(".")[0]
        if "GET" not in (rule.methods or ()) or room in PASSED_OVER or not rule.endpoint.count("."):
            continue
        if not set(rule.arguments) <= known.keys() or "." in rule.rule:  # a file is streamed, however long it is
            continue
        address = rule.rule
        for name in rule.arguments:
            address = address.replace(f"<int:{name}>", str(known[name])).replace(f"<{name}>", str(known[name]))
        yield address
        for more in WITH_MORE.get(rule.endpoint, ()):
            yield address + more.format(**known)


def _known_ids(runtime: Runtime, area: str) -> dict[str, Any]:
    """Return an id of each kind of thing that lies in an area: as new as there is, for that is what people look at."""
    with runtime.database.session(read_only=True) as session:
        place = session.execute(
            select(func.max(facilities.c.id)).where(facilities.c.area.startswith(area or ""))
        ).scalar_one()
        here = select(facilities.c.id).where(facilities.c.area.startswith(area or DISTRICT))
        report_id, period = session.execute(
            select(reports.c.id, reports.c.period)
            .where(reports.c.facility_id.in_(here), reports.c.form == "kb")
            .order_by(reports.c.id.desc())
            .limit(1)
        ).one()
        waiting = session.execute(
            select(func.max(inbox.c.id)).where(
                inbox.c.id == select(reports.c.inbox_id).where(reports.c.id == report_id).scalar_subquery()
            )
        ).scalar_one()
        asked = session.execute(select(func.max(registrations.c.id))).scalar_one()
    ids = {"facility_id": place, "reporter_id": place, "report_id": report_id, "message_id": waiting, "period": period}
    return ids | ({"registration_id": asked, "user_id": 1} if not area else {})


def _shape(address: str) -> str:
    """Return an address without the numbers that differ between sizes."""
    path, _, asked = address.partition("?")
    parts = ["…" if part.isdigit() else part for part in path.split("/")]
    return "/".join(parts) + (f"?{asked}" if asked else "")


@contextmanager
def open_runtime(url: str, folder: Path, size: Size) -> Iterator[Runtime]:
    """Hand out a gateway on a filled database."""
    schema.upgrade(url)
    settings = Settings(var=folder, database_url=url, redis_url="redis://127.0.0.1:1")
    start_logging(settings, "bench")
    runtime = make_runtime(settings)
    started = time.monotonic()
    with runtime.database.session() as session:
        if is_postgresql(session):
            have_patience(session)
            session.execute(text("SET statement_timeout = 0; SET session_replication_role = replica"))
            session.commit()
        fill(session, size, runtime.now())
    runtime.database.dispose()  # with what was set on its connection
    with runtime.database.session() as session:
        if is_postgresql(session):
            have_patience(session)
            session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("ANALYZE"))
        session.commit()
    print(f"  {size.facilities} facilities written in {time.monotonic() - started:.0f} s", file=sys.stderr)
    yield runtime
    runtime.database.dispose()


def report(name: str, screens: dict[str, Screen], small: dict[str, Screen]) -> list[str]:
    """Print a table, the slowest screen first; return what is wrong with it."""
    faults = []
    print(f"\n{name}\n")
    print("| screen | country p50 | p95 | questions | regency p50 | p95 | questions |")
    print("|---|---|---|---|---|---|---|")
    for screen in sorted(screens.values(), key=_slowest, reverse=True):
        cells = []
        for who in ("country", "regency"):
            spans = screen.spans.get(who)
            if not spans:
                cells += ["", "", ""]
                continue
            cells += [f"{statistics.median(spans):.0f}", f"{percentile(spans, 0.95):.0f}", str(screen.questions[who])]
        asked, fewer = screen.questions.get("country", 0), small.get(screen.address)
        if fewer and fewer.questions.get("country", 0) < asked:  # a small nation's regency has empty lists
            faults.append(f"{screen.address}: {fewer.questions.get('country', 0)} questions, then {asked}")
        if _slowest(screen) > GOAL_MS:
            faults.append(f"{screen.address}: {_slowest(screen):.0f} ms")
        if screen.status >= 500:  # what only an administrator may open is refused in a regency
            faults.append(f"{screen.address}: answered {screen.status}")
        print(f"| `{screen.address}` | {' | '.join(cells)} |", flush=True)
    return faults


def _slowest(screen: Screen) -> float:
    return max((percentile(spans, 0.95) for spans in screen.spans.values()), default=0.0)


def run(is_small: bool, rounds: int) -> int:
    """Measure both databases; the number of faults."""
    faults: list[str] = []
    part = 10 if is_small else 1
    with tempfile.TemporaryDirectory(prefix="kabar-bench-") as name:
        folder = Path(name)

        def on_sqlite(size: Size, called: str) -> dict[str, Screen]:
            with open_runtime(f"sqlite:///{folder / called}", folder, size) as runtime:
                return measure(runtime, rounds)

        faults += _compare("SQLite", DISTRICT_SIZE, part, on_sqlite)
        server = PostgresServer()
        server.start()
        try:

            def on_postgresql(size: Size, called: str) -> dict[str, Screen]:
                server.execute(f'CREATE DATABASE "{called}"')
                with open_runtime(server.url(called), folder, size) as runtime:
                    return measure(runtime, rounds)

            faults += _compare("PostgreSQL", NATION_SIZE, part, on_postgresql)
        finally:
            server.remove()
    print("\n" + ("\n".join(f"- {fault}" for fault in faults) or "All within the goal."))
    return len(faults)


def _compare(name: str, size: Size, part: int, look: Callable[[Size, str], dict[str, Screen]]) -> list[str]:
    whole = Size(size.facilities // part, size.is_national)
    small = look(Size(whole.facilities // 10, size.is_national), "small")
    return report(f"{name}, {whole.facilities} facilities, 12 months", look(whole, "whole"), small)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--small", action="store_true", help="a tenth of everything, to try it")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    sys.exit(1 if run(given.small, given.rounds) else 0)


if __name__ == "__main__":
    main()
