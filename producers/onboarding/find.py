"""The finder: from a description alone to the 14 complexes, facing, hands, lifts and wheels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.alignment import facing as frame_of_facing
from producers.onboarding.chain import Limb, walk_limb, without_extra
from producers.onboarding.confidence import DOUBTFUL, limb_confidence, trunk_confidence
from producers.onboarding.description import MAX_JOINTS, Description, DescriptionError
from producers.onboarding.facing import Facing, Sided
from producers.onboarding.found import Found
from producers.onboarding.limbs import Kind, body_size
from producers.onboarding.names import share
from producers.onboarding.roles import Roles, assign_roles
from producers.onboarding.sides import Group, find_sides
from producers.onboarding.split import PARTS, Split, bones, split_limbs
from producers.onboarding.tree import Tree, build_tree_at_zero
from producers.onboarding.trunk import Trunk, find_trunk
from producers.onboarding.zero_pose import zero_pose
from schemas.body import COMPLEX_NAMES, SIDES, Side

# Robots are larger than a finger and smaller than a house, m.
_SIZES_M = (0.03, 10.0)
# Hands and feet, and half as well shoulders and hips, this close in height (share of the legs).
_LEVEL = 0.25


@dataclass(frozen=True)
class Divided:
    """A limb: its joints, where they divide, and its centres."""

    kind: Kind
    limb: Limb
    split: Split
    placed: Sided

    def parts(self) -> dict[str, tuple[int, ...]]:
        """Joint numbers by part."""
        near, hinge, far = PARTS[self.kind]
        chain, s = self.limb.chain, self.split
        if self.limb.telescopic:
            return {near: (), hinge: (), far: chain}
        return {near: chain[: s.middle], hinge: chain[s.middle : s.distal], far: chain[s.distal :]}


def find_body(description: Description, name: str | None = None) -> Found:
    """Find a robot's complexes; what cannot be known is guessed, and said in `confirm`."""
    if not description.joints:
        raise DescriptionError(f"{description.name}: no moving joint")
    if len(description.joints) > MAX_JOINTS:
        count = len(description.joints)
        raise DescriptionError(f"{description.name}: {count} joints, at most {MAX_JOINTS} are read")
    tree = build_tree_at_zero(description)
    roles = assign_roles(tree)
    arms, legs = _divide(tree, "arm", roles.arms), _divide(tree, "leg", roles.legs)
    groups = [Group(d[0].kind, tuple(one.placed for one in d)) for d in (arms, legs) if d]
    facing, sides = find_sides(tree, groups)
    up = frame_of_facing(facing.forward, facing.up)[:, 2]
    trunk = find_trunk(tree, (*roles.arms, *roles.spare), roles.legs, up, roles.many_legs)
    limbs = {(sides[d.placed.start], d.kind): d for d in (*arms, *legs)}
    return _found(description, name or description.name, tree, trunk, limbs, facing, roles)


def _divide(tree: Tree, kind: Kind, starts: Sequence[int]) -> list[Divided]:
    walked = [(start, walk_limb(tree, start, kind)) for start in starts]
    limbs = [limb for _, limb in walked if limb.chain]
    alike = len({len(limb.chain) for limb in limbs}) == 1
    found = []
    for start, limb in walked:
        if not limb.chain:
            continue
        split = split_limbs(tree, [m.chain for m in (limbs if alike else [limb])], kind)
        kept = without_extra(tree, limb, split.distal) if kind == "arm" else limb
        centres = bones(tree, kept.chain, split.middle)
        found.append(Divided(kind, kept, split, Sided(start, kept.chain, split.middle, centres)))
    return found


def _found(
    description: Description,
    name: str,
    tree: Tree,
    trunk: Trunk,
    limbs: Mapping[tuple[Side, Kind], Divided],
    facing: Facing,
    roles: Roles,
) -> Found:
    numbers: dict[str, tuple[int, ...]] = dict.fromkeys(COMPLEX_NAMES, ())
    numbers |= {"waist": trunk.waist, "neck": trunk.neck}
    confidence = dict.fromkeys(COMPLEX_NAMES, 0.9)
    for part in ("waist", "neck"):
        joints = tree.name(numbers[part])
        confidence[part] = trunk_confidence(len(joints), share(joints, part))
    hands: dict[Side, tuple[int, ...]] = dict.fromkeys(SIDES, ())
    for (side, kind), d in limbs.items():
        numbers |= {f"{side}_{part}": joints for part, joints in d.parts().items()}
        sure = limb_confidence(d.split, roles.votes[kind], facing.sure)
        confidence |= {f"{side}_{part}": sure for part in PARTS[kind]}
        if kind == "arm":
            hands[side] = d.limb.hand
    rails = [j for d in limbs.values() for j in (*d.limb.rails, *d.limb.wheels)]
    lift_or_wheels = (*trunk.wheels, *trunk.lifts, *rails)
    used = {j for group in (*numbers.values(), *hands.values(), lift_or_wheels) for j in group}
    axes = frame_of_facing(facing.forward, facing.up)
    arms = [d.placed.bones for (_, kind), d in limbs.items() if kind == "arm"]
    return Found(
        id=name,
        forward=facing.forward,
        up=facing.up,
        complexes={part: tree.name(joints) for part, joints in numbers.items()},
        lift_or_wheels=tree.name(lift_or_wheels),
        hand_joints={side: tree.name(joints) for side, joints in hands.items()},
        ignored=tree.name([j for j in range(len(tree.joints)) if j not in used]),
        zero_pose=zero_pose(arms, axes[:, 0], axes[:, 2]),
        confidence=confidence,
        confirm=(
            *_to_confirm(tree, confidence, limbs, roles),
            *_on_all_fours(tree, limbs, axes[:, 2]),
            *facing.notes,
            *description.notes,
        ),
    )


def _to_confirm(
    tree: Tree,
    confidence: Mapping[str, float],
    limbs: Mapping[tuple[Side, Kind], Divided],
    roles: Roles,
) -> list[str]:
    notes = [
        f"{part}: found with confidence {sure:.2f} only"
        for part, sure in sorted(confidence.items(), key=lambda item: item[1])
        if sure < DOUBTFUL
    ]
    if not limbs:
        notes.append("no arms and no legs were found")
    if not _SIZES_M[0] < (size := body_size(tree)) < _SIZES_M[1]:
        notes.append(f"size: {size:.3g} m; are its lengths in metres?")
    if roles.many_legs:
        notes.append("legs: there are four or more, as animals have; none is taken as a human's")
    if len(roles.arms) == 1:
        notes.append(f"{tree.joints[roles.arms[0]].name}: a single arm; confirm its side")
    if roles.spare:
        notes.append(f"further arms left out: {', '.join(tree.name(roles.spare))}")
    for (side, kind), d in limbs.items():
        if d.limb.telescopic:
            notes.append(f"{side} {kind}: reaches by sliding, so it has no shoulder and no elbow")
        elif d.limb.wheels:
            notes.append(f"{side} leg: stands on a wheel, so it has no ankle of its own there")
        elif kind == "leg" and d.split.middle == 0:
            notes.append(f"{side} leg: no hip joint before the knee")
    return notes


def _on_all_fours(
    tree: Tree, limbs: Mapping[tuple[Side, Kind], Divided], up: NDArray[np.float64]
) -> list[str]:
    """Says so when the arms begin and end where the legs do, as an animal's front legs."""
    heights: dict[Kind, list[tuple[float, float]]] = {"arm": [], "leg": []}
    for (_, kind), d in limbs.items():
        low = float((tree.cloud(d.placed.start) @ up).min())
        heights[kind].append((float(d.placed.bones.near @ up), low))
    if not all(heights.values()):
        return []
    (shoulder, hand), (hip, foot) = (np.mean(heights[kind], axis=0) for kind in ("arm", "leg"))
    length = max(hip - foot, 1e-6)
    if abs(hand - foot) < _LEVEL * length and shoulder - hip < 2 * _LEVEL * length:
        return ["legs: the arms reach the ground beside the legs; a body on all fours?"]
    return []
