"""Which way is up, as a signed axis of the root.

Legs tell it. A body without legs is +z up by the rule of both formats, unless its trunk, head,
drive and arms together say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.facing import AXES, Sided, axis_name
from producers.onboarding.names import speaks_of, tokens
from producers.onboarding.tree import Tree

F64 = NDArray[np.float64]

# A leg says which way is down when it leans less than this from an axis (cosine).
_UPRIGHT: Final = 0.7
# How much each sign of a body without legs counts; the rule of both formats counts as much as two.
_RULE, _ACROSS, _TURNS, _SLIDES, _HEAD, _WHEELS, _HANGS, _RISES = (
    2.0, 4.0, 2.0, 1.5, 1.5, 1.5, 0.7, 1.0,
)  # fmt: skip
# +z that leads by less than this is worth a person's look.
_SURE: Final = 1.6
_ABOUT_UP: Final = ("yaw", "pan")
_ABOUT_LEVEL: Final = ("pitch", "roll", "tilt", "nod")


def find_up(tree: Tree, arms: Sequence[Sided], legs: Sequence[Sided]) -> tuple[str, list[str]]:
    """Signed axis that is up, and what is doubtful about it."""
    if legs:
        return _above_legs(legs), []
    votes = {name: _votes(tree, arms, axis) for name, axis in AXES.items()}
    votes["+z"] += _RULE
    best = max(votes, key=lambda name: votes[name])
    if best != "+z":
        return best, [f"up: its trunk, head and arms say {best}, although +z is the rule"]
    rival = max((name for name in votes if name != best), key=lambda name: votes[name])
    if votes[best] - votes[rival] < _SURE and arms:
        return best, [f"up: +z is assumed, {rival} is as likely by trunk, head and arms"]
    return best, []


def _above_legs(legs: Sequence[Sided]) -> str:
    """The axis that legs run along, from ankle to hip; +z if they run along none."""
    bones = np.array([limb.bones.near - limb.bones.far for limb in legs])
    lengths = np.linalg.norm(bones, axis=1)
    up: F64 = (bones / np.maximum(lengths, 1e-9)[:, None]).mean(axis=0)
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    name = axis_name(up)
    return name if float(AXES[name] @ up) > _UPRIGHT else "+z"


def _votes(tree: Tree, arms: Sequence[Sided], up: F64) -> float:
    """Signs that [3] is up, of a body without legs."""
    of_arms = {j for limb in arms for j in tree.below(limb.start)}
    trunk = [j for j in range(len(tree.joints)) if j not in of_arms]
    votes = _of_joints(tree, trunk, up)
    wheels = [j for j in trunk if speaks_of(tree.joints[j].name, "wheel")]
    heads = [j for j in trunk if speaks_of(tree.joints[j].name, "neck")]
    middle = tree.origin.mean(axis=0)
    if wheels:
        votes += _WHEELS * _cosine(middle - tree.origin[wheels].mean(axis=0), up)
    if not arms:
        return votes
    shoulders = np.mean([limb.bones.near for limb in arms], axis=0)
    votes += _RISES * _cosine(shoulders, up)
    votes += _HANGS * float(np.mean([_cosine(b.near - b.far, up) for b in (a.bones for a in arms)]))
    if heads:
        votes += _HEAD * _cosine(np.mean(tree.cloud(heads[-1]), axis=0) - shoulders, up)
    if len(arms) == 2:
        votes -= _ACROSS * abs(_cosine(arms[0].bones.near - arms[1].bones.near, up))
    return votes


def _of_joints(tree: Tree, trunk: Sequence[int], up: F64) -> float:
    """What the names of trunk and head say of their axes, and what slides lift along."""
    votes = 0.0
    for words, sign in ((_ABOUT_UP, _TURNS), (_ABOUT_LEVEL, -_TURNS)):
        named = [j for j in trunk if any(t in words for t in tokens(tree.joints[j].name))]
        votes += sign * _mean_along(tree, named, up)
    slides = [j for j in trunk if tree.joints[j].kind == "prismatic" and tree.children[j]]
    return votes + _SLIDES * _mean_along(tree, slides, up)


def _mean_along(tree: Tree, joints: Sequence[int], up: F64) -> float:
    return float(np.abs(tree.axis[list(joints)] @ up).mean()) if joints else 0.0


def _cosine(way: F64, up: F64) -> float:
    return float(way @ up) / max(float(np.linalg.norm(way)), 1e-6)
