"""What an all-zero configuration looks like: arms down, forward, out to the sides, elbows bent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.split import Bones

F64 = NDArray[np.float64]

# Within about 40 degrees of a direction.
_ALONG = 0.75


def zero_pose(arms: Sequence[Bones], forward: F64, up: F64) -> str:
    """One of arms-down, T-pose, arms-forward, elbows-bent, other; robots without arms: other.

    Args:
        arms: Centres of the arms at zero, root link.
        forward: [3] unit, root link.
        up: [3] unit, root link.
    """
    if not arms:
        return "other"
    seen = {_pose(arm, forward, up) for arm in arms}
    return seen.pop() if len(seen) == 1 else "other"


def _pose(arm: Bones, forward: F64, up: F64) -> str:
    upper = _unit(arm.hinge - arm.near)
    lower = _unit(arm.far - arm.hinge) if np.any(arm.far != arm.hinge) else upper
    side = np.cross(up, forward)
    if min(upper @ -up, lower @ -up) > _ALONG:
        return "arms-down"
    if float(upper @ -up) > _ALONG and float(lower @ forward) > _ALONG:
        return "elbows-bent"
    if min(abs(float(upper @ side)), abs(float(lower @ side))) > _ALONG:
        return "T-pose"
    if min(upper @ forward, lower @ forward) > _ALONG:
        return "arms-forward"
    return "other"


def _unit(v: F64) -> F64:
    unit: F64 = v / max(float(np.linalg.norm(v)), 1e-9)
    return unit
