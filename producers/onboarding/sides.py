"""Which limb is left, and the facing that goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.facing import (
    AXES,
    Facing,
    Sided,
    ahead,
    axis_name,
    lateral_axis,
    side_votes,
)
from producers.onboarding.names import side_of
from producers.onboarding.tree import Tree
from producers.onboarding.upright import find_up
from schemas.body import SIDES, Side

F64 = NDArray[np.float64]

# Votes of feet, knees and elbows against the names that are worth a person's look.
_CONTRADICTION = -1.0


@dataclass(frozen=True)
class Group:
    """The limbs of one kind (one or two), divided."""

    kind: str
    limbs: tuple[Sided, ...]


def find_sides(tree: Tree, groups: Sequence[Group]) -> tuple[Facing, Mapping[int, Side]]:
    """Facing, and the side of every limb by its first joint."""
    arms, legs = ([s for g in groups if g.kind == kind for s in g.limbs] for kind in ("arm", "leg"))
    up, notes = find_up(tree, arms, legs)
    pairs = [g for g in groups if len(g.limbs) == 2]
    named = {g.kind: side_votes(tree, *_starts(g)) for g in pairs}
    apart = {g.kind: lateral_axis(tree, *_starts(g)) for g in pairs}
    spoken = [g for g in pairs if named[g.kind]]
    if spoken:
        left = np.sum([named[g.kind] * apart[g.kind] for g in spoken], axis=0)
        sure = float(np.mean([abs(named[g.kind]) for g in spoken]))
    elif pairs:
        left, sure = _left_by_looks(tree, pairs, apart, up)
        notes.append("sides: names do not tell left from right; taken from which way it looks")
    else:
        left, sure = AXES["+y"], 0.5
        notes.append("facing: no pair of limbs; +x is assumed")
    left_name = axis_name(left, square_to=up)
    forward = axis_name(np.cross(AXES[left_name], AXES[up]), square_to=up)
    looks = sum(ahead(tree, g.kind, g.limbs, up, AXES[forward]) for g in pairs)
    if spoken and looks < _CONTRADICTION:
        notes.append(f"facing: names say {forward}, feet, knees or elbows the opposite")
        sure *= 0.7
    sides: dict[int, Side] = {}
    for g in groups:
        sides |= _sides_of(tree, g, named, apart, AXES[left_name])
    return Facing(forward, up, sure, tuple(notes)), sides


def _starts(group: Group) -> tuple[int, int]:
    return group.limbs[0].start, group.limbs[1].start


def _left_by_looks(
    tree: Tree, pairs: Sequence[Group], apart: Mapping[str, F64], up: str
) -> tuple[F64, float]:
    """Left of a robot whose names do not tell it: of two ways to face, where it looks."""
    across = axis_name(apart[pairs[0].kind], square_to=up)
    ways = (AXES[across], -AXES[across])
    votes = [
        sum(ahead(tree, g.kind, g.limbs, up, np.cross(left, AXES[up])) for g in pairs)
        for left in ways
    ]
    if abs(votes[0] - votes[1]) < 0.2:
        # Neither: most robots face +x, so left is +y.
        return max(ways, key=lambda left: float(left @ (1e-3, 1.0, 0.0))), 0.4
    return ways[int(np.argmax(votes))], 0.7


def _sides_of(
    tree: Tree,
    group: Group,
    named: Mapping[str, float],
    apart: Mapping[str, F64],
    left: F64,
) -> dict[int, Side]:
    if len(group.limbs) == 2:
        a, b = _starts(group)
        first = named[group.kind] or float(apart[group.kind] @ left)
        return {a: SIDES[0], b: SIDES[1]} if first >= 0 else {a: SIDES[1], b: SIDES[0]}
    return {
        limb.start: SIDES[0] if _lone_side(tree, limb, left) > 0 else SIDES[1]
        for limb in group.limbs
    }


def _lone_side(tree: Tree, limb: Sided, left: F64) -> float:
    """> 0 when a single arm is a left one: its names, else where it stands and points."""
    said = sum(side_of(name) for name in tree.name(limb.chain))
    if said:
        return float(said)
    place = float(tree.origin[limb.start] @ left)
    points = float((limb.bones.far - limb.bones.near) @ left)
    return place if abs(place) > 0.03 else points
