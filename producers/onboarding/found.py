"""What the finder says about a robot, and the plain object it is printed as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.body import COMPLEX_NAMES, SIDES, Side


@dataclass(frozen=True)
class Found:
    """Complexes and all else of a robot, found from its description.

    Attributes:
        id: Name of the robot.
        forward, up: Signed axes of the root link.
        complexes: Joints of each of the 14 complexes in chain order, pelvis to hand or foot.
        lift_or_wheels: Prismatic lifts and joints of the drive.
        hand_joints: Joints of their own beyond the wrist, by side.
        ignored: Every other moving joint.
        zero_pose: See `producers.onboarding.zero_pose`.
        confidence: 0..1 by complex; of an empty one: that there is none.
        confirm: What a person should look at, most doubtful first.
    """

    id: str
    forward: str
    up: str
    complexes: Mapping[str, tuple[str, ...]]
    lift_or_wheels: tuple[str, ...]
    hand_joints: Mapping[Side, tuple[str, ...]]
    ignored: tuple[str, ...]
    zero_pose: str
    confidence: Mapping[str, float]
    confirm: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The object that `kinebus onboard --json` prints."""
        return {
            "id": self.id,
            "forward": self.forward,
            "up": self.up,
            "complexes": {name: list(self.complexes[name]) for name in COMPLEX_NAMES},
            "lift_or_wheels": list(self.lift_or_wheels),
            "hand_joints": {side: list(self.hand_joints[side]) for side in SIDES},
            "ignored": list(self.ignored),
            "zero_pose": self.zero_pose,
            "confidence_by_complex": {n: round(self.confidence[n], 2) for n in COMPLEX_NAMES},
            "confirm": list(self.confirm),
        }
