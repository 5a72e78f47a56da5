"""Which moving links are pelvis and torso, wherever the description has its root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from producers.onboarding.description import Description
from schemas.body import SIDES


def trunk_links(
    description: Description, complexes: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    """Pelvis and torso: what carries the legs, and what carries the arms.

    Without legs the pelvis is where the waist begins, without arms the torso is where it ends;
    without a waist, too, both are the root.
    """
    pelvis = _carrier(description, [complexes[f"{side}_hip"] for side in SIDES])
    torso = _carrier(description, [complexes[f"{side}_shoulder"] for side in SIDES])
    if complexes["waist"]:
        inner, outer = waist_ends(description, complexes)
        pelvis, torso = pelvis or inner, torso or outer
    return pelvis or description.root, torso or pelvis or description.root


def waist_ends(
    description: Description, complexes: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    """The links on the pelvis's and on the torso's side of the waist's joints."""
    waist = complexes["waist"]
    first, last = description.joint(waist[0]), description.joint(waist[-1])
    torso = _carrier(description, [complexes[f"{side}_shoulder"] for side in SIDES])
    if torso is not None and torso not in _below(description, last.link):
        # The root is the torso: the waist runs against the tree.
        return first.link, last.parent
    return first.parent, last.link


def _carrier(description: Description, chains: Sequence[tuple[str, ...]]) -> str | None:
    """The link that carries the first joints of limbs, the one nearest to the root."""
    links = {description.joint(chain[0]).parent for chain in chains if chain}
    depth = {description.root: 0}
    for joint in description.joints:
        depth[joint.link] = depth[joint.parent] + 1
    return min(links, key=lambda link: depth[link], default=None)


def _below(description: Description, link: str) -> set[str]:
    """A link and all that it carries."""
    found = {link}
    for joint in description.joints:
        if joint.parent in found:
            found.add(joint.link)
    return found
