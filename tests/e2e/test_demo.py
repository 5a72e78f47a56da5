"""The command line's promise: every frame of every recording is accounted for, in both stores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.e2e]

FRAMES = {
    "fourier": 1214, "iit": 1188, "kscale": 410, "pollen": 1988, "unitree": 1800,
    "xhumanoid": 736,
}  # fmt: skip
"""Frames of the shared recordings, counted in the files themselves."""


def demo(home: Path, *arguments: str) -> dict:
    command = [sys.executable, "-m", "deploy.cli", "demo", "--home", str(home), "--json"]
    done = subprocess.run([*command, *arguments], capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3_000:]
    return json.loads(done.stdout)


@pytest.mark.shared
def test_recordings_of_six_makers_arrive_whole(shared_dir: Path, tmp_path: Path) -> None:
    result = demo(tmp_path, "--recordings", str(shared_dir / "recordings"))
    assert result["ok"], result["problems"]
    assert {name: got["read"] for name, got in result["vendors"].items()} == FRAMES
    for name, got in result["vendors"].items():
        rejected = sum(got["rejected"].values())
        assert got["read"] == got["published"] == got["canonical"] + rejected, name
        assert got["canonical"] == got["clickhouse"] == got["object_storage"], name
        assert got["episodes"] > 0, name
        assert 0 < got["delay_ms"]["p50"] <= got["delay_ms"]["p99"], name
    assert result["audit"]["records"]["missing"] == 0
    assert result["audit"]["sessions"]["complete"] == result["audit"]["sessions"]["sessions"] == 17


def test_a_simulated_fleet_arrives_whole(tmp_path: Path) -> None:
    result = demo(tmp_path, "--robots", "6", "--seconds", "5")
    assert result["ok"], result["problems"]
    assert result["vendors"].keys() == FRAMES.keys()
    assert all(got["canonical"] > 0 for got in result["vendors"].values())
