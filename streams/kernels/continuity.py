"""What ties a chunk to the frame before it: velocities by difference, signs of quaternions."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


@numba.njit(cache=True)
def difference_velocity(
    angle: F32, t_ns: I64, last_angle: F32, last_t_ns: int, longest_ns: float
) -> F32:
    """Backward difference of canonical angles, each difference wrapped to (−π, π].

    Args:
        angle: [T, D] rad (hands 0..1).
        t_ns: [T].
        last_angle: [D] of the frame before; NaN where there is none.
        last_t_ns: its time.
        longest_ns: a longer step gives no velocity.

    Returns:
        [T, D] per second; NaN where there is no frame before, time does not go on, or the step is
        longer than `longest_ns`.
    """
    frames, dofs = angle.shape
    out = np.empty((frames, dofs), np.float32)
    for t in range(frames):
        step = float(t_ns[t] - (last_t_ns if t == 0 else t_ns[t - 1]))
        good = 0.0 < step <= longest_ns
        for d in range(dofs):
            before = last_angle[d] if t == 0 else angle[t - 1, d]
            turn = float(angle[t, d]) - float(before)
            if turn > math.pi:
                turn -= 2.0 * math.pi
            elif turn <= -math.pi:
                turn += 2.0 * math.pi
            out[t, d] = turn / (step * 1e-9) if good else np.nan
    return out


@numba.njit(cache=True)
def same_rows(rows: U8) -> bool:
    """Whether every row equals the first. rows: [T, N]."""
    for t in range(1, rows.shape[0]):
        for n in range(rows.shape[1]):
            if rows[t, n] != rows[0, n]:
                return False
    return True


@numba.njit(cache=True)
def keep_sign(quaternion: F32, last: F32) -> None:
    """Flip quaternions so that none turns its sign from one frame to the next.

    Args:
        quaternion: [T, N, 4], changed in place.
        last: [N, 4] of the frame before, NaN if none; becomes that of the last frame.
    """
    frames, count, _ = quaternion.shape
    for t in range(frames):
        for n in range(count):
            dot = np.float32(0.0)
            for k in range(4):
                dot += quaternion[t, n, k] * last[n, k]
            flip = dot < 0.0
            for k in range(4):
                if flip:
                    quaternion[t, n, k] = -quaternion[t, n, k]
                if not math.isnan(quaternion[t, n, k]):
                    last[n, k] = quaternion[t, n, k]
