"""Alert rules and dashboards: promtool's own tests, and every name in them is served."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from deploy.grafana.dashboards import write_dashboards
from deploy.grafana.panels import EPISODES, FLOW
from schemas import metrics
from tests.prometheus_server import RULES, program

NAMES = {value for name, value in vars(metrics).items() if name.isupper()}
OF_PROCESSES = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
METRIC = re.compile(r"\b(?:kinebus|process)_\w+")
FLOW_PANELS = [panel for row in FLOW for panel in row.panels]


def named(expression: str) -> set[str]:
    """Metrics that an expression asks for; a histogram by its own name."""
    without_labels = re.sub(r'"[^"]*"|\b(?:by|on) \([^)]*\)', "", expression)
    return {re.sub(r"_bucket$", "", name) for name in METRIC.findall(without_labels)}


@pytest.mark.parametrize(
    "check", [["check", "rules", "rules.yml"], ["check", "config", "prometheus.yml"],
              ["test", "rules", "rules_test.yml"]],
)  # fmt: skip
def test_promtool_is_content(check: list[str]) -> None:
    done = subprocess.run(
        [program("promtool"), *check], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_documented() -> None:
    alerts = re.findall(r"alert: (\w+)", (RULES / "rules.yml").read_text())
    tested = re.findall(r"name: (\w+)", (RULES / "rules_test.yml").read_text())
    assert alerts == tested
    page = Path("docs/metrics.md").read_text()
    assert [alert for alert in alerts if f"`{alert}`" not in page] == []


def test_every_metric_is_documented() -> None:
    page = Path("docs/metrics.md").read_text()
    assert sorted(name for name in NAMES if f"`{name}`" not in page) == []
    assert set(re.findall(r"`(kinebus_\w+)`", page)) <= NAMES


def test_rules_ask_for_metrics_that_exist() -> None:
    text = (RULES / "rules.yml").read_text()
    asked = {name for line in text.splitlines() if "alert:" not in line for name in named(line)}
    assert asked <= NAMES
    assert len(asked) > 12


def test_dashboards_hold_every_panel_and_every_metric(tmp_path: Path) -> None:
    files = {path.stem: json.loads(path.read_text()) for path in write_dashboards(tmp_path)}
    shown = {
        uid: {
            panel["title"]: panel["targets"][0].get("expr") or panel["targets"][0]["rawSql"]
            for panel in board["panels"]
            if panel["type"] != "row"
        }
        for uid, board in files.items()
    }
    assert shown["kinebus-flow"] == {panel.title: panel.query for panel in FLOW_PANELS}
    assert shown["kinebus-episodes"] == {p.title: p.query for row in EPISODES for p in row.panels}
    asked = set().union(*(named(panel.query) for panel in FLOW_PANELS))
    assert asked == NAMES | OF_PROCESSES
