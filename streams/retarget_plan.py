"""The canonical body onto any robot's joints: compile a plan per target, run it chunk by chunk.

Per limb, in the frame of the segment it hangs on (arms: torso, legs: pelvis) and from the proximal
centre fixed there, the end's place is Σ target limb length · source segment direction, and its
orientation the source's hand or foot. Where the target's end really is follows from its joints.
A limb whose motion was shown by one of the same make is measured along its segments instead, so
that a robot's own motion gives its own joints back (`streams.limb_reach`, decision 009).

Order of tasks: place, orientation of the end, orientation of the upper segment (elbow or knee). A
limb of fewer than six joints can never turn its end at will; there the elbow goes before the end,
or it would swing out to turn a palm that it cannot turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.body import DOF_INDEX, Status
from schemas.embodiment import Embodiment, EmbodimentError, load_embodiment
from streams.body_tree import build_tree
from streams.kernels.solve_chunk import solve_chunk
from streams.kernels.solve_frame import CLAMPED, REACHABLE, RESEEDED, VELOCITY_LIMITED
from streams.kernels.solve_goals import close_hands
from streams.kernels.solve_tables import pack
from streams.kernels.trig import arctangents
from streams.retarget_limbs import (
    LIMB_NAMES,
    PART_NAMES,
    Fingers,
    Limb,
    Motors,
    build_fingers,
    build_limbs,
    build_motors,
)

Bool = NDArray[np.bool_]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

GAP_NS: Final = 500_000_000


class CanonicalMotion(Protocol):
    """What retargeting reads of T canonical frames; `streams.body_plan.CanonicalBody` has it."""

    @property
    def angle(self) -> F32:
        """[T, 44] rad, hands 0..1; NaN = absent (waist, neck and fingers are read)."""

    @property
    def status(self) -> U8:
        """[T, 44] `schemas.body.Status` (fingers are read)."""

    @property
    def segment_quat(self) -> F64:
        """[T, 15, 4] wxyz, pelvis <- segment; NaN = absent."""


@dataclass(frozen=True)
class TargetPlan:
    """How canonical motion drives one robot; made by `compile_target`.

    Attributes:
        embodiment: The robot.
        parts: What moves, of `PART_NAMES`.
        joint_names: [J] its joints that follow no other joint, in its own order.
        limb_names: [L] its limbs with a solve record.
        motors: Limits and rest values of the joints.
        limbs: Waist and neck, then the limbs of `limb_names`.
        fingers: Joints of hands and grippers.
        gap_ns: A longer step between frames starts anew, without memory or velocity limits.
        tables: Of `limbs`, constant arguments of `solve_chunk` in its order: aims, then whole,
            floats, starts and joint.
    """

    embodiment: Embodiment
    parts: tuple[str, ...]
    joint_names: tuple[str, ...]
    limb_names: tuple[str, ...]
    motors: Motors
    limbs: tuple[Limb, ...]
    fingers: Fingers
    gap_ns: int
    tables: tuple[I32, tuple[I32, F64, I64, I32]]


@dataclass(frozen=True)
class RetargetState:
    """What one robot's motion carries from frame to frame.

    Attributes:
        t_ns: Time of the last frame; None before the first.
        solution: [J] joint values before velocity limits; NaN where a limb has none yet.
        trend: [J, 3] what it changed by in the last frame, by how much that differs from the frame
            before, and how much of that is expected again.
        position: [J] joint values given out.
        searched: [M, 7] per `TargetPlan.limbs`: goal of the last search in vain, NaN = none.
        previous: [M, 7] goal of the last frame, NaN = none.
    """

    t_ns: int | None
    solution: F64
    trend: F64
    position: F64
    searched: F64
    previous: F64


@dataclass(frozen=True, slots=True)
class Retargeted:
    """T frames in a target's joints, with a solve record per limb.

    Attributes:
        position_rad: [T, J] rad (m for a joint that slides), within limits and velocity limits.
        status: [T, J] `Status.DERIVED`, or `Status.IMPUTED` where the motion says nothing about
            the joint: it rests in its neutral pose, or stays where it was.
        residual_pct: [T, L] distance of the end from its place, % of limb length; NaN: no goal.
        residual_rad: [T, L] turn of the end from its orientation; NaN likewise.
        reachable: [T, L] a pose within the limits has the end within 1 % of limb length of its
            place and, for a limb of six or more joints, within 2 deg of its orientation.
        clamped: [T, L] a joint stands at its limit.
        velocity_limited: [T, L] a joint could not follow in the time given, so that residuals are
            larger than the pose's own.
        reseeded: [T, L] the pose was found from a fresh start.
    """

    position_rad: F64
    status: U8
    residual_pct: F64
    residual_rad: F64
    reachable: Bool
    clamped: Bool
    velocity_limited: Bool
    reseeded: Bool


def compile_target(
    embodiment: Embodiment,
    parts: Sequence[str] = PART_NAMES,
    gap_ns: int = GAP_NS,
    shown_by: Mapping[str, str] = MappingProxyType({}),
) -> TargetPlan:
    """Make a robot a target.

    Args:
        embodiment: The robot; EmbodimentError if it has no geometry.
        parts: What shall move, of `PART_NAMES`; the rest of the robot rests.
        gap_ns: As in `TargetPlan`.
        shown_by: `limb_makes` of the robot whose motion it is; empty if that is not known.

    Returns:
        The plan, to be kept and used for every chunk.
    """
    if embodiment.kind != "full":
        raise EmbodimentError(
            f"{embodiment.id} is known at joint level only, without geometry: no motion can be "
            "retargeted to it (onboard its URDF or MJCF first)"
        )
    if unknown := set(parts) - set(PART_NAMES):
        raise ValueError(f"no parts of a body: {sorted(unknown)}; known: {', '.join(PART_NAMES)}")
    motors = build_motors(embodiment)
    limbs = build_limbs(embodiment, build_tree(embodiment), motors, parts, shown_by)
    return TargetPlan(
        embodiment=embodiment,
        parts=tuple(parts),
        joint_names=tuple(joint.name for joint in motors.joints),
        limb_names=tuple(limb.name for limb in limbs if limb.name in LIMB_NAMES),
        motors=motors,
        limbs=tuple(limbs),
        fingers=build_fingers(embodiment, motors, "hands" in parts),
        gap_ns=gap_ns,
        tables=_tables(limbs),
    )


def _tables(limbs: Sequence[Limb]) -> tuple[I32, tuple[I32, F64, I64, I32]]:
    aims = np.full((len(limbs), 8), -1, np.int32)
    for aim, limb in zip(aims, limbs, strict=True):
        aim[:4] = limb.segment
        if limb.has is not None:
            aim[4], aim[5:] = DOF_INDEX[f"{limb.name}_yaw"], limb.has
    joint = np.array([j for limb in limbs for j in limb.joint], dtype=np.int32)
    return aims, (*pack([limb.tables for limb in limbs]), joint)


def limb_makes(embodiment: Embodiment) -> dict[str, str]:
    """By which geometry a robot shows motion, per limb: what `compile_target` asks of a source."""
    if embodiment.kind != "full":
        return {}
    limbs = build_limbs(
        embodiment, build_tree(embodiment), build_motors(embodiment), LIMB_NAMES, {}
    )
    return {limb.name: limb.make for limb in limbs}


def following(plan: TargetPlan, source: Embodiment) -> TargetPlan:
    """The plan as it follows one robot's motion: limbs of that robot's make know it."""
    makes = limb_makes(source)
    if not any(makes.get(limb.name) == limb.make for limb in plan.limbs if limb.has is None):
        return plan
    return compile_target(plan.embodiment, plan.parts, plan.gap_ns, makes)


def start_retarget(plan: TargetPlan) -> RetargetState:
    """State before the first frame of an episode."""
    nothing = np.full((len(plan.limbs), 7), np.nan)
    solution = np.full(len(plan.joint_names), np.nan)
    return RetargetState(
        None, solution, np.zeros((len(solution), 3)), plan.motors.rest.copy(), nothing, nothing
    )


def retarget(
    plan: TargetPlan, state: RetargetState, body: CanonicalMotion, t_ns: I64
) -> tuple[RetargetState, Retargeted]:
    """Joint values of the target for each canonical frame; however a motion is cut, the same.

    Args:
        plan: From `compile_target`.
        state: From `start_retarget`, or of the frame before.
        body: T frames.
        t_ns: [T] their times.

    Returns:
        State after the last frame, and the frames in the target's joints.
    """
    frames, joints, limbs = len(t_ns), len(plan.joint_names), len(plan.limb_names)
    if not len(body.angle) == len(body.segment_quat) == frames:
        raise ValueError(f"{len(body.angle)} canonical frames, {frames} times")
    solution, trend, last = state.solution.copy(), state.trend.copy(), state.position.copy()
    searched, previous = state.searched.copy(), state.previous.copy()
    clock = (t_ns, state.t_ns or 0, state.t_ns is not None, plan.gap_ns)
    position = np.empty((frames, joints))
    position[:] = last
    status = np.full((frames, joints), Status.IMPUTED, np.uint8)
    left = np.empty((len(plan.limbs), 3, frames))
    flags = np.empty((len(plan.limbs), frames, 5), np.bool_)
    aims, tables = plan.tables
    solve_chunk(
        body.segment_quat, body.angle, aims, *clock, *tables,
        solution, trend, last, searched, previous, position, status, left, flags,
    )  # fmt: skip
    # Waist and neck come first, and have no record.
    left, flags = left[-limbs or len(left) :], flags[-limbs or len(flags) :]
    _close(plan, body, clock, last, position, status)
    turn = np.empty(limbs * frames)
    arctangents(left[:, 1].ravel(), left[:, 2].ravel(), turn)
    newest = state.t_ns
    if frames:
        newest = int(t_ns.max()) if newest is None else max(newest, int(t_ns.max()))
    return RetargetState(newest, solution, trend, last, searched, previous), Retargeted(
        position_rad=position,
        status=status,
        residual_pct=100.0 * left[:, 0].T,
        residual_rad=2.0 * turn.reshape(limbs, frames).T,
        reachable=flags[:, :, REACHABLE].T,
        clamped=flags[:, :, CLAMPED].T,
        velocity_limited=flags[:, :, VELOCITY_LIMITED].T,
        reseeded=flags[:, :, RESEEDED].T,
    )


def warm_retarget() -> None:
    """Compile the solve kernels, or load them from numba's cache."""
    plan = compile_target(load_embodiment("unitree_g1_inspire"))
    frame = _Still(np.zeros((1, 44), np.float32), np.zeros((1, 44), np.uint8), np.zeros((1, 15, 4)))
    retarget(plan, start_retarget(plan), frame, np.zeros(1, np.int64))


@dataclass(frozen=True, slots=True)
class _Still:
    angle: F32
    status: U8
    segment_quat: F64


def _close(
    plan: TargetPlan,
    body: CanonicalMotion,
    clock: tuple[I64, int, bool, int],
    last: F64,
    position: F64,
    status: U8,
) -> None:
    """Fill in the fingers."""
    joint = plan.fingers.joint
    if not len(joint):
        return
    own_last, own = last[joint], np.empty((len(position), len(joint)))
    held = np.empty(own.shape, np.bool_)
    motors = plan.motors
    close_hands(
        body.angle, body.status, *clock, plan.fingers.dof, plan.fingers.rule,
        motors.speed[joint], motors.rest[joint], own_last, own, held,
    )  # fmt: skip
    last[joint] = own_last
    position[:, joint] = own
    status[:, joint] = np.where(held, Status.IMPUTED, Status.DERIVED)
