"""Two workers share the partitions; one is killed under load, and every frame arrives once."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from deploy.audit import run_audit
from deploy.grafana.panels import EPISODES, FLOW
from deploy.ports import answers
from deploy.settle import wait_until_following, wait_until_settled
from deploy.stack import running_stack
from deploy.stack_file import targets_path
from producers.fleet.plan import plan_fleet
from producers.fleet.run import run_fleet
from schemas import metrics
from schemas.settings import Settings
from sinks.clickhouse.client import connect
from tests import make
from tests.prometheus_server import Prometheus, running_prometheus
from tests.sink_rig import wait_until

UNSEEN = {
    "Vendors that rest", "Offsets stepped over", "Records of another kind",
    "Audit: what must not be",
}  # fmt: skip
"""Panels of what did not happen here."""

pytestmark = [pytest.mark.kafka, pytest.mark.e2e]


def test_a_killed_worker_and_a_killed_sink_lose_nothing(tmp_path: Path) -> None:
    vendors = make.vendors().names
    settings = Settings().model_copy(update={"home": tmp_path})
    with (
        running_stack(settings, workers=2, dashboard=True) as stack,
        running_prometheus(tmp_path / "prometheus", targets_path(tmp_path)) as prometheus,
    ):
        wait_until_following(stack.settings, vendors, 90.0)
        wait_until(lambda: answers(stack.settings.dashboard_port), "the dashboard to answer")

        def kill() -> None:
            for name in ("worker-0", "sink-lake", "worker-1"):
                time.sleep(3)
                pid = stack.pid(name)
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        plan = plan_fleet([make.vendor(name) for name in vendors], 12, seconds=12.0)
        counts = run_fleet(plan, stack.bootstrap, threading.Event()).vendors
        killer.join()
        wait_until_settled(stack.settings, vendors, 120.0, lambda _: None)
        report = run_audit(stack.settings, deep=True)
        restarts = {state.name: state.restarts for state in stack.processes()}
        # The broker has JMX, and the supervisor is none of its own processes.
        processes = len(stack.processes())
        prometheus.wait_for('up{job="kinebus"} == 1', processes)
        every_robot_is_on_the_wall(stack.chosen["dashboard"], {one.robot for one in plan.robots})
        every_name_is_served(tmp_path)
        every_panel_answers(prometheus, connect(stack.clickhouse_url, "kinebus"))
    assert report.ok, report.problems
    assert all(restarts[name] >= 1 for name in ("worker-0", "worker-1", "sink-lake")), restarts
    for name in vendors:
        got = report.vendors[name]
        assert got.canonical == got.clickhouse == got.object_storage == counts[name].frames, name


def every_robot_is_on_the_wall(url: str, robots: set[str]) -> None:
    """The dashboard's first event holds each robot, with its last take judged."""
    with urllib.request.urlopen(f"{url}stream/fleet") as stream:
        assert stream.readline() == b"event: whole\n"
        told = json.loads(stream.readline().removeprefix(b"data: "))["robots"]
    assert set(told) == robots
    assert all(row["known"] and row["verdict"] for row in told.values())


def every_name_is_served(home: Path) -> None:
    """Each metric of the contract is told by some process."""
    served = set()
    for target in json.loads(targets_path(home).read_text()):
        with urllib.request.urlopen(f"http://{target['targets'][0]}/metrics") as answer:
            served |= set(re.findall(r"^# TYPE (\S+)", answer.read().decode(), re.M))
    names = {value for name, value in vars(metrics).items() if name.isupper()}
    assert names - served == set()


def every_panel_answers(prometheus: Prometheus, client: Client) -> None:
    """Each panel's question, as Grafana asks it, has an answer.

    A rate has one when its counter was scraped twice: the audit counts its first records late.
    """
    for panel in (panel for row in FLOW for panel in row.panels):
        prometheus.wait_for(panel.query, 0 if panel.title in UNSEEN else 1)
    now = int(time.time())
    for panel in (panel for row in EPISODES for panel in row.panels):
        sql = panel.query.replace("$__fromTime", f"toDateTime({now - 86_400})")
        rows = client.query(sql.replace("$__toTime", f"toDateTime({now + 86_400})")).result_rows
        assert rows or panel.title in ("Joints with findings", "Refused records"), panel.title
