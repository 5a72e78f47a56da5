"""What lies between and beside the limbs: waist, neck, lifts, wheels, and the base's own joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.limbs import depth
from producers.onboarding.names import speaks_of
from producers.onboarding.tree import ROOT, Tree

F64 = NDArray[np.float64]

# Joint origins this close stand for one point, m.
_SAME_M = 1e-3
# Least share of the mass carried that the next joint of a neck carries on.
_HEAD_SHARE = 0.1
_NECK_JOINTS = 4


@dataclass(frozen=True)
class Trunk:
    """Joint numbers: pelvis to torso, torso to head, lifts, the base's own motion, wheels."""

    waist: tuple[int, ...]
    neck: tuple[int, ...]
    lifts: tuple[int, ...]
    base: tuple[int, ...]
    wheels: tuple[int, ...]


def find_trunk(
    tree: Tree,
    arm_starts: Sequence[int],
    leg_starts: Sequence[int],
    up: F64,
    others: Sequence[int] = (),
) -> Trunk:
    """Joints of the trunk.

    Args:
        tree: The robot.
        arm_starts: First joints of the arms, those that count first.
        leg_starts: First joints of the legs.
        up: [3] in the root link.
        others: First joints of limbs that do not count.
    """
    apart = {j for start in others for j in tree.below(start)}
    limbs = {j for start in (*arm_starts, *leg_starts) for j in tree.below(start)}
    torso = tree.parent[arm_starts[0]] if arm_starts else None
    pelvis = tree.parent[leg_starts[0]] if leg_starts else ROOT
    path = tree.between(pelvis, torso) if torso is not None else []
    base = _base_joints(tree, path) if not leg_starts else _shared(tree, pelvis, torso)
    path = [j for j in path if j not in base]
    wheels = [j for j in _rest(tree, limbs, [*path, *base]) if _is_wheel(tree, j)]
    top = pelvis if torso is None else torso
    used = limbs | apart | set(path) | set(base) | set(wheels)
    neck = _neck(tree, top, used, up) if limbs else []
    if torso is None:
        path, neck = _waist_alone(tree, neck)
    if not path and not leg_starts and torso == ROOT:
        path = _leg_of_base(tree, used | set(neck), up)
        wheels = [j for j in wheels if j not in path]
    lifts = [j for j in path if tree.joints[j].kind == "prismatic"]
    waist = [j for j in path if tree.joints[j].kind == "revolute" and tree.own(j)]
    return Trunk(
        tuple(waist),
        tuple(neck),
        tuple(j for j in lifts if tree.own(j)),
        tuple(base),
        tuple(j for j in wheels if tree.own(j)),
    )


def _rest(tree: Tree, limbs: set[int], path: Sequence[int]) -> list[int]:
    return [j for j in range(len(tree.joints)) if j not in limbs and j not in path]


def _shared(tree: Tree, pelvis: int, torso: int | None) -> list[int]:
    """Joints above legs and arms both: they move the whole robot."""
    up, down = tree.above(pelvis), tree.above(pelvis if torso is None else torso)
    return [j for j in up if j in down]


def _base_joints(tree: Tree, path: Sequence[int]) -> list[int]:
    """A planar or floating base written as slides, then hinges, at one point, from the root on.

    A slide behind those hinges lifts.
    """
    together: list[int] = []
    for j in path:
        turned = any(tree.joints[b].kind == "revolute" for b in together)
        lifts = turned and tree.joints[j].kind == "prismatic"
        if np.linalg.norm(tree.origin[j] - tree.origin[path[0]]) > _SAME_M or lifts:
            break
        together.append(j)
    slides = [j for j in together if tree.joints[j].kind == "prismatic"]
    return together if len(slides) >= 2 else []


def _is_wheel(tree: Tree, joint: int) -> bool:
    labels = (tree.joints[joint].name, *tree.names[joint])
    if any(speaks_of(label, "wheel") for label in labels):
        return True
    carried = tree.children[joint]
    return len(carried) == 1 and speaks_of(tree.joints[carried[0]].name, "wheel")


def _neck(tree: Tree, torso: int, used: set[int], up: F64) -> list[int]:
    """The chain of a branch that names a head, or else of one that goes up from the torso."""
    trunk = {torso, ROOT, *(j for j in used if any(c not in used for c in tree.children[j]))}
    # A column that follows another one carries the head of robots whose arm slides by itself.
    trunk |= {
        j
        for j, joint in enumerate(tree.joints)
        if joint.kind == "prismatic" and not tree.own(j) and tree.parent[j] in trunk
    }
    branches = [
        j
        for j in range(len(tree.joints))
        if tree.parent[j] in trunk
        and j not in used
        and tree.moves(j)
        and tree.joints[j].kind == "revolute"
        and (tree.parent[j] == torso or _names_head(tree, j))
    ]
    scored = [(_head_votes(tree, j, up), tree.parent[j] == torso, j) for j in branches]
    if not scored or max(scored)[0] <= 0:
        return []
    chain = [max(scored)[2]]
    while children := [c for c in tree.children[chain[-1]] if tree.moves(c)]:
        best = max(children, key=lambda c: (speaks_of(tree.joints[c].name, "neck"), depth(tree, c)))
        alone = len(children) == 1 or speaks_of(tree.joints[best].name, "neck")
        if not alone or speaks_of(tree.joints[best].name, "sensor") or _rides(tree, best):
            break
        chain.append(best)
    # A longer chain that no name calls a head is something that stands on the torso.
    return chain if len(chain) <= _NECK_JOINTS or _names_head(tree, chain[0]) else []


def _waist_alone(tree: Tree, chain: list[int]) -> tuple[list[int], list[int]]:
    """Waist and neck of a chain that goes up from legs without arms.

    What is named so is the neck, from the first such joint on; without such a name all is waist.
    """
    named = [i for i, j in enumerate(chain) if _names_head(tree, j) and not _is_waist(tree, j)]
    first = named[0] if named else len(chain)
    return chain[:first], chain[first:]


def _is_waist(tree: Tree, joint: int) -> bool:
    return speaks_of(tree.joints[joint].name, "waist")


def _rides(tree: Tree, joint: int) -> bool:
    """Whether a joint moves a small part of what its link carries: a rod, not the head."""
    whole = tree.carried_kg(tree.parent[joint])
    return whole > 0 and tree.carried_kg(joint) < _HEAD_SHARE * whole


def _names_head(tree: Tree, joint: int) -> bool:
    below = tree.below(joint)
    labels = [*tree.name(below), *(name for j in below for name in tree.names[j])]
    return any(speaks_of(label, "neck") for label in labels)


def _head_votes(tree: Tree, joint: int, up: F64) -> float:
    named = _names_head(tree, joint)
    sensor = speaks_of(tree.joints[joint].name, "sensor")
    cloud = tree.cloud(joint)
    height = float(cloud.mean(axis=0) @ up)
    rises = height - float(np.mean(tree.cloud(ROOT) @ up)) > 0
    turns = tree.joints[joint].lower is not None
    return 3.0 * named - 2.0 * sensor + (0.5 if rises else -1.0) + (0.2 if turns else 0.0)


def _leg_of_base(tree: Tree, used: set[int], up: F64) -> list[int]:
    """Waist of a robot rooted at its torso: the branch that goes down, listed base to torso."""
    branches = [j for j in tree.children[ROOT] if j not in used]
    down = [j for j in branches if float(tree.cloud(j).mean(axis=0) @ up) < -0.05]
    if not down:
        return []
    chain = [max(down, key=lambda j: depth(tree, j))]
    while len(children := [c for c in tree.children[chain[-1]] if c not in used]) == 1:
        chain.append(children[0])
    return chain[::-1]
