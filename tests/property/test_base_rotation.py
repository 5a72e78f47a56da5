"""Orientations of the base: laws of the two kernels, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.profile import Rotation, Source
from streams.base_pose import quaternion
from streams.layout import ShapeError

ANGLES = st.tuples(*3 * [st.floats(-3.1, 3.1)])
SOURCE = Source(field="q")


def matrix(q: np.ndarray) -> np.ndarray:
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def about(axis: int, angle: float) -> np.ndarray:
    """A turn about x, y or z as a matrix: the other two axes turn in their plane."""
    out = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    out[first, first] = out[second, second] = np.cos(angle)
    out[second, first], out[first, second] = np.sin(angle), -np.sin(angle)
    return out


@given(ANGLES, st.sampled_from(["zyx", "xyz"]), st.sampled_from(["rad", "deg"]))
def test_euler_angles_are_turns_one_after_the_other(
    angles: tuple[float, float, float], order: str, unit: str
) -> None:
    told = np.degrees(angles) if unit == "deg" else np.array(angles)
    (found,) = quaternion(Rotation(source=SOURCE, order=order, unit=unit), told[None])
    wanted = np.eye(3)
    for axis in order:
        wanted = wanted @ about("xyz".index(axis), angles["xyz".index(axis)])
    np.testing.assert_allclose(matrix(found), wanted, atol=1e-12)


@given(st.tuples(*4 * [st.floats(-2, 2)]))
def test_a_quaternion_is_unit_in_either_order_or_none(values: tuple[float, ...]) -> None:
    told = np.array([values])
    (found,) = quaternion(Rotation(source=SOURCE, order="wxyz"), told)
    (turned,) = quaternion(Rotation(source=SOURCE, order="xyzw"), np.roll(told, -1, axis=1))
    np.testing.assert_allclose(found, turned, rtol=1e-14)
    length = np.linalg.norm(told)
    if length < 0.499:
        assert np.isnan(found).all()
    elif length > 0.501:
        np.testing.assert_allclose(found * length, told[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("order", "columns"), [("wxyz", 3), ("xyzw", 5), ("zyx", 2)])
def test_another_number_of_columns_is_refused(order: str, columns: int) -> None:
    with pytest.raises(ShapeError, match=f"{columns} columns"):
        quaternion(Rotation(source=SOURCE, order=order), np.ones((2, columns)))
