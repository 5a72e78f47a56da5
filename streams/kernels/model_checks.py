"""Whether this is the robot it is said to be: several joints at once where it cannot have them."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.session_rows import WRONG_MODEL, hit

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

OFF_S, OFF_FRAMES = 0, 1
MODEL = 2

_SURE_S = 1.0


@numba.njit(cache=True)
def check_model(
    stamp_ns: I64, last_ns: int, first_frame: int, position: F64, channel: I32, limits: F64,
    bound: float, least: float, state: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Look at T frames.

    Args:
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before.
        first_frame: index of the chunk's first frame.
        position: [T, C] SI.
        channel: [N] the body's joints.
        limits: [2 or more, C] lower and upper.
        bound: more joints than this.
        least: rad or m beyond a limit that no sensor's error explains.
        state: [MODEL] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    for t in range(stamp_ns.shape[0]):
        passed_s = min(max(float(stamp_ns[t] - last_ns) * 1e-9, 0.0), _SURE_S)
        last_ns = stamp_ns[t]
        beyond = 0
        for n in range(channel.shape[0]):
            c = channel[n]
            past = max(limits[0, c] - position[t, c], position[t, c] - limits[1, c])
            beyond += int(past > least)
        if beyond <= bound:
            state[:] = 0.0
            continue
        state[OFF_S] += passed_s
        state[OFF_FRAMES] += 1.0
        if state[OFF_S] > _SURE_S:
            hit(
                WRONG_MODEL, first_frame + t, int(state[OFF_FRAMES]) - 1, float(beyond), hits, worst
            )
