"""A robot in one pose as lines in the pelvis frame: its own tree, and its canonical body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.description import Description, link_frames
from schemas.body import SEGMENT_INDEX, SIDES
from schemas.embodiment import Embodiment
from streams.body_plan import CanonicalBody, canonicalise, compile_plan
from streams.kernels.frames import inverse, rotation_of_quat

F64 = NDArray[np.float64]

# Of a body's two ends that have no key point: how far the head rises, how long a direction is, m.
_HEAD_M = 0.18
_TICK_M = 0.09


@dataclass(frozen=True)
class Line:
    """From one point to another, [3] each, in the pelvis frame; `part` chooses its colour."""

    start: F64
    end: F64
    part: str


@dataclass(frozen=True)
class Label:
    """A word at a point."""

    at: F64
    text: str
    part: str


@dataclass(frozen=True)
class Figure:
    """What is drawn of a robot or of its canonical body."""

    lines: tuple[Line, ...]
    dots: tuple[Label, ...]


def part_of(name: str) -> str:
    """Colour of a complex or segment: its side, or trunk."""
    side = name.split("_")[0]
    return side if side in SIDES else "trunk"


def robot_figure(robot: Embodiment, value: Mapping[str, float]) -> Figure:
    """Every moving link as lines from its joint to the joints and ends that it carries.

    Args:
        robot: An embodiment with geometry.
        value: Joint values, rad or m; others follow their mimic rule, else 0.
    """
    placed = link_frames(
        Description(robot.id, robot.root, robot.joints, {robot.root: (robot.root, np.eye(4))}),
        value,
    )
    pelvis = robot.segments["pelvis"]
    t_root_pelvis = placed[pelvis.link] @ _frame(pelvis.q_link_segment)
    t_root_pelvis[:3, 3] = _at(placed, pelvis.key_link, pelvis.key_point_m)
    to_pelvis = inverse(t_root_pelvis)

    def seen(point: F64) -> F64:
        moved: F64 = (to_pelvis @ np.array([*point, 1.0]))[:3]
        return moved

    part = {joint: part_of(name) for name, chain in robot.complexes.items() for joint in chain}
    part |= {f.joint: side for side, hand in robot.hands.items() for f in hand.joints}
    first = {chain[0]: name for name, chain in robot.complexes.items() if chain}
    lines, dots = [], []
    for joint in robot.joints:
        here = seen(placed[joint.link][:3, 3])
        colour = part.get(joint.name, "other")
        lines.append(Line(seen(placed[joint.parent][:3, 3]), here, colour))
        text = first.get(joint.name, "").replace("left_", "").replace("right_", "")
        dots.append(Label(here, text, colour))
    for poses in (robot.hand_pose, robot.foot_pose):
        for side, pose in poses.items():
            end = seen(_at(placed, pose.link, pose.point_m))
            lines.append(Line(seen(placed[pose.link][:3, 3]), end, side))
    return Figure(tuple(lines), tuple(dots))


def canonical_figure(body: CanonicalBody, frame: int = 0) -> Figure:
    """The segments between their key points, and where head, palms and feet point."""
    key = {name: body.key_position_m[frame, i] for name, i in SEGMENT_INDEX.items()}
    turn = {name: _turn(body.segment_quat[frame, i]) for name, i in SEGMENT_INDEX.items()}
    bones = [("pelvis", key["pelvis"], "torso", key["torso"])]
    bones.append(("torso", key["torso"], "neck", key["head"]))
    bones.append(("head", key["head"], "", key["head"] + _HEAD_M * turn["head"][:, 2]))
    ticks = [("head", key["head"] + _HEAD_M * turn["head"][:, 2], turn["head"][:, 0])]
    ticks.append(("torso", key["torso"], turn["torso"][:, 0]))
    for i, side in enumerate(SIDES):
        arm, leg = ("upper_arm", "forearm", "hand"), ("thigh", "shank", "foot")
        for trunk, limb, names, ends in (
            ("torso", arm, ("shoulder", "elbow", "wrist"), body.hand_pose),
            ("pelvis", leg, ("hip", "knee", "ankle"), body.foot_pose),
        ):
            points = [key[f"{side}_{part}"] for part in limb]
            end = ends[frame, i, :3].astype(float)
            base = (
                key["head"] if trunk == "torso" and np.isfinite(key["head"]).all() else key[trunk]
            )
            bones.append((trunk, base, f"{side}_{names[0]}", points[0]))
            for part, a, b, name in zip(
                limb, points, [*points[1:], end], [*names[1:], ""], strict=True
            ):
                bones.append((f"{side}_{part}", a, f"{side}_{name}" if name else "", b))
            last = f"{side}_{limb[-1]}"
            ticks.append((last, end, turn[last][:, 0]))
            if trunk == "torso":
                inward = turn[last][:, 1] * (-1.0 if side == "left" else 1.0)
                ticks.append((last, end, 0.5 * inward))
    lines = [Line(a, b, part_of(name)) for name, a, _, b in bones if _known(a, b)]
    lines += [Line(at, at + _TICK_M * way, "tick") for _, at, way in ticks if _known(at, way)]
    dots = [
        Label(
            b,
            name.replace("left_", "").replace("right_", ""),
            part_of(name) if name else part_of(bone),
        )
        for bone, _, name, b in bones
        if _known(b)
    ]
    return Figure(tuple(lines), tuple(dots))


def body_at(robot: Embodiment, value: Mapping[str, float]) -> CanonicalBody:
    """The canonical body of one pose; joints that are not named are at 0."""
    names = [joint.name for joint in robot.joints if joint.mimic is None]
    plan = compile_plan(robot, names, [None] * len(names), {})
    return canonicalise(plan, np.array([[value.get(name, 0.0) for name in names]]), None)


def _frame(quat: tuple[float, float, float, float]) -> F64:
    turned = np.eye(4)
    turned[:3, :3] = rotation_of_quat(quat)
    return turned


def _at(placed: Mapping[str, F64], link: str, point_m: tuple[float, float, float]) -> F64:
    point: F64 = (placed[link] @ np.array([*point_m, 1.0]))[:3]
    return point


def _turn(quat: F64) -> F64:
    return rotation_of_quat(quat) if np.isfinite(quat).all() else np.full((3, 3), np.nan)


def _known(*points: F64) -> bool:
    return all(bool(np.isfinite(point).all()) for point in points)
