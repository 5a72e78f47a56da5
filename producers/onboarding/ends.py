"""Where limbs end: palms, soles, and the wrist or ankle of limbs that have no joint there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.centres import nearest_point
from producers.onboarding.curated import Spot
from producers.onboarding.description import Description
from producers.onboarding.names import tokens
from producers.onboarding.tree import Tree
from streams.kernels.frames import inverse

F64 = NDArray[np.float64]

# Frames that descriptions keep for the purpose, best first.
_PALM_WORDS = ("palm", "tcp", "tool", "grasp", "ee", "eef", "effector", "hand", "flange", "tip")
# A palm nearer to the wrist's centre than this is the wrist's own frame.
_APART_M = 0.01
_SOLE_WORDS = ("sole", "contact", "foot", "toe")


def spot_at(description: Description, placed: Mapping[str, F64], link: str, point_m: F64) -> Spot:
    """A point of the root link's frame at zero, as a spot of a moving link."""
    t_link_frame = description.frames[link][1] if link in description.frames else np.eye(4)
    x, y, z = (inverse(placed[link] @ t_link_frame) @ np.array([*point_m, 1.0]))[:3]
    return Spot(link, (float(x), float(y), float(z)))


def named_frame(
    description: Description,
    links: Sequence[str],
    words: Sequence[str],
    clear_of_m: F64 | None = None,
) -> Spot | None:
    """The frame on some moving links whose name holds the first of some words.

    Args:
        description: The robot.
        links: Moving links.
        words: Best first.
        clear_of_m: [3] in those links' frame: a frame as good as there is left out.
    """
    held = [
        name
        for name, (link, t_link_frame) in description.frames.items()
        if link in links
        and (clear_of_m is None or np.linalg.norm(t_link_frame[:3, 3] - clear_of_m) > _APART_M)
    ]
    for word in words:
        for name in held:
            if word in tokens(name):
                return Spot(name)
    return None


def palm_spot(
    description: Description,
    tree: Tree,
    placed: Mapping[str, F64],
    wrist: Sequence[int],
    fingers: Sequence[int],
) -> tuple[Spot, str]:
    """Palm beyond a wrist's (or elbow's) last joint, and where it was taken from.

    A frame kept for it; else the middle of the fingers' first joints; else the centre of mass.
    """
    link = tree.joints[wrist[-1]].link
    turning = list(wrist[-2:])
    centre = nearest_point(tree.origin[turning], tree.axis[turning], tree.origin[wrist[-1]])
    clear = (inverse(placed[link]) @ np.array([*centre, 1.0]))[:3]
    kept = named_frame(description, [link], _PALM_WORDS, clear)
    if kept is not None and kept.frame != link:
        return kept, f"frame {kept.frame}"
    first = [j for j in fingers if tree.joints[j].parent == link]
    if first:
        return spot_at(description, placed, link, tree.origin[first].mean(axis=0)), "finger bases"
    if link in description.masses:
        t_root_centre = placed[link] @ np.array([*description.masses[link][1], 1.0])
        return spot_at(description, placed, link, t_root_centre[:3]), "centre of mass"
    return spot_at(description, placed, link, placed[link][:3, 3]), "link origin"


def sole_spot(
    description: Description, placed: Mapping[str, F64], link: str, up: F64
) -> tuple[Spot, str]:
    """Sole of a foot link, and where it was taken from.

    A frame kept for it; else under the foot's centre of mass, as low as anything known of it.
    """
    kept = named_frame(description, [link], _SOLE_WORDS)
    if kept is not None and kept.frame != link:
        return kept, f"frame {kept.frame}"
    held = [(placed[link] @ t)[:3, 3] for on, t in description.frames.values() if on == link] or [
        placed[link][:3, 3]
    ]
    middle = np.mean(held, axis=0)
    if link in description.masses:
        middle = (placed[link] @ np.array([*description.masses[link][1], 1.0]))[:3]
        held.append(middle)
    low = min(float(point @ up) for point in held)
    return spot_at(
        description, placed, link, middle + (low - middle @ up) * up
    ), "lowest known point"
