"""DoFs that a channel reads directly: fingers (0 open .. 1 closed), and joints without geometry."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.status import STATUS_ABSENT, STATUS_CLAMPED, STATUS_IMPUTED, STATUS_MEASURED

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


@njit(cache=True)
def read_directly(
    position: F64,
    velocity: F64,
    dof: I32,
    start: I32,
    channel: I32,
    rule: F64,
    hand_start: int,
    angle: F32,
    rate: F32,
    status: U8,
) -> None:
    """Mean of the channels that read a DoF; a finger's is held in 0..1.

    Args:
        position: [C] one frame; not finite = not there.
        velocity: [C] one frame, or [0] where the stream has no velocity.
        dof: [R] DoFs that are read.
        start: [R + 1] readings of DoF dof[r] are start[r] .. start[r + 1].
        channel: [E] channel of each reading.
        rule: [E, 2] gain and bias.
        hand_start: First finger DoF.
        angle: [44] out, where a reading is there.
        rate: [44] out likewise, NaN where the velocity is not; [0] without velocity.
        status: [44] out likewise.
    """
    for r in range(dof.shape[0]):
        d = dof[r]
        total, slope, known, slopes_known = 0.0, 0.0, 0, 0
        for e in range(start[r], start[r + 1]):
            x = position[channel[e]]
            if not math.isfinite(x):
                continue
            total += rule[e, 0] * x + rule[e, 1]
            known += 1
            if velocity.shape[0] > 0 and math.isfinite(velocity[channel[e]]):
                slope += rule[e, 0] * velocity[channel[e]]
                slopes_known += 1
        if known == 0:
            continue
        mean = total / known
        status[d] = STATUS_MEASURED
        if d >= hand_start and (mean < 0.0 or mean > 1.0):
            mean = min(max(mean, 0.0), 1.0)
            status[d] = STATUS_CLAMPED
        angle[d] = mean
        if rate.shape[0] > 0 and slopes_known == known:
            rate[d] = slope / known


@njit(cache=True)
def close_gripper(first: int, angle: F32, rate: F32, status: U8) -> None:
    """A gripper's one motion, read as the index finger's, imputed to the other flexions.

    Args:
        first: The side's thumb_rotation, which stays absent; its five flexions follow.
        angle: [44] in and out.
        rate: [44] in and out; [0] without velocity.
        status: [44] in and out.
    """
    index = first + 2
    if status[index] == STATUS_ABSENT:
        return
    for d in range(first + 1, first + 6):
        if d != index:
            angle[d] = angle[index]
            status[d] = STATUS_IMPUTED
            if rate.shape[0] > 0:
                rate[d] = rate[index]
