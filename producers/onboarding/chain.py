"""A limb's main chain from its first joint outwards, the hand beyond it, and helpers beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile

from producers.onboarding.limbs import Kind, depth
from producers.onboarding.names import says_turn, speaks_of
from producers.onboarding.tree import Tree

# A branch beside a longer one is a gear or rod, not a finger, when it reaches less than this share.
_HELPER = 0.25
# Several branches alike are fingers once less than this share of the limb's reach is left.
_HAND = 0.45
# More joints than this in an arm are a clavicle's or a hand's.
_ARM_JOINTS = 10
# One slide lifts an arm; more in a row are what it reaches with.
_TELESCOPE = 2
_LEG_JOINTS = 2


@dataclass(frozen=True)
class Limb:
    """A limb's joints, each its own, from the body outwards.

    Attributes:
        rails: Slides that carry the whole limb.
        chain: Shoulder or hip to the last before hand or sole.
        hand: Beyond the chain.
        helpers: All else that it carries.
        wheels: What a leg rolls on instead of a foot.
        sliding: Slides in a row at its beginning, those that follow another one, too.
    """

    rails: tuple[int, ...]
    chain: tuple[int, ...]
    hand: tuple[int, ...]
    helpers: tuple[int, ...]
    wheels: tuple[int, ...] = ()
    sliding: int = 0

    @property
    def telescopic(self) -> bool:
        """Whether it reaches by sliding: then its hinges are a wrist's, or it has none."""
        return self.sliding >= _TELESCOPE or not self.chain


def walk_limb(tree: Tree, start: int, kind: Kind) -> Limb:
    """Follow a limb to its hand or foot."""
    chain = _main_chain(tree, start, kind)
    kept = _before_hand(tree, chain) if kind == "arm" else _before_grip(tree, chain)
    last = kept[-1]
    beyond = [j for j in tree.below(last) if j != last]
    if kind == "arm":
        beyond = [j for j in beyond if j in chain or not _is_gear(tree, j)]
    hand = [j for j in beyond if tree.own(j)] if kind == "arm" else []
    own = tuple(j for j in kept if tree.moves(j))
    slides = list(takewhile(lambda j: tree.joints[j].kind == "prismatic", own))
    wheels = _wheels(tree, own) if kind == "leg" else ()
    own = own[: len(own) - len(wheels)]
    found = {*own, *hand, *wheels}
    helpers = tuple(j for j in tree.below(start) if j not in found)
    sliding = sum(1 for _ in takewhile(lambda j: tree.joints[j].kind == "prismatic", kept))
    return Limb(tuple(slides), own[len(slides) :], tuple(hand), helpers, wheels, sliding)


def _wheels(tree: Tree, own: tuple[int, ...]) -> tuple[int, ...]:
    """The last joint of a leg that rolls: named so, or without limits where all others have some.

    At least two joints are left.
    """
    last, before = tree.joints[own[-1]], [tree.joints[j] for j in own[:-1]]
    free = last.lower is None and all(joint.lower is not None for joint in before)
    labels = (last.name, *tree.names[own[-1]])
    rolls = free or any(speaks_of(label, "wheel") for label in labels)
    return own[-1:] if rolls and len(own) > _LEG_JOINTS else ()


def without_extra(tree: Tree, limb: Limb, first_distal: int) -> Limb:
    """A limb with at most three wrist joints: what follows them opens and closes.

    Args:
        tree: The robot.
        limb: An arm.
        first_distal: Place of its first wrist joint in the chain.
    """
    kept = limb.chain[: first_distal + 3]
    extra = [j for j in limb.chain[first_distal + 3 :] if not says_turn(tree.joints[j].name)]
    if not extra or len(kept) + len(extra) < len(limb.chain):
        return limb
    return replace(limb, chain=kept, hand=(*extra, *limb.hand))


def _is_gear(tree: Tree, joint: int) -> bool:
    """A single joint that carries nothing away from itself beside a sibling that does."""
    siblings = [c for c in tree.children[tree.parent[joint]] if c != joint]
    named = any(speaks_of(tree.joints[joint].name, part) for part in ("finger", "hand"))
    return (
        not named
        and tree.joints[joint].kind == "revolute"
        and not tree.children[joint]
        and tree.reach(joint) < 1e-4
        and any(tree.reach(s) > 1e-2 for s in siblings)
    )


def _main_chain(tree: Tree, start: int, kind: Kind) -> list[int]:
    chain = [start]
    whole = tree.reach(start)
    while children := tree.children[chain[-1]]:
        longest = max(tree.reach(c) for c in children)
        rivals = [c for c in children if tree.reach(c) >= _HELPER * longest]
        best = max(rivals, key=lambda c: (depth(tree, c), tree.reach(c)))
        if len(rivals) > 1 and kind == "arm" and tree.reach(best) < _HAND * whole:
            break
        chain.append(best)
    return chain


def _before_hand(tree: Tree, chain: list[int]) -> list[int]:
    """The chain up to its first hand joint; at least two joints are left, one of them a hinge."""
    hinged = False
    for i, j in enumerate(chain):
        joint = tree.joints[j]
        slides = joint.kind == "prismatic"
        finger = speaks_of(joint.name, "finger")
        hand = speaks_of(joint.name, "hand") and not says_turn(joint.name)
        palm = hand and not tree.children[j] and _one_sided(tree, j)
        grips = hand and speaks_of(joint.name, "grip")
        if i >= 2 and hinged and (slides or finger or palm or grips):
            return chain[:i]
        hinged = hinged or not slides
    own = [j for j in chain if tree.moves(j)]
    return chain if len(own) <= _ARM_JOINTS else chain[: chain.index(own[_ARM_JOINTS - 1]) + 1]


def _before_grip(tree: Tree, chain: list[int]) -> list[int]:
    """A leg's chain up to what its foot grips with, by name; at least two joints are left."""
    for i, j in enumerate(chain):
        name = tree.joints[j].name
        if i >= 2 and speaks_of(name, "finger"):
            return chain[:i]
    return chain


def _one_sided(tree: Tree, joint: int) -> bool:
    """Whether a range begins or ends at zero, as that of something which opens and closes."""
    low, high = tree.joints[joint].lower, tree.joints[joint].upper
    if low is None or high is None:
        return True
    return min(abs(low), abs(high)) < 0.1 * (high - low)
