"""The base as the vendor reports it: position, orientation as a unit quaternion, IMU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.profile import Base, Rotation, Source

F64 = npt.NDArray[np.float64]


def base_arrays(base: Base, fields: Mapping[str, npt.NDArray[Any]]) -> dict[str, F64]:
    """The base's signals, as far as the profile names them, [T, 3] and [T, 4] (wxyz)."""
    out: dict[str, F64] = {}
    for name in ("position", "angular_velocity", "acceleration"):
        source: Source | None = getattr(base, name)
        if source is not None:
            out[f"base_{name}"] = columns_of(source, fields)
    if base.rotation is not None:
        out["base_quaternion"] = quaternion(base.rotation, columns_of(base.rotation.source, fields))
    return out


def quaternion(rotation: Rotation, values: F64) -> F64:
    """A base orientation as unit quaternions. values: [T, 4] or [T, 3]. Returns [T, 4] wxyz."""
    if rotation.order == "wxyz":
        out = values
    elif rotation.order == "xyzw":
        out = values[:, [3, 0, 1, 2]]
    else:
        angles = values * (np.pi / 180.0 if rotation.unit == "deg" else 1.0)
        out = euler_quaternion(angles, rotation.order)
    norm = np.sqrt(np.einsum("tk,tk->t", out, out))
    norm[norm < 0.5] = np.nan
    unit: F64 = out / norm[:, None]
    return unit


def euler_quaternion(angles: F64, order: str) -> F64:
    """Intrinsic Euler angles to quaternions.

    Args:
        angles: [T, 3] turns about x, y, z, in this order of columns, rad.
        order: axes in the order of intrinsic rotations, such as "zyx".

    Returns:
        [T, 4] wxyz, world from body: q = q_order[0] · q_order[1] · q_order[2].
    """
    out = np.zeros((len(angles), 4))
    out[:, 0] = 1.0
    for axis in order:
        k = "xyz".index(axis)
        turn = np.zeros_like(out)
        turn[:, 0] = np.cos(angles[:, k] / 2.0)
        turn[:, 1 + k] = np.sin(angles[:, k] / 2.0)
        out = _multiply(out, turn)
    return out


def _multiply(a: F64, b: F64) -> F64:
    """Hamilton product, [T, 4] wxyz each."""
    w = a[:, 0] * b[:, 0] - a[:, 1] * b[:, 1] - a[:, 2] * b[:, 2] - a[:, 3] * b[:, 3]
    x = a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0] + a[:, 2] * b[:, 3] - a[:, 3] * b[:, 2]
    y = a[:, 0] * b[:, 2] - a[:, 1] * b[:, 3] + a[:, 2] * b[:, 0] + a[:, 3] * b[:, 1]
    z = a[:, 0] * b[:, 3] + a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1] + a[:, 3] * b[:, 0]
    return np.stack([w, x, y, z], axis=1)


def columns_of(source: Source, fields: Mapping[str, npt.NDArray[Any]]) -> F64:
    """A source's columns, [T, K]."""
    start, stop = source.columns or (0, None)
    return fields[source.field][:, start:stop].astype(np.float64)
