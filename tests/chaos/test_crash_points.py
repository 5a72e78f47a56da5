"""A process that runs with the hooks ends at the point it is armed for, and every place exists."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.hooks import crash_points
from tests.chaos.plan import Crash, Kill, steps

PROGRAM = """
from pathlib import Path
from producers.sdk.spool import Spool, SpoolLimits
spool = Spool(Path("{folder}"), SpoolLimits())
print("ready", flush=True)
input()
spool.acknowledge(-1)
print("behind it", flush=True)
"""


@pytest.mark.parametrize("place", [p for places in crash_points.PLACES.values() for p in places])
def test_every_place_is_a_function_of_ours(place: crash_points.Place) -> None:
    found = importlib.import_module(place.module)
    for name in place.function.split("."):
        found = getattr(found, name)
    assert callable(found)


@pytest.mark.parametrize(("point", "printed"), [("truncate.before", b""), ("append.after", b"b")])
def test_a_process_dies_where_it_is_told_to(tmp_path: Path, point: str, printed: bytes) -> None:
    hooks = str(Path(crash_points.__file__).parent)
    env = {**os.environ, "PYTHONPATH": hooks, crash_points.FOLDER: str(tmp_path)}
    program = PROGRAM.format(folder=tmp_path / "spool")
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    crash_points.arm(tmp_path, process.pid, point, signal.SIGKILL)
    out, _ = process.communicate(b"\n", timeout=60)
    reached = point == "truncate.before"
    assert process.returncode == (-signal.SIGKILL if reached else 0)
    assert out[:1] == printed
    assert crash_points.disarm(tmp_path, process.pid) is not reached


def test_a_plan_follows_from_its_seed() -> None:
    plan = list(steps(7, 50, 1.0, ("kafka",)))
    assert plan == list(steps(7, 50, 1.0, ("kafka",)))
    assert plan != list(steps(8, 50, 1.0, ("kafka",)))
    assert sum(isinstance(step.act, Kill | Crash) for step in plan) == 50
