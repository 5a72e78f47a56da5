"""The canonical body's tables: counts, order, axes and mirror of the design."""

from __future__ import annotations

import numpy as np
import pytest

from schemas import body


def test_counts_and_order() -> None:
    assert len(body.SEGMENTS) == 15
    assert len(body.DOFS) == len(set(body.DOFS)) == 44
    assert body.DOFS[:6] == (
        "waist_yaw", "waist_roll", "waist_pitch", "neck_yaw", "neck_roll", "neck_pitch",
    )  # fmt: skip
    assert body.DOFS[6] == "left_shoulder_flexion"
    assert body.DOFS[13] == "right_shoulder_flexion"
    assert body.DOFS[20] == "left_hip_flexion"
    assert body.DOFS[body.HAND_DOF_START] == "left_thumb_rotation"
    assert body.SEGMENTS[3:6] == ("left_upper_arm", "left_forearm", "left_hand")
    assert len(body.COMPLEX_NAMES) == 14


@pytest.mark.parametrize(
    ("dof", "axis"),
    [
        ("waist_yaw", "+z"),
        ("neck_roll", "+x"),
        ("waist_pitch", "+y"),
        ("right_shoulder_flexion", "-y"),
        ("right_shoulder_abduction", "-x"),
        ("right_shoulder_rotation", "+z"),
        ("left_shoulder_abduction", "+x"),
        ("left_shoulder_rotation", "-z"),
        ("left_elbow_flexion", "-y"),
        ("right_forearm_pronation", "+z"),
        ("left_forearm_pronation", "-z"),
        ("left_wrist_flexion", "-x"),
        ("left_wrist_deviation", "+y"),
        ("left_hip_flexion", "-y"),
        ("right_hip_abduction", "-x"),
        ("right_knee_flexion", "+y"),
        ("left_ankle_dorsiflexion", "-y"),
        ("right_ankle_inversion", "+x"),
        ("left_ankle_inversion", "-x"),
    ],
)
def test_signed_axes(dof: str, axis: str) -> None:
    expected = np.zeros(3)
    expected["xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    np.testing.assert_array_equal(body.dof_axis(dof), expected)


def test_mirror_is_an_involution_that_swaps_sides() -> None:
    angle = np.arange(44.0)
    np.testing.assert_array_equal(body.mirror_angle(body.mirror_angle(angle)), angle)
    left, right = body.DOF_INDEX["left_knee_flexion"], body.DOF_INDEX["right_knee_flexion"]
    assert body.mirror_angle(angle)[left] == angle[right]
    assert body.mirror_angle(angle)[0] == -angle[0]
    assert body.mirror_angle(angle)[2] == angle[2]


def test_mirrored_axes_are_mirror_images() -> None:
    """Turning about an axis, seen in the mirror y -> -y, turns about (-x, y, -z)."""
    for dof in body.DOFS[: body.HAND_DOF_START]:
        sign = body.MIRROR_SIGN[body.DOF_INDEX[dof]]
        seen = body.dof_axis(dof) * np.array([-1.0, 1.0, -1.0])
        np.testing.assert_array_equal(body.dof_axis(body.mirror_name(dof)) * sign, seen)
