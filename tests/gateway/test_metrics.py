"""The metrics: what they count is true on both databases, and what is away is told, never raised."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway import jobs, metrics
from gateway.app import create_app
from gateway.channels.simulator import read_secret, write_request
from gateway.store.base import Database
from gateway.supervise import is_port_free
from tests.chaos.harness import free_port
from tests.district import PHONES, District, make_runtime
from workers.sweep import sweep

Found = dict[str, float]


@pytest.fixture
def district(database: Database, tmp_path: Path, redis_url: str) -> District:
    """A district in which everything works."""
    district = District(make_runtime(database, tmp_path, redis_url))
    sweep(district.runtime)
    return district


def read(written: str) -> Found:
    """Return every sample of a scrape, as `kabar_received_total{channel="simulator"}`."""
    found = {}
    for family in text_string_to_metric_families(written):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def scrape(house: metrics.House) -> Found:
    """Return what one scrape of a house tells."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(house)
    return read(generate_latest(registry).decode())


def test_messages_are_counted_where_they_stand_and_answers_by_their_seconds(district: District) -> None:
    house = metrics.House(district.runtime, cached_seconds=0)
    assert scrape(house)['kabar_received_total{channel="simulator"}'] == 0
    district.pass_time(minutes=1)
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    district.keep("stranger", "KB 0925 BARU 12 AKTIF 40")
    district.pass_time(seconds=3)
    district.handle()
    district.send()
    district.keep("wati", "halo")
    district.pass_time(seconds=90)
    found = scrape(house)
    assert found['kabar_received_total{channel="simulator"}'] == 3
    assert found['kabar_received_day{channel="simulator",state="done"}'] == 1
    assert found['kabar_inbox_messages{state="held"}'] == 1
    assert found['kabar_inbox_messages{state="received"}'] == 1
    assert found["kabar_oldest_waiting_seconds"] == 90
    assert (
        found['kabar_sent_total{channel="simulator"}'] == found['kabar_answer_seconds_count{channel="simulator"}'] > 0
    )
    assert found['kabar_answer_seconds_bucket{channel="simulator",le="2"}'] == 0
    assert (
        found['kabar_answer_seconds_bucket{channel="simulator",le="5"}']
        == found['kabar_sent_total{channel="simulator"}']
    )
    assert found['kabar_month_facilities{form="kb",state="missing"}'] == 7
    district.pass_time(minutes=1)
    assert scrape(house)['kabar_received_total{channel="simulator"}'] == 3, "nothing is counted twice"


def test_what_waits_to_be_sent_has_its_age_and_what_waits_for_its_hour_has_none(district: District) -> None:
    district.keep("ani", "KB 0925 BARU 12 AKTIF 40")
    district.handle()
    district.pass_time(minutes=20)
    found = scrape(metrics.House(district.runtime))
    assert found['kabar_outbox_messages{channel="simulator",state="queued"}'] == 1
    assert found['kabar_oldest_unsent_seconds{channel="simulator"}'] == 1200


def test_a_database_that_is_away_is_told_and_the_rest_with_it(tmp_path: Path, redis_url: str) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/kabar")
    found = scrape(metrics.House(make_runtime(away, tmp_path, redis_url)))
    away.dispose()
    assert (found["kabar_database_up"], found["kabar_redis_up"]) == (0, 1)
    assert "kabar_oldest_waiting_seconds" not in found
    assert found["kabar_disk_free_bytes"] > 0


def test_a_redis_that_is_away_is_told(district: District) -> None:
    object.__setattr__(district.runtime, "bells", jobs.Bells(jobs.connect("redis://127.0.0.1:1/0")))
    found = scrape(metrics.House(district.runtime))
    assert (found["kabar_database_up"], found["kabar_redis_up"]) == (1, 0)
    assert not [name for name in found if name.startswith("kabar_workers")]


def test_a_refused_request_is_counted_whichever_process_refused_it(district: District, redis_url: str) -> None:
    client = create_app(district.runtime).test_client()
    for _ in range(3):
        assert client.post("/in/simulator/sms", data=b"{}").status_code == 403
    found = scrape(metrics.House(make_runtime(district.database, district.runtime.settings.var, redis_url)))
    assert found['kabar_refused_total{channel="simulator"}'] == 3
    assert found['kabar_unkept_total{channel="simulator"}'] == 0


def test_a_request_that_could_not_be_kept_is_counted(district: District, redis_url: str) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/kabar")
    runtime = make_runtime(away, district.runtime.settings.var, redis_url, spool="none")
    request = write_request(read_secret(runtime.settings.var), "m1", PHONES["ani"], "halo")
    answer = create_app(runtime).test_client().post(request.path, data=request.body, headers=dict(request.headers))
    away.dispose()
    assert answer.status_code == 503
    assert scrape(metrics.House(district.runtime))['kabar_unkept_total{channel="simulator"}'] == 1


def test_no_number_and_no_word_of_a_person_is_in_the_metrics(district: District) -> None:
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    district.say("stranger", "rahasia sekali")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics.House(district.runtime))
    written = generate_latest(registry).decode()
    assert not [phone for phone in PHONES.values() if phone.lstrip("+") in written]
    assert "rahasia" not in written
    assert len(written.splitlines()) < 300


def test_they_are_told_on_their_own_port_and_a_second_clock_goes_on_without(
    database: Database, tmp_path: Path, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    runtime = make_runtime(database, tmp_path, redis_url, metrics=address)
    metrics.serve(runtime)
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        found = read(answer.read().decode())
    assert found["kabar_database_up"] == 1
    metrics.serve(runtime)
    said = capsys.readouterr()
    assert "metrics_not_served" in said.out + said.err


def test_nothing_listens_where_no_address_is_set(database: Database, tmp_path: Path) -> None:
    runtime = make_runtime(database, tmp_path)
    metrics.serve(runtime)
    assert is_port_free("127.0.0.1", 9464)
    assert create_app(runtime).test_client().get("/metrics").status_code == 404
