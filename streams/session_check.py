"""What takes seconds to prove: mismatched joints, hands, the IMU, the clock; of one chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.checks import BY_ID
from schemas.events import Finding
from streams.clock_check import CLOCK, check_clock
from streams.decode import RawChunk
from streams.kernels.foot_checks import check_skate
from streams.kernels.gyro_checks import WINDOW_S
from streams.kernels.hand_checks import check_hands
from streams.kernels.lag_checks import JUDGE_EVERY
from streams.kernels.mismatch_checks import FLIPPED, KINDS, PERMUTED, SWAPPED, UNIT
from streams.kernels.motion_checks import SAMPLE_S
from streams.kernels.pose_checks import check_pose
from streams.kernels.session_checks import (
    check_motion,
    fresh_session_figures,
    hand_figures,
    pose_figures,
    skate_figures,
)
from streams.kernels.session_rows import (
    ACTION_LAG,
    COUNT,
    FIRST,
    FOOT_SKATE,
    IMU_BIAS,
    LAST,
    SESSION_ROWS,
    SIGNAL_SKEW,
)
from streams.kernels.take_checks import fresh_take
from streams.limits import Limits
from streams.session_plan import ROWS, SessionPlan
from streams.state import SessionState

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_JOINT_KINDS = (
    (FLIPPED, "flipped_sign"),
    (PERMUTED, "permuted_joints"),
    (SWAPPED, "swapped_sides"),
    (UNIT, "wrong_unit"),
)
_NOTHING = np.empty((0, 0))


def fresh_session(watched: int, pairs: int) -> SessionState:
    """The state at a session's start."""
    figures = fresh_session_figures(watched, pairs)
    return SessionState(None, None, figures, fresh_take(watched), np.zeros(CLOCK))


def check_session(
    plan: SessionPlan, limits: Limits, state: SessionState, last_ns: int | None, last: F64,
    chunk: RawChunk, hand_pose: F32 | None, foot_pose: F32 | None, beyond: bool,
    first_frame: int, published_ns: int,
) -> tuple[SessionState, list[Finding]]:  # fmt: skip
    """Check what a chunk adds to the session.

    Args:
        plan: the robot.
        limits: thresholds.
        state: what the chunk before left.
        last_ns: stamp of the frame before.
        last: [C] the last number of each channel.
        chunk: T frames.
        hand_pose: [T, 2, 7] by forward kinematics; None without geometry.
        foot_pose: [T, 2, 7] the same of the feet.
        beyond: whether any joint may be far past a limit.
        first_frame: index of the first in the session.
        published_ns: when the chunk was sent, 0 = nobody knows.
    """
    stamps = chunk.stamp_ns
    start_ns = int(stamps[0]) if state.start_ns is None else state.start_ns
    before_ns = int(stamps[0]) if last_ns is None else last_ns
    figures, take, base = state.figures.copy(), state.take.copy(), chunk.base
    velocity = _NOTHING if chunk.velocity is None else chunk.velocity
    action = _NOTHING if chunk.action is None else chunk.action
    joint_hits = np.zeros((len(plan.channel), KINDS, 3), np.int64)
    hits, worst = np.zeros((SESSION_ROWS, 3), np.int64), np.zeros(SESSION_ROWS)
    said = check_motion(
        stamps, start_ns, before_ns, first_frame, chunk.position, velocity, action,
        plan.by_velocity, plan.channel, plan.pair, plan.is_mirror, plan.limits, beyond, plan.led,
        plan.turned, plan.stride, plan.sample_s, base.get("base_acceleration", _NOTHING),
        base.get("base_quaternion", _NOTHING) if plan.feels_up else _NOTHING,
        base.get("base_angular_velocity", _NOTHING), plan.is_quaternion,
        limits.bound, limits.bound_least, figures, take, joint_hits, hits, worst,
    )  # fmt: skip
    if plan.hands is not None:
        hands = plan.hands
        check_hands(
            stamps, before_ns, first_frame, chunk.position, action, last, hands.start,
            hands.channel, hands.opened, hands.closed, limits.bound, limits.bound_least,
            hand_figures(figures), hits, worst,
        )  # fmt: skip
    for side, told in enumerate(chunk.hand_position):
        if told is not None and hand_pose is not None:
            check_pose(
                side, stamps, before_ns, first_frame, told, hand_pose[:, side],
                limits.of("hand_pose"), pose_figures(figures)[side], hits, worst,
            )  # fmt: skip
    if plan.mount is not None and foot_pose is not None:
        check_skate(
            stamps, before_ns, first_frame, base["base_position"], base["base_quaternion"],
            foot_pose, plan.mount, limits.bound[FOOT_SKATE], limits.bound_least[FOOT_SKATE],
            skate_figures(figures), hits, worst,
        )  # fmt: skip
    found: list[Finding] = []
    if said or hits.any():
        found = _joint_findings(plan, joint_hits) + _robot_findings(plan, limits, hits, worst)
    state = SessionState(start_ns, state.published_ns, figures, take, state.clock)
    if plan.has_clock and published_ns:
        state, by_clock = check_clock(
            plan, limits, state, int(stamps[-1]), first_frame, published_ns, len(stamps)
        )
        found += by_clock
    return state, found


def _robot_findings(plan: SessionPlan, limits: Limits, hits: I64, worst: F64) -> list[Finding]:
    # Where one look stands for many frames, all of them are meant.
    stand_for = {
        ACTION_LAG: JUDGE_EVERY * plan.stride,
        SIGNAL_SKEW: JUDGE_EVERY * plan.stride,
        IMU_BIAS: round(WINDOW_S * plan.rate_hz),
    }
    return [
        _finding(
            name,
            channel,
            hits[row],
            int(hits[row, COUNT]) * stand_for.get(row, 1),
            float(worst[row]),
            limits.of(name),
        )
        for row, name, channel in ROWS
        if hits[row, COUNT]
    ]


def _joint_findings(plan: SessionPlan, hits: npt.NDArray[np.int64]) -> list[Finding]:
    frames = max(1, round(SAMPLE_S * plan.rate_hz))
    return [
        _finding(
            name,
            plan.names[plan.channel[w]],
            hits[w, kind],
            int(hits[w, kind, COUNT]) * frames,
            BY_ID[name].threshold,
            BY_ID[name].threshold,
        )
        for kind, name in _JOINT_KINDS
        for w in np.flatnonzero(hits[:, kind, COUNT])
    ]


def _finding(
    name: str,
    channel: str | None,
    hit: Sequence[int],
    frames: int,
    value: float,
    threshold: float,
) -> Finding:
    first, last = max(int(hit[FIRST]), 0), int(hit[LAST]) + 1
    severity = BY_ID[name].severity.value
    return Finding(name, severity, channel, first, last, frames, value, threshold)
