"""The pieces of an embodiment: joints, segments, end poses, hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Vec = tuple[float, float, float]
Quat = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mimic:
    """A joint that follows another: value = multiplier × value of `joint` + offset."""

    joint: str
    multiplier: float
    offset: float


@dataclass(frozen=True, slots=True)
class Joint:
    """One moving joint; fixed joints of the description are folded into its frames.

    Attributes:
        name: The description's own name.
        kind: "revolute" (rad) or "prismatic" (m).
        parent: Moving link it hangs on: the root link or another joint's `link`.
        link: The link it moves.
        origin_m: Origin of the joint in `parent`, which is `link`'s origin at value 0.
        q_parent_link: Rotation of `link` in `parent` at value 0, wxyz.
        axis: Unit axis in `link`. (Frames and axes say nothing where the robot has no description.)
        lower, upper: Position limits; None where the description gives none that can be meant.
        velocity: Limit, rad/s or m/s; None = unknown.
        effort: Limit, N·m or N; None = unknown.
        mimic: The joint it follows, if it is no motor of its own.
    """

    name: str
    kind: Literal["revolute", "prismatic"]
    parent: str
    link: str
    origin_m: Vec = (0.0, 0.0, 0.0)
    q_parent_link: Quat = (1.0, 0.0, 0.0, 0.0)
    axis: Vec = (0.0, 0.0, 1.0)
    lower: float | None = None
    upper: float | None = None
    velocity: float | None = None
    effort: float | None = None
    mimic: Mimic | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A canonical segment in the robot: its orientation in one link, its key point in another.

    The key point is the proximal joint centre; it is fixed in the *proximal* link of that joint.
    """

    link: str
    q_link_segment: Quat
    key_link: str
    key_point_m: Vec


@dataclass(frozen=True, slots=True)
class EndPose:
    """Palm or sole: a frame at a point of `link`, parallel to the hand or foot segment."""

    link: str
    point_m: Vec


@dataclass(frozen=True, slots=True)
class FingerJoint:
    """A hand joint's part in a canonical finger DoF; open -> 0, closed -> 1."""

    joint: str
    dof: str
    open: float
    closed: float


@dataclass(frozen=True, slots=True)
class Hand:
    """Fingers, or a gripper: one closing motion that counts as the index finger's."""

    kind: Literal["fingers", "gripper"]
    joints: tuple[FingerJoint, ...] = ()


@dataclass(frozen=True, slots=True)
class JointMeasure:
    """Without geometry: canonical angle = sign × joint value + offset_rad."""

    joint: str
    dof: str
    sign: float
    offset_rad: float
