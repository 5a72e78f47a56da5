"""What takes seconds to prove: mismatched joints, the IMU, the clock; findings of one chunk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.checks import BY_ID
from schemas.embodiment import Embodiment
from schemas.events import Finding
from schemas.profile import Profile
from streams.decode import RawChunk
from streams.kernels.session_checks import (
    BODY,
    COUNT,
    FIRST,
    FLIPPED,
    IDLE,
    IDLE_BEFORE,
    IDLE_RUN,
    KINDS,
    LAST,
    MISREAD,
    NORM_OFF,
    PERMUTED,
    SAMPLE_S,
    SAMPLES,
    SEEN,
    SWAPPED,
    TILTED,
    UNIT,
    WATCH,
    feel_gravity,
    sample_motion,
)
from streams.state import SessionState

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

_JOINT_KINDS = (
    (FLIPPED, "flipped_sign"),
    (PERMUTED, "permuted_joints"),
    (SWAPPED, "swapped_sides"),
    (UNIT, "wrong_unit"),
)
_IMU_KINDS = (
    (NORM_OFF, "imu_norm"),
    (TILTED, "gravity_tilt"),
    (MISREAD, "wrong_quaternion_order"),
)
_NOTHING = np.empty((0, 0))

# Running sums of the regression of stamp minus publish time on publish time, in seconds.
_N, _X, _Y, _XX, _XY, _YY, _LATEST, _SAID = range(8)
CLOCK = 8
_SAY_EVERY_S = 10.0
_ENOUGH_SAMPLES = 10
_LIVE_PPM = 5_000.0
"""A clock that seems to drift more than this is played back at another pace than its own."""


@dataclass(frozen=True)
class SessionPlan:
    """Which joints could be taken for which, and what of the IMU there is."""

    names: tuple[str, ...]
    channel: I32
    pair: I32
    is_mirror: I32
    by_velocity: bool
    is_quaternion: bool
    feels_up: bool
    has_clock: bool
    is_unix: bool
    rate_hz: float
    norm_off: float
    tilt_deg: float
    drift_ppm: float
    drift_after_s: float
    offset_s: float


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


def compile_session(profile: Profile, embodiment: Embodiment) -> SessionPlan:
    """Make a robot's slow checks ready."""
    at = {name: c for c, name in enumerate(profile.channel_joints) if name is not None}
    watched = [j for chain in embodiment.complexes.values() for j in chain if j in at]
    place = {joint: w for w, joint in enumerate(watched)}
    pairs = [(w, w, 0) for w in range(len(watched))]
    limbs: dict[str, list[str]] = {}
    for name, chain in embodiment.complexes.items():
        side, _, part = name.partition("_")
        limb = "arm" if part in ("shoulder", "elbow", "wrist") else "leg"
        key = f"{side}_{limb}" if part else name
        limbs.setdefault(key, []).extend(joint for joint in chain if joint in place)
        if side == "left":
            mirrored = embodiment.complexes.get(f"right_{part}", ())
            pairs += _pairs(zip(chain, mirrored, strict=False), place, 1)
    for chain_joints in limbs.values():
        inside = [(a, b) for i, a in enumerate(chain_joints) for b in chain_joints[i + 1 :]]
        pairs += _pairs(inside, place, 0)
    table = np.array(pairs, np.int32).reshape(-1, 3)
    rotation = profile.base.rotation
    return SessionPlan(
        profile.channel_names,
        np.array([at[joint] for joint in watched], np.int32),
        np.ascontiguousarray(table[:, :2]),
        np.ascontiguousarray(table[:, 2]),
        all(group.action is None for group in profile.groups),
        rotation is not None and rotation.order in ("wxyz", "xyzw"),
        profile.base.imu_in_base,
        profile.clock.field is not None,
        profile.clock.epoch == "unix",
        profile.rate_hz,
        profile.threshold("imu_norm"),
        profile.threshold("gravity_tilt"),
        profile.threshold("clock_drift"),
        profile.least("clock_drift"),
        profile.threshold("clock_offset"),
    )


def _pairs(
    joints: Iterable[tuple[str, str]], place: Mapping[str, int], mirror: int
) -> list[tuple[int, int, int]]:
    return [(place[a], place[b], mirror) for a, b in joints if a in place and b in place]


def fresh_session(watched: int, pairs: int) -> SessionState:
    """The state at a session's start."""
    watch = np.zeros((watched, WATCH))
    watch[:, SEEN] = np.nan
    return SessionState(None, None, watch, np.zeros((pairs, 2)), np.zeros(BODY), np.zeros(CLOCK))


def check_session(
    plan: SessionPlan, state: SessionState, last_ns: int | None, chunk: RawChunk,
    first_frame: int, published_ns: int,
) -> tuple[SessionState, list[Finding]]:  # fmt: skip
    """Check what a chunk adds to the session.

    Args:
        plan: the robot.
        state: what the chunk before left.
        last_ns: stamp of the frame before.
        chunk: T frames.
        first_frame: index of the first in the session.
        published_ns: when the chunk was sent, 0 = nobody knows.
    """
    stamps = chunk.stamp_ns
    start_ns = int(stamps[0]) if state.start_ns is None else state.start_ns
    state = SessionState(
        start_ns,
        state.published_ns,
        state.watch.copy(),
        state.cross.copy(),
        state.body.copy(),
        state.clock.copy(),
    )
    told = chunk.velocity if plan.by_velocity else chunk.action
    hits = np.zeros((len(plan.channel), KINDS, 3), np.int64)
    sample_motion(
        stamps, start_ns, first_frame, chunk.position, _NOTHING if told is None else told,
        plan.by_velocity, plan.channel, plan.pair, plan.is_mirror,
        state.watch, state.cross, state.body, hits,
    )  # fmt: skip
    found = _joint_findings(plan, hits) if hits.any() else []
    acceleration = chunk.base.get("base_acceleration")
    if acceleration is not None:
        imu_hits, worst = np.zeros((3, 3), np.int64), np.zeros(3)
        feel_gravity(
            stamps, int(stamps[0]) if last_ns is None else last_ns, first_frame, acceleration,
            chunk.base.get("base_quaternion", _NOTHING) if plan.feels_up else _NOTHING,
            plan.is_quaternion,
            plan.norm_off, plan.tilt_deg, state.body, imu_hits, worst,
        )  # fmt: skip
        found += [
            _finding(name, None, imu_hits[kind], int(imu_hits[kind, COUNT]), float(worst[kind]))
            for kind, name in _IMU_KINDS
            if imu_hits[kind, COUNT]
        ]
    if plan.has_clock and published_ns:
        state, said = _clock(plan, state, int(stamps[-1]), first_frame, published_ns, len(stamps))
        found += said
    return state, found


def _joint_findings(plan: SessionPlan, hits: npt.NDArray[np.int64]) -> list[Finding]:
    frames = max(1, round(SAMPLE_S * plan.rate_hz))
    return [
        _finding(
            name,
            plan.names[plan.channel[w]],
            hits[w, kind],
            int(hits[w, kind, COUNT]) * frames,
            BY_ID[name].threshold,
        )
        for kind, name in _JOINT_KINDS
        for w in np.flatnonzero(hits[:, kind, COUNT])
    ]


def _finding(
    name: str, channel: str | None, hit: Sequence[int], frames: int, value: float
) -> Finding:
    check = BY_ID[name]
    first, last = int(hit[FIRST]), int(hit[LAST]) + 1
    return Finding(name, check.severity.value, channel, first, last, frames, value, check.threshold)


def _clock(
    plan: SessionPlan, state: SessionState, stamp_ns: int, first_frame: int, published_ns: int,
    frames: int,
) -> tuple[SessionState, list[Finding]]:  # fmt: skip
    """One more point of the regression; what it says, every ten seconds."""
    begun_ns = published_ns if state.published_ns is None else state.published_ns
    state = state._replace(published_ns=begun_ns)
    sums = state.clock
    x = (published_ns - begun_ns) * 1e-9
    y = (stamp_ns - (state.start_ns or 0)) * 1e-9 - x
    sums[_N : _YY + 1] += (1.0, x, y, x * x, x * y, y * y)
    sums[_LATEST] = x
    drift = drift_of(state)
    if drift is None or x - sums[_SAID] < _SAY_EVERY_S or abs(drift.ppm) > _LIVE_PPM:
        return state, []
    sums[_SAID] = x
    found = []
    if x >= plan.drift_after_s and abs(drift.ppm) - drift.ci_ppm > plan.drift_ppm:
        found.append(("clock_drift", drift.ppm, plan.drift_ppm))
    if plan.is_unix and abs(drift.offset_s) > plan.offset_s:
        found.append(("clock_offset", drift.offset_s, plan.offset_s))
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


def begin_take(state: SessionState) -> SessionState:
    """Idleness is counted from here: an episode begins."""
    body = state.body.copy()
    body[SAMPLES] = body[IDLE] = body[IDLE_BEFORE] = body[IDLE_RUN] = 0.0
    return state._replace(body=body)


@dataclass(frozen=True)
class Idleness:
    """How still a robot stood in an episode: share of its time, and s at its beginning and end."""

    share: float
    before_s: float
    after_s: float


def idleness(state: SessionState) -> Idleness | None:
    """Of the episode so far; None before two seconds of it, which say nothing."""
    samples, idle, before, run = state.body[[SAMPLES, IDLE, IDLE_BEFORE, IDLE_RUN]].tolist()
    if samples < _ENOUGH_SAMPLES:
        return None
    return Idleness(idle / samples, before * SAMPLE_S, run * SAMPLE_S)
