"""Limbs: long branches of the tree that come in pairs alike, and what each is a branch of.

No root, no name and no pose is taken for granted. Two branches of one link are partners when they
have as many joints, reach as far, mirror each other, and are named alike but for the side. Outer
pairs come first, so fingers never hide arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.names import same_but_side, share, speaks_of
from producers.onboarding.tree import ROOT, Tree

F64 = NDArray[np.float64]
Kind = Literal["arm", "leg"]

# What makes partners, summing to 1, and how much of it is asked for.
_LIKENESS = {"size": 0.3, "reach": 0.25, "names": 0.3, "mirror": 0.15}
_ALIKE = 0.6
# A limb has at least two joints of its own in a row, and a tenth of the body's size.
_LIMB_JOINTS = 2
_LIMB_SHARE = 0.1
# Three branches alike within this share, none longer than this (m), are a hand's fingers.
_FINGER_LIKE = 0.15
_FINGER_M = 0.25
_OF_BODIES = ("shoulder", "elbow", "arm", "hip", "knee", "ankle", "leg")


@dataclass(frozen=True, slots=True)
class Pair:
    """First joints of two partner branches of one link, and how alike they are (0..1)."""

    a: int
    b: int
    likeness: float


def depth(tree: Tree, joint: int) -> int:
    """Most joints of their own in a row from this one outwards."""
    below = max((depth(tree, child) for child in tree.children[joint]), default=0)
    return below + (1 if tree.moves(joint) else 0)


def body_size(tree: Tree) -> float:
    """Greatest extent of the robot's joints, along its root's axes; strays left out, m."""
    away = np.abs(tree.origin - np.median(tree.origin, axis=0)).max(axis=1)
    return 2.0 * float(np.quantile(away, 0.95)) if len(away) else 0.0


def find_pairs(tree: Tree) -> list[Pair]:
    """All outermost pairs of limb-like partners, in the order of the tree."""
    least = _LIMB_SHARE * body_size(tree)
    found: list[Pair] = []
    pending = [ROOT]
    while pending:
        link = pending.pop(0)
        limbs = [
            c
            for c in tree.children[link]
            if depth(tree, c) >= _LIMB_JOINTS and tree.reach(c) >= least
        ]
        pairs = sorted(
            (Pair(a, b, likeness(tree, a, b)) for a, b in combinations(limbs, 2)),
            key=lambda pair: -pair.likeness,
        )
        taken: set[int] = set()
        for pair in pairs:
            if pair.likeness >= _ALIKE and not {pair.a, pair.b} & taken:
                taken |= {pair.a, pair.b}
                found.append(pair)
        pending.extend(c for c in tree.children[link] if c not in taken)
    return found


def likeness(tree: Tree, a: int, b: int) -> float:
    """How much two branches look like partners, 0..1."""
    one, two = tree.below(a), tree.below(b)
    reach = sorted((tree.reach(a), tree.reach(b)))
    named = [
        same_but_side(tree.joints[i].name, tree.joints[j].name)
        for i, j in zip(one, two, strict=False)
    ]
    votes = {
        "size": min(len(one), len(two)) / max(len(one), len(two)),
        "reach": reach[0] / max(reach[1], 1e-9),
        "names": float(np.mean(named)),
        "mirror": _mirrored(tree, one, two, reach[1]),
    }
    return sum(weight * votes[key] for key, weight in _LIKENESS.items())


def _mirrored(tree: Tree, one: list[int], two: list[int], reach: float) -> float:
    """1 when one's joints are the other's in the mirror midway between, falling with distance."""
    p, q = tree.origin[one], tree.origin[two]
    normal = p.mean(axis=0) - q.mean(axis=0)
    length = float(np.linalg.norm(normal))
    if length < 1e-6:
        return 0.0
    normal /= length
    middle = 0.5 * (p.mean(axis=0) + q.mean(axis=0))
    seen = p - 2.0 * ((p - middle) @ normal)[:, None] * normal
    away = np.linalg.norm(seen[:, None] - q[None], axis=2).min(axis=1)
    return float(np.exp(-4.0 * away.mean() / max(reach, 1e-9)))


def arm_or_leg(tree: Tree, pair: Pair, lowest: bool, only: bool) -> float:
    """Votes for arms (positive) against legs (negative), names and geometry together.

    Args:
        tree: The robot.
        pair: Its branches.
        lowest: No other pair starts lower.
        only: There is no other pair.
    """
    joints = [j for start in (pair.a, pair.b) for j in tree.below(start)]
    labels = [*tree.name(joints), *(name for j in joints for name in tree.names[j])]
    arm = max(share(labels, part) for part in ("shoulder", "elbow", "wrist", "arm"))
    leg = max(share(labels, part) for part in ("hip", "knee", "ankle", "leg"))
    hand = max(share(labels, part) for part in ("hand", "finger"))
    votes = 3.0 * (min(3 * arm, 1) - min(3 * leg, 1)) + min(3 * hand, 1)
    slides = any(tree.joints[j].kind == "prismatic" and not tree.children[j] for j in joints)
    fingers = any(len(tree.children[j]) > 1 for j in joints[1:])
    votes += 1.0 if slides else 0.5 if fingers else 0.0
    if not only:
        votes += -1.0 if lowest else 1.0
    return votes - 1.0 * (_hangs(tree, pair) - 0.5)


def _hangs(tree: Tree, pair: Pair) -> float:
    """How far a pair hangs below the root, as a share of its reach: legs do, arms less."""
    ends = [tree.cloud(start)[:, 2].min() for start in (pair.a, pair.b)]
    low = -float(np.mean(ends))
    return float(np.clip(low / max(tree.reach(pair.a), 1e-9), 0.0, 1.0))


def is_wheels(tree: Tree, pair: Pair) -> bool:
    """Whether a pair is part of the drive.

    Its joints are named so; or in a robot with limits two joints deep it rolls without any.
    """
    joints = [j for start in (pair.a, pair.b) for j in tree.below(start)]
    named = [speaks_of(tree.joints[j].name, "wheel") for j in joints]
    if float(np.mean(named)) > 0.5:
        return True
    limited = float(np.mean([joint.lower is not None for joint in tree.joints])) > 0.5
    ends = [j for j in joints if not tree.children[j]]
    rolls = all(tree.joints[j].lower is None and abs(tree.axis[j, 2]) < 0.5 for j in ends)
    return limited and rolls and max(depth(tree, pair.a), depth(tree, pair.b)) <= 2


def is_fingers(tree: Tree, pair: Pair) -> bool:
    """Whether a pair is two fingers of a hand that is a robot of its own.

    Their first joints are named so; or nothing of them is named as of arms or legs, and a small
    third sibling has as many joints and reaches as far.
    """
    if all(speaks_of(tree.joints[j].name, "finger") for j in (pair.a, pair.b)):
        return True
    labels = tree.name([*tree.below(pair.a), *tree.below(pair.b)])
    if any(speaks_of(label, part) for label in labels for part in _OF_BODIES):
        return False
    reach = tree.reach(pair.a)
    thirds = [
        j
        for j in tree.children[tree.parent[pair.a]]
        if j not in (pair.a, pair.b)
        and depth(tree, j) == depth(tree, pair.a)
        and abs(tree.reach(j) - reach) < _FINGER_LIKE * reach
    ]
    return bool(thirds) and _stretched(tree, pair.a) < _FINGER_M


def _stretched(tree: Tree, joint: int) -> float:
    """Length (m) of the longest way along a branch, however it is folded."""
    ways = [
        float(np.linalg.norm(tree.origin[c] - tree.origin[joint])) + _stretched(tree, c)
        for c in tree.children[joint]
    ]
    return max(ways, default=0.0)
