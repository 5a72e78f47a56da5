"""A robot's thresholds as the kernels take them, for the task it is at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.checks import CATALOGUE, FRAME_CHECKS
from schemas.embodiment import Embodiment
from schemas.profile import Layout, Profile
from schemas.thresholds import Threshold, resolve
from streams.kernels.session_rows import SESSION_ROWS
from streams.session_plan import ROWS

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """Thresholds of one robot at one task.

    Attributes:
        numbers: both numbers of every check.
        frame, frame_least: [ROWS] of the per-frame checks.
        bound, bound_least: [SESSION_ROWS] of the session's.
        joint: [6, C] as in `joint_checks`.
    """

    numbers: Mapping[str, tuple[float, float]]
    frame: F64
    frame_least: F64
    bound: F64
    bound_least: F64
    joint: F64

    def of(self, check: str) -> float:
        """A check's threshold."""
        return self.numbers[check][0]

    def least(self, check: str) -> float:
        """A check's second number."""
        return self.numbers[check][1]


@dataclass(frozen=True)
class LimitTable:
    """A robot's thresholds: usually, and at the tasks for which there are others."""

    usual: Limits
    by_task: Mapping[str, Limits]

    def at(self, task: str | None) -> Limits:
        """The thresholds at a task."""
        return self.by_task.get(task or "", self.usual)


def compile_limits(
    profile: Profile, embodiment: Embodiment, rows: Sequence[Threshold]
) -> LimitTable:
    """Make a robot's thresholds ready."""
    tasks = {row.task for row in rows if row.task}
    return LimitTable(
        _limits(profile, embodiment, rows, None),
        {task: _limits(profile, embodiment, rows, task) for task in sorted(tasks)},
    )


def _limits(
    profile: Profile, embodiment: Embodiment, rows: Sequence[Threshold], task: str | None
) -> Limits:
    numbers = {check.id: resolve(profile, rows, task, check.id) for check in CATALOGUE}
    bound, bound_least = np.zeros(SESSION_ROWS), np.zeros(SESSION_ROWS)
    for row, name, _ in ROWS:
        bound[row], bound_least[row] = numbers[name]
    return Limits(
        numbers,
        np.array([numbers[check.id][0] for check in FRAME_CHECKS]),
        np.array([numbers[check.id][1] for check in FRAME_CHECKS]),
        bound,
        bound_least,
        _joint_limits(profile, embodiment, numbers),
    )


def _joint_limits(
    profile: Profile, embodiment: Embodiment, numbers: Mapping[str, tuple[float, float]]
) -> F64:
    """What each channel can do.

    Rates are not judged on fingers, nor are they watched for being frozen: they rest against what
    they hold.
    """
    joints = {joint.name: joint for joint in embodiment.joints}
    fingers = {f.joint for hand in embodiment.hands.values() for f in hand.joints}
    rows: list[tuple[float, ...]] = []
    for name, dof in zip(profile.channel_joints, profile.channel_dofs, strict=True):
        joint = joints.get(name) if name else None
        low, high = (joint.lower, joint.upper) if joint else (0.0, 1.0) if dof else (None, None)
        rows.append(
            (
                -np.inf if low is None else low,
                np.inf if high is None else high,
                1.1 * ((joint and joint.velocity) or numbers["velocity_limit"][1]),
                numbers["effort_limit"][0] * ((joint and joint.effort) or np.inf),
                joint is not None and name not in fingers,
                profile.layout is not Layout.SPARSE,
            )
        )
    return np.ascontiguousarray(np.array(rows, np.float64).T)
