"""Real recordings from robot to robot: where the hands end, and that nothing exceeds its limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.embodiment import load_embodiment
from streams.body_plan import CanonicalBody, canonicalise, compile_plan
from streams.retarget_plan import compile_target, retarget, start_retarget

pytestmark = pytest.mark.shared

ARM = (
    "shoulder_pitch",
    "shoulder_roll",
    "shoulder_yaw",
    "elbow",
    "wrist_roll",
    "wrist_pitch",
    "wrist_yaw",
)
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
G1 = [
    *(f"{side}_{part}_joint" for side in ("left", "right") for part in LEG),
    *(f"waist_{axis}_joint" for axis in ("yaw", "roll", "pitch")),
    *(f"{side}_{part}_joint" for side in ("left", "right") for part in ARM),
]


def on_body(name: str, joints: list[str], position: np.ndarray) -> CanonicalBody:
    return canonicalise(
        compile_plan(load_embodiment(name), joints, [None] * len(joints), {}), position, None
    )


def g1_dances(recordings: Path) -> tuple[CanonicalBody, np.ndarray]:
    table = np.loadtxt(recordings / "robot_lab_g1/G1_Take_102.bvh_60hz.csv", delimiter=",")
    t_ns = (np.arange(len(table)) * 1e9 / 60).astype(np.int64)
    return on_body("unitree_g1_29dof", G1, table[:, 7:]), t_ns


def g1_picks(recordings: Path) -> tuple[CanonicalBody, np.ndarray]:
    file = recordings / "unitree_g1_inspire_lerobot/data/chunk-000/episode_000000.parquet"
    table = pq.read_table(file)
    state = np.array(table["observation.state"].to_pylist(), dtype=np.float64)[:, :14]
    t_ns = (table["timestamp"].to_numpy().astype(np.float64) * 1e9).astype(np.int64)
    return on_body("unitree_g1_29dof", G1[15:], state), t_ns


def reachy_gestures(recordings: Path) -> tuple[CanonicalBody, np.ndarray]:
    data = json.loads((recordings / "pollen_reachy2/dance3.json").read_text())
    parts = "shoulder_pitch shoulder_roll elbow_yaw elbow_pitch wrist_roll wrist_pitch wrist_yaw"
    joints = [f"{side}_{part}" for side in "lr" for part in parts.split()]
    position = np.radians(np.hstack([data["l_arm"], data["r_arm"]]))
    t_ns = (np.array(data["time"]) * 1e9).astype(np.int64)
    return on_body("pollen_reachy2", joints, position), t_ns


@pytest.mark.parametrize(
    ("motion", "target"),
    [
        (g1_dances, "unitree_h1"),
        (g1_dances, "fourier_gr1t2_inspire"),
        (g1_picks, "unitree_h1"),
        (g1_picks, "fourier_gr1t2_inspire"),
        (reachy_gestures, "unitree_g1_29dof"),
    ],
)
def test_hands_are_where_they_should_be(shared_dir: Path, motion: object, target: str) -> None:
    assert callable(motion)
    body, t_ns = motion(shared_dir / "recordings")
    plan = compile_target(load_embodiment(target))
    _, out = retarget(plan, start_retarget(plan), body, t_ns)
    for limb in ("left_arm", "right_arm"):
        k = plan.limb_names.index(limb)
        fair = out.reachable[:, k] & ~out.velocity_limited[:, k]
        assert fair.sum() >= 10, limb
        median, p95, p99 = np.percentile(out.residual_pct[fair, k], (50, 95, 99))
        assert (median <= 0.1, p95 <= 0.5, p99 <= 1.0) == (True, True, True), (median, p95, p99)
    position = out.position_rad
    assert ((position >= plan.motors.lower) & (position <= plan.motors.upper)).all()
    passed = np.diff(np.maximum.accumulate(t_ns)) * 1e-9
    moved = np.abs(np.diff(position, axis=0))
    within = moved <= plan.motors.speed * passed[:, None]
    assert within[passed * 1e9 <= plan.gap_ns].all()


def test_a_walk_at_half_speed_is_within_reach_of_every_joint(shared_dir: Path) -> None:
    """One human walking: a G1's motion, slowed to half, on its bigger sister."""
    file = shared_dir / "recordings/twist2_g1/0807_yanjie_walk_001.npz"
    position = np.load(file)["dof_pos"].astype(np.float64)
    body = on_body("unitree_g1_29dof", G1, position)
    plan = compile_target(load_embodiment("unitree_h1"), ("left_arm", "right_arm"))
    t_ns = (np.arange(len(position)) * 2e9 / 29.8763).astype(np.int64)
    _, out = retarget(plan, start_retarget(plan), body, t_ns)
    assert out.velocity_limited.mean() <= 0.01
    assert out.reachable.mean() >= 0.98
