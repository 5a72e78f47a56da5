"""A robot's clock beside its publisher's: drift by regression, and how far it is from being set."""

from __future__ import annotations

import math
from dataclasses import dataclass

from schemas.checks import BY_ID
from schemas.events import Finding
from streams.limits import Limits
from streams.session_plan import SessionPlan
from streams.state import SessionState

# Running sums of the regression of stamp minus publish time on publish time, in seconds.
_N, _X, _Y, _XX, _XY, _YY, _LATEST, _SAID = range(8)
CLOCK = 8
_SAY_EVERY_S = 10.0
_LIVE_PPM = 5_000.0
"""A clock that seems to drift more than this is played back at another pace than its own."""


@dataclass(frozen=True)
class Drift:
    """How a robot's clock runs beside its publisher's.

    Attributes:
        ppm: parts per million; positive = the robot's clock is fast.
        ci_ppm: half the 95 % confidence interval, of white jitter.
        offset_s: mean of stamp minus publish time.
        seconds: observed.
    """

    ppm: float
    ci_ppm: float
    offset_s: float
    seconds: float


def check_clock(
    plan: SessionPlan, limits: Limits, state: SessionState, stamp_ns: int, first_frame: int,
    published_ns: int, frames: int,
) -> tuple[SessionState, list[Finding]]:  # fmt: skip
    """One more point of the regression; what it says, every ten seconds."""
    begun_ns = published_ns if state.published_ns is None else state.published_ns
    sums = state.clock.copy()
    state = state._replace(published_ns=begun_ns, clock=sums)
    x = (published_ns - begun_ns) * 1e-9
    y = (stamp_ns - (state.start_ns or 0)) * 1e-9 - x
    sums[_N : _YY + 1] += (1.0, x, y, x * x, x * y, y * y)
    sums[_LATEST] = x
    drift = drift_of(state)
    if drift is None or x - sums[_SAID] < _SAY_EVERY_S or abs(drift.ppm) > _LIVE_PPM:
        return state, []
    sums[_SAID] = x
    found = []
    most_ppm, after_s = limits.numbers["clock_drift"]
    if x >= after_s and abs(drift.ppm) - drift.ci_ppm > most_ppm:
        found.append(("clock_drift", drift.ppm, most_ppm))
    if plan.is_unix and abs(drift.offset_s) > limits.of("clock_offset"):
        found.append(("clock_offset", drift.offset_s, limits.of("clock_offset")))
    stop = first_frame + frames
    return state, [
        Finding(name, BY_ID[name].severity.value, None, 0, stop, frames, value, threshold)
        for name, value, threshold in found
    ]


def drift_of(state: SessionState) -> Drift | None:
    """What the regression says of the robot's clock; None before it has enough points."""
    n, x, y, xx, xy, yy = state.clock[_N : _YY + 1].tolist()
    if n < 3.0 or state.start_ns is None or state.published_ns is None:
        return None
    spread = xx - x * x / n
    if spread <= 0.0:
        return None
    slope = (xy - x * y / n) / spread
    rest = max(yy - y * y / n - slope * slope * spread, 0.0)
    error = math.sqrt(rest / (n - 2.0) / spread)
    offset_s = (state.start_ns - state.published_ns) * 1e-9 + y / n
    return Drift(slope * 1e6, 1.96e6 * error, offset_s, float(state.clock[_LATEST]))
