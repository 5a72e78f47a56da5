"""Can an arm reach a goal at all? Many starts, joint limits, no velocity limits: an oracle.

Kinematics come from the witness's figures alone (joint origins and axes at zero, centres found from
them here), the search is projected Levenberg-Marquardt on place and turn together. It shares no
code with the production solver.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deploy.bench.body_witness import Placed

F64 = NDArray[np.float64]

STARTS, STEPS = 64, 60
NEAR_RAD = math.radians(2.0)
NEAR_PCT = 1.0
FULL_JOINTS = 6


@dataclass(frozen=True)
class Chain:
    """A limb at zero configuration, in its base segment's frame, from its proximal centre, metres.

    Attributes:
        axis, origin: [V, 3] of each joint, base outward.
        lower, upper: [V] limits.
        end: [3] centre of wrist or ankle.
        turned: [3, 3] orientation of the end segment.
        before_end: Joints that move the centre: those of wrist or ankle do not.
        length_m: Limb length.
    """

    axis: F64
    origin: F64
    lower: F64
    upper: F64
    end: F64
    turned: F64
    before_end: int
    length_m: float


def nearest_to_lines(origins: Sequence[F64], axes: Sequence[F64], near: F64) -> F64:
    """Point nearest in least squares to lines; along what they leave open, nearest to `near`."""
    across = [np.eye(3) - np.outer(a, a) for a in axes]
    total = np.sum(across, axis=0)
    pull = np.sum([p @ (o - near) for p, o in zip(across, origins, strict=True)], axis=0)
    values, vectors = np.linalg.eigh(total)
    keep = values > 0.01 * values.max()
    found: F64 = near + vectors[:, keep] @ ((vectors[:, keep].T @ pull) / values[keep])
    return found


def centre_of(seen: Placed, joints: Sequence[str], near: F64) -> F64:
    """Joint centre (root link's frame) of hinges in the witness's pose."""
    return nearest_to_lines([seen.origin[j] for j in joints], [seen.axis[j] for j in joints], near)


def reach(chain: Chain, place_m: F64, turned: F64, seed: int) -> tuple[F64, F64]:
    """The best that any start finds.

    Args:
        chain: The limb.
        place_m: [T, 3] wanted centre, from the proximal one.
        turned: [T, 3, 3] wanted orientation of the end.
        seed: Of the starts.

    Returns:
        [T] distance (% of limb length) and [T] turn (rad) that are left; of a limb of fewer than
        six joints only the distance is sought.
    """
    rng = np.random.default_rng(seed)
    starts = rng.uniform(chain.lower, chain.upper, (STARTS, len(chain.lower)))
    full = len(chain.lower) >= FULL_JOINTS
    left = np.empty((len(place_m), 2))
    for t in range(len(place_m)):
        _best(
            chain.axis, chain.origin, chain.lower, chain.upper, chain.end, chain.turned,
            chain.before_end, chain.length_m, full, place_m[t], turned[t], starts, left[t],
        )  # fmt: skip
    return 100.0 * left[:, 0], left[:, 1]


@njit(cache=True)
def forward(
    x: F64, axis: F64, origin: F64, end: F64, turned: F64, before_end: int,
    at: F64, now: F64, axes: F64, origins: F64,
) -> None:  # fmt: skip
    """Product of exponentials at x [V]: out come centre, orientation, joint axes and origins."""
    rotation, shift, spin, product = np.eye(3), np.zeros(3), np.empty((3, 3)), np.empty((3, 3))
    at[:] = end
    for j in range(x.shape[0]):
        for i in range(3):
            axes[j, i], origins[j, i] = 0.0, shift[i]
            for k in range(3):
                axes[j, i] += rotation[i, k] * axis[j, k]
                origins[j, i] += rotation[i, k] * origin[j, k]
        _spin(axis[j], x[j], spin)
        for i in range(3):
            for k in range(3):
                product[i, k] = 0.0
                for m in range(3):
                    product[i, k] += rotation[i, m] * spin[m, k]
        for i in range(3):
            shift[i] = origins[j, i]
            for k in range(3):
                shift[i] -= product[i, k] * origin[j, k]
        rotation[:] = product
        if j == before_end - 1:
            for i in range(3):
                at[i] = shift[i]
                for k in range(3):
                    at[i] += rotation[i, k] * end[k]
    for i in range(3):
        for k in range(3):
            now[i, k] = 0.0
            for m in range(3):
                now[i, k] += rotation[i, m] * turned[m, k]


@njit(cache=True)
def _spin(a: F64, angle: float, out: F64) -> None:
    """Rodrigues: rotation [3, 3] about a unit axis."""
    s, c = math.sin(angle), 1.0 - math.cos(angle)
    out[0, 0], out[1, 1], out[2, 2] = (
        1.0 - c * (a[1] * a[1] + a[2] * a[2]),
        1.0 - c * (a[0] * a[0] + a[2] * a[2]),
        1.0 - c * (a[0] * a[0] + a[1] * a[1]),
    )
    out[0, 1], out[1, 0] = c * a[0] * a[1] - s * a[2], c * a[0] * a[1] + s * a[2]
    out[0, 2], out[2, 0] = c * a[0] * a[2] + s * a[1], c * a[0] * a[2] - s * a[1]
    out[1, 2], out[2, 1] = c * a[1] * a[2] - s * a[0], c * a[1] * a[2] + s * a[0]


@njit(cache=True)
def rotation_left(goal: F64, now: F64, out: F64) -> float:
    """Rotation vector [3] from one orientation to another, and its length (rad)."""
    trace = 0.0
    out[:] = 0.0
    for k in range(3):
        out[0] += goal[2, k] * now[1, k] - goal[1, k] * now[2, k]
        out[1] += goal[0, k] * now[2, k] - goal[2, k] * now[0, k]
        out[2] += goal[1, k] * now[0, k] - goal[0, k] * now[1, k]
        trace += goal[0, k] * now[0, k] + goal[1, k] * now[1, k] + goal[2, k] * now[2, k]
    sine = math.sqrt(out[0] * out[0] + out[1] * out[1] + out[2] * out[2])
    angle = math.atan2(sine, trace - 1.0)
    if sine > 1e-9:
        for i in range(3):
            out[i] *= angle / sine
    else:
        out[0], out[1], out[2] = angle, 0.0, 0.0
    return angle


@njit(cache=True)
def _best(
    axis: F64, origin: F64, lower: F64, upper: F64, end: F64, turned: F64, before_end: int,
    length_m: float, full: bool, place: F64, goal: F64, starts: F64, left: F64,
) -> None:  # fmt: skip
    size = lower.shape[0]
    rows = 6 if full else 3
    best, unit = math.inf, length_m * NEAR_PCT * 0.01
    pull, error = np.zeros((rows, size)), np.zeros(rows)
    slope, miss = np.zeros((rows, size)), np.zeros(rows)
    normal, step = np.zeros((size, size)), np.zeros(size)
    at, now, turn = np.empty(3), np.empty((3, 3)), np.empty(3)
    axes, origins = np.empty((size, 3)), np.empty((size, 3))
    for s in range(starts.shape[0]):
        x, kept = starts[s].copy(), starts[s].copy()
        cost, damping = math.inf, 1e-2
        for _ in range(STEPS):
            forward(x, axis, origin, end, turned, before_end, at, now, axes, origins)
            new = 0.0
            for i in range(3):
                error[i] = (place[i] - at[i]) / unit
            if full:
                rotation_left(goal, now, turn)
                for i in range(3):
                    error[3 + i] = turn[i] / NEAR_RAD
            for i in range(rows):
                new += error[i] * error[i]
            if new < cost:
                small = cost - new < 1e-7 * new
                cost, damping = new, max(damping / 5.0, 1e-9)
                kept[:] = x
                if small or new < 1e-4:
                    break
                for j in range(size):
                    a, on_place = axes[j], 1.0 / unit if j < before_end else 0.0
                    r0, r1, r2 = (
                        at[0] - origins[j, 0], at[1] - origins[j, 1], at[2] - origins[j, 2],
                    )  # fmt: skip
                    pull[0, j] = on_place * (a[1] * r2 - a[2] * r1)
                    pull[1, j] = on_place * (a[2] * r0 - a[0] * r2)
                    pull[2, j] = on_place * (a[0] * r1 - a[1] * r0)
                    if full:
                        for i in range(3):
                            pull[3 + i, j] = a[i] / NEAR_RAD
                slope[:], miss[:] = pull, error
            else:
                damping *= 4.0
                if damping > 1e6:
                    break
            _step(slope, miss, kept, lower, upper, damping, normal, step)
            for j in range(size):
                x[j] = min(max(kept[j] + min(max(step[j], -0.7), 0.7), lower[j]), upper[j])
        forward(kept, axis, origin, end, turned, before_end, at, now, axes, origins)
        squares = 0.0
        for i in range(3):
            squares += (place[i] - at[i]) ** 2
        distance, angle = math.sqrt(squares) / length_m, rotation_left(goal, now, turn)
        worst = max(100.0 * distance / NEAR_PCT, angle / NEAR_RAD if full else 0.0)
        if worst < best:
            best, left[0], left[1] = worst, distance, angle
        # Better than this no verdict needs.
        if best < 0.1:
            break


@njit(cache=True)
def _step(
    slope: F64, miss: F64, x: F64, lower: F64, upper: F64, damping: float, normal: F64, step: F64
) -> None:
    """Damped least squares; what stands at a limit and is pushed outward stays (Cholesky)."""
    size, scale = x.shape[0], 1e-12
    for j in range(size):
        step[j] = 0.0
        for i in range(miss.shape[0]):
            step[j] += slope[i, j] * miss[i]
            scale += slope[i, j] * slope[i, j] / size
    for j in range(size):
        for k in range(j + 1):
            normal[j, k] = 0.0
            for i in range(miss.shape[0]):
                normal[j, k] += slope[i, j] * slope[i, k]
    for j in range(size):
        if (x[j] <= lower[j] and step[j] < 0.0) or (x[j] >= upper[j] and step[j] > 0.0):
            step[j] = 0.0
            for k in range(size):
                normal[max(j, k), min(j, k)] = 0.0
        normal[j, j] += damping * scale
    for j in range(size):
        for k in range(j + 1):
            total = normal[j, k]
            for i in range(k):
                total -= normal[j, i] * normal[k, i]
            normal[j, k] = math.sqrt(total) if j == k else total / normal[k, k]
    for j in range(size):
        for k in range(j):
            step[j] -= normal[j, k] * step[k]
        step[j] /= normal[j, j]
    for j in range(size - 1, -1, -1):
        for k in range(j + 1, size):
            step[j] -= normal[k, j] * step[k]
        step[j] /= normal[j, j]
