"""What a limb, the waist, the neck and the fingers of the target are to follow, frame by frame."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.quaternion import multiply
from streams.kernels.status import STATUS_CLAMPED, STATUS_MEASURED

Bool = NDArray[np.bool_]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


@njit(cache=True)
def limb_goals(quat: F64, segment: I32, out: F64) -> None:
    """Orientations of a limb's segments relative to its base segment.

    Args:
        quat: [T, 15, 4] pelvis <- segment; NaN = absent.
        segment: [4] upper, fore, end, base. An absent end is taken to be straight on fore.
        out: [T, 3, 4] base <- upper, fore, end; NaN where it is absent.
    """
    base = segment[3]
    for t in range(quat.shape[0]):
        for i in range(3):
            s = segment[i]
            if i == 2 and math.isnan(quat[t, s, 0]):
                s = segment[1]
            out[t, i, 0], out[t, i, 1], out[t, i, 2], out[t, i, 3] = multiply(
                quat[t, base, 0], -quat[t, base, 1], -quat[t, base, 2], -quat[t, base, 3],
                quat[t, s, 0], quat[t, s, 1], quat[t, s, 2], quat[t, s, 3],
            )  # fmt: skip


@njit(cache=True)
def trunk_goals(angle: F32, first: int, has: U8, out: F64) -> None:
    """Orientation of torso or head that the target can show: Rz(yaw) Rx(roll) Ry(pitch).

    Args:
        angle: [T, 44] canonical angles.
        first: The yaw's number; roll and pitch follow.
        has: [3] 1 where the target's joints span that angle; the others are left at 0.
        out: [T, 3, 4] as of `limb_goals`: the first two do not turn; NaN where no angle is there.
    """
    for t in range(angle.shape[0]):
        half = np.zeros(3)
        known = False
        for i in range(3):
            if has[i] and math.isfinite(angle[t, first + i]):
                half[i] = 0.5 * angle[t, first + i]
                known = True
        w, x, y, z = multiply(
            math.cos(half[0]), 0.0, 0.0, math.sin(half[0]),
            math.cos(half[1]), math.sin(half[1]), 0.0, 0.0,
        )  # fmt: skip
        w, x, y, z = multiply(w, x, y, z, math.cos(half[2]), 0.0, math.sin(half[2]), 0.0)
        out[t, :, :] = 0.0
        out[t, 0, 0], out[t, 1, 0] = 1.0, 1.0
        if known:
            out[t, 2, 0], out[t, 2, 1], out[t, 2, 2], out[t, 2, 3] = w, x, y, z
        else:
            out[t, 2, :] = math.nan


@njit(cache=True)
def close_hands(
    angle: F32, status: U8, t_ns: I64, last_ns: int, started: bool, gap_ns: int,
    dof: I32, rule: F64, speed: F64, rest: F64, output: F64, position: F64, held: Bool,
) -> None:  # fmt: skip
    """Fingers follow their flexions, a gripper the mean of those measured of its three.

    Args:
        angle: [T, 44] canonical angles, 0 open .. 1 closed; NaN = absent.
        status: [T, 44]
        t_ns: [T]
        last_ns: Time of the frame before, if `started`.
        started: Whether there is one.
        gap_ns: A longer step starts anew.
        dof: [F, 3] DoFs each joint follows; -1 = no more.
        rule: [F, 2] joint value at 0, and its change to 1.
        speed: [F] velocity limit.
        rest: [F] value with nothing to follow.
        output: [F] in and out, values of the frame before.
        position: [T, F] out.
        held: [T, F] out: nothing to follow.
    """
    for t in range(t_ns.shape[0]):
        step_ns = t_ns[t] - last_ns
        fresh = not started or step_ns > gap_ns
        last_ns, started = max(last_ns, t_ns[t]) if started else t_ns[t], True
        for f in range(dof.shape[0]):
            total, count, measured = 0.0, 0, False
            for i in range(3):
                d = dof[f, i]
                if d < 0 or math.isnan(angle[t, d]):
                    continue
                own = status[t, d] == STATUS_MEASURED or status[t, d] == STATUS_CLAMPED
                if own and not measured:
                    total, count, measured = 0.0, 0, True
                if own == measured:
                    total += angle[t, d]
                    count += 1
            held[t, f] = count == 0
            if count == 0:
                x = rest[f] if fresh else output[f]
            else:
                x = rule[f, 0] + rule[f, 1] * (total / count)
            if not fresh:
                most = speed[f] * max(step_ns, 0) * 1e-9 * (1.0 - 1e-9)
                x = min(max(x, output[f] - most), output[f] + most)
            output[f] = x
            position[t, f] = x
