"""Joint centres: where each complex turns, at the description's zero configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.onboarding.curated import Curated, Spot
from producers.onboarding.description import Description, DescriptionError
from producers.onboarding.trunk_links import waist_ends
from schemas.body import SIDES

F64 = NDArray[np.float64]

# Axes closer than about 11 deg to parallel do not locate a point along themselves.
_PARALLEL = 0.01


@dataclass(frozen=True)
class Centre:
    """A joint centre: fixed in the proximal link, at a point given in the root link."""

    link: str
    point: F64


def nearest_point(origins: F64, axes: F64, near: F64) -> F64:
    """Point closest in least squares to several lines; of equally close ones, nearest to `near`.

    Args:
        origins: [N, 3] a point of each line.
        axes: [N, 3] unit directions.
        near: [3] where to stay along directions the lines leave open (one line: along it).
    """
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    pull = np.einsum("nij,nj->i", across, origins - near)
    found: F64 = near + np.linalg.pinv(across.sum(axis=0), rcond=_PARALLEL) @ pull
    return found


def locate(description: Description, placed: Mapping[str, F64], spot: Spot) -> tuple[str, F64]:
    """Moving link that carries a spot, and the spot in the root link."""
    if spot.frame not in description.frames and spot.frame not in placed:
        raise DescriptionError(f"{description.name}: no frame {spot.frame!r}")
    link, t_link_frame = description.frames.get(spot.frame, (spot.frame, np.eye(4)))
    return link, (placed[link] @ t_link_frame @ np.array([*spot.point_m, 1.0]))[:3]


def find_centres(
    description: Description, curated: Curated, placed: Mapping[str, F64]
) -> dict[str, Centre]:
    """Centre of every complex the robot has, by complex name.

    Args:
        description: The robot.
        curated: Its complexes, and where arms without a wrist end.
        placed: Link frames at zero, from `link_frames`.
    """

    def centre(joints: Sequence[str], near: F64, last: int | None = None) -> Centre:
        chain = [description.joint(name) for name in joints]
        hinges = [j for j in chain[-(last or len(chain)) :] if j.kind == "revolute"]
        origins = np.array([placed[j.link][:3, 3] for j in hinges])
        axes = np.array([placed[j.link][:3, :3] @ np.array(j.axis) for j in hinges])
        return Centre(chain[0].parent, nearest_point(origins, axes, near))

    chains = curated.complexes
    found: dict[str, Centre] = {}
    base = np.zeros(3)
    if chains["waist"]:
        inner, _ = waist_ends(description, chains)
        found["waist"] = Centre(inner, centre(chains["waist"], base).point)
    elif curated.torso is not None:
        found["waist"] = Centre(*locate(description, placed, curated.torso))
    trunk = found["waist"].point if "waist" in found else base
    if chains["neck"]:
        found["neck"] = centre(chains["neck"], trunk)
    elif curated.head is not None:
        found["neck"] = Centre(*locate(description, placed, curated.head))
    for side in SIDES:
        shoulder, elbow, wrist = (f"{side}_{part}" for part in ("shoulder", "elbow", "wrist"))
        if chains[shoulder] and chains[elbow]:
            found[shoulder] = centre(chains[shoulder], trunk)
            found[elbow] = centre(chains[elbow], found[shoulder].point)
            if side in curated.wrist:
                found[wrist] = Centre(*locate(description, placed, curated.wrist[side]))
            elif chains[wrist]:
                found[wrist] = centre(chains[wrist], found[elbow].point, last=2)
        hip, knee, ankle = (f"{side}_{part}" for part in ("hip", "knee", "ankle"))
        if chains[hip] and chains[knee] and (chains[ankle] or side in curated.ankle):
            found[hip] = centre(chains[hip], base)
            found[knee] = centre(chains[knee], found[hip].point)
            if side in curated.ankle:
                found[ankle] = Centre(*locate(description, placed, curated.ankle[side]))
            else:
                found[ankle] = centre(chains[ankle], found[knee].point)
    return found
