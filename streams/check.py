"""The per-frame checks of one chunk: flags for its frames, findings for its report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.checks import CATALOGUE, Severity
from schemas.embodiment import Embodiment
from schemas.events import Finding
from schemas.profile import Layout, Profile
from streams.decode import RawChunk
from streams.kernels.frame_checks import COUNT, FIRST, LAST, NO_STAMP, check_frames
from streams.state import CheckState

F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

BITS = np.array([check.bit for check in CATALOGUE], np.int64)
THRESHOLDS = np.array([check.threshold for check in CATALOGUE])
ERROR_MASK = np.uint64(sum(check.mask for check in CATALOGUE if check.severity is Severity.ERROR))
_NOTHING_F64 = np.empty((0, 0))
_NOTHING_U8 = np.empty((0, 0), np.uint8)


@dataclass(frozen=True)
class CheckPlan:
    """Limits and names of a robot's native channels, made ready for the checks."""

    names: tuple[str, ...]
    lower: F64
    upper: F64
    watch_frozen: U8
    note_absent: bool
    period_ns: float


def compile_checks(profile: Profile, embodiment: Embodiment) -> CheckPlan:
    """Make a robot's checks ready.

    Fingers are not watched for being frozen: they rest against what they hold.
    """
    joints = {joint.name: joint for joint in embodiment.joints}
    fingers = {f.joint for hand in embodiment.hands.values() for f in hand.joints}
    lower, upper, watch = [], [], []
    for name, dof in zip(profile.channel_joints, profile.channel_dofs, strict=True):
        joint = joints.get(name) if name else None
        low = joint.lower if joint else (0.0 if dof else None)
        high = joint.upper if joint else (1.0 if dof else None)
        lower.append(-np.inf if low is None else low)
        upper.append(np.inf if high is None else high)
        watch.append(joint is not None and name not in fingers)
    return CheckPlan(
        profile.channel_names,
        np.array(lower),
        np.array(upper),
        np.array(watch, np.uint8),
        profile.layout is not Layout.SPARSE,
        1e9 / profile.rate_hz,
    )


def fresh_checks(channels: int) -> CheckState:
    """The state at a session's start."""
    nothing = np.full(channels, np.nan)
    return CheckState(None, nothing, np.zeros(channels, np.int64), nothing.copy())


def check_chunk(
    plan: CheckPlan, state: CheckState, chunk: RawChunk, near_pole: U8, first_frame: int
) -> tuple[CheckState, U64, list[Finding]]:
    """Check a chunk.

    Args:
        plan: the robot's limits.
        state: what the chunk before left.
        chunk: T frames.
        near_pole: [T] 1 where a ball joint is near its pole.
        first_frame: index of the chunk's first frame in the session.

    Returns:
        The state behind the chunk, flags [T], and its findings.
    """
    position, changed_ns = state.position.copy(), state.changed_ns.copy()
    command = state.command.copy()
    flags, table, worst, stamp_ns = check_frames(
        chunk.stamp_ns,
        plan.period_ns,
        chunk.position,
        _NOTHING_F64 if chunk.action is None else chunk.action,
        _NOTHING_U8 if chunk.absent is None else chunk.absent,
        near_pole,
        plan.lower,
        plan.upper,
        plan.watch_frozen,
        plan.note_absent,
        THRESHOLDS,
        BITS,
        NO_STAMP if state.stamp_ns is None else state.stamp_ns,
        position,
        changed_ns,
        command,
    )
    findings: list[Finding] = []
    if flags.any():
        for row, column in np.argwhere(table[:, :, COUNT]):
            check = CATALOGUE[row]
            cell = table[row, column]
            findings.append(
                Finding(
                    check=check.id,
                    severity=check.severity.value,
                    channel=plan.names[column] if check.per_joint else None,
                    first_frame=first_frame + int(cell[FIRST]),
                    last_frame=first_frame + int(cell[LAST]) + 1,
                    frames=int(cell[COUNT]),
                    value=float(worst[row, column]),
                    threshold=check.threshold,
                )
            )
    return CheckState(int(stamp_ns), position, changed_ns, command), flags, findings
