"""The per-frame checks of one chunk: flags for its frames, findings for its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.checks import FRAME_CHECKS
from schemas.embodiment import Embodiment
from schemas.events import Finding
from schemas.profile import Profile
from schemas.thresholds import Threshold
from schemas.vendors import load_vendors
from streams.decode import RawChunk
from streams.kernels.findings import COUNT, FIRST, JOINT_LIMIT, LAST, ROWS
from streams.kernels.frame_checks import check_frames, fresh_figures, last_position
from streams.kernels.machine_checks import check_mode, check_temperature
from streams.kernels.timing_checks import MODE, NO_STAMP
from streams.limits import Limits, LimitTable, compile_limits
from streams.session_check import check_session, fresh_session
from streams.session_plan import SessionPlan, compile_session
from streams.signals import signals_of
from streams.state import CheckState

Bool = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

_NOTHING_F64 = np.empty((0, 0))
_NOTHING_U8 = np.empty((0, 0), np.uint8)


@dataclass(frozen=True)
class CheckPlan:
    """A robot's limits, thresholds and names, made ready for the checks; C native channels."""

    names: tuple[str, ...]
    limits: LimitTable
    strongest: F64
    stopped: F64
    period_ns: float
    native_share: float
    signals: frozenset[str]
    session: SessionPlan


def compile_checks(
    profile: Profile, embodiment: Embodiment, thresholds: Sequence[Threshold] = ()
) -> CheckPlan:
    """Make a robot's checks ready; thresholds: rows of the tables that concern it."""
    joints = {joint.name: joint for joint in embodiment.joints}
    own = [joints.get(name) if name else None for name in profile.channel_joints]
    native, controller = profile.native_rate_hz, profile.controller
    limits = compile_limits(profile, embodiment, thresholds)
    return CheckPlan(
        profile.channel_names,
        limits,
        np.array([(joint and joint.effort) or np.inf for joint in own]),
        np.array(controller.stopped if controller else ()),
        1e9 / profile.rate_hz,
        np.nan if native is None else max(0.0, 1.0 - native / profile.rate_hz),
        signals_of(profile, embodiment),
        compile_session(profile, embodiment, limits.usual.joint),
    )


def fresh_checks(channels: int, watched: int = 0, pairs: int = 0) -> CheckState:
    """The state at a session's start, for a robot of so many channels, watched joints, pairs."""
    return CheckState(
        None,
        fresh_figures(channels),
        np.zeros(channels, np.int64),
        fresh_session(watched, pairs),
        {},
    )


def fresh_checks_of(plan: CheckPlan) -> CheckState:
    """The state at a session's start."""
    return fresh_checks(len(plan.names), len(plan.session.channel), len(plan.session.pair))


def check_chunk(
    plan: CheckPlan,
    state: CheckState,
    chunk: RawChunk,
    near_pole: Bool,
    first_frame: int,
    published_ns: int = 0,
    hand_pose: F32 | None = None,
    foot_pose: F32 | None = None,
    task: str | None = None,
) -> tuple[CheckState, U64, list[Finding]]:
    """Check a chunk.

    Args:
        plan: the robot's limits.
        state: what the chunk before left.
        chunk: T frames.
        near_pole: [T, K] where a ball joint is near its pole.
        first_frame: index of the chunk's first frame in the session.
        published_ns: when the chunk was sent; 0 = nobody knows, and nothing is said of clocks.
        hand_pose: [T, 2, 7] of the hands by forward kinematics; None without geometry.
        foot_pose: [T, 2, 7] the same of the feet.
        task: of the open episode.

    Returns:
        The state behind the chunk, flags [T], and its findings.
    """
    frames, channels = chunk.position.shape
    limits = plan.limits.at(task)
    figures, seen_ns = state.figures.copy(), state.seen_ns.copy()
    flags = np.zeros(frames, np.uint64)
    table = np.zeros((ROWS, channels, 3), np.int32)
    worst = np.zeros((ROWS, channels))
    if chunk.temperature is not None:
        check_temperature(chunk.temperature, limits.frame, flags, table, worst)
    if chunk.mode is not None:
        figures[MODE] = check_mode(chunk.mode, plan.stopped, figures[MODE], flags, table, worst)
    stamp_ns, flagged = check_frames(
        chunk.stamp_ns, plan.period_ns * 1e-9, first_frame, chunk.position,
        _or_nothing(chunk.velocity), _or_nothing(chunk.effort), _or_nothing(chunk.action),
        _NOTHING_U8 if chunk.absent is None else chunk.absent, near_pole,
        limits.joint, plan.strongest, plan.native_share, limits.frame, limits.frame_least,
        NO_STAMP if state.stamp_ns is None else state.stamp_ns, figures, seen_ns,
        flags, table, worst,
    )  # fmt: skip
    found = _findings(plan, limits, first_frame, table, worst) if flagged else []
    beyond = flagged and bool(table[JOINT_LIMIT, :, COUNT].any())
    session, slow = check_session(
        plan.session, limits, state.session, state.stamp_ns,
        last_position(state.figures, channels), chunk, hand_pose, foot_pose,
        beyond or limits.of("joint_limit") > limits.least("wrong_model"),
        first_frame, published_ns,
    )  # fmt: skip
    after = CheckState(stamp_ns, figures, seen_ns, session, state.going_on)
    return after, flags, found + slow


def _or_nothing(values: F64 | None) -> F64:
    return _NOTHING_F64 if values is None else values


def _findings(
    plan: CheckPlan, limits: Limits, first_frame: int, table: npt.NDArray[np.int32], worst: F64
) -> list[Finding]:
    found = []
    for row, column in np.argwhere(table[:, :, COUNT]):
        check, cell = FRAME_CHECKS[row], table[row, column]
        found.append(
            Finding(
                check=check.id,
                severity=check.severity.value,
                channel=plan.names[column] if check.per_joint else None,
                first_frame=max(first_frame + int(cell[FIRST]), 0),
                last_frame=first_frame + int(cell[LAST]) + 1,
                frames=int(cell[COUNT]),
                value=float(worst[row, column]),
                threshold=float(limits.frame[row]),
            )
        )
    return found


def warm_checks() -> None:
    """Compile the kernels, or load them from numba's cache."""
    vendors = load_vendors()
    # One that reports its base and a hand's pose, and one whose hands are commanded.
    for own in (vendors.newest("iit"), vendors.newest("unitree")):
        plan = compile_checks(own.profile, own.embodiment)
        rows, imu = np.zeros((2, len(plan.names))), np.zeros((2, 3))
        stamps = np.arange(2, dtype=np.int64)
        base = {"base_acceleration": imu, "base_quaternion": np.zeros((2, 4)), "base_position": imu}
        chunk = RawChunk(
            None, stamps, rows, rows, rows, rows, None, base, temperature=rows, mode=rows[:, 0],
            hand_position=(imu, None),
        )  # fmt: skip
        pose, near = np.zeros((2, 2, 7), np.float32), np.zeros((2, 1), np.bool_)
        check_chunk(plan, fresh_checks_of(plan), chunk, near, 0, hand_pose=pose, foot_pose=pose)
