"""The canonical neutral pose in a robot's own joints, found by solving each complex for zero."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from schemas.body import COMPLEXES
from schemas.embodiment import Embodiment
from streams.body_spans import angles_at
from streams.body_tree import build_tree, neutral_values

F64 = NDArray[np.float64]

_ITERATIONS = 60
_STEP_RAD = 0.5
_SLOPE_RAD = 1e-6
_ZERO_RAD = 1e-6
# What Newton leaves below this differs from machine to machine.
_DIGITS = 9
# Other starts of a chain that is stuck where two of its axes fall together, rad.
_STARTS_RAD = (-2.0, -1.0, 1.0, 2.0)


def find_neutral(embodiment: Embodiment) -> tuple[dict[str, float], dict[str, float], list[str]]:
    """Joint values of the neutral pose, limits disregarded.

    Returns:
        Joint values; the DoFs that keep an angle there (rad); notes for a person where the neutral
        pose lies outside the robot's limits.
    """
    tree = build_tree(embodiment)
    place = {joint.name: b for b, joint in enumerate(tree.joints)}
    value = neutral_values(embodiment, tree)
    neutral: dict[str, float] = {}
    offset: dict[str, float] = {}
    notes: list[str] = []
    for k, c in enumerate(COMPLEXES):
        chain = [place[name] for name in embodiment.complexes[c.name] if name in place]
        if c.child not in embodiment.segments or c.parent not in embodiment.segments:
            continue
        if not chain:
            left = angles_at(tree, value[None])[0, k, : len(c.dofs)]
        else:
            value, left = _solve_from(tree, value, chain, k, len(c.dofs))
        for dof, angle in zip(c.dofs, left, strict=True):
            if abs(angle) > _ZERO_RAD:
                offset[dof] = round(float(angle), _DIGITS)
        for b in chain:
            joint = tree.joints[b]
            at = round(math.remainder(float(value[b] * tree.reverse[b]), math.tau), _DIGITS) + 0.0
            neutral[joint.name] = at
            low, high = joint.lower, joint.upper
            if low is not None and high is not None and not low - 0.01 <= at <= high + 0.01:
                notes.append(f"{joint.name}: neutral {at:.3f} is outside {low:.3f}..{high:.3f}")
    return neutral, offset, notes


def _solve_from(  # type: ignore[no-untyped-def]
    tree, value: F64, chain: list[int], k: int, dofs: int
) -> tuple[F64, F64]:
    """The solution from where the chain is, or, if that is stuck, the best from other starts."""
    best = _solve(tree, value, chain, k, dofs)
    if len(chain) < max(dofs, 2) or not float(np.abs(best[1]).max()) > _ZERO_RAD:
        return best
    for first in _STARTS_RAD:
        for second in _STARTS_RAD:
            start = value.copy()
            start[chain[0]] += first
            start[chain[1]] += second
            found = _solve(tree, start, chain, k, dofs)
            if float(np.abs(found[1]).max()) < _ZERO_RAD:
                return found
    return best


def _solve(tree, value: F64, chain: list[int], k: int, dofs: int) -> tuple[F64, F64]:  # type: ignore[no-untyped-def]
    """Gauss-Newton on the angles of complex k over the joints of its chain."""
    value = value.copy()
    for _ in range(_ITERATIONS):
        probes = np.repeat(value[None], 1 + 2 * len(chain), axis=0)
        for i, b in enumerate(chain):
            probes[1 + 2 * i, b] += _SLOPE_RAD
            probes[2 + 2 * i, b] -= _SLOPE_RAD
        angles = angles_at(tree, probes)[:, k, :dofs]
        slope = (angles[1::2] - angles[2::2]).T / (2 * _SLOPE_RAD)
        step = np.linalg.lstsq(slope, -angles[0], rcond=1e-6)[0]
        size = float(np.abs(step).max())
        value[chain] += step * min(1.0, _STEP_RAD / max(size, 1e-300))
        if size < 1e-13:
            break
    return value, angles_at(tree, value[None])[0, k, :dofs]
