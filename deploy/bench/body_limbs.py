"""Is the canonical body of a robot true? Limb directions, mirror images, and the way back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.bench.body_oracle import FULL_JOINTS, centre_of
from deploy.bench.body_truth import Subject, on_body, place, random_poses
from deploy.bench.body_witness import Placed, pelvis_axes, rotation_of
from schemas.body import (
    COMPLEXES,
    HAND_DOF_START,
    MIRROR_DOF,
    MIRROR_SIGN,
    SEGMENT_INDEX,
    SIDES,
    mirror_name,
)
from streams.retarget_plan import compile_target, limb_makes, retarget, start_retarget

F64 = NDArray[np.float64]

# Axes that miss their common centre by more than this share of limb length have no joint centre to
# judge a direction by.
_MEETING = 0.01
# Angles are compared away from the pole, where a millionth stays a millionth.
_FAR_FROM_POLE_RAD = math.radians(60.0)

_PARTS = {"arm": ("upper_arm", "forearm", "hand"), "leg": ("thigh", "shank", "foot")}
_CHAINS = (
    ("upper_arm", "shoulder", "elbow"),
    ("forearm", "elbow", "wrist"),
    ("thigh", "hip", "knee"),
    ("shank", "knee", "ankle"),
)


def direction_errors(subject: Subject, poses: int = 60) -> dict[str, dict[str, Any]]:
    """Angle between -z of each long segment and the line of its joint centres, in random poses.

    Centres are found here from the witness's axes at zero configuration, each fixed in the link
    that carries its first joint (wrist: of its last two joints).

    Returns:
        By segment: median_deg; spread_pct, how far the proximal complex's axes miss their centre at
        zero (rms, % of limb length); or "reason" where there are no centres.
    """
    robot = subject.robot
    zero = place(subject, np.zeros(len(subject.motors)))
    carrier = {j.name: j.parent for j in robot.joints}
    position = random_poses(subject, poses, seed=2)
    seen = [place(subject, p) for p in position]
    body = on_body(subject, position)
    pelvis = robot.segments["pelvis"]
    found: dict[str, dict[str, Any]] = {}
    for side in SIDES:
        centre: dict[str, tuple[str, F64]] = {}
        spread: dict[str, float] = {}
        for names in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
            near = np.zeros(3)
            for name in names:
                joints = robot.complexes[f"{side}_{name}"]
                hinges = [j for j in joints if j in zero.axis]
                if name == "wrist":
                    hinges = hinges[-2:] if len(hinges) > 1 else []
                if not hinges:
                    continue
                point = centre_of(zero, hinges, near)
                link = carrier[joints[0]]
                centre[name] = link, _in(zero, link, point)
                away = [
                    np.linalg.norm(np.cross(zero.axis[j], point - zero.origin[j])) for j in hinges
                ]
                spread[name] = float(np.sqrt(np.mean(np.square(away))))
                near = point
        for segment, proximal, distal in _CHAINS:
            name = f"{side}_{segment}"
            if name not in robot.segments:
                continue
            if proximal not in centre or distal not in centre:
                found[name] = {"reason": f"no {distal} whose axes give a centre"}
                continue
            angles = []
            for t, pose in enumerate(seen):
                base = pose.link[pelvis.link][:3, :3] @ rotation_of(pelvis.q_link_segment)
                line = base.T @ (_at(pose, *centre[distal]) - _at(pose, *centre[proximal]))
                down = -rotation_of(body.segment_quat[t, SEGMENT_INDEX[name]])[:, 2]
                cosine = float(line @ down) / max(float(np.linalg.norm(line)), 1e-12)
                angles.append(math.degrees(math.acos(np.clip(cosine, -1.0, 1.0))))
            upper = name.replace("forearm", "upper_arm").replace("shank", "thigh")
            lower = name.replace("upper_arm", "forearm").replace("thigh", "shank")
            length = sum(robot.limb_length_m[part] for part in (upper, lower))
            found[name] = {
                "median_deg": float(np.median(angles)),
                "spread_pct": 100.0 * spread[proximal] / length,
            }
    return found


def judged(direction: dict[str, Any]) -> bool:
    """Whether a segment has joint centres to be judged by."""
    return "reason" not in direction and direction["spread_pct"] <= 100.0 * _MEETING


def mirror_errors(subject: Subject, poses: int = 40) -> dict[str, float] | None:
    """Mirrored poses beside mirrored canonical angles.

    Returns:
        asymmetry_rad: what the description itself is off its mirror image: the sum over a limb of
        turned axes (rad) and shifted origins (over limb length); error_rad: largest difference of
        angles beyond the pole's reach. None where a joint has no partner.
    """
    robot = subject.robot
    axes = pelvis_axes(robot.forward, robot.up)
    zero = place(subject, np.zeros(len(subject.motors)))
    partner: dict[str, str] = {}
    for c in COMPLEXES:
        chain, image_chain = robot.complexes[c.name], robot.complexes[mirror_name(c.name)]
        if len(chain) != len(image_chain):
            return None
        partner |= dict(zip(chain, image_chain, strict=True))
    if not set(partner) <= set(zero.axis) or not any(n.startswith("l") for n in robot.segments):
        return None
    reflect = np.diag([1.0, -1.0, 1.0])
    shortest = min([*robot.limb_length_m.values(), 1.0])
    pelvis = robot.segments["pelvis"]
    origin = (zero.link[pelvis.key_link] @ np.array([*pelvis.key_point_m, 1.0]))[:3]
    sign, asymmetry = {}, 0.0
    for own, other in partner.items():
        # In a mirror an axis turns the other way: (x, y, z) becomes (-x, y, -z).
        image = -reflect @ (axes.T @ zero.axis[own])
        there = axes.T @ zero.axis[other]
        sign[own] = 1.0 if image @ there > 0 else -1.0
        turned = float(np.linalg.norm(image - sign[own] * there))
        gap = reflect @ axes.T @ (zero.origin[own] - origin)
        gap -= axes.T @ (zero.origin[other] - origin)
        # A hinge's origin along its axis is arbitrary.
        shifted = float(np.linalg.norm(np.cross(there, gap)))
        asymmetry += turned + shifted / max(shortest, 0.02)
    at = {name: i for i, name in enumerate(subject.motors)}
    position = random_poses(subject, poses, seed=4, share=0.8)
    mirrored = position.copy()
    for own, other in partner.items():
        if own in at and other in at:
            mirrored[:, at[other]] = sign[own] * position[:, at[own]]
    one, two = on_body(subject, position), on_body(subject, mirrored)
    expected = one.angle[:, MIRROR_DOF] * MIRROR_SIGN
    differ = np.angle(np.exp(1j * (two.angle - expected)))[:, :HAND_DOF_START]
    near = np.zeros(differ.shape, dtype=np.bool_)
    first = 0
    for c in COMPLEXES:
        dofs = range(first, first + len(c.dofs))
        if len(c.order) > 1:
            middle = two.angle[:, first + 1]
            near[:, list(dofs)] = (np.abs(middle) > _FAR_FROM_POLE_RAD)[:, None]
        first += len(c.dofs)
    # A half turn either way is the same angle.
    near |= np.abs(np.abs(two.angle[:, :HAND_DOF_START]) - np.pi) < 0.2
    error = np.where(near | np.isnan(differ), 0.0, np.abs(differ))
    return {"asymmetry_rad": asymmetry, "error_rad": float(error.max(initial=0.0))}


def way_back(subject: Subject, frames: int = 250) -> dict[str, float]:
    """A robot's own smooth motion through the canonical body and back.

    Returns:
        p99 of the largest joint difference (rad), by limb of full DoFs: six joints and more, and
        none of its complexes with more joints than canonical DoFs, which no pose could tell apart.
    """
    rng = np.random.default_rng(6)
    plan = compile_target(subject.robot, shown_by=limb_makes(subject.robot))
    lower, upper = plan.motors.lower.clip(-2.0), plan.motors.upper.clip(max=2.0)
    rest = np.clip(plan.motors.rest, lower + 0.1 * (upper - lower), upper - 0.1 * (upper - lower))
    room = 0.5 * np.minimum(upper - rest, rest - lower)
    time = np.arange(frames)[:, None] / 50.0
    rate, phase = rng.uniform(0.5, 2.0, len(rest)), rng.uniform(0.0, 6.3, len(rest))
    rate = np.minimum(rate, 0.5 * plan.motors.speed / np.maximum(room, 1e-9))
    position = rest + room * np.sin(rate * time + phase)
    body = on_body(subject, position)
    stamps = np.arange(frames, dtype=np.int64) * 20_000_000
    out = retarget(plan, start_retarget(plan), body, stamps)[1]
    found = {}
    for limb in plan.limbs:
        side, kind = limb.name.split("_") if limb.has is None else ("", "")
        told_apart = all(
            len(subject.robot.complexes[c.name]) <= len(c.dofs)
            for c in COMPLEXES
            if c.name.startswith(side) and c.child.removeprefix(f"{side}_") in _PARTS.get(kind, ())
        )
        if limb.has is None and len(limb.joint) >= FULL_JOINTS and told_apart:
            off = np.abs(out.position_rad[:, limb.joint] - position[:, limb.joint]).max(axis=1)
            found[limb.name] = float(np.percentile(off, 99))
    return found


def _at(seen: Placed, link: str, point: F64) -> F64:
    at: F64 = (seen.link[link] @ np.array([*point, 1.0]))[:3]
    return at


def _in(seen: Placed, link: str, point: F64) -> F64:
    inside: F64 = seen.link[link][:3, :3].T @ (point - seen.link[link][:3, 3])
    return inside
