"""The benchmark's motion, and what it asks of a target's limbs as poses of the target's own links.

Our solver takes canonical frames; other solvers take a pose per link. Both come from the same
frames: the wrist or ankle stands at the proximal centre + Σ target limb length · source direction,
hand or foot and upper segment are oriented as the source's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.bench.peer_robot import NamedFrame, body_frames, urdf
from producers.fleet.joint_map import drives
from schemas.body import SEGMENT_INDEX, SEGMENTS
from schemas.embodiment import Embodiment
from streams.body_plan import CanonicalBody
from streams.body_tree import BodyTree, build_tree
from streams.kernels.frames import frame, inverse, quat_of_rotation, rotation_of_quat
from streams.retarget_limbs import build_motors

F64 = NDArray[np.float64]

RATE_HZ = 50.0
_MIDDLE = {
    "shoulder_flexion": 0.6, "shoulder_abduction": 0.35, "elbow_flexion": 1.1,
    "hip_flexion": 0.3, "hip_abduction": 0.25, "knee_flexion": 0.6, "ankle_dorsiflexion": 0.2,
}  # fmt: skip
_SWING = {"shoulder": 0.25, "elbow": 0.3, "hip": 0.12, "knee": 0.25, "ankle": 0.1}
# Place and turn of an end, turn of an upper segment: what a weighted sum makes of a strict order.
END_COST, UPPER_COST = (1.0, 1.0), (0.0, 1e-3)


def motion(robot: Embodiment, frames: int) -> F64:
    """Joint values [T, J] at 50 Hz: all joints swing all the time, arms and knees bent.

    About a pose as in folding a cloth, by a share of radian and at 1 to 3 rad/s each.
    """
    rng = np.random.default_rng(1)
    seconds = np.arange(frames) / RATE_HZ
    index = robot.joint_index
    position = np.zeros((frames, len(robot.joints)))
    for drive in drives(robot):
        kind = drive.dof.removeprefix("left_").removeprefix("right_")
        middle, swing = _MIDDLE.get(kind, 0.0), _SWING.get(kind.split("_")[0], 0.15)
        angle = middle + swing * np.sin(rng.uniform(1.0, 3.0) * seconds + rng.uniform(0.0, 6.3))
        position[:, index[drive.joint]] = drive.at_zero + drive.scale * angle
    return position


@dataclass(frozen=True)
class LinkGoals:
    """What a target's links are to follow, in its pelvis frame.

    Attributes:
        robot: URDF of what moves.
        names: [N] links, an end and an upper segment a limb.
        cost: [N, 2] of position and orientation.
        wxyz_xyz: [T, N, 7]
        limb_m: [N / 2] lengths of the limbs.
    """

    robot: str
    names: list[str]
    cost: F64
    wxyz_xyz: F64
    limb_m: F64


def link_goals(target: Embodiment, body: CanonicalBody, limbs: Sequence[str]) -> LinkGoals:
    """Goals for `limbs` (left_arm, …) of a target whose other joints rest."""
    tree, motors = build_tree(target), build_motors(target)
    index = {j.name: i for i, j in enumerate(tree.joints)}
    rest = np.array([motors.rest[motors.index[j.name]] for j in tree.joints]) * tree.reverse
    at_rest = body_frames(tree, rest)
    moving = set[int]()
    frames, cost, poses, lengths = list[NamedFrame](), [], list[F64](), []
    for limb in limbs:
        side, part = limb.split("_")
        arm = part == "arm"
        upper, fore, end = (
            f"{side}_{s}"
            for s in (("upper_arm", "forearm", "hand") if arm else ("thigh", "shank", "foot"))
        )
        base = "torso" if arm else "pelvis"
        parts = ("shoulder", "elbow", "wrist") if arm else ("hip", "knee", "ankle")
        moving |= {index[j] for c in parts for j in target.complexes[f"{side}_{c}"]}
        length = [target.limb_length_m[s] for s in (upper, fore)]
        turned = [_from_base(body, base, s) for s in (upper, fore, end)]
        t_base = at_rest[tree.seg_body[SEGMENT_INDEX[base]]] @ _segment(tree, base)
        start = _key_point(tree, at_rest, upper)
        reach = -(length[0] * turned[0][:, :, 2] + length[1] * turned[1][:, :, 2])
        place = start + reach @ t_base[:3, :3].T
        for name, rotation in ((end, turned[2]), (upper, turned[0])):
            own = int(tree.seg_body[SEGMENT_INDEX[name]])
            point = inverse(at_rest[own]) @ np.array([*_key_point(tree, at_rest, name), 1.0])
            frames.append(NamedFrame(name, own, frame(_segment(tree, name)[:3, :3], point[:3])))
            wanted = t_base[:3, :3] @ rotation
            quat = np.array([quat_of_rotation(r) for r in wanted])
            poses.append(np.hstack([quat, place]))
        cost += [END_COST, UPPER_COST]
        lengths.append(sum(length))
    held = {i: float(rest[i]) for i in range(len(rest)) if i not in moving}
    motor = {i: motors.index[tree.joints[i].name] for i in moving}
    bounds = {i: (float(motors.lower[m]), float(motors.upper[m])) for i, m in motor.items()}
    return LinkGoals(
        robot=urdf(tree, held, bounds, frames),
        names=[f.name for f in frames],
        cost=np.array(cost),
        wxyz_xyz=np.stack(poses, axis=1),
        limb_m=np.array(lengths),
    )


def segment_frames(tree: BodyTree) -> tuple[list[NamedFrame], list[int]]:
    """The segments of a robot but its pelvis as frames of their bodies, and their numbers."""
    own = [s for s in range(1, len(SEGMENTS)) if tree.seg_body[s] >= 0]
    frames = [
        NamedFrame(SEGMENTS[s], int(tree.seg_body[s]), _segment(tree, SEGMENTS[s])) for s in own
    ]
    return frames, own


def rotations(quat: F64) -> F64:
    """Rotation matrices [T, 3, 3] of quaternions [T, 4]."""
    return np.array([rotation_of_quat(q) for q in quat])


def _from_base(body: CanonicalBody, base: str, segment: str) -> F64:
    """Orientation [T, 3, 3] of a segment in the frame of the one its limb hangs on."""
    outward = rotations(body.segment_quat[:, SEGMENT_INDEX[base]]).transpose(0, 2, 1)
    turned: F64 = outward @ rotations(body.segment_quat[:, SEGMENT_INDEX[segment]])
    return turned


def _segment(tree: BodyTree, name: str) -> F64:
    """T_body_segment [4, 4], at the body's origin."""
    return frame(rotation_of_quat(tree.seg_q[SEGMENT_INDEX[name]]), np.zeros(3))


def _key_point(tree: BodyTree, placed: Sequence[F64], name: str) -> F64:
    """Proximal centre [3] of a segment in the pelvis frame."""
    s = SEGMENT_INDEX[name]
    point: F64 = (placed[tree.point_body[s]] @ np.array([*tree.point[s], 1.0]))[:3]
    return point
