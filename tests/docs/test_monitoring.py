"""What is handed to a Prometheus and a Grafana: every metric that they name is told by a house that lives."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway import metrics
from gateway.backup import Source, make_backup
from gateway.lines import ChannelHealth
from gateway.store import channel_health, vitals
from gateway.store.base import Database
from gateway.version import VERSION
from tests.district import District, make_runtime
from tests.docs.pages import Page
from tests.docs.test_links import anchors_of
from tests.house.source import ROOT
from workers.sweep import sweep

PROMETHEUS = ROOT / "packaging" / "prometheus"
DASHBOARD = ROOT / "packaging" / "grafana" / "kabar.json"
RULE = re.compile(r"^ {6}- alert: (\w+)\n(.*?)(?=^ {6}- |\Z)", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"\bkabar_\w+")
IMPLIED = ("_bucket", "_count", "_sum", "_created")


@pytest.fixture
def told(sqlite_url: str, tmp_path: Path, redis_url: str) -> dict[str, str]:
    """What a house tells in which everything has happened once: each sample's name, and its meaning."""
    backups = tmp_path / "backups"
    district = District(make_runtime(Database(sqlite_url), tmp_path, redis_url, backups=str(backups)))
    make_backup(Source(sqlite_url, {}, tmp_path, VERSION, {}), backups, (), district.runtime.now())
    house = metrics.House(district.runtime, cached_seconds=0)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(house)
    now = district.runtime.now()
    sweep(district.runtime)
    district.say("ani", "KB 0925 BARU 12 AKTIF 40")
    district.send()
    with district.database.session() as session:
        channel_health.save_health(session, "simulator", ChannelHealth(True, "x / x", now, 80, 70, "Rp 1"), now)
        session.commit()
    district.pass_time(minutes=1)
    written = generate_latest(registry).decode()
    district.database.dispose()
    return {
        sample.name: family.documentation
        for family in text_string_to_metric_families(written)
        for sample in family.samples
    }


def rules() -> dict[str, str]:
    """Return the alert rules by name, as they are written."""
    return dict(RULE.findall((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8")))


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def test_every_metric_that_an_alert_or_a_panel_asks_for_is_told(told: dict[str, str]) -> None:
    asked = {name for rule in rules().values() for name in NAME.findall(rule.partition("annotations")[0])}
    asked |= {name for panel in panels() for one in panel.get("targets", ()) for name in NAME.findall(one["expr"])}
    assert len(asked) > 25
    assert asked - set(told) == set()


def test_the_page_names_every_metric_and_no_other(told: dict[str, str]) -> None:
    page = Page("docs/monitoring.md", (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8"))
    [rows] = page.tables("metric")
    listed = {name for cell in (row[0] for row in rows) for name in NAME.findall(cell)}
    assert listed == {name for name in told if not name.endswith(IMPLIED)} | {"kabar_answer_seconds"}


def test_each_alert_says_what_is_wrong_and_what_to_do_in_both_languages_and_where_more_stands() -> None:
    assert len(rules()) == (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8").count("- alert:")
    for name, rule in rules().items():
        said = dict(re.findall(r'^ {10}(\w+): "(.*)"$', rule, re.MULTILINE))
        assert said["summary"].count(" / ") == said["remedy"].count(" / ") == 1, name
        assert re.search(r"severity: (page|look)\b", rule), name
        path, _, anchor = said["docs"].partition("#")
        assert not anchor or anchor in anchors_of(Page(path, (ROOT / path).read_text(encoding="utf-8"))), said["docs"]
        assert (ROOT / path).exists(), path


def test_alerts_and_the_house_mean_the_same_by_too_long() -> None:
    waits, unsent = rules()["KabarMessagesWait"], rules()["KabarAnswersWait"]
    assert f"> {vitals.OLDEST_WAITING.total_seconds():.0f}\n" in waits
    assert f"> {vitals.OLDEST_UNSENT.total_seconds():.0f}\n" in unsent


def test_the_dashboard_is_whole_and_belongs_to_no_house() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["type"] == "row" or panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert " / " in panel["title"] or panel["title"] == "Redis"
    written = DASHBOARD.read_text(encoding="utf-8")
    assert "://" not in written
    assert not re.search(r"\d+\.\d+\.\d+\.\d+", written)


@pytest.mark.prometheus
def test_prometheus_itself_takes_the_rules_and_every_panel(tmp_path: Path) -> None:
    questions = [one["expr"] for panel in panels() for one in panel.get("targets", ())]
    recorded = [{"record": f"panel:{number}", "expr": question} for number, question in enumerate(questions)]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": recorded}]}))
    for command in (
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "rules", str(tmp_path / "panels.yml")),
    ):
        done = subprocess.run(["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
