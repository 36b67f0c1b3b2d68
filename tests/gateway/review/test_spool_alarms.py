"""What this server has taken and could not hand on is told on the start page, by /readyz and by ./kabar doctor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gateway import health, spool
from gateway.checks import disks
from gateway.settings import Settings
from gateway.spool import Delivery
from gateway.store.base import Database
from tests.district import NOON, District, make_runtime

CLOSED = "postgresql://nobody@127.0.0.1:1/kabar"


def lay_down(district: District, why: str = "") -> None:
    """Lay a delivery into the spool an hour ago, and set it aside if told."""
    spare = district.runtime.spool
    name = spare.put(Delivery("simulator", NOON - timedelta(hours=1)))
    if why:
        spare.set_aside(name, why)


def test_an_empty_spool_is_not_spoken_of(district: District, rina: FlaskClient) -> None:
    assert "spool" not in rina.get("/month").text
    assert "spool" not in health.check(district.runtime, NOON)["parts"]


@pytest.mark.parametrize(
    ("why", "indonesian", "english"),
    [
        ("", "1 kiriman menunggu di disk cadangan", "Deliveries that wait in the spool: 1, the oldest since "),
        (spool.CORRUPT, "1 kiriman di disk cadangan (spool) rusak", "Broken deliveries in the spool: 1."),
        (spool.REFUSED, "tidak bisa disimpan", "Deliveries in the spool that could not be kept: 1."),
    ],
)
def test_what_lies_in_the_spool_is_told_on_the_start_page_in_both_languages(
    district: District, rina: FlaskClient, why: str, indonesian: str, english: str
) -> None:
    lay_down(district, why)
    assert indonesian in rina.get("/month?lang=id").text
    assert english in rina.get("/month?lang=en").text
    assert health.check(district.runtime, NOON)["parts"]["spool"]


def test_what_will_be_gone_in_a_moment_is_no_alarm(district: District, rina: FlaskClient) -> None:
    district.runtime.spool.put(Delivery("simulator", NOON))
    assert "spool" not in rina.get("/month").text
    assert "spool" not in health.check(district.runtime, NOON)["parts"]


def test_while_the_database_is_away_a_page_says_so_in_both_languages(
    district: District, rina: FlaskClient, open_database: Callable[[str], Database]
) -> None:
    object.__setattr__(district.runtime, "database", open_database(CLOSED))
    for language, words in (("id", "tidak dapat menjangkau basis datanya"), ("en", "cannot reach its database")):
        answer = rina.get(f"/month?lang={language}")
        assert (answer.status_code, words in answer.text) == (503, True), answer.text


def look(settings: Settings) -> dict[str, tuple[bool, str]]:
    """Return what `./kabar doctor` finds of disks and spool."""
    return {one.name: (one.is_well, one.words) for one in disks.check_disks(settings)}


def test_the_doctor_says_how_the_spool_does(tmp_path: Path, open_database: Callable[[str], Database]) -> None:
    settings = Settings(var=tmp_path)
    is_well, words = look(settings)["spool"]
    assert is_well
    assert "KABAR_SPOOL" in words, "it lies on the database's own disk"
    district = make_runtime(open_database(f"sqlite:///{tmp_path / 'kabar.db'}"), tmp_path)
    name = district.spool.put(Delivery("simulator", NOON))
    assert look(settings)["spool"][0] is False
    assert "no clock runs" in look(settings)["spool"][1]
    district.spool.set_aside(name, spool.CORRUPT)
    assert "*.corrupt" in look(settings)["spool"][1]
    assert look(Settings(var=tmp_path, spool="none"))["spool"][0]
    assert look(Settings(var=tmp_path, spool="/proc/nowhere"))["spool"][0] is False
    assert "kosong / empty" in look(Settings(var=tmp_path / "other", database_url="postgresql://h/d"))["spool"][1]
