"""What names say: sides by difference, words for parts, and what they do not say."""

from __future__ import annotations

import pytest

from producers.onboarding.names import side_by_difference, side_of, speaks_of, tokens


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_hip_pitch_joint", "right_hip_pitch_joint"),
        ("J00_HIP_PITCH_L", "J06_HIP_PITCH_R"),
        ("LL_HR", "LR_HR"),
        ("leg_l1_joint", "leg_r1_joint"),
        ("joint_la1", "joint_ra1"),
        ("LHipYawPitch", "RHipYawPitch"),
        ("LARM_JOINT0", "RARM_JOINT0"),
        ("idx21_arm_l_joint1", "idx61_arm_r_joint1"),
        ("r2/left_arm/joint0", "r2/right_arm/joint0"),
        ("fl_joint1", "fr_joint1"),
        ("follower_left/joint_5", "follower_right/joint_5"),
        ("zuo_jian", "you_jian"),
    ],
)
def test_partners_names_tell_the_side_in_every_style(left: str, right: str) -> None:
    assert side_by_difference(left, right) == 1
    assert side_by_difference(right, left) == -1


@pytest.mark.parametrize(
    ("a", "b"),
    [("joint1", "joint2"), ("index", "middle"), ("same", "same"), ("calf_joint", "foot_joint")],
)
def test_names_that_tell_no_side(a: str, b: str) -> None:
    assert side_by_difference(a, b) == 0


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("LElbowYaw", "elbow"),
        ("l_arm_elx", "elbow"),
        ("zarm_l4_joint", "arm"),
        ("left_wirst_roll", "wrist"),
        ("J_ankel_l_roll", "ankle"),
        ("l_leg_kny", "knee"),
        ("right-hip-roll", "hip"),
        ("leftknee", "knee"),
    ],
)
def test_parts_are_heard_in_many_spellings(name: str, part: str) -> None:
    assert speaks_of(name, part)


@pytest.mark.parametrize(
    ("name", "part"), [("bearing", "finger"), ("rear_plate", "sensor"), ("calf_joint", "wheel")]
)
def test_parts_are_not_heard_inside_other_words(name: str, part: str) -> None:
    assert not speaks_of(name, part)


def test_a_lone_name_tells_its_side_by_a_word_alone() -> None:
    assert side_of("arm_left_1_joint") == 1
    assert side_of("R_arm_j1") == -1
    assert side_of("calf_joint") == 0
    assert tokens("LHipYawPitch") == ["l", "hip", "yaw", "pitch"]
