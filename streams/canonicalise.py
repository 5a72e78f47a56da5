"""Native joints onto the canonical body, tied to the frame before: velocities and signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.canonical import DOF_COUNT
from schemas.checks import GAP
from streams.body_plan import BodyPlan, canonicalise
from streams.decode import RawChunk
from streams.kernels.continuity import difference_velocity, keep_sign, same_rows
from streams.state import QUATERNIONS, MotionState

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@dataclass(slots=True)
class Motion:
    """T frames on the canonical body as they travel; None where the robot has no geometry.

    `angle_status` and `segment_status` have one row when it holds for every frame.
    """

    angle: F32
    angle_velocity: F32
    angle_status: U8
    segment_status: U8
    hand_pose: F32 | None
    foot_pose: F32 | None
    base: dict[str, F32]
    near_pole: npt.NDArray[np.bool_]


def fresh_motion() -> MotionState:
    """The state at a session's start: no frame before."""
    return MotionState(
        0,
        np.full(DOF_COUNT, np.nan, np.float32),
        np.full((QUATERNIONS, 4), np.nan, np.float32),
    )


def move(
    plan: BodyPlan, geometry: bool, period_ns: float, state: MotionState, chunk: RawChunk, t_ns: I64
) -> tuple[MotionState, Motion]:
    """Canonicalise a chunk of T frames.

    Args:
        plan: how the stream's channels drive the robot's body.
        geometry: whether the embodiment has segments at all.
        period_ns: nominal period; beyond five of it no velocity is differenced.
        state: the frame before.
        chunk: native signals.
        t_ns: [T] times of the frames.

    Returns:
        The state behind the chunk, and its motion.
    """
    body = canonicalise(plan, chunk.position, chunk.velocity)
    velocity = body.angle_velocity
    if velocity is None:
        longest = GAP.threshold * period_ns
        velocity = difference_velocity(body.angle, t_ns, state.angle, state.t_ns, longest)
    base = {name: values.astype(np.float32) for name, values in chunk.base.items()}
    quaternions = state.quaternions.copy()
    if geometry:
        keep_sign(body.hand_pose[:, :, 3:], quaternions[0:2])
        keep_sign(body.foot_pose[:, :, 3:], quaternions[2:4])
    if "base_quaternion" in base:
        keep_sign(base["base_quaternion"][:, None, :], quaternions[4:5])
    motion = Motion(
        angle=body.angle,
        angle_velocity=velocity,
        angle_status=_one_row(body.status),
        segment_status=_one_row(body.segment_status),
        hand_pose=body.hand_pose if geometry else None,
        foot_pose=body.foot_pose if geometry else None,
        base=base,
        near_pole=body.near_pole,
    )
    return MotionState(int(t_ns[-1]), body.angle[-1].copy(), quaternions), motion


def _one_row(status: U8) -> U8:
    return status[:1] if same_rows(status) else status
