"""A target's limbs, trunk and fingers as the arrays that the solve kernels read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.body import DOF_INDEX, SEGMENT_INDEX, SIDES, Status
from schemas.embodiment import Embodiment
from schemas.embodiment_parts import Joint
from streams.body_spans import span_dofs
from streams.body_tree import BodyTree, neutral_values, value_at
from streams.kernels.quaternion import z_axis
from streams.kernels.solve_chain import place_end, turn_limb
from streams.kernels.solve_search import NUDGED
from streams.kernels.solve_tables import Tables
from streams.limb_reach import limb_make, reach_along_segments, reach_by_joints

Bool = NDArray[np.bool_]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

# A velocity limit that a description does not give, rad/s.
UNKNOWN_SPEED: Final = 10.0
# From here on a limb can place and turn its end at will.
_FULL_DOFS: Final = 6
_STARTS: Final = 384
_NUDGE_RAD: Final = 0.5

_LIMBS: Final[dict[str, tuple[str, tuple[str, str, str], tuple[str, str, str]]]] = {
    f"{side}_{limb}": (base, parts, complexes)
    for limb, base, parts, complexes in (
        ("arm", "torso", ("upper_arm", "forearm", "hand"), ("shoulder", "elbow", "wrist")),
        ("leg", "pelvis", ("thigh", "shank", "foot"), ("hip", "knee", "ankle")),
    )
    for side in SIDES
}
LIMB_NAMES: Final[tuple[str, ...]] = tuple(_LIMBS)
_TRUNK: Final = {"waist": ("pelvis", "torso"), "neck": ("torso", "head")}
PART_NAMES: Final[tuple[str, ...]] = (*_TRUNK, *LIMB_NAMES, "hands")


@dataclass(frozen=True)
class Limb:
    """One limb, or waist or neck, of a target.

    Attributes:
        name: Of `PART_NAMES`.
        joint: [V] its variables' places in the target's joints.
        segment: [4] segments of upper, fore, end and base; of the trunk, only the last two count.
        has: [3] of the trunk: which of yaw, roll, pitch its joints span; None for a limb.
        make: `streams.limb_reach.limb_make` of its geometry.
        tables: As `streams.kernels.solve_tables` packs them.
    """

    name: str
    joint: NDArray[np.intp]
    segment: I32
    has: U8 | None
    make: str
    tables: Tables


@dataclass(frozen=True)
class Fingers:
    """The joints that fingers and grippers drive.

    Attributes:
        joint: [F] places in the target's joints.
        dof, rule: As in `streams.kernels.solve_goals.close_hands`.
    """

    joint: NDArray[np.intp]
    dof: I32
    rule: F64


@dataclass(frozen=True)
class Motors:
    """What a target's joints can do: those that follow no other joint, in the robot's order.

    Attributes:
        joints: The joints.
        index: Place of each.
        lower, upper: [J] limits; infinite where there are none.
        speed: [J] velocity limit, rad/s or m/s.
        rest: [J] the neutral pose, held to the limits.
    """

    joints: tuple[Joint, ...]
    index: Mapping[str, int]
    lower: F64
    upper: F64
    speed: F64
    rest: F64


def build_motors(e: Embodiment) -> Motors:
    """The joints a robot can be told to move."""
    joints = tuple(j for j in e.joints if j.mimic is None)
    lower = np.array([-math.inf if j.lower is None else j.lower for j in joints])
    upper = np.array([math.inf if j.upper is None else j.upper for j in joints])
    return Motors(
        joints=joints,
        index={j.name: i for i, j in enumerate(joints)},
        lower=lower,
        upper=upper,
        speed=np.array([UNKNOWN_SPEED if j.velocity is None else j.velocity for j in joints]),
        rest=np.clip(np.array([value_at(e, j, e.neutral) for j in joints]), lower, upper),
    )


def build_limbs(
    e: Embodiment,
    tree: BodyTree,
    motors: Motors,
    parts: Sequence[str],
    shown_by: Mapping[str, str],
) -> list[Limb]:
    """Waist, neck, arms and legs of `parts` that the target has and can move.

    A limb whose motion was `shown_by` one of its own make is measured along its segments.
    """
    measured, _ = span_dofs(tree, neutral_values(e, tree))
    found: list[Limb] = []
    for name, (base, end) in _TRUNK.items():
        if name in parts and base in e.segments and end in e.segments:
            first = DOF_INDEX[f"{name}_yaw"]
            has = (measured[first : first + 3] == Status.MEASURED).astype(np.uint8)
            found += _limb(e, tree, motors, name, (base, base, end, base), (name,), has, "")
    for name, (base, own, complexes) in _LIMBS.items():
        side = name.split("_")[0]
        upper, fore, end = (f"{side}_{part}" for part in own)
        if name in parts and {base, upper, fore} <= set(e.segments):
            end = end if end in e.segments else fore
            joints = tuple(f"{side}_{c}" for c in complexes)
            make = shown_by.get(name, "")
            found += _limb(e, tree, motors, name, (upper, fore, end, base), joints, None, make)
    return found


def build_fingers(e: Embodiment, motors: Motors, wanted: bool) -> Fingers:
    """Hand joints of the target that are motors; none if they are not wanted."""
    joint: list[int] = []
    dof: list[tuple[int, int, int]] = []
    rule: list[tuple[float, float]] = []
    for side, hand in e.hands.items() if wanted else ():
        for f in hand.joints:
            if f.joint not in motors.index:
                continue
            joint.append(motors.index[f.joint])
            if hand.kind == "gripper":
                index, middle, thumb = (
                    DOF_INDEX[f"{side}_{finger}_flexion"] for finger in ("index", "middle", "thumb")
                )
                dof.append((index, middle, thumb))
            else:
                dof.append((DOF_INDEX[f.dof], -1, -1))
            lower, upper = motors.lower[joint[-1]], motors.upper[joint[-1]]
            opened, closed = (min(max(x, lower), upper) for x in (f.open, f.closed))
            rule.append((opened, closed - opened))
    return Fingers(
        np.array(joint, dtype=np.intp),
        np.array(dof, dtype=np.int32).reshape(-1, 3),
        np.array(rule, dtype=np.float64).reshape(-1, 2),
    )


def _limb(
    e: Embodiment,
    tree: BodyTree,
    motors: Motors,
    name: str,
    segments: tuple[str, str, str, str],
    complexes: Sequence[str],
    has: U8 | None,
    shown_by: str,
) -> list[Limb]:
    place = [SEGMENT_INDEX[s] for s in segments]
    path = _path(tree, int(tree.seg_body[place[2]]), int(tree.seg_body[place[3]]))
    if path is None:
        return []
    own = {joint for c in complexes for joint in e.complexes[c]}
    movable = [
        tree.joints[b - 1].name
        for b in path
        if tree.joints[b - 1].name in own
        and tree.joints[b - 1].name in motors.index
        and tree.joints[b - 1].kind == "revolute"
    ]
    if not movable:
        return []
    joint = np.array([motors.index[m] for m in movable], dtype=np.intp)
    var, gain, bias = _drives(e, tree, path, movable)
    bodies = [int(tree.seg_body[place[3]]), *path]
    count = np.array([bodies.index(int(tree.seg_body[s])) for s in place[:3]], dtype=np.int32)
    seg_q = tree.seg_q[place].copy()
    seg_q[3, 1:] *= -1.0
    metres = [e.limb_length_m.get(s, 0.0) for s in segments[:2]] if has is None else [0.0, 0.0]
    length = np.array(metres) / (sum(metres) or 1.0)
    fixed = np.array([tree.fixed[b - 1, 3:] for b in path])
    along = reach_along_segments(count, seg_q, length, len(bodies))
    slide = np.array([_slide(e, tree, b) for b in path])
    # Without a hand or foot there is no centre of wrist or ankle; the trunk has no place to reach.
    between = None if has is not None or segments[2] == segments[1] else (segments[0], segments[2])
    through = None
    if between is not None:
        through = reach_by_joints(tree, bodies, slide, between, sum(metres))
    make = limb_make(count, fixed, seg_q, along if through is None else through, length)
    reach = along if through is None or make == shown_by else through
    lower, upper = motors.lower[joint], motors.upper[joint]
    rest = motors.rest[joint]
    chain = (var, gain, bias, fixed, count, seg_q)
    full = len(movable) >= _FULL_DOFS
    hinge = [movable.index(j) for j in e.complexes[complexes[len(complexes) // 2]] if j in movable]
    bank = (
        *_bank(chain, reach, lower, upper, rest, mirrored=name.startswith("right")),
        hinge[0] if has is None and len(hinge) == 1 else -1,
    )
    arrays = (*chain, reach, lower, upper, has is None and not full)
    tables = (arrays, length, motors.speed[joint], rest, has is None and full, bank)
    return [Limb(name, joint, np.array(place, dtype=np.int32), has, make, tables)]


def _slide(e: Embodiment, tree: BodyTree, body: int) -> float:
    """How far (m) the joint before a body slides at rest, along the body's z."""
    joint = tree.joints[body - 1]
    if joint.kind != "prismatic":
        return 0.0
    return float(tree.reverse[body - 1]) * value_at(e, joint, e.neutral)


def _path(tree: BodyTree, end: int, base: int) -> list[int] | None:
    """Bodies after `base` up to `end`; None where it hangs on another, as a mast beside a lift."""
    path: list[int] = []
    b = end
    while b != base:
        if b == 0:
            return None
        path.insert(0, b)
        b = int(tree.parent[b - 1])
    return path


def _drives(
    e: Embodiment, tree: BodyTree, path: Sequence[int], movable: Sequence[str]
) -> tuple[I32, F64, F64]:
    """Which variable turns each joint of the path, and how; the others stay as at rest."""
    var = np.full(len(path), -1, dtype=np.int32)
    gain, bias = np.zeros(len(path)), np.zeros(len(path))
    for i, b in enumerate(path):
        joint, sign = tree.joints[b - 1], tree.reverse[b - 1]
        if joint.kind == "prismatic":
            continue
        source, multiplier, offset = joint, 1.0, 0.0
        while source.mimic is not None and source.name not in movable:
            offset += multiplier * source.mimic.offset
            multiplier *= source.mimic.multiplier
            source = e.joints[e.joint_index[source.mimic.joint]]
        if source.name in movable:
            var[i] = movable.index(source.name)
            gain[i], bias[i] = sign * multiplier, sign * offset
        else:
            bias[i] = sign * value_at(e, joint, e.neutral)
    return var, gain, bias


def _bank(
    chain: tuple[I32, F64, F64, F64, I32, F64],
    reach: F64,
    lower: F64,
    upper: F64,
    rest: F64,
    mirrored: bool,
) -> tuple[F64, F64, F64]:
    """Starts for the search, spread over the limits, with what each of them reaches.

    Those of a right limb are the mirror image of the left one's where the robot is symmetric: the
    share of a joint's range is counted from the end that its axis points away from.

    Returns:
        Starts [S, V]; place of the end [S, 3]; orientation of upper and end [S, 2, 4].
    """
    var, joints = chain[0], len(chain[0])
    low, high = np.maximum(lower, rest - math.pi), np.minimum(upper, rest + math.pi)
    share = np.random.default_rng(0).random((_STARTS, len(lower)))
    work, body_q, pose_q = np.empty((3, joints)), np.empty((joints + 1, 4)), np.empty((3, 4))
    turn_limb(rest, *chain, work, body_q, pose_q)
    for v in range(len(lower)):
        j = int(np.argmax(var == v))
        axis = chain[1][j] * np.array(z_axis(*body_q[j + 1]))
        leading = int(np.argmax(np.abs(axis)))
        # In a mirror (the x-z plane) an axis (x, y, z) becomes (-x, y, -z).
        sense = -1.0 if mirrored and leading != 1 else 1.0
        if sense * axis[leading] < 0.0:
            share[:, v] = 1.0 - share[:, v]
    x = low + share * (high - low)
    # The first few are near rest, where three axes of a shoulder may lie in one plane.
    x[:NUDGED] = np.clip(rest + _NUDGE_RAD * (2.0 * share[:NUDGED] - 1.0), low, high)
    place, quat = np.empty((_STARTS, 3)), np.empty((_STARTS, 2, 4))
    for s in range(_STARTS):
        turn_limb(x[s], *chain, work, body_q, pose_q)
        place[s] = place_end(body_q, reach)
        quat[s] = pose_q[[0, 2]]
    return x, place, quat
