"""Which branches are the arms and which the legs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from producers.onboarding.limbs import (
    Pair,
    arm_or_leg,
    body_size,
    depth,
    find_pairs,
    is_fingers,
    is_wheels,
)
from producers.onboarding.names import share, speaks_of
from producers.onboarding.tree import ROOT, Tree

# A branch without a partner is an arm when it has as many joints of its own in a row.
_LONE_ARM_JOINTS = 4
# One whose names say nothing: so many, and no more than an arm can have.
_UNNAMED_ARM_JOINTS = range(5, 11)
_UNNAMED = 0.1
_BELOW_ARM = 4
# More votes than this make a pair no more an arm.
_CLEARLY = 2.0
# Pairs of legs that start within this share of their reach in height, and reach as far within the
# next, are an animal's.
_LEVEL = 0.3
_AS_FAR = 0.75


@dataclass(frozen=True)
class Roles:
    """First joints of the limbs that count, and how clearly they are what they are.

    Attributes:
        arms: Two partners, or one arm alone, or none.
        legs: Two partners, or none.
        votes: Lead of the arms' and legs' votes over the other reading, by kind.
        spare: First joints of further arms, which do not count.
        many_legs: First joints of four legs or more; none of them counts.
    """

    arms: tuple[int, ...]
    legs: tuple[int, ...]
    votes: dict[str, float]
    spare: tuple[int, ...]
    many_legs: tuple[int, ...] = ()


def assign_roles(tree: Tree) -> Roles:
    """Tell arms from legs among the pairs; without pairs, look for a single arm."""
    pairs = [
        pair
        for pair in find_pairs(tree)
        if not is_wheels(tree, pair) and not is_fingers(tree, pair)
    ]
    heights = [_height(tree, pair) for pair in pairs]
    votes = [
        arm_or_leg(tree, pair, height <= min(heights), len(pairs) == 1)
        for pair, height in zip(pairs, heights, strict=True)
    ]
    legs = min(zip(votes, pairs, strict=True), key=lambda v: v[0], default=None)
    if legs is not None and legs[0] >= 0:
        legs = None
    many = () if legs is None else _many_legs(tree, legs[1], pairs)
    if many:
        legs = None
    armed = [(v, p) for v, p in zip(votes, pairs, strict=True) if v > 0]
    armed.sort(key=lambda v: (-round(_rank(tree, v[1]), 3), -_height(tree, v[1])))
    arms: tuple[int, ...] = (armed[0][1].a, armed[0][1].b) if armed else ()
    leg_starts = () if legs is None else (legs[1].a, legs[1].b)
    lead = {"leg": 0.0 if legs is None else -legs[0], "arm": armed[0][0] if armed else 0.0}
    if not arms:
        arms = _lone_arm(tree, (*leg_starts, *many))
        lead["arm"] = 0.5 if arms else 0.0
    spare = tuple(start for _, pair in armed[1:] for start in (pair.a, pair.b))
    return Roles(arms, leg_starts, lead, spare, many)


def _height(tree: Tree, pair: Pair) -> float:
    return float(np.mean(tree.origin[[pair.a, pair.b], 2]))


def _many_legs(tree: Tree, legs: Pair, pairs: Sequence[Pair]) -> tuple[int, ...]:
    """First joints of all pairs that stand level with the legs and reach as far; of one: none."""
    reach = tree.reach(legs.a)
    level = [
        pair
        for pair in pairs
        if abs(_height(tree, pair) - _height(tree, legs)) < _LEVEL * reach
        and min(tree.reach(pair.a), reach) > _AS_FAR * max(tree.reach(pair.a), reach)
        and arm_or_leg(tree, pair, lowest=False, only=True) < 0
    ]
    return tuple(j for pair in level for j in (pair.a, pair.b)) if len(level) > 1 else ()


def _rank(tree: Tree, pair: Pair) -> float:
    """Of several pairs that are clearly arms, those in front (+x); else more votes."""
    size = max(body_size(tree), 1e-9)
    forward = float(np.mean(tree.origin[[pair.a, pair.b], 0]))
    # The lowest of several pairs of arms is no less an arm for it.
    votes = arm_or_leg(tree, pair, lowest=False, only=False)
    return min(votes, _CLEARLY) + 2.0 * forward / size


def _lone_arm(tree: Tree, legs: tuple[int, ...]) -> tuple[int, ...]:
    taken = {j for start in legs for j in tree.below(start)}
    best: tuple[float, int] | None = None
    pending = [ROOT]
    while pending:
        for start in tree.children[pending.pop(0)]:
            if start in taken:
                continue
            votes = _lone_votes(tree, start)
            if votes <= 0 or depth(tree, start) < _LONE_ARM_JOINTS:
                pending.append(start)
            elif best is None or votes > best[0]:
                best = votes, start
    return () if best is None else (best[1],)


def _lone_votes(tree: Tree, start: int) -> float:
    """Votes for a branch as the only arm: its names, against those of trunk, head and drive."""
    names = tree.name(tree.below(start))
    arm = max(share(names, part) for part in ("shoulder", "elbow", "wrist", "arm"))
    hand = max(share(names, part) for part in ("hand", "finger"))
    other = share(names, "wheel") + share(names, "neck")
    own = tree.joints[start].name
    if speaks_of(own, "finger"):
        return 0.0
    trunk = speaks_of(own, "waist") or speaks_of(own, "lift") or speaks_of(own, "base")
    if not (arm or hand or other or trunk):
        like = depth(tree, start) in _UNNAMED_ARM_JOINTS and len(tree.above(start)) <= _BELOW_ARM
        return _UNNAMED if like else 0.0
    return arm + hand - other - 2.0 * (trunk and not speaks_of(own, "arm"))
