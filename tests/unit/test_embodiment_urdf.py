"""The description reader: what it folds, what it leaves unknown, what it refuses and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from producers.onboarding.alignment import facing, flexion_axis, hand_from_palm, palm_of_fingers
from producers.onboarding.centres import nearest_point
from producers.onboarding.description import DescriptionError, link_frames
from producers.onboarding.urdf import read_urdf
from schemas.embodiment_parts import Joint

ARM = """<robot name="arm">
  <link name="base"/><link name="flange"/><link name="upper"/><link name="tool"/>
  <joint name="mount" type="fixed"><parent link="base"/><child link="flange"/>
    <origin xyz="0 0 1" rpy="0 0 1.5707963267948966"/></joint>
  <joint name="turn" type="revolute"><parent link="flange"/><child link="upper"/>
    <origin xyz="1 0 0"/><axis xyz="0 2 0"/>{limit}</joint>
  <joint name="slide" type="prismatic"><parent link="upper"/><child link="tool"/>
    <axis xyz="1 0 0"/><limit lower="0" upper="0.2" velocity="0.1"/>
    <mimic joint="turn" multiplier="0.1" offset="0.05"/></joint>
</robot>"""


def read(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    file = tmp_path / "robot.urdf"
    file.write_text(text, encoding="utf-8")
    return read_urdf(file)


def test_fixed_joints_fold_and_mimics_follow(tmp_path: Path) -> None:
    arm = read(tmp_path, ARM.format(limit='<limit lower="-1" upper="1" effort="0" velocity="0"/>'))
    assert [j.name for j in arm.joints] == ["turn", "slide"]
    turn = arm.joint("turn")
    assert turn.parent == "base"
    assert turn.axis == (0.0, 1.0, 0.0)
    np.testing.assert_allclose(turn.origin_m, (0.0, 1.0, 1.0), atol=1e-12)
    assert turn.velocity is None
    assert turn.effort is None
    assert arm.frames["flange"][0] == "base"
    frames = link_frames(arm, {"turn": 0.5})
    reach = frames["tool"][:3, 3] - frames["upper"][:3, 3]
    assert np.linalg.norm(reach) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "limit",
    ["", '<limit lower="0" upper="0"/>', '<limit lower="1" upper="-1"/>', '<limit lower="1"/>'],
)
def test_limits_that_cannot_be_meant_are_unknown(limit: str, tmp_path: Path) -> None:
    turn = read(tmp_path, ARM.format(limit=limit)).joint("turn")
    assert (turn.lower, turn.upper) == (None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no xml", "not XML"),
        ("<mujoco/>", "not a URDF"),
        ('<!DOCTYPE r [<!ENTITY a "aaaa">]><robot name="&a;"/>', "entities"),
        ('<robot name="r"/>', "no moving joint"),
        (ARM.format(limit="").replace('"1 0 0"', '"1 0 nan"'), "finite"),
        (ARM.format(limit="").replace('parent link="base"', 'parent link="tool"'), "no tree"),
        (ARM.format(limit="").replace('child link="tool"', 'child link="upper"'), "two parents"),
        (ARM.format(limit="").replace('"prismatic"', '"screw"'), "'screw' below the root"),
    ],
)
def test_what_is_no_description_is_refused_with_its_reason(
    text: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DescriptionError, match=reason):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("told", "found", "note"),
    [
        ('"0 2 0"', '"0 0 0"', "turn: its axis is zero, taken as rigid"),
        ('"prismatic"', '"floating"', "slide: a floating joint, taken as rigid"),
    ],
)
def test_a_joint_that_no_value_moves_is_rigid_and_said(
    told: str, found: str, note: str, tmp_path: Path
) -> None:
    robot = read(tmp_path, ARM.format(limit="").replace(told, found))
    assert note in robot.notes
    assert len(robot.joints) == 1


def test_nearest_point_of_lines() -> None:
    origins = np.array([[0.0, 0.0, 5.0], [3.0, 0.0, 0.0], [0.0, 7.0, 0.0]])
    axes = np.eye(3)[[2, 0, 1]]
    np.testing.assert_allclose(nearest_point(origins, axes, np.ones(3)), np.zeros(3), atol=1e-12)
    near = nearest_point(origins[:1], axes[:1], np.array([0.3, 0.0, 2.0]))
    np.testing.assert_allclose(near, (0.0, 0.0, 2.0), atol=1e-12)


def test_hinge_flexes_from_straight_towards_its_range() -> None:
    """A forearm that points forward at zero, with the range of Unitree's G1."""
    y = np.array([0.0, 1.0, 0.0])
    elbow = Joint("elbow", "revolute", "a", "b", axis=(0.0, 1.0, 0.0), lower=-1.05, upper=2.09)
    upper, fore = np.array([0.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0])
    axis, sure = flexion_axis(elbow, y, upper, fore, np.eye(3), -1)
    np.testing.assert_array_equal(axis, -y)
    assert sure
    free = Joint("elbow", "revolute", "a", "b", axis=(0.0, 1.0, 0.0))
    axis, sure = flexion_axis(free, y, upper, upper, np.eye(3), -1)
    np.testing.assert_array_equal(axis, -y)
    assert not sure


def test_palms_face_the_thighs_at_neutral() -> None:
    down = np.array([0.0, 0.0, -1.0])
    # Left fingers hang and close to the right about +x: palm normal -y, hand upright.
    normal = palm_of_fingers(np.array([[1.0, 0.0, 0.0]]), np.array([-1.0]), down)
    np.testing.assert_allclose(normal, (0.0, -1.0, 0.0), atol=1e-12)
    np.testing.assert_allclose(hand_from_palm(np.eye(3), normal, "left"), np.eye(3), atol=1e-12)
    # A palm that faces back at zero: the thumb points inward.
    turned = hand_from_palm(np.eye(3), np.array([-1.0, 0.0, 0.0]), "left")
    np.testing.assert_allclose(turned[:, 0], (0.0, -1.0, 0.0), atol=1e-12)


def test_facing() -> None:
    np.testing.assert_array_equal(facing("+x", "+z"), np.eye(3))
    np.testing.assert_array_equal(facing("-x", "+z"), np.diag([-1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match="square"):
        facing("+z", "+z")
