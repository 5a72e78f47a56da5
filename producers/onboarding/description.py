"""A robot description as read: moving joints, and every named frame folded onto a moving link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.embodiment_parts import Joint
from streams.kernels.frames import frame, rotation_about, rotation_of_quat

F64 = NDArray[np.float64]

MAX_BYTES = 8_000_000
# Five times the joints of the most dexterous humanoids.
MAX_JOINTS = 500


class DescriptionError(ValueError):
    """A file that is no robot description we can rely on."""


@dataclass(frozen=True)
class Description:
    """A kinematic tree without fixed joints.

    Attributes:
        name: The file's own name for the robot.
        root: Root link.
        joints: Moving joints, parents first.
        frames: Every link of the file -> (moving link, frame of the named link in it).
        masses: Moving link -> its mass (kg) and centre of mass in it, where the file gives them.
        passive: Joints that follow one which the file lacks.
        notes: What was read otherwise than it is written, for a person.
    """

    name: str
    root: str
    joints: tuple[Joint, ...]
    frames: Mapping[str, tuple[str, F64]]
    masses: Mapping[str, tuple[float, F64]] = field(default_factory=dict)
    passive: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def joint(self, name: str) -> Joint:
        """The joint of that name."""
        for joint in self.joints:
            if joint.name == name:
                return joint
        raise DescriptionError(f"{self.name}: no moving joint {name!r}")


def add_mass(
    masses: dict[str, tuple[float, F64]], link: str, mass_kg: float, centre_m: F64
) -> None:
    """Join a body's mass to its moving link's; what has none, or no finite one, is left out."""
    if not (0.0 < mass_kg < np.inf and np.isfinite(centre_m).all()):
        return
    before, centre = masses.get(link, (0.0, np.zeros(3)))
    total = before + mass_kg
    masses[link] = (total, (before * centre + mass_kg * centre_m) / total)


def link_frames(
    description: Description, value: Mapping[str, float] | None = None
) -> dict[str, F64]:
    """Frame of every moving link in the root link, by link name.

    Args:
        description: The robot.
        value: Joint values (rad or m); a joint that is not named follows its mimic rule, else 0.
    """
    given = value or {}
    joints = {j.name: j for j in description.joints}

    def value_of(joint: Joint) -> float:
        if joint.name in given or joint.mimic is None:
            return given.get(joint.name, 0.0)
        return joint.mimic.multiplier * value_of(joints[joint.mimic.joint]) + joint.mimic.offset

    placed = {description.root: np.eye(4)}
    for joint in description.joints:
        at_zero = frame(rotation_of_quat(joint.q_parent_link), joint.origin_m)
        moved = value_of(joint)
        axis = np.array(joint.axis)
        if joint.kind == "prismatic":
            motion = frame(np.eye(3), axis * moved)
        else:
            motion = frame(rotation_about(axis, moved), np.zeros(3))
        placed[joint.link] = placed[joint.parent] @ at_zero @ motion
    return placed
