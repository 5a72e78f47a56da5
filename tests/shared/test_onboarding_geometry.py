"""Shipped embodiments against their descriptions, with pinocchio as the independent witness."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pinocchio as pin
import pytest

from producers.onboarding.description import DescriptionError, link_frames
from producers.onboarding.mjcf import compile_kinematics, read_mjcf
from producers.onboarding.urdf import read_urdf
from schemas.body import COMPLEXES, DOF_INDEX, SEGMENT_INDEX, Status, dof_axis
from schemas.embodiment import Embodiment, load_embodiment
from streams.body_plan import canonicalise, compile_plan

pytestmark = pytest.mark.shared

FILES = {
    "fourier_gr1t2_inspire": "fourier/gr1t2_inspire_hand.urdf",
    "iit_icub": "iit/icub_v2_7.urdf",
    "pollen_reachy2": "pollen/reachy2.urdf",
    "unitree_g1_29dof": "unitree/g1_29dof_rev_1_0.urdf",
    "unitree_g1_inspire": "unitree/g1_29dof_with_inspire_hand_dfq.urdf",
    "unitree_h1": "unitree/h1.urdf",
    "xhumanoid_tienkung_lite": "x-humanoid/tienkung_lite.urdf",
}
AXES = {s + a: f * np.eye(3)[i] for s, f in (("+", 1), ("-", -1)) for i, a in enumerate("xyz")}


class Witness:
    """A robot as pinocchio reads it from the description."""

    def __init__(self, robot: Embodiment, file: Path) -> None:
        self.robot = robot
        self.model = pin.buildModelFromUrdf(str(file))
        self.data = self.model.createData()
        forward, up = AXES[robot.forward], AXES[robot.up]
        self.pelvis = np.column_stack([forward, np.cross(up, forward), up])

    def place(self, value: dict[str, float]) -> None:
        q = pin.neutral(self.model)
        for name, x in value.items():
            q[self.model.joints[self.model.getJointId(name)].idx_q] = x
        pin.forwardKinematics(self.model, self.data, q)
        pin.updateFramePlacements(self.model, self.data)

    def rotation(self, link: str) -> np.ndarray:
        """Orientation of a link in the pelvis frame."""
        turned: np.ndarray = self.pelvis.T @ self._frame(link).rotation
        return turned

    def point(self, link: str, point_m: tuple[float, float, float]) -> np.ndarray:
        """A link's point in the pelvis's axes, from the root's origin."""
        placed: np.ndarray = self.pelvis.T @ self._frame(link).act(np.array(point_m))
        return placed

    def _frame(self, link: str) -> pin.SE3:
        return self.data.oMf[self.model.getFrameId(link, pin.BODY)]


def values(robot: Embodiment, given: dict[str, float]) -> dict[str, float]:
    """All joints' values, mimicking ones by their rule."""
    full = {j.name: given.get(j.name, 0.0) for j in robot.joints if j.mimic is None}
    for _ in robot.joints:
        for j in robot.joints:
            if j.mimic is not None and j.mimic.joint in full:
                full[j.name] = j.mimic.multiplier * full[j.mimic.joint] + j.mimic.offset
    return full


@pytest.mark.parametrize("name", FILES)
def test_forward_kinematics_agree_with_pinocchio(name: str, shared_dir: Path) -> None:
    robot = load_embodiment(name)
    witness = Witness(robot, shared_dir / "robots" / FILES[name])
    names = [j.name for j in robot.joints if j.mimic is None]
    plan = compile_plan(robot, names, [None] * len(names), {})
    poses = np.random.default_rng(1).uniform(-1.2, 1.2, (30, len(names)))
    body = canonicalise(plan, poses, None)
    pelvis = robot.segments["pelvis"]
    for t, pose in enumerate(poses):
        witness.place(values(robot, dict(zip(names, pose, strict=True))))
        origin = witness.point(pelvis.key_link, pelvis.key_point_m)
        for segment, s in robot.segments.items():
            i = SEGMENT_INDEX[segment]
            key = witness.point(s.key_link, s.key_point_m) - origin
            np.testing.assert_allclose(body.key_position_m[t, i], key, atol=1e-9)
            turned = (
                witness.rotation(s.link)
                @ pin.Quaternion(*np.array(s.q_link_segment)).normalized().toRotationMatrix()
            )
            ours = pin.Quaternion(*body.segment_quat[t, i]).toRotationMatrix()
            np.testing.assert_allclose(ours, turned, atol=1e-9)
        for ends, poses_of in (
            (robot.hand_pose, body.hand_pose),
            (robot.foot_pose, body.foot_pose),
        ):
            for side, end in ends.items():
                place = witness.point(end.link, end.point_m) - origin
                ours = poses_of[t, 0 if side == "left" else 1, :3]
                np.testing.assert_allclose(ours, place, atol=2e-7)


def moved_by(robot: Embodiment, dof: str, by: float) -> dict[str, float] | None:
    """Joint values with one canonical angle changed from neutral: Newton on the kernel."""
    chain = next(c for c in COMPLEXES if dof in c.dofs)
    joints = list(robot.complexes[chain.name])
    names = [j.name for j in robot.joints if j.mimic is None]
    plan = compile_plan(robot, names, [None] * len(names), {})
    dofs = [DOF_INDEX[d] for d in chain.dofs]
    neutral = np.array([robot.neutral.get(n, 0.0) for n in names])
    at = [names.index(j) for j in joints]

    def angles(position: np.ndarray) -> np.ndarray:
        seen: np.ndarray = canonicalise(plan, position[None], None).angle[0, dofs].astype(float)
        return seen

    if canonicalise(plan, neutral[None], None).status[0, DOF_INDEX[dof]] != Status.MEASURED:
        return None
    goal = np.nan_to_num(angles(neutral))
    goal[chain.dofs.index(dof)] += by
    position = neutral.copy()
    for _ in range(30):
        slope = np.column_stack(
            [
                (angles(position + 1e-3 * e) - angles(position - 1e-3 * e)) / 2e-3
                for e in np.eye(len(names))[at]
            ]
        )
        error = np.nan_to_num(goal - angles(position))
        position[at] += np.linalg.lstsq(np.nan_to_num(slope), error, rcond=1e-3)[0]
    return dict(zip(names, position, strict=True))


@pytest.mark.parametrize("name", [n for n in FILES if n != "unitree_g1_inspire"])
def test_each_dof_turns_its_segment_about_the_axis_of_the_table(
    name: str, shared_dir: Path
) -> None:
    """Seen in the description alone: the axis of the child link's turn, in the pelvis's axes."""
    robot = load_embodiment(name)
    witness = Witness(robot, shared_dir / "robots" / FILES[name])
    neutral = dict(robot.neutral)
    seen = 0
    for c in COMPLEXES:
        for dof in c.dofs:
            moved = moved_by(robot, dof, 0.3) if c.child in robot.segments else None
            if moved is None:
                continue
            turned = []
            for pose in (neutral, moved):
                witness.place(values(robot, pose))
                parent, child = (
                    witness.rotation(robot.segments[s].link) for s in (c.parent, c.child)
                )
                turned.append((parent, parent.T @ child))
            change = pin.log3(turned[1][1] @ turned[0][1].T)
            axis = turned[0][0] @ change
            off = np.arccos(np.clip(axis @ dof_axis(dof) / np.linalg.norm(axis), -1, 1))
            assert np.linalg.norm(axis) == pytest.approx(0.3, abs=0.01), dof
            # A hinge that is not square to its bones keeps its lean, and so does what follows it.
            square = c.parent in ("pelvis", "torso")
            assert np.degrees(off) < (0.1 if square else 6.0), dof
            seen += 1
    assert seen >= 14


PHYSICAL = [
    # DoF, segment whose key point or end moves, direction it moves in
    ("waist_pitch", "head", "+x"),
    ("left_shoulder_flexion", "left_hand", "+x"),
    ("right_shoulder_flexion", "right_hand", "+x"),
    ("left_shoulder_abduction", "left_hand", "+y"),
    ("right_shoulder_abduction", "right_hand", "-y"),
    ("left_elbow_flexion", "left_hand", "+x"),
    ("right_elbow_flexion", "right_hand", "+x"),
    ("left_hip_flexion", "left_foot", "+x"),
    ("left_hip_abduction", "left_foot", "+y"),
    ("right_hip_abduction", "right_foot", "-y"),
    ("left_knee_flexion", "left_foot", "-x"),
    ("right_knee_flexion", "right_foot", "-x"),
]


@pytest.mark.parametrize("name", FILES)
def test_limbs_go_where_the_words_say(name: str, shared_dir: Path) -> None:
    robot = load_embodiment(name)
    witness = Witness(robot, shared_dir / "robots" / FILES[name])
    for dof, segment, direction in PHYSICAL:
        moved = moved_by(robot, dof, 0.4) if segment in robot.segments else None
        if moved is None:
            continue
        s = robot.segments[segment]
        places = []
        for pose in (dict(robot.neutral), moved):
            witness.place(values(robot, pose))
            places.append(witness.point(s.key_link, s.key_point_m))
        went = places[1] - places[0]
        assert went @ AXES[direction] > 0.7 * np.linalg.norm(went) > 0.01, (dof, went)


def test_left_is_left(shared_dir: Path) -> None:
    for name, file in FILES.items():
        robot = load_embodiment(name)
        witness = Witness(robot, shared_dir / "robots" / file)
        witness.place(values(robot, {}))
        for segment, s in robot.segments.items():
            y = witness.point(s.key_link, s.key_point_m)[1]
            if segment.startswith("left"):
                assert y > 0.03, (name, segment)
            elif segment.startswith("right"):
                assert y < -0.03, (name, segment)


def test_every_urdf_is_read_or_refused_with_a_reason(shared_dir: Path) -> None:
    read, refused = 0, []
    for file in sorted((shared_dir / "robots").rglob("*.urdf")):
        try:
            read_urdf(file)
            read += 1
        except DescriptionError as error:
            refused.append(str(error))
    assert read >= 146
    assert all("floating" in reason for reason in refused)


def test_every_mjcf_is_read_and_agrees_with_mujoco(shared_dir: Path) -> None:
    for file in sorted((shared_dir / "robots").rglob("*.xml")):
        description = read_mjcf(file)
        model = compile_kinematics(file)
        data = mujoco.MjData(model)
        rng = np.random.default_rng(3)
        value = {j.name: float(rng.uniform(-1, 1)) for j in description.joints}
        for name, x in value.items():
            data.qpos[model.joint(name).qposadr[0]] = x
        mujoco.mj_kinematics(model, data)
        frames = link_frames(description, value)
        top = data.body(description.root)
        if description.joints and description.frames[description.root][0] != description.root:
            continue
        for body, (link, t_link_body) in description.frames.items():
            ours = (frames[link] @ t_link_body)[:3, 3]
            seen = top.xmat.reshape(3, 3).T @ (data.body(body).xpos - top.xpos)
            np.testing.assert_allclose(ours, seen, atol=1e-9, err_msg=f"{file.name} {body}")
