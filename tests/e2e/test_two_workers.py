"""Two workers share the partitions; one is killed under load, and every frame arrives once."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from deploy.audit import run_audit
from deploy.settle import wait_until_following, wait_until_settled
from deploy.stack import running_stack
from producers.fleet.plan import plan_fleet
from producers.fleet.run import run_fleet
from schemas.settings import Settings
from tests import make

pytestmark = [pytest.mark.kafka, pytest.mark.e2e]


def test_a_killed_worker_and_a_killed_sink_lose_nothing(tmp_path: Path) -> None:
    vendors = make.vendors().names
    settings = Settings().model_copy(update={"home": tmp_path})
    with running_stack(settings, workers=2) as stack:
        wait_until_following(stack.settings, vendors, 90.0)

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
    assert report.ok, report.problems
    assert all(restarts[name] >= 1 for name in ("worker-0", "worker-1", "sink-lake")), restarts
    for name in vendors:
        got = report.vendors[name]
        assert got.canonical == got.clickhouse == got.object_storage == counts[name].frames, name
