"""What a robot says of itself: how hot its motors are, in which mode its controller is."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.findings import EMERGENCY_STOP, MODE_CHANGE, TEMPERATURE, note

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]


@numba.njit(cache=True)
def check_temperature(temperature: F64, limit: F64, flags: U64, table: I32, worst: F64) -> None:
    """Flag motors that are too hot.

    temperature: [T, C] °C, NaN where none is reported; limit: [ROWS]; the rest as in
    `findings.note`.
    """
    for t in range(temperature.shape[0]):
        for c in range(temperature.shape[1]):
            if temperature[t, c] > limit[TEMPERATURE]:
                note(flags, table, worst, TEMPERATURE, c, t, 0, temperature[t, c])


@numba.njit(cache=True)
def check_mode(mode: F64, stopped: F64, last: float, flags: U64, table: I32, worst: F64) -> float:
    """Flag frames in which the controller is stopped, and those in which its mode changes.

    mode: [T] NaN where none is reported; stopped: [N] modes in which it is; last: the mode before,
    NaN if none; the rest as in `findings.note`. Returns the last mode.
    """
    for t in range(mode.shape[0]):
        if not math.isfinite(mode[t]):
            continue
        for n in range(stopped.shape[0]):
            if mode[t] == stopped[n]:
                note(flags, table, worst, EMERGENCY_STOP, 0, t, 0, mode[t])
        if mode[t] != last and math.isfinite(last):
            note(flags, table, worst, MODE_CHANGE, 0, t, 0, mode[t])
        last = mode[t]
    return last
