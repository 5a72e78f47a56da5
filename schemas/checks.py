"""The check catalogue: what each check means, its unit, threshold, and its bit in a frame's flags.

A bit, once given, keeps its meaning for ever: stored frames carry it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters to an operator."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        id: its name in findings.
        bit: its place in the 64-bit frame flags.
        severity: of its findings.
        meaning: one sentence to the operator.
        unit: of value and threshold.
        threshold: default; a value past it is a finding.
        per_joint: whether its findings name a joint.
    """

    id: str
    bit: int
    severity: Severity
    meaning: str
    unit: str
    threshold: float
    per_joint: bool

    @property
    def mask(self) -> int:
        """Its flag as an integer."""
        return 1 << self.bit

    def document(self) -> dict[str, Any]:
        """The check as plain data, for hashing."""
        return asdict(self)


GAP = Check(
    "gap", 0, Severity.ERROR,
    "Time jumped ahead between two frames: frames are missing.",
    "nominal periods", 5.0, False,
)  # fmt: skip
JITTER = Check(
    "jitter", 1, Severity.WARNING,
    "Frames do not come evenly: the time since the last frame is far from the nominal period.",
    "nominal periods", 1.0, False,
)  # fmt: skip
DUPLICATE_STAMP = Check(
    "duplicate_stamp", 2, Severity.WARNING,
    "Two frames carry the same time.",
    "s", 0.0, False,
)  # fmt: skip
OUT_OF_ORDER = Check(
    "out_of_order", 3, Severity.ERROR,
    "A frame's time lies before the frame ahead of it.",
    "s", 0.0, False,
)  # fmt: skip
NON_FINITE = Check(
    "non_finite", 4, Severity.ERROR,
    "A joint reports no number (NaN or infinity).",
    "", 0.0, True,
)  # fmt: skip
MISSING_VALUE = Check(
    "missing_value", 5, Severity.INFO,
    "A joint did not report in this frame.",
    "", 0.0, True,
)  # fmt: skip
JOINT_LIMIT = Check(
    "joint_limit", 6, Severity.WARNING,
    "A joint reports a position beyond the limit of the robot's description.",
    "rad or m past the limit", 0.01, True,
)  # fmt: skip
FROZEN_JOINT = Check(
    "frozen_joint", 7, Severity.ERROR,
    "A joint was told to move and its reported position did not change at all.",
    "s", 1.0, True,
)  # fmt: skip
NEAR_POLE = Check(
    "near_pole", 8, Severity.INFO,
    "A shoulder, hip or other ball joint is near the pole of its angles: read the segment instead.",
    "", 0.0, False,
)  # fmt: skip

CATALOGUE: tuple[Check, ...] = (
    GAP, JITTER, DUPLICATE_STAMP, OUT_OF_ORDER, NON_FINITE, MISSING_VALUE, JOINT_LIMIT,
    FROZEN_JOINT, NEAR_POLE,
)  # fmt: skip

BY_ID = {check.id: check for check in CATALOGUE}
