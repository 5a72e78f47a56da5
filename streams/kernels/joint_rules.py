"""What the checks of native joints compare with: one chunk's numbers of the catalogue, by name."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.findings import (
    ACCELERATION,
    CHATTER,
    COMMAND_LIMIT,
    ENCODER_WRAP,
    FROZEN_JOINT,
    JERK,
    JOINT_LIMIT,
    NOISE_STEP,
    QUANTISATION,
    SATURATION,
    SPIKE,
    STALE_FRAME,
    TRACKING_BIAS,
    TRACKING_ERROR,
    VELOCITY_LIMIT,
)

F64 = npt.NDArray[np.float64]

_PERIODS_APART = 5.0
"""Two values further apart than this many periods say nothing about a rate."""


class Rules(NamedTuple):
    """Thresholds; `least_…` is a check's second number in the catalogue."""

    period_s: float
    far_s: float
    late_s: float
    joint_limit: float
    command_limit: float
    moving: float
    frozen_s: float
    least_pushed: float
    saturation_s: float
    at_limit: float
    wrap: float
    velocity: float
    acceleration: float
    least_acceleration: float
    jerk: float
    least_jerk: float
    spike: float
    spike_noises_squared: float
    noise_times_squared: float
    least_noise_squared: float
    reversals: float
    least_reversal: float
    quantum: float
    least_quanta: float
    tracking_error: float
    tracking_bias: float


@numba.njit(cache=True)
def joint_rules(period_s: float, limit: F64, least: F64) -> Rules:
    """Take the numbers out of the catalogue's columns `limit` and `least`, [ROWS] each."""
    return Rules(
        period_s,
        _PERIODS_APART * period_s,
        1.5 * period_s,
        limit[JOINT_LIMIT],
        limit[COMMAND_LIMIT],
        least[STALE_FRAME],
        limit[FROZEN_JOINT],
        least[FROZEN_JOINT],
        limit[SATURATION],
        -least[SATURATION],
        limit[ENCODER_WRAP],
        limit[VELOCITY_LIMIT],
        limit[ACCELERATION],
        least[ACCELERATION],
        limit[JERK],
        least[JERK],
        limit[SPIKE],
        least[SPIKE] * least[SPIKE],
        limit[NOISE_STEP] * limit[NOISE_STEP],
        least[NOISE_STEP] * least[NOISE_STEP],
        limit[CHATTER],
        least[CHATTER],
        limit[QUANTISATION],
        least[QUANTISATION],
        limit[TRACKING_ERROR],
        limit[TRACKING_BIAS],
    )
