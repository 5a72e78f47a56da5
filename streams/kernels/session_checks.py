"""Checks that need seconds of motion: is each joint the joint it is said to be, is the IMU true."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

SAMPLE_S = 0.2
"""Motion is compared over steps of this length, so that a usual delay does not matter."""

_TAU_S = 20.0
_FORGET = 1.0 - SAMPLE_S / _TAU_S
_ENOUGH = 0.05
"""rad^2 of motion, summed over steps: what a comparison needs."""

_FOLLOWS = 0.8
"""Correlation of a joint with what it was told."""

_LIKE, _UNLIKE = 0.35, 0.6
"""What is left of a motion when another is taken away from it, as a share of the first."""

_SURE = 10.0
"""So many samples in a row must say the same."""

_DEGREE = 180.0 / math.pi

# Verdicts on a channel; the largest wins.
FINE, FLIPPED, PERMUTED, SWAPPED, UNIT = 0, 1, 2, 3, 4
KINDS = 5

# Verdicts on the IMU.
NORM_OFF, TILTED, MISREAD = 0, 1, 2

# What is carried of each watched joint.
TOLD, SEEN, TOLD_SUM, SEEN_SUM, SINCE, DOUBT, DOUBTS = 0, 1, 2, 3, 4, 5, 6
WATCH = 7

# What is carried of the IMU, of sampling, and of idleness since the episode began.
NEXT_S, NORM, NORM_S, UP, UP_S, LEFT, RIGHT = 0, 1, 2, 3, 6, 7, 10
SAMPLES, IDLE, IDLE_BEFORE, IDLE_RUN = 13, 14, 15, 16
LAST_S = 17
BODY = 18

COUNT, FIRST, LAST = range(3)

_IMU_TAU_S = 2.0
_GRAVITY = 9.80665
_STILL = 0.01
"""rad or m in a step; a robot none of whose joints moves further is idle."""


@numba.njit(cache=True)
def sample_motion(
    stamp_ns: I64, start_ns: int, first_frame: int, position: F64, told: F64, is_rate: bool,
    channel: I32, pair: I32, is_mirror: I32, watch: F64, cross: F64, body: F64, hits: I64,
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
        body: [BODY] carried; changed.
        hits: [W, KINDS, 3] filled with count of samples, first and last frame, by verdict.
    """
    joints = channel.shape[0]
    has_told = told.shape[0] > 0
    own = np.zeros(joints)
    verdict = np.zeros(joints, np.int32)
    told_step, seen_step = np.zeros(joints), np.zeros(joints)
    for t in range(stamp_ns.shape[0]):
        now_s = float(stamp_ns[t] - start_ns) * 1e-9
        late_s = now_s - body[NEXT_S]
        if is_rate and has_told:
            passed_s = min(max(now_s - body[LAST_S], 0.0), SAMPLE_S)
            body[LAST_S] = now_s
            for w in range(joints):
                rate = told[t, channel[w]]
                if math.isfinite(rate):
                    watch[w, TOLD] += rate * passed_s
        if late_s < 0.0:
            continue
        body[NEXT_S] = now_s + SAMPLE_S
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
        _idle(furthest, body)
        if not has_told:
            continue
        for p in range(pair.shape[0]):
            a, b = pair[p, 0], pair[p, 1]
            cross[p, 0] = cross[p, 0] * _FORGET + told_step[a] * seen_step[b]
            cross[p, 1] = cross[p, 1] * _FORGET + told_step[b] * seen_step[a]
        _judge(first_frame + t, pair, is_mirror, watch, cross, own, verdict)
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
def _idle(furthest: float, body: F64) -> None:
    """Count steps since the episode began, and those in which no joint moved."""
    body[SAMPLES] += 1.0
    if furthest > _STILL:
        body[IDLE_RUN] = 0.0
        return
    if body[IDLE] == body[SAMPLES] - 1.0:
        body[IDLE_BEFORE] += 1.0
    body[IDLE] += 1.0
    body[IDLE_RUN] += 1.0


@numba.njit(cache=True)
def _judge(
    frame: int, pair: I32, is_mirror: I32, watch: F64, cross: F64, own: F64, verdict: I32
) -> None:
    """What the sums prove; a pair of a joint with itself holds its own correlation."""
    verdict[:] = FINE
    for p in range(pair.shape[0]):
        a, b = pair[p, 0], pair[p, 1]
        if a == b:
            scale = math.sqrt(watch[a, TOLD_SUM] * watch[a, SEEN_SUM])
            own[a] = cross[p, 0] / scale if scale > 0.0 else 0.0
    mirrored = 0
    for p in range(pair.shape[0]):
        a, b = pair[p, 0], pair[p, 1]
        if a == b:
            if watch[a, TOLD_SUM] < _ENOUGH:
                continue
            ratio = math.sqrt(watch[a, SEEN_SUM] / watch[a, TOLD_SUM])
            if own[a] < -_FOLLOWS:
                verdict[a] = max(verdict[a], FLIPPED)
            elif own[a] > _FOLLOWS and _is_degree(ratio):
                verdict[a] = max(verdict[a], UNIT)
            elif own[a] > _FOLLOWS:
                watch[a, SINCE] = frame + 1
            continue
        exchanged = _taken(p, 0, a, b, watch, cross, own) or _taken(p, 1, b, a, watch, cross, own)
        if exchanged:
            kind = SWAPPED if is_mirror[p] else PERMUTED
            mirrored += is_mirror[p]
            verdict[a] = max(verdict[a], kind)
            verdict[b] = max(verdict[b], kind)
    if mirrored == 1:
        # One pair alone is two joints exchanged; two or more are the sides.
        for w in range(verdict.shape[0]):
            if verdict[w] == SWAPPED:
                verdict[w] = PERMUTED


@numba.njit(cache=True)
def _taken(p: int, way: int, told: int, seen: int, watch: F64, cross: F64, own: F64) -> bool:
    """Whether joint `seen` does what `told` was told, and neither does what itself was told.

    By what is left over, sum (seen - told)^2: limbs' joints often move in step, so that their
    correlations are alike.
    """
    asked = watch[told, TOLD_SUM]
    if asked < _ENOUGH:
        return False
    left = asked - 2.0 * cross[p, way] + watch[seen, SEEN_SUM]
    scale = own[told] * math.sqrt(asked * watch[told, SEEN_SUM])
    own_left = asked - 2.0 * scale + watch[told, SEEN_SUM]
    if left > _LIKE * asked or own_left < _UNLIKE * asked or own[told] < -_FOLLOWS:
        return False
    done = watch[seen, SEEN_SUM]
    scale = own[seen] * math.sqrt(watch[seen, TOLD_SUM] * done)
    return bool(watch[seen, TOLD_SUM] - 2.0 * scale + done > _UNLIKE * done)


@numba.njit(cache=True)
def _is_degree(ratio: float) -> bool:
    return 0.8 * _DEGREE < ratio < 1.25 * _DEGREE or 0.8 < ratio * _DEGREE < 1.25


@numba.njit(cache=True)
def feel_gravity(
    stamp_ns: I64, last_ns: int, first_frame: int, acceleration: F64, quaternion: F64,
    is_quaternion: bool, norm_off: float, tilt_deg: float, body: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Compare what the IMU feels with gravity: its norm, and which way is up.

    Args:
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before, the first one's own at a session's start.
        first_frame: index of the chunk's first frame.
        acceleration: [T, 3] m/s^2, base frame.
        quaternion: [T, 4] wxyz world from base, or [0, 0].
        is_quaternion: whether the vendor sends a quaternion, whose order may be misread.
        norm_off: m/s^2 by which the norm may be off.
        tilt_deg: degrees by which up may be off.
        body: [BODY] carried; changed.
        hits: [3, 3] filled with count, first and last frame of NORM_OFF, TILTED, MISREAD.
        worst: [3] filled.
    """
    for t in range(stamp_ns.shape[0]):
        passed_s = float(stamp_ns[t] - last_ns) * 1e-9
        last_ns = stamp_ns[t]
        ax, ay, az = acceleration[t, 0], acceleration[t, 1], acceleration[t, 2]
        norm = math.sqrt(ax * ax + ay * ay + az * az)
        if not math.isfinite(norm) or passed_s < 0.0 or passed_s > 1.0:
            continue
        body[NORM_S] = min(body[NORM_S] + passed_s, 1e3)
        weight = min(passed_s / min(_IMU_TAU_S, max(body[NORM_S], 1e-3)), 1.0)
        if body[NORM_S] == 0.0:
            weight = 1.0
        body[NORM] += weight * (norm - body[NORM])
        settled = body[NORM_S] > _IMU_TAU_S
        if settled and abs(body[NORM] - _GRAVITY) > norm_off:
            _hit(NORM_OFF, first_frame + t, body[NORM] - _GRAVITY, hits, worst)
        if quaternion.shape[0] == 0 or not math.isfinite(quaternion[t, 0]):
            continue
        w, x, y, z = quaternion[t, 0], quaternion[t, 1], quaternion[t, 2], quaternion[t, 3]
        tilt = _tilt_deg(w, x, y, z, ax, ay, az, weight, UP, body)
        if is_quaternion:
            left = _tilt_deg(z, w, x, y, ax, ay, az, weight, LEFT, body)
            right = _tilt_deg(x, y, z, w, ax, ay, az, weight, RIGHT, body)
        else:
            left = right = 180.0
        if not settled or tilt < tilt_deg:
            continue
        if min(left, right) < 0.5 * tilt_deg and tilt > 2.0 * tilt_deg:
            _hit(MISREAD, first_frame + t, tilt, hits, worst)
        else:
            _hit(TILTED, first_frame + t, tilt, hits, worst)


@numba.njit(cache=True)
def _hit(kind: int, frame: int, value: float, hits: I64, worst: F64) -> None:
    if hits[kind, COUNT] == 0:
        hits[kind, FIRST] = frame
    hits[kind, COUNT] += 1
    hits[kind, LAST] = frame
    if abs(value) > abs(worst[kind]):
        worst[kind] = value


@numba.njit(cache=True)
def _tilt_deg(
    w: float, x: float, y: float, z: float, ax: float, ay: float, az: float,
    weight: float, at: int, body: F64,
) -> float:  # fmt: skip
    """Smooth R(q) a into body[at : at + 3]; its angle to the vertical."""
    wx = (1 - 2 * (y * y + z * z)) * ax + 2 * (x * y - w * z) * ay + 2 * (x * z + w * y) * az
    wy = 2 * (x * y + w * z) * ax + (1 - 2 * (x * x + z * z)) * ay + 2 * (y * z - w * x) * az
    wz = 2 * (x * z - w * y) * ax + 2 * (y * z + w * x) * ay + (1 - 2 * (x * x + y * y)) * az
    body[at] += weight * (wx - body[at])
    body[at + 1] += weight * (wy - body[at + 1])
    body[at + 2] += weight * (wz - body[at + 2])
    level = math.sqrt(body[at] * body[at] + body[at + 1] * body[at + 1])
    return math.degrees(math.atan2(level, body[at + 2]))
