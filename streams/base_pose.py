"""The base as the vendor reports it: position, orientation as a unit quaternion, IMU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.profile import Base, Rotation, Source
from streams.kernels.base_rotation import euler_quaternions, unit_quaternions
from streams.layout import ShapeError

F64 = npt.NDArray[np.float64]
_REAL = {"wxyz": 0, "xyzw": 3}
"""Column of a quaternion's real part."""


def base_arrays(base: Base, fields: Mapping[str, npt.NDArray[Any]]) -> dict[str, F64]:
    """The base's signals, as far as the profile names them, [T, 3] and [T, 4] (wxyz)."""
    out: dict[str, F64] = {}
    for name in ("position", "angular_velocity", "acceleration"):
        source: Source | None = getattr(base, name)
        if source is not None:
            out[f"base_{name}"] = of_width(columns_of(source, fields), 3)
    if base.rotation is not None:
        out["base_quaternion"] = quaternion(base.rotation, columns_of(base.rotation.source, fields))
    return out


def quaternion(rotation: Rotation, values: F64) -> F64:
    """A base orientation as unit quaternions. values: [T, 4] or [T, 3]. Returns [T, 4] wxyz."""
    out: F64
    if rotation.order in _REAL:
        out = unit_quaternions(of_width(values, 4), _REAL[rotation.order])
    else:
        angles = of_width(values, 3) * (np.pi / 180.0 if rotation.unit == "deg" else 1.0)
        axes = np.array(["xyz".index(axis) for axis in rotation.order])
        out = unit_quaternions(euler_quaternions(angles, axes), _REAL["wxyz"])
    return out


def of_width(values: F64, columns: int) -> F64:
    """The values, if they have so many columns: kernels do not look."""
    if values.shape[1] != columns:
        raise ShapeError(f"a place or orientation has {values.shape[1]} columns, not {columns}")
    return values


def columns_of(source: Source, fields: Mapping[str, npt.NDArray[Any]]) -> F64:
    """A source's columns, [T, K]."""
    start, stop = source.columns or (0, None)
    return fields[source.field][:, start:stop].astype(np.float64)
