"""An embodiment's joints walked outward from the pelvis, as the arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.body import COMPLEXES, DOF_INDEX, SEGMENT_INDEX, SEGMENTS, SIDES
from schemas.embodiment import Embodiment
from schemas.embodiment_parts import Joint
from streams.kernels.frames import (
    frame,
    inverse,
    quat_of_rotation,
    rotation_of_quat,
    rotation_with_z,
)
from streams.kernels.segments import TWIST_Y, YXZ, ZXY

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

_ORDER = {"ZXY": ZXY, "YXZ": YXZ, "YX": YXZ, "Y": TWIST_Y}

# Kernel numbers of the complexes: parent and child segment, Euler order, first DoF, number of DoFs.
LAYOUT: I32 = np.array(
    [
        [
            SEGMENT_INDEX[c.parent],
            SEGMENT_INDEX[c.child],
            _ORDER[c.order],
            DOF_INDEX[c.dofs[0]],
            len(c.dofs),
        ]
        for c in COMPLEXES
    ],
    dtype=np.int32,
)
# A hinge's arctangent is half its twist.
SIGN: F64 = np.array(
    [[s * (2 if c.order == "Y" else 1) for s in (*c.signs, 1, 1)[:3]] for c in COMPLEXES],
    dtype=np.float64,
)
END_SEGMENT: I32 = np.array(
    [SEGMENT_INDEX[f"{side}_{part}"] for part in ("hand", "foot") for side in SIDES], dtype=np.int32
)


@dataclass(frozen=True)
class BodyTree:
    """The moving bodies that carry segments or points; see `streams.kernels.chain` for the arrays.

    Attributes:
        joints: Joint of each body after the pelvis.
        reverse: [B] -1 where a joint is walked from child to parent, else 1.
        parent, prismatic, fixed: [B], [B], [B, 7].
        seg_body, seg_q: [15], [15, 4].
        point_body, point: [19], [19, 3]: key points, palms, soles.
        seg_path: [15, B] 1 where the joint lies between pelvis and segment or its key point.
    """

    joints: tuple[Joint, ...]
    reverse: F64
    parent: I32
    prismatic: U8
    fixed: F64
    seg_body: I32
    seg_q: F64
    point_body: I32
    point: F64
    seg_path: U8


def build_tree(e: Embodiment) -> BodyTree:
    """Number the bodies outward from the pelvis and express everything constant in their frames."""
    walk = _walk(e) if "pelvis" in e.segments else []
    # T_link_body of each link: the body's z axis is its joint's, its origin the joint's.
    t_link_body: dict[str, F64] = {}
    body: dict[str, int] = {}
    if walk or "pelvis" in e.segments:
        pelvis = e.segments["pelvis"]
        t_link_body[pelvis.link] = frame(
            rotation_of_quat(pelvis.q_link_segment), pelvis.key_point_m
        )
        body[pelvis.link] = 0
    fixed = np.zeros((len(walk), 7))
    parent = np.zeros(len(walk), dtype=np.int32)
    for i, (joint, here, there) in enumerate(walk):
        origin = frame(rotation_of_quat(joint.q_parent_link), joint.origin_m)
        axis = frame(rotation_with_z(joint.axis), np.zeros(3))
        if there == joint.link:
            t_fixed, t_link_body[there] = inverse(t_link_body[here]) @ origin @ axis, axis
        else:
            t_fixed, t_link_body[there] = inverse(t_link_body[here]) @ axis, origin @ axis
        fixed[i, :3], fixed[i, 3:] = t_fixed[:3, 3], quat_of_rotation(t_fixed[:3, :3])
        parent[i], body[there] = body[here], i + 1
    seg_body, seg_q = np.full(15, -1, dtype=np.int32), np.zeros((15, 4))
    point_body, point = np.full(19, -1, dtype=np.int32), np.zeros((19, 3))
    for name, segment in e.segments.items():
        s = SEGMENT_INDEX[name]
        seg_body[s] = body[segment.link]
        alignment = t_link_body[segment.link][:3, :3].T @ rotation_of_quat(segment.q_link_segment)
        seg_q[s] = quat_of_rotation(alignment)
        point_body[s] = body[segment.key_link]
        point[s] = _in_body(t_link_body[segment.key_link], segment.key_point_m)
    for part, poses in enumerate((e.hand_pose, e.foot_pose)):
        for side, pose in poses.items():
            n = 15 + 2 * part + SIDES.index(side)
            point_body[n] = body[pose.link]
            point[n] = _in_body(t_link_body[pose.link], pose.point_m)
    return BodyTree(
        joints=tuple(joint for joint, _, _ in walk),
        reverse=np.array([1.0 if there == j.link else -1.0 for j, _, there in walk]),
        parent=parent,
        prismatic=np.array([j.kind == "prismatic" for j, _, _ in walk], dtype=np.uint8),
        fixed=fixed,
        seg_body=seg_body,
        seg_q=seg_q,
        point_body=point_body,
        point=point,
        seg_path=_paths(parent, seg_body, point_body),
    )


def neutral_values(e: Embodiment, tree: BodyTree) -> F64:
    """Joint values [B] of the neutral pose, in the kernels' sign."""
    return np.array([value_at(e, j, e.neutral) for j in tree.joints]) * tree.reverse


def value_at(e: Embodiment, joint: Joint, given: Mapping[str, float]) -> float:
    """A joint's value where the stream lacks it: given, else its mimic rule, else 0."""
    if joint.name in given or joint.mimic is None:
        return given.get(joint.name, 0.0)
    source = e.joints[e.joint_index[joint.mimic.joint]]
    return joint.mimic.multiplier * value_at(e, source, given) + joint.mimic.offset


def _walk(e: Embodiment) -> list[tuple[Joint, str, str]]:
    """Joints from the pelvis outward as (joint, from link, to link), those that carry something."""
    neighbours: dict[str, list[tuple[Joint, str]]] = {}
    for joint in e.joints:
        neighbours.setdefault(joint.parent, []).append((joint, joint.link))
        neighbours.setdefault(joint.link, []).append((joint, joint.parent))
    start = e.segments["pelvis"].link
    found: list[tuple[Joint, str, str]] = []
    reached, pending = {start}, [start]
    while pending:
        here = pending.pop()
        for joint, there in reversed(neighbours.get(here, [])):
            if there not in reached:
                reached.add(there)
                pending.append(there)
                found.append((joint, here, there))
    needed = {s.link for s in e.segments.values()} | {s.key_link for s in e.segments.values()}
    needed |= {pose.link for pose in (*e.hand_pose.values(), *e.foot_pose.values())}
    came_from = {there: here for _, here, there in found}
    for link in tuple(needed):
        while link in came_from:
            link = came_from[link]
            needed.add(link)
    return [step for step in found if step[2] in needed]


def _in_body(t_link_body: F64, point_m: tuple[float, float, float]) -> F64:
    placed: F64 = (inverse(t_link_body) @ np.array([*point_m, 1.0]))[:3]
    return placed


def _paths(parent: I32, seg_body: I32, point_body: I32) -> U8:
    path = np.zeros((len(SEGMENTS), len(parent)), dtype=np.uint8)
    for s in range(len(SEGMENTS)):
        for start in (seg_body[s], point_body[s]):
            b = int(start)
            while b > 0:
                path[s, b - 1] = 1
                b = int(parent[b - 1])
    return path
