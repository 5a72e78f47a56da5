"""Canonicalisation by cases: what is absent, imputed, derived, clamped, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.body import DOF_INDEX, DOFS, SEGMENT_INDEX, Status
from schemas.embodiment import Embodiment, load_embodiment
from schemas.embodiment_parts import Mimic
from streams.body_plan import BodyPlan, canonicalise, compile_plan


def plan_of(robot: Embodiment, names: list[str], **assume: float) -> BodyPlan:
    return compile_plan(robot, names, [None] * len(names), assume)


def motors(robot: Embodiment) -> list[str]:
    return [joint.name for joint in robot.joints if joint.mimic is None]


def test_arms_alone_leave_legs_absent_and_poses_imputed() -> None:
    robot = load_embodiment("unitree_g1_29dof")
    arms = [n for n in motors(robot) if "hip" not in n and "knee" not in n and "ankle" not in n]
    arms = [n for n in arms if "waist" not in n]
    body = canonicalise(plan_of(robot, arms), np.zeros((2, len(arms))), None)
    for dof in ("left_hip_flexion", "right_knee_flexion", "waist_yaw"):
        assert (body.status[:, DOF_INDEX[dof]] == Status.ABSENT).all()
        assert np.isnan(body.angle[:, DOF_INDEX[dof]]).all()
    assert (body.status[:, DOF_INDEX["left_elbow_flexion"]] == Status.MEASURED).all()
    for segment in ("left_foot", "torso", "left_hand"):
        assert (body.segment_status[:, SEGMENT_INDEX[segment]] == Status.IMPUTED).all()
    assert np.isfinite(body.foot_pose).all()
    assert np.isfinite(body.hand_pose).all()
    assert body.foot_pose[0, 0, 1] > 0 > body.foot_pose[0, 1, 1]


def test_a_joint_missing_in_one_frame_is_absent_in_that_frame_alone() -> None:
    robot = load_embodiment("unitree_g1_29dof")
    names = motors(robot)
    position = np.zeros((3, len(names)))
    position[1, names.index("left_knee_joint")] = np.nan
    body = canonicalise(plan_of(robot, names), position, position)
    knee, foot = DOF_INDEX["left_knee_flexion"], SEGMENT_INDEX["left_foot"]
    assert body.status[:, knee].tolist() == [Status.MEASURED, Status.ABSENT, Status.MEASURED]
    assert np.isnan(body.angle[:, knee]).tolist() == [False, True, False]
    assert body.segment_status[:, foot].tolist() == [0, Status.IMPUTED, 0]
    assert body.angle_velocity is not None
    assert np.isnan(body.angle_velocity[:, knee]).tolist() == [False, True, False]
    assert np.isfinite(body.segment_quat[:, foot]).all()
    assert body.status[1, DOF_INDEX["left_hip_flexion"]] == Status.MEASURED


def test_assumed_values_place_what_is_imputed() -> None:
    robot = load_embodiment("unitree_g1_29dof")
    arm = [n for n in motors(robot) if n.startswith("left_shoulder")]
    zero = np.zeros((1, len(arm)))
    straight = canonicalise(plan_of(robot, arm, left_elbow_joint=1.4), zero, None)
    bent = canonicalise(plan_of(robot, arm), zero, None)
    hand = straight.hand_pose[0, 0, 2] - bent.hand_pose[0, 0, 2]
    assert hand < -0.1
    assert np.isnan(straight.angle[0, DOF_INDEX["left_elbow_flexion"]])


def test_what_a_robot_has_not_is_absent() -> None:
    robot = load_embodiment("xhumanoid_tienkung_lite")
    names = motors(robot)
    body = canonicalise(plan_of(robot, names), np.zeros((1, len(names))), None)
    for dof in ("waist_yaw", "neck_pitch", "left_wrist_flexion", "left_forearm_pronation"):
        assert body.status[0, DOF_INDEX[dof]] == Status.ABSENT
    assert body.segment_status[0, SEGMENT_INDEX["head"]] == Status.ABSENT
    assert np.isnan(body.key_position_m[0, SEGMENT_INDEX["head"]]).all()
    assert body.segment_status[0, SEGMENT_INDEX["torso"]] == Status.DERIVED
    assert body.segment_status[0, SEGMENT_INDEX["left_hand"]] == Status.DERIVED


def test_one_ankle_joint_measures_dorsiflexion_alone() -> None:
    robot = load_embodiment("unitree_h1")
    names = motors(robot)
    body = canonicalise(plan_of(robot, names), np.zeros((1, len(names))), None)
    assert body.status[0, DOF_INDEX["left_ankle_dorsiflexion"]] == Status.MEASURED
    assert body.status[0, DOF_INDEX["left_ankle_inversion"]] == Status.ABSENT
    assert body.status[0, DOF_INDEX["waist_yaw"]] == Status.MEASURED
    assert body.status[0, DOF_INDEX["waist_roll"]] == Status.ABSENT


def test_gripper_measures_the_index_and_imputes_the_other_fingers() -> None:
    robot = load_embodiment("pollen_reachy2")
    plan = compile_plan(robot, [None], ["left_index_flexion"], {})
    body = canonicalise(plan, np.array([[0.25], [np.nan]]), np.array([[1.0], [1.0]]))
    left = slice(DOF_INDEX["left_thumb_rotation"], DOF_INDEX["left_little_flexion"] + 1)
    assert body.status[0, left].tolist() == [4, 2, 0, 2, 2, 2]
    np.testing.assert_array_equal(body.angle[0, left][1:], np.full(5, 0.25, np.float32))
    assert body.angle_velocity is not None
    assert body.angle_velocity[0, DOF_INDEX["left_ring_flexion"]] == 1.0
    assert (body.status[1, left] == Status.ABSENT).all()
    assert (body.status[:, DOF_INDEX["right_index_flexion"]] == Status.ABSENT).all()


def test_hand_joints_scale_from_open_to_closed_and_are_held_there() -> None:
    robot = load_embodiment("unitree_g1_inspire")
    names = ["L_index_proximal_joint", "L_pinky_proximal_joint"]
    body = canonicalise(plan_of(robot, names), np.array([[0.85, 2.0]]), None)
    assert body.angle[0, DOF_INDEX["left_index_flexion"]] == pytest.approx(0.5)
    assert body.status[0, DOF_INDEX["left_index_flexion"]] == Status.MEASURED
    assert body.angle[0, DOF_INDEX["left_little_flexion"]] == 1.0
    assert body.status[0, DOF_INDEX["left_little_flexion"]] == Status.CLAMPED
    assert body.status[0, DOF_INDEX["left_ring_flexion"]] == Status.ABSENT


def test_joint_level_robot_has_angles_and_no_geometry() -> None:
    robot = load_embodiment("kscale_kbot")
    names = ["actuator_31", "actuator_22", "actuator_33"]
    body = canonicalise(plan_of(robot, names), np.array([[0.3, -0.2, 0.1]]), None)
    measured = {DOFS[d] for d in np.flatnonzero(body.status[0] == Status.MEASURED)}
    assert measured == {"left_hip_flexion", "right_shoulder_abduction"}
    assert body.angle[0, DOF_INDEX["left_hip_flexion"]] == np.float32(0.3)
    assert body.angle[0, DOF_INDEX["right_shoulder_abduction"]] == np.float32(0.2)
    assert np.isnan(np.delete(body.angle[0], [DOF_INDEX[d] for d in measured])).all()
    assert (body.segment_status == Status.ABSENT).all()
    assert np.isnan(body.hand_pose).all()


def test_near_pole_is_flagged_per_complex() -> None:
    robot = load_embodiment("xhumanoid_tienkung_lite")
    plan = plan_of(
        robot, ["shoulder_pitch_l_joint", "shoulder_roll_l_joint", "shoulder_yaw_l_joint"]
    )
    roll = np.radians([0.0, 60.0, 72.0])
    position = np.column_stack([np.zeros(3), roll, np.zeros(3)])
    body = canonicalise(plan, position, None)
    assert body.near_pole[:, 2].tolist() == [False, False, True]
    assert not body.near_pole[:, [0, 1, 3, 4, 5, 6, 7, 8]].any()


def test_a_mimicking_joint_outside_the_stream_is_derived() -> None:
    robot = load_embodiment("unitree_g1_29dof")
    follow = Mimic("left_knee_joint", multiplier=0.5, offset=0.1)
    joints = tuple(
        replace(j, mimic=follow) if j.name == "right_knee_joint" else j for j in robot.joints
    )
    legs = [n for n in motors(robot) if "hip" in n or n == "left_knee_joint"]
    position = np.full((1, len(legs)), 0.4)
    body = canonicalise(plan_of(replace(robot, joints=joints), legs), position, position)
    left, right = DOF_INDEX["left_knee_flexion"], DOF_INDEX["right_knee_flexion"]
    straight = robot.neutral["left_knee_joint"]
    assert body.status[0, [left, right]].tolist() == [Status.MEASURED, Status.DERIVED]
    assert body.angle[0, right] == pytest.approx(0.5 * 0.4 + 0.1 - straight, abs=1e-4)
    assert body.angle_velocity is not None
    assert body.angle_velocity[0, right] == pytest.approx(0.2, abs=1e-6)
    assert body.segment_status[0, SEGMENT_INDEX["right_shank"]] == Status.DERIVED
    assert body.segment_status[0, SEGMENT_INDEX["right_foot"]] == Status.IMPUTED


def test_a_lift_shows_in_the_torso() -> None:
    robot = load_embodiment("pollen_reachy2")
    body = canonicalise(plan_of(robot, ["tripod_joint"]), np.array([[0.1], [np.nan]]), None)
    torso = SEGMENT_INDEX["torso"]
    assert body.segment_status[:, torso].tolist() == [Status.MEASURED, Status.IMPUTED]
    lifted = body.key_position_m[0, torso, 2] - body.key_position_m[1, torso, 2]
    assert lifted == pytest.approx(0.1)


def test_streams_that_do_not_fit_are_refused() -> None:
    robot = load_embodiment("unitree_g1_29dof")
    with pytest.raises(ValueError, match="left_antenna"):
        compile_plan(robot, ["left_antenna"], [None], {})
    with pytest.raises(ValueError, match="left_knee_joint"):
        compile_plan(robot, ["left_knee_joint", "left_knee_joint"], [None, None], {})
    with pytest.raises(ValueError, match="left_elbow_flexion"):
        compile_plan(robot, [None], ["left_elbow_flexion"], {})
    with pytest.raises(ValueError, match="no_joint"):
        compile_plan(robot, ["left_knee_joint"], [None], {"no_joint": 0.0})
    plan = compile_plan(robot, ["left_knee_joint"], [None], {})
    with pytest.raises(ValueError, match="2 channels"):
        canonicalise(plan, np.zeros((1, 2)), None)
