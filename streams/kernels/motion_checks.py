"""Motion sampled a few times a second: who is who, and for how long nothing moved."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.mismatch_checks import (
    DOUBT,
    DOUBTS,
    FINE,
    SEEN,
    SEEN_SUM,
    SINCE,
    TOLD,
    TOLD_SUM,
    judge,
)
from streams.kernels.session_rows import COUNT, FIRST, LAST

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

SAMPLE_S = 0.2
"""Motion is compared over steps of this length, so that a usual delay does not matter."""

_TAU_S = 20.0
_FORGET = 1.0 - SAMPLE_S / _TAU_S
_SURE = 10.0
"""So many samples in a row must say the same."""

# What is carried of sampling, and of idleness since the episode began.
NEXT_S, LAST_S, SAMPLES, IDLE, IDLE_BEFORE, IDLE_RUN = 0, 1, 2, 3, 4, 5
SAMPLING = 6

_STILL = 0.01
"""rad or m in a step; a robot none of whose joints moves further is idle."""


@numba.njit(cache=True)
def sample_motion(
    stamp_ns: I64, start_ns: int, first_frame: int, position: F64, told: F64, is_rate: bool,
    channel: I32, pair: I32, is_mirror: I32, watch: F64, cross: F64, sampling: F64, hits: I64,
) -> None:  # fmt: skip
    """Compare what joints were told with what they did, and count how long nothing moved.

    Args:
        stamp_ns: [T] stamps.
        start_ns: stamp of the session's first frame.
        first_frame: index of the chunk's first frame.
        position: [T, C] SI.
        told: [T, C] commanded positions, or reported velocities if `is_rate`, or [0, 0].
        is_rate: which of them.
        channel: [W] channels that are watched: the joints of the body's complexes.
        pair: [P, 2] places in `channel` that might have been taken for each other.
        is_mirror: [P] 1 where they are the same joint of the two sides.
        watch: [W, WATCH] carried; changed.
        cross: [P, 2] sums of told x seen, crosswise; changed.
        sampling: [SAMPLING] carried; changed.
        hits: [W, KINDS, 3] filled with count of samples, first and last frame, by verdict.
    """
    joints = channel.shape[0]
    has_told = told.shape[0] > 0
    own = np.zeros(joints)
    verdict = np.zeros(joints, np.int32)
    told_step, seen_step = np.zeros(joints), np.zeros(joints)
    for t in range(stamp_ns.shape[0]):
        now_s = float(stamp_ns[t] - start_ns) * 1e-9
        late_s = now_s - sampling[NEXT_S]
        if is_rate and has_told:
            passed_s = min(max(now_s - sampling[LAST_S], 0.0), SAMPLE_S)
            sampling[LAST_S] = now_s
            for w in range(joints):
                rate = told[t, channel[w]]
                if math.isfinite(rate):
                    watch[w, TOLD] += rate * passed_s
        if late_s < 0.0:
            continue
        sampling[NEXT_S] = now_s + SAMPLE_S
        # A step over a hole says nothing.
        whole = late_s < SAMPLE_S
        furthest = 0.0
        for w in range(joints):
            c = channel[w]
            seen = position[t, c]
            command = told[t, c] if has_told else math.nan
            told_step[w] = seen_step[w] = 0.0
            if math.isfinite(seen):
                if whole and not math.isnan(watch[w, SEEN]):
                    furthest = max(furthest, abs(seen - watch[w, SEEN]))
                    way = watch[w, TOLD] if is_rate else command - watch[w, TOLD]
                    if math.isfinite(command) and math.isfinite(way):
                        seen_step[w] = seen - watch[w, SEEN]
                        told_step[w] = way
                watch[w, SEEN] = seen
                watch[w, TOLD] = 0.0 if is_rate else command
            watch[w, TOLD_SUM] = watch[w, TOLD_SUM] * _FORGET + told_step[w] * told_step[w]
            watch[w, SEEN_SUM] = watch[w, SEEN_SUM] * _FORGET + seen_step[w] * seen_step[w]
        _idle(furthest, sampling)
        if not has_told:
            continue
        for p in range(pair.shape[0]):
            a, b = pair[p, 0], pair[p, 1]
            cross[p, 0] = cross[p, 0] * _FORGET + told_step[a] * seen_step[b]
            cross[p, 1] = cross[p, 1] * _FORGET + told_step[b] * seen_step[a]
        judge(first_frame + t, pair, is_mirror, watch, cross, own, verdict)
        for w in range(joints):
            kind = verdict[w]
            watch[w, DOUBTS] = watch[w, DOUBTS] + 1.0 if kind == watch[w, DOUBT] else 1.0
            watch[w, DOUBT] = kind
            if kind != FINE and watch[w, DOUBTS] >= _SURE:
                if hits[w, kind, COUNT] == 0:
                    hits[w, kind, FIRST] = int(watch[w, SINCE])
                hits[w, kind, COUNT] += 1
                hits[w, kind, LAST] = first_frame + t


@numba.njit(cache=True)
def _idle(furthest: float, sampling: F64) -> None:
    """Count steps since the episode began, and those in which no joint moved."""
    sampling[SAMPLES] += 1.0
    if furthest > _STILL:
        sampling[IDLE_RUN] = 0.0
        return
    if sampling[IDLE] == sampling[SAMPLES] - 1.0:
        sampling[IDLE_BEFORE] += 1.0
    sampling[IDLE] += 1.0
    sampling[IDLE_RUN] += 1.0
