"""Native joint values onto the canonical body: compile a plan per stream, run it on any chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.embodiment import Embodiment

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CanonicalBody:
    """T frames on the canonical body, all geometry in the pelvis frame.

    Attributes:
        angle: [T, 44] rad, hands 0 open .. 1 closed; NaN where absent.
        angle_velocity: [T, 44] per second; NaN where absent or not measured; None without velocity.
        status: [T, 44] `schemas.body.Status`.
        segment_quat: [T, 15, 4] wxyz, w >= 0, pelvis <- segment; NaN where absent.
        segment_status: [T, 15] `schemas.body.Status`.
        key_position_m: [T, 15, 3] proximal joint centres; NaN where absent.
        hand_pose: [T, 2, 7] left and right palm, xyz + wxyz; NaN where absent.
        foot_pose: [T, 2, 7] left and right sole, xyz + wxyz; NaN where absent.
        near_pole: [T, 14] by `schemas.body.COMPLEXES`: middle angle beyond 80 deg.
    """

    angle: F32
    angle_velocity: F32 | None
    status: U8
    segment_quat: F64
    segment_status: U8
    key_position_m: F64
    hand_pose: F32
    foot_pose: F32
    near_pole: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """How one stream's channels drive one embodiment; made by `compile_plan`."""

    embodiment: Embodiment


def compile_plan(
    embodiment: Embodiment,
    channel_joint: Sequence[str | None],
    channel_dof: Sequence[str | None],
    assume: Mapping[str, float],
) -> BodyPlan:
    """Bind a stream's channels to a robot.

    Args:
        embodiment: The robot.
        channel_joint: [C] model joint each channel reads (rad or m), or None.
        channel_dof: [C] finger DoF each channel reads (0 open .. 1 closed), or None.
        assume: Values of joints that are not in the stream.

    Returns:
        The plan, to be kept and used for every chunk.
    """
    raise NotImplementedError


def canonicalise(plan: BodyPlan, position: F64, velocity: F64 | None) -> CanonicalBody:
    """Canonical body of each frame; frame t of the result depends on frame t alone.

    Args:
        plan: From `compile_plan`.
        position: [T, C] rad, m or 0..1; NaN = not present in that frame.
        velocity: [T, C] the same per second, or None where the robot reports none.
    """
    raise NotImplementedError
