"""Real recordings on the canonical body: hand-checked truths, read straight from the files."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.body import DOF_INDEX, SEGMENT_INDEX, Status
from schemas.embodiment import load_embodiment
from streams.body_plan import CanonicalBody, canonicalise, compile_plan
from streams.kernels.frames import rotation_of_quat

pytestmark = pytest.mark.shared

ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
ICUB = [
    *("neck_pitch", "neck_roll", "neck_yaw", "torso_pitch", "torso_roll", "torso_yaw"),
    *(f"{side}_{part}" for side in "lr" for part in ARM),
    *(f"{side}_{part}" for side in "lr" for part in LEG),
]


def on_body(
    name: str, joints: list[str], position: np.ndarray, velocity: np.ndarray | None = None
) -> CanonicalBody:
    plan = compile_plan(load_embodiment(name), joints, [None] * len(joints), {})
    return canonicalise(plan, position, velocity)


def angle(body: CanonicalBody, dof: str) -> np.ndarray:
    column: np.ndarray = body.angle[:, DOF_INDEX[dof]].astype(np.float64)
    return column


def down(body: CanonicalBody, t: int, segment: str) -> np.ndarray:
    """Where a segment's -z points: along the limb, away from the trunk."""
    turned: np.ndarray = -rotation_of_quat(body.segment_quat[t, SEGMENT_INDEX[segment]])[:, 2]
    return turned


def reachy_arm(side: str) -> list[str]:
    parts = "shoulder_pitch shoulder_roll elbow_yaw elbow_pitch wrist_roll wrist_pitch wrist_yaw"
    return [f"{side}_{part}" for part in parts.split()]


def test_reachy_elbow_in_degrees_is_elbow_flexion_in_radians(shared_dir: Path) -> None:
    data = json.loads((shared_dir / "recordings/pollen_reachy2/affection1.json").read_text())
    degrees = np.hstack([data["l_arm"], data["r_arm"]])
    body = on_body("pollen_reachy2", reachy_arm("l") + reachy_arm("r"), np.radians(degrees))
    np.testing.assert_allclose(
        angle(body, "left_elbow_flexion"), -np.radians(degrees[:, 3]), atol=1e-6
    )
    np.testing.assert_allclose(
        angle(body, "right_elbow_flexion"), -np.radians(degrees[:, 10]), atol=1e-6
    )
    at_90 = int(np.argmin(np.abs(degrees[:, 3] + 90)))
    assert angle(body, "left_elbow_flexion")[at_90] == pytest.approx(np.pi / 2, abs=0.01)
    upper, fore = down(body, at_90, "left_upper_arm"), down(body, at_90, "left_forearm")
    assert abs(float(upper @ fore)) < 0.01
    assert fore[0] > 0.5
    middle = len(degrees) // 2
    assert (body.hand_pose[middle, :, 0] > 0.3).all()
    assert body.hand_pose[middle, 0, 1] > 0.1 > -0.1 > body.hand_pose[middle, 1, 1]


def test_reachy_at_90_degrees_by_hand() -> None:
    position = np.zeros((1, 14))
    position[0, [3, 10]] = -np.pi / 2
    body = on_body("pollen_reachy2", reachy_arm("l") + reachy_arm("r"), position)
    assert angle(body, "left_elbow_flexion")[0] == pytest.approx(1.5708, abs=1e-4)
    for side in ("left", "right"):
        assert down(body, 0, f"{side}_forearm")[0] > 0.95
    # The jaws open sideways and the palm faces down: the thumb has turned inward by 90 deg.
    assert angle(body, "left_forearm_pronation")[0] == pytest.approx(np.pi / 2, abs=1e-4)


def test_g1_without_waist_and_legs(shared_dir: Path) -> None:
    file = (
        shared_dir / "recordings/unitree_g1_inspire_lerobot/data/chunk-000/episode_000000.parquet"
    )
    state = np.array(pq.read_table(file)["observation.state"].to_pylist(), dtype=np.float64)
    parts = "shoulder_pitch shoulder_roll shoulder_yaw elbow wrist_roll wrist_pitch wrist_yaw"
    arms = [f"{side}_{part}_joint" for side in ("left", "right") for part in parts.split()]
    body = on_body("unitree_g1_29dof", arms, state[:, :14])
    robot = load_embodiment("unitree_g1_29dof")
    straight = robot.neutral["left_elbow_joint"]
    np.testing.assert_allclose(angle(body, "left_elbow_flexion"), straight - state[:, 3], atol=1e-6)
    assert (body.status[:, DOF_INDEX["left_knee_flexion"]] == Status.ABSENT).all()
    assert np.isfinite(body.foot_pose).all()
    assert (body.segment_status[:, SEGMENT_INDEX["right_foot"]] == Status.IMPUTED).all()
    assert (body.hand_pose[:, :, 0] > 0.2).all()
    assert (body.hand_pose[:, 0, 1] > 0.1).all()
    assert (body.hand_pose[:, 1, 1] < 0.0).all()


def test_gr1_motors_land_on_the_right_dofs(shared_dir: Path) -> None:
    file = shared_dir / "recordings/fourier_gr1_sim_lerobot/data/chunk-000/episode_000002.parquet"
    state = np.array(pq.read_table(file)["observation.state"].to_pylist(), dtype=np.float64)
    parts = "shoulder_pitch shoulder_roll shoulder_yaw elbow_pitch wrist_yaw wrist_roll wrist_pitch"
    left, right = ([f"{s}_{p}_joint" for p in parts.split()] for s in ("left", "right"))
    body = on_body(
        "fourier_gr1t2_inspire", left + right, np.hstack([state[:, :7], state[:, 22:29]])
    )
    # The left arm rests with the elbow bent by 2.1 rad and thumb up; the right one reaches.
    np.testing.assert_allclose(angle(body, "left_elbow_flexion"), -state[:, 3], atol=2e-3)
    assert down(body, 0, "left_forearm")[0] > 0.8
    thumb = rotation_of_quat(body.segment_quat[0, SEGMENT_INDEX["left_hand"]])[:, 0]
    assert thumb[2] > 0.8
    assert np.ptp(body.hand_pose[:, 0, 0]) < 0.02
    assert body.hand_pose[:, 1, 0].max() > 0.45
    assert angle(body, "right_shoulder_flexion").max() > 0.8
    assert angle(body, "right_forearm_pronation").max() > 0.9


def test_tienkung_walks(shared_dir: Path) -> None:
    data = json.loads((shared_dir / "recordings/tienkung/walk.txt").read_text())
    frames = np.array(data["Frames"], dtype=np.float64)
    leg, arm = (
        "hip_roll hip_pitch hip_yaw knee_pitch ankle_pitch ankle_roll",
        "shoulder_pitch shoulder_roll shoulder_yaw elbow",
    )
    joints = [f"{p}_{s}_joint" for parts in (leg, arm) for s in "lr" for p in parts.split()]
    body = on_body("xhumanoid_tienkung_lite", joints, frames[:, 6:26], frames[:, 32:52])
    for side in ("left", "right"):
        knee = angle(body, f"{side}_knee_flexion")
        assert knee.min() > 0.0
        assert 1.0 < knee.max() < 1.6
        swing = angle(body, f"{side}_hip_flexion")
        assert swing.min() < -0.1
        assert 0.4 < swing.max() < 0.8
        assert np.abs(angle(body, f"{side}_hip_rotation")).max() < 0.4
        # In swing the knee bends while the thigh comes forward.
        assert swing[knee > 0.9].mean() > swing[knee < 0.3].mean()
    assert body.angle_velocity is not None
    rate = np.gradient(angle(body, "left_knee_flexion"), data["FrameDuration"])[3:-3]
    seen = body.angle_velocity[3:-3, DOF_INDEX["left_knee_flexion"]]
    assert np.corrcoef(rate, seen)[0, 1] > 0.95
    feet = body.foot_pose[:, :, 0]
    assert np.corrcoef(feet[:, 0], feet[:, 1])[0, 1] < -0.5


def test_icub_walks_on_bent_knees(shared_dir: Path) -> None:
    with h5py.File(shared_dir / "recordings/iit_icub_genova04/walking.mat") as file:
        found: dict[str, np.ndarray] = {}

        def keep(path: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and path.split("/")[-1].startswith("estimatorJoints"):
                found[path.split("/")[-1]] = item[()]

        file.visititems(keep)
    position = found["estimatorJointsPos"]
    position = position if position.shape[1] == len(ICUB) else position.T
    body = on_body("iit_icub", ICUB, position)
    for side in ("left", "right"):
        assert 0.4 < np.median(angle(body, f"{side}_knee_flexion")) < 0.7
        assert 0.2 < np.median(angle(body, f"{side}_ankle_dorsiflexion")) < 0.5
        assert angle(body, f"{side}_hip_flexion").max() > 0.3
        assert angle(body, f"{side}_elbow_flexion").min() > 0.2
        assert (body.status[:, DOF_INDEX[f"{side}_wrist_flexion"]] == Status.ABSENT).all()
        assert (body.segment_status[:, SEGMENT_INDEX[f"{side}_hand"]] == Status.IMPUTED).all()
        assert (body.segment_status[:, SEGMENT_INDEX[f"{side}_forearm"]] == Status.MEASURED).all()
    # Its root faces -x: forward in the pelvis frame is where the bent arms' hands are.
    assert (body.hand_pose[:, :, 0] > 0.1).all()
    assert (body.hand_pose[:, 0, 1] > 0.1).all()
    assert (body.foot_pose[:, :, 2] < -0.4).all()
