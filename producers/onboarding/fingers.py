"""Hand joints onto canonical finger DoFs: which finger, and which way it closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.description import Description, link_frames
from producers.onboarding.names import tokens
from producers.onboarding.tree import ROOT, Tree
from schemas.body import Side
from schemas.embodiment_parts import FingerJoint, Hand

F64 = NDArray[np.float64]

_FINGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "thumb": ("thumb", "th"),
    "index": ("index", "ff", "forefinger"),
    "middle": ("middle", "mf", "mrl"),
    "ring": ("ring", "rf"),
    "little": ("little", "pinky", "lf"),
}
_SPREADS = ("abd", "add", "abduction", "adduction", "spread", "splay", "side", "roll")
_ROTATES = (
    "rotation", "rot", "rota", "yaw", "opp", "opposition", "abd", "add", "cmc", "metacarpal",
    "roll",
)  # fmt: skip
# How far a finger without limits is taken to close.
_CLOSED_RAD = 1.5


def map_hand(
    description: Description, tree: Tree, joints: Sequence[int], side: Side
) -> tuple[Hand | None, list[str]]:
    """The hand of a side, and what is doubtful about it. joints: its own, beyond the wrist."""
    if not joints:
        return None, []
    fingers = [(j, _finger(tree.joints[j].name)) for j in joints]
    if not any(finger for _, finger in fingers):
        return _gripper(description, tree, joints, side)
    found, notes = [], []
    for j, finger in fingers:
        words = tokens(tree.joints[j].name)
        if finger is None or (finger != "thumb" and any(w in _SPREADS for w in words)):
            continue
        turns = finger == "thumb" and _turns(tree, j, words)
        dof = f"{side}_{finger}_{'rotation' if turns else 'flexion'}"
        opened, closed, sure = _range(tree, j)
        found.append(FingerJoint(tree.joints[j].name, dof, opened, closed))
        if not sure:
            notes.append(f"{tree.joints[j].name}: no limits, taken to close at {closed:g} rad")
    return (Hand("fingers", tuple(found)) if found else None), notes


def _finger(name: str) -> str | None:
    words = tokens(name)
    for finger, spoken in _FINGERS.items():
        if any(word == w or (len(w) > 4 and w in word) for word in words for w in spoken):
            return finger
    return None


def _turns(tree: Tree, joint: int, words: Sequence[str]) -> bool:
    """Whether a thumb's joint opposes rather than bends: named so, or square to the next one."""
    if any(word in _ROTATES for word in words):
        return True
    following = [c for c in tree.children[joint] if _finger(tree.joints[c].name) == "thumb"]
    before = tree.parent[joint]
    first = before == ROOT or _finger(tree.joints[before].name) != "thumb"
    square = [abs(float(tree.axis[joint] @ tree.axis[c])) < 0.5 for c in following]
    return first and bool(square) and all(square)


def _range(tree: Tree, joint: int) -> tuple[float, float, bool]:
    """Open and closed value: a finger is open at the end of its range that is nearer to zero."""
    low, high = tree.joints[joint].lower, tree.joints[joint].upper
    if low is None or high is None:
        return 0.0, _CLOSED_RAD, False
    return (low, high, True) if abs(low) <= abs(high) else (high, low, True)


def _gripper(
    description: Description, tree: Tree, joints: Sequence[int], side: Side
) -> tuple[Hand, list[str]]:
    """One closing motion: every jaw joint is open where the jaws stand farther apart."""
    found, notes = [], []
    for j in joints:
        joint = tree.joints[j]
        opened, closed, sure = _range(tree, j)
        apart = [_apart(description, tree, joints, {joint.name: v}) for v in (opened, closed)]
        if sure and abs(apart[1] - apart[0]) > 1e-4 and apart[1] > apart[0]:
            opened, closed = closed, opened
        elif not sure or abs(apart[1] - apart[0]) <= 1e-4:
            notes.append(f"{joint.name}: confirm that it is open at {opened:g}")
        found.append(FingerJoint(joint.name, f"{side}_index_flexion", opened, closed))
    return Hand("gripper", tuple(found)), notes


def _apart(
    description: Description, tree: Tree, joints: Sequence[int], value: Mapping[str, float]
) -> float:
    """Mean distance (m) of what the jaws hold from their middle, at some joint values."""
    placed = link_frames(description, value)
    held = {b for j in joints for b in tree.below(j)} | {
        i
        for i, joint in enumerate(tree.joints)
        if joint.mimic is not None and any(joint.mimic.joint == tree.joints[j].name for j in joints)
    }
    points = []
    for b in held:
        link = tree.joints[b].link
        centre = description.masses[link][1] if link in description.masses else np.zeros(3)
        points.append((placed[link] @ np.array([*centre, 1.0]))[:3])
    spread = np.array(points) - np.mean(points, axis=0)
    return float(np.linalg.norm(spread, axis=1).mean())


def names_fingers(hand: Hand | None) -> bool:
    """Whether a hand has a finger besides the thumb whose closing shows the palm."""
    return (
        hand is not None
        and hand.kind == "fingers"
        and any("thumb" not in finger.dof for finger in hand.joints)
    )
