"""Whatever order messages arrive in and however often, the figures are those of the report that was sent last."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import reports
from gateway.store.base import Database
from tests.databases import MigratedDatabases
from tests.district import NOON, District, make_runtime


class Sms(NamedTuple):
    """A report of one of Ani's two phones; the minute it was sent decides, not the moment it arrives."""

    minute: int
    phone: str
    month: str
    new: int
    active: int

    @property
    def id(self) -> str:
        return f"{self.minute}-{self.phone}"

    @property
    def text(self) -> str:
        return f"KB {self.month} BARU {self.new} AKTIF {self.active}"


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Sms], list[int]]:
    """Draw messages in the order they arrive, some of them more than once, and after which of them a worker comes."""
    sent = draw(
        st.lists(
            st.builds(
                Sms,
                st.integers(0, 5),
                st.sampled_from(["ani", "ani2"]),
                st.sampled_from(["0925", "SEP25"]),
                st.integers(0, 12),
                st.integers(15, 19),
            ),
            min_size=2,
            max_size=6,
            unique_by=lambda sms: (sms.minute, sms.phone),
        )
    )
    repeats = draw(st.lists(st.sampled_from(sent), max_size=3))
    return draw(st.permutations(sent + repeats)), draw(st.lists(st.integers(0, 8), max_size=4))


def expect(messages: Sequence[Sms]) -> Mapping[str, int]:
    """Return the figures of the report that was sent last; of two at the same minute the greater id counts."""
    last = max(messages, key=lambda sms: (sms.minute, sms.id))
    return {"baru": last.new, "aktif": last.active}


def find_figures(url: str, messages: Sequence[Sms], worker_comes: Sequence[int]) -> list[Mapping[str, int]]:
    """Let the messages arrive, handled now and then, and return what counts in the end."""
    with tempfile.TemporaryDirectory() as var, closing(_Closing(url)) as opened:
        district = District(make_runtime(opened.database, Path(var), answers_per_hour=1000))
        for number, sms in enumerate(messages):
            district.pass_time(seconds=1)
            district.keep(sms.phone, sms.text, sms.id, NOON - timedelta(hours=1) + timedelta(minutes=sms.minute))
            if number in worker_comes:
                district.handle()
        district.handle()
        with opened.database.session(read_only=True) as session:
            found = reports.current_reports(session, facility_ids=[district.ids["PMB01"]], form="kb")
        return [one.values for one in found]


class _Closing:
    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def close(self) -> None:
        self.database.dispose()


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(arrived=arrivals())
def test_any_order_and_any_repetition_end_in_the_same_figures(
    migrated_sqlite: Path, arrived: tuple[list[Sms], list[int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{shutil.copy(migrated_sqlite, Path(folder) / 'kabar.db')}"
        assert find_figures(url, *arrived) == [expect(arrived[0])]


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(arrived=arrivals())
def test_any_order_and_any_repetition_end_in_the_same_figures_on_postgresql(
    migrated_postgresql: MigratedDatabases, arrived: tuple[list[Sms], list[int]]
) -> None:
    with migrated_postgresql.lend() as url:
        assert find_figures(url, *arrived) == [expect(arrived[0])]
