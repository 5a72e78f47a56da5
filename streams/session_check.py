"""What takes seconds to prove: mismatched joints, the IMU, the clock; findings of one chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.checks import BY_ID
from schemas.events import Finding
from streams.clock_check import CLOCK, check_clock
from streams.decode import RawChunk
from streams.kernels.gravity_checks import GRAVITY_KINDS, MISREAD, NORM_OFF, TILTED
from streams.kernels.mismatch_checks import FLIPPED, KINDS, PERMUTED, SWAPPED, UNIT
from streams.kernels.motion_checks import COUNT, FIRST, LAST, SAMPLE_S
from streams.kernels.session_checks import check_motion, fresh_session_figures
from streams.session_plan import SessionPlan
from streams.state import SessionState

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


def fresh_session(watched: int, pairs: int) -> SessionState:
    """The state at a session's start."""
    return SessionState(None, None, fresh_session_figures(watched, pairs), np.zeros(CLOCK))


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
    figures = state.figures.copy()
    told = chunk.velocity if plan.by_velocity else chunk.action
    quaternion = chunk.base.get("base_quaternion", _NOTHING) if plan.feels_up else _NOTHING
    joint_hits = np.zeros((len(plan.channel), KINDS, 3), np.int64)
    hits, worst = np.zeros((GRAVITY_KINDS, 3), np.int64), np.zeros(GRAVITY_KINDS)
    found: list[Finding] = []
    if check_motion(
        stamps, start_ns, int(stamps[0]) if last_ns is None else last_ns, first_frame,
        chunk.position, _NOTHING if told is None else told, plan.by_velocity,
        plan.channel, plan.pair, plan.is_mirror,
        chunk.base.get("base_acceleration", _NOTHING), quaternion, plan.is_quaternion,
        plan.norm_off, plan.tilt_deg, figures, joint_hits, hits, worst,
    ):  # fmt: skip
        found = _joint_findings(plan, joint_hits)
        found += [
            _finding(name, None, hits[kind], int(hits[kind, COUNT]), float(worst[kind]))
            for kind, name in _IMU_KINDS
            if hits[kind, COUNT]
        ]
    state = SessionState(start_ns, state.published_ns, figures, state.clock)
    if plan.has_clock and published_ns:
        state, said = check_clock(
            plan, state, int(stamps[-1]), first_frame, published_ns, len(stamps)
        )
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
