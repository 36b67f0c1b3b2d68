"""USSD sessions while the web server is killed: no number is typed in vain, and each report is there once."""

from __future__ import annotations

import http.client
import random
import secrets
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from gateway.store import reports
from gateway.store.base import Database
from gateway.store.inbox import inbox
from tests.chaos.harness import House, make_practices, pause, phone_of, wait_until
from tests.gateway.channels.provider import Provider

TOKEN = "a1b2" * 8
PHONES = 6
MONTHS = 3  # that each phone reports: those before the due one
HOPS_BETWEEN_KILLS = 25
SEED: int | None = None  # write a printed seed here to have its choices again


class Dialler(threading.Thread):
    """A midwife at an aggregator's code. A hop that is not answered is sent again, or she dials anew."""

    def __init__(self, house: House, number: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.hops = self.unanswered = self.resumed = 0
        self._house, self._number, self._chance = house, number, random.Random(seed + number)
        self._session, self._typed = "", list[str]()

    def run(self) -> None:
        """Report every month that is not reported yet, one after the other."""
        shown = self._dial()
        while True:
            if "Lanjutkan" in shown:
                self.resumed += 1
            if "bulan apa" in shown and "\n2 " not in shown:  # no month before the due one is missing any more
                return
            answers = {"bulan apa": "2", "BARU?": f"{self._number}", "AKTIF?": f"{self._number + 40}"}
            typed = next((answer for words, answer in answers.items() if words in shown), "1")
            shown = self._dial() if shown.startswith("END") else self._press(typed)

    def _dial(self) -> str:
        self._session, self._typed = secrets.token_hex(8), []
        return self._knock()

    def _press(self, typed: str) -> str:
        self._typed.append(typed)
        return self._knock()

    def _knock(self) -> str:
        self.hops += 1
        shown = self._post()
        while not shown:
            self.unanswered += 1
            pause(0.1)
            if self._chance.random() < 0.5:
                self._session, self._typed = secrets.token_hex(8), []
            shown = self._post()
        return shown

    def _post(self) -> str:
        """Return the screen, empty where none came."""
        told = {"sessionId": self._session, "phoneNumber": phone_of(self._number), "text": "*".join(self._typed)}
        server = http.client.HTTPConnection("127.0.0.1", self._house.port, timeout=10)
        with suppress(OSError, http.client.HTTPException), closing(server) as line:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            line.request("POST", f"/in/umb/ussd?token={TOKEN}", urlencode(told), kind)
            answer = line.getresponse()
            assert answer.status == 200
            return answer.read().decode()
        return ""


@pytest.mark.long
def test_a_web_server_that_is_killed_loses_no_number_and_takes_no_report_twice(
    sqlite_url: str, open_database: Callable[[str], Database], tmp_path: Path
) -> None:
    database = open_database(sqlite_url)
    places = set(make_practices(database, PHONES).values())
    seed = secrets.randbits(32) if SEED is None else SEED
    with Provider() as provider:
        house = House(tmp_path, sqlite_url, provider, ussd="umb=africastalking", umb_tokens=TOKEN)
        house.commands = {name: house.commands[name] for name in ("valkey", "web")}
        try:
            house.tend()
            wait_until(lambda: house.call("GET", "/healthz") == 200, "the web server", house.tend)
            diallers = [Dialler(house, 2 * number, seed) for number in range(PHONES)]
            for dialler in diallers:
                dialler.start()
            kills = _kill_while(house, diallers)
        finally:
            house.__exit__()
    unanswered, resumed = (sum(getattr(one, name) for one in diallers) for name in ("unanswered", "resumed"))
    print(f"seed {seed}: {kills} kills, {unanswered} hops unanswered, {resumed} sessions resumed")
    with database.session(read_only=True) as session:
        counting = reports.current_reports(session, facility_ids=places, form="kb")
        messages = session.execute(select(func.count()).select_from(inbox)).scalar_one()
    assert kills >= 3
    assert unanswered
    assert messages == len(counting) == PHONES * MONTHS, "each report was confirmed once, and is there once"
    assert {one.revision for one in counting} == {1}
    assert all(one.values["aktif"] == one.values["baru"] + 40 for one in counting)


def _kill_while(house: House, diallers: list[Dialler]) -> int:
    """Kill the web server whenever so many hops more were begun, until every midwife has reported; return how often."""
    kills = 0
    while any(dialler.is_alive() for dialler in diallers):
        if sum(dialler.hops for dialler in diallers) >= HOPS_BETWEEN_KILLS * (kills + 1):
            house.kill("web")
            kills += 1
        house.tend()
        pause(0.01)
    return kills
