"""Where each DoF and segment of a frame comes from, given which joints were in that frame."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.chain import DERIVED, MISSING, NO_VELOCITY

U8 = NDArray[np.uint8]

# `schemas.body.Status`, as numbers the compiler can fold.
STATUS_MEASURED, STATUS_DERIVED, STATUS_IMPUTED, STATUS_CLAMPED, STATUS_ABSENT = 0, 1, 2, 3, 4


@njit(cache=True)
def dof_status(state: U8, base: U8, needs: U8, status: U8, rate_known: U8) -> None:
    """Status of body DoFs: absent where a joint they depend on is missing.

    Args:
        state: [B] from `read_joints`.
        base: [D] status with every joint there.
        needs: [D, B] 1 where the DoF depends on the joint.
        status: [D] out.
        rate_known: [D] out, 1 where every joint needed has a velocity.
    """
    for d in range(base.shape[0]):
        status[d] = base[d]
        rate_known[d] = 1
        for j in range(state.shape[0]):
            if needs[d, j] == 0 or status[d] == STATUS_ABSENT:
                continue
            if state[j] & MISSING:
                status[d] = STATUS_ABSENT
            elif state[j] & DERIVED:
                status[d] = STATUS_DERIVED
            if state[j] & NO_VELOCITY:
                rate_known[d] = 0


@njit(cache=True)
def segment_status(state: U8, base: U8, path: U8, status: U8) -> None:
    """Status of segments: imputed where a joint between pelvis and segment is missing.

    Args:
        state: [B] from `read_joints`.
        base: [15] status with every joint there.
        path: [15, B] 1 where the joint lies between pelvis and segment.
        status: [15] out.
    """
    for s in range(base.shape[0]):
        status[s] = base[s]
        for j in range(state.shape[0]):
            if path[s, j] == 0 or status[s] == STATUS_ABSENT:
                continue
            if state[j] & MISSING:
                status[s] = STATUS_IMPUTED
            elif state[j] & DERIVED and status[s] == STATUS_MEASURED:
                status[s] = STATUS_DERIVED
