"""The canonical body as lines: which frames show most of a motion, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from schemas.body import SEGMENT_INDEX, SIDES
from streams.body_plan import CanonicalBody

F64 = npt.NDArray[np.float64]

_SIDE_COLOUR = {"left": "#1469cd", "right": "#e1690f", "": "#464b55"}


def key_frames(body: CanonicalBody, count: int) -> list[int]:
    """Frames whose postures differ most: the first, then always the farthest from those chosen."""
    points = np.concatenate(
        [body.key_position_m.reshape(len(body.key_position_m), -1),
         body.hand_pose[:, :, :3].reshape(len(body.hand_pose), -1),
         body.foot_pose[:, :, :3].reshape(len(body.foot_pose), -1)], axis=1,
    )  # fmt: skip
    points = np.nan_to_num(points)
    chosen, near = [0], np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        near = np.minimum(near, np.linalg.norm(points - points[chosen[-1]], axis=1))
        near[chosen] = -1.0
        chosen.append(int(np.argmax(near)))
    return sorted(chosen)


def bones(body: CanonicalBody, frame: int) -> list[tuple[str, F64, F64]]:
    """Lines of the body in the pelvis frame, m: side, from, to; those whose ends are known."""
    key = body.key_position_m[frame]
    at = {name: key[place] for name, place in SEGMENT_INDEX.items()}
    neck = at["head"]
    if not np.isfinite(neck).all():
        neck = (at["left_upper_arm"] + at["right_upper_arm"]) / 2
    lines = [("", at["pelvis"], at["torso"]), ("", at["torso"], neck)]
    for i, side in enumerate(SIDES):
        arm = [neck, *(at[f"{side}_{n}"] for n in ("upper_arm", "forearm", "hand"))]
        leg = [at["pelvis"], *(at[f"{side}_{n}"] for n in ("thigh", "shank", "foot"))]
        arm.append(body.hand_pose[frame, i, :3].astype(np.float64))
        leg.append(body.foot_pose[frame, i, :3].astype(np.float64))
        lines += [(side, a, b) for limb in (arm, leg) for a, b in pairwise(limb)]
    return [line for line in lines if np.isfinite(line[1]).all() and np.isfinite(line[2]).all()]


def draw_bodies(
    row: Sequence[Axes], body: CanonicalBody, keys: Sequence[int], seconds: F64
) -> None:
    """A body a panel, all at one scale. seconds: [T]."""
    drawn = [[(side, _seen(a), _seen(b)) for side, a, b in bones(body, key)] for key in keys]
    points = np.array([end for lines in drawn for _, a, b in lines for end in (a, b)])
    for axes, lines, key in zip(row, drawn, keys, strict=True):
        for side, a, b in lines:
            axes.plot([a[0], b[0]], [a[1], b[1]], color=_SIDE_COLOUR[side], lw=2.2,
                      solid_capstyle="round")  # fmt: skip
        axes.set_title(f"{seconds[key]:.2f} s", fontsize=9)
        axes.set_axis_off()
        axes.set_aspect("equal")
        low, high = points.min(axis=0) - 0.05, points.max(axis=0) + 0.05
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])


def _seen(point_m: F64) -> F64:
    """From the robot's front left, a little above: [2] right and up."""
    turn, tilt = 0.65, 0.2
    ahead = point_m[0] * np.cos(turn) + point_m[1] * np.sin(turn)
    right = -point_m[0] * np.sin(turn) + point_m[1] * np.cos(turn)
    return np.array([right, point_m[2] * np.cos(tilt) - ahead * np.sin(tilt)])
