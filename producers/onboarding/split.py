"""Where a limb's chain divides: shoulder, elbow, wrist; hip, knee, ankle.

The middle joint is a hinge between two long bones: the joints before it turn about one centre, its
axis stays clear of that centre and square to the bone after it. Names vote on top, and lose against
clear geometry: an "elbow" that turns about the upper arm has no bone before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.centres import nearest_point
from producers.onboarding.limbs import Kind
from producers.onboarding.names import speaks_of
from producers.onboarding.tree import Tree

F64 = NDArray[np.float64]

# How much each observation weighs; lengths enter by their logarithm.
_UPPER, _LOWER, _LEAN, _SPREAD, _NAMED = 1.0, 0.7, 1.5, 3.0, 0.7
# Bodies have three proximal axes; fewer are robots' savings, more a clavicle.
_PROXIMAL = {0: -4.0, 1: -1.2, 2: -0.4, 3: 0.0, 4: -0.8, 5: -1.6}
_MANY_PROXIMAL = -3.0
_DISTAL = {0: -0.2, 1: 0.0, 2: 0.0, 3: 0.0}
_MANY_DISTAL = -1.0
# Two parallel hinges closer than this share of the bones roll on each other: one joint.
_ROLLING = 0.2
# A distal centre nearer to the hinge than this share of the proximal bone is none.
_COINCIDE = 0.2
# A bone shorter than this has no direction.
LENGTH_M = 1e-6

PARTS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}


@dataclass(frozen=True, slots=True)
class Split:
    """A division of a chain: joints of the middle are chain[middle : distal].

    `margin` is the lead over the next best middle, `named` the share of names that agree.
    """

    middle: int
    distal: int
    score: float
    margin: float
    named: float


@dataclass(frozen=True, slots=True)
class Bones:
    """Centres of a divided limb, [3] each: shoulder, elbow, wrist or hip, knee, ankle."""

    near: F64
    hinge: F64
    far: F64


def split_limbs(tree: Tree, chains: Sequence[Sequence[int]], kind: Kind) -> Split:
    """The best division of one limb, or of two partners together when they have as many joints."""
    count = len(chains[0])
    scores = [
        float(np.mean([_score(tree, chain, e, kind) for chain in chains])) for e in range(count)
    ]
    best = int(np.argmax(scores))
    rest = [s for e, s in enumerate(scores) if e != best]
    distal = best + 1
    if all(_rolls_on(tree, chain, best, kind) for chain in chains):
        distal += 1
    named = float(np.mean([_named(tree, chain, best, kind) for chain in chains]))
    return Split(best, distal, scores[best], scores[best] - max(rest, default=-9.0), named)


def bones(tree: Tree, chain: Sequence[int], middle: int) -> Bones:
    """Centres of a limb divided at a middle joint; without joints beyond: the farthest point."""
    before, hinge, after = chain[:middle], chain[middle], chain[middle + 1 :]
    start = tree.origin[chain[0]]
    near = start
    if before:
        turning = list(before[-3:])
        near = nearest_point(tree.origin[turning], tree.axis[turning], start)
    elbow = nearest_point(tree.origin[[hinge]], tree.axis[[hinge]], near)
    last = list(after[-2:])
    far = nearest_point(tree.origin[last], tree.axis[last], elbow) if last else elbow
    if np.linalg.norm(far - elbow) < _COINCIDE * np.linalg.norm(elbow - near):
        # One turn about the bone locates nothing along it: its own origin, else the tip.
        far = tree.origin[last[-1]] if last else elbow
        if np.linalg.norm(far - elbow) < _COINCIDE * np.linalg.norm(elbow - near):
            far = _tip(tree, last[-1] if last else hinge, elbow)
    return Bones(near, elbow, far)


def _tip(tree: Tree, joint: int, seen_from: F64) -> F64:
    cloud = tree.cloud(joint)
    tip: F64 = cloud[int(np.argmax(np.linalg.norm(cloud - seen_from, axis=1)))]
    return tip


def _score(tree: Tree, chain: Sequence[int], middle: int, kind: Kind) -> float:
    b = bones(tree, chain, middle)
    total = max(float(np.linalg.norm(tree.cloud(chain[0]) - b.near, axis=1).max()), 1e-6)
    upper, lower = float(np.linalg.norm(b.hinge - b.near)), float(np.linalg.norm(b.far - b.hinge))
    lean = abs(float(tree.axis[chain[middle]] @ (b.far - b.hinge))) / max(lower, 1e-6)
    turning = list(chain[:middle][-3:])
    spread = 0.0
    if turning:
        away = b.near - tree.origin[turning]
        across = away - tree.axis[turning] * (away * tree.axis[turning]).sum(axis=1)[:, None]
        spread = float(np.linalg.norm(across, axis=1).mean()) / total
    distal = len(chain) - middle - 1
    return float(
        _UPPER * np.log(upper / total + 0.03)
        + _LOWER * np.log(lower / total + 0.03)
        - _LEAN * lean
        - _SPREAD * spread
        + _PROXIMAL.get(middle, _MANY_PROXIMAL)
        + _DISTAL.get(distal, _MANY_DISTAL)
        + _NAMED * 3.0 * _named(tree, chain, middle, kind)
    )


def _named(tree: Tree, chain: Sequence[int], middle: int, kind: Kind) -> float:
    """Share of the chain's joints whose names speak of where a division puts them, -1..1."""
    near, hinge, far = PARTS[kind]
    votes = []
    for i, j in enumerate(chain):
        name = tree.joints[j].name
        said = [part for part in PARTS[kind] if speaks_of(name, part)]
        part = near if i < middle else hinge if i == middle else far
        votes.append(0.0 if not said else 1.0 if part in said else -1.0)
    return float(np.mean(votes))


def _rolls_on(tree: Tree, chain: Sequence[int], middle: int, kind: Kind) -> bool:
    """Whether the joint after the middle is a second, parallel hinge close by (a rolling knee).

    One that is named as the middle joint, too, may lie twice as far.
    """
    if middle + 1 >= len(chain):
        return False
    one, two = chain[middle], chain[middle + 1]
    parallel = abs(float(tree.axis[one] @ tree.axis[two])) > 0.99
    b = bones(tree, chain, middle)
    length = float(np.linalg.norm(b.hinge - b.near))
    away = tree.origin[two] - tree.origin[one]
    across = away - tree.axis[one] * float(away @ tree.axis[one])
    named = speaks_of(tree.joints[two].name, PARTS[kind][1])
    allowed = _ROLLING * length * (2.0 if named else 1.0)
    return parallel and float(np.linalg.norm(across)) < allowed
