"""Which way is left, and so which way a robot faces, as signed axes of its root.

Left follows from the sides' names and where the limbs are; without such names from which way the
robot looks: feet reach forward of the ankle, knees fold the shank back, elbows the forearm forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.names import side_by_difference
from producers.onboarding.split import Bones
from producers.onboarding.tree import Tree

F64 = NDArray[np.float64]

AXES: Final = {
    f"{s}{a}": f * np.eye(3)[i] for s, f in (("+", 1), ("-", -1)) for i, a in enumerate("xyz")
}
# Shares of a limb's length below which an observation says nothing.
_SILENT = 0.02


@dataclass(frozen=True, slots=True)
class Facing:
    """Signed axes of the root link, whether they were seen or assumed, and what disagrees."""

    forward: str
    up: str
    sure: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Sided:
    """A divided limb: its first joint, its joints of its own, the middle's place, its centres."""

    start: int
    chain: tuple[int, ...]
    middle: int
    bones: Bones


def axis_name(direction: F64, square_to: str | None = None) -> str:
    """Signed axis nearest to a direction, of those square to another."""
    allowed = {
        name: axis
        for name, axis in AXES.items()
        if square_to is None or abs(float(axis @ AXES[square_to])) < 0.5
    }
    return max(allowed, key=lambda name: round(float(allowed[name] @ direction), 9))


def side_votes(tree: Tree, a: int, b: int) -> float:
    """-1..1: +1 when the names of a branch's joints and links say that it is left of `b`'s."""
    votes = []
    for i, j in zip(tree.below(a), tree.below(b), strict=False):
        one = [tree.joints[i].name, *tree.names[i][:1]]
        two = [tree.joints[j].name, *tree.names[j][:1]]
        votes += [side_by_difference(p, q) for p, q in zip(one, two, strict=True)]
    spoken = [v for v in votes if v]
    return float(np.mean(spoken)) if spoken else 0.0


def lateral_axis(tree: Tree, a: int, b: int) -> F64:
    """[3] from branch b to branch a, by their joints' mean places, in units of their reach."""
    apart = tree.origin[tree.below(a)].mean(axis=0) - tree.origin[tree.below(b)].mean(axis=0)
    direction: F64 = apart / max(tree.reach(a), 1e-9)
    return direction


def ahead(tree: Tree, kind: str, limbs: Sequence[Sided], up: str, along: F64) -> float:
    """Votes that a robot looks along [3] (positive) or the other way, from one pair of limbs."""
    z = AXES[up]
    return float(np.mean([_looks(tree, kind, limb, z, along) for limb in limbs]))


def _looks(tree: Tree, kind: str, limb: Sided, z: F64, along: F64) -> float:
    b = limb.bones
    length = float(np.linalg.norm(b.hinge - b.near) + np.linalg.norm(b.far - b.hinge))
    votes = 0.0
    if kind == "leg" and length > 0:
        toe = _foot(tree, limb, z) - b.far
        votes += 2.0 * _said(float(toe @ along) / length)
    joint = tree.joints[limb.chain[limb.middle]]
    axis = tree.axis[limb.chain[limb.middle]]
    if joint.lower is not None and joint.upper is not None:
        middle = 0.5 * (joint.lower + joint.upper)
        # The distal bone moves this way when the hinge goes to the middle of its range.
        swing = np.cross(axis, b.far - b.hinge) * np.sign(middle) * min(abs(middle), 1.0)
        forward = float(swing @ along) / max(length, 1e-9)
        votes += _said(forward) * (1.5 if kind == "arm" else -1.5)
    if kind == "arm":
        bent = (b.far - b.hinge) / max(float(np.linalg.norm(b.far - b.hinge)), 1e-9)
        votes += 1.0 * float(bent @ along)
    return votes


def _foot(tree: Tree, limb: Sided, z: F64) -> F64:
    """Middle of what a foot is known to hold: frames and centre of mass beyond the last ankle."""
    last = limb.chain[-1]
    known = [*tree.points[last]]
    if tree.mass[last, 3] > 0:
        known.append(tree.mass[last, :3])
    middle: F64 = np.mean(known, axis=0)
    return middle


def _said(share: float) -> float:
    return float(np.clip(share / 0.1, -1.0, 1.0)) if abs(share) > _SILENT else 0.0
