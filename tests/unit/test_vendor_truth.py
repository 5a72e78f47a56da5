"""A few frames of each maker, in its own form, against truth checked by hand.

Poses were checked on the robots' descriptions: which joint turns, which way, what moves forward.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from schemas.body import DOF_INDEX, SEGMENT_INDEX, Status
from schemas.canonical import CanonicalChunk
from tests import make

RIGHT_ANGLE = math.pi / 2
LEFT, RIGHT = 0, 1
X, Y, Z = range(3)


def canonical(name: str, value: Any, frames: int = 1) -> CanonicalChunk:
    (chunk,) = make.chunks(make.run([make.chunk(name, value, frames)])[1])
    return chunk


def angle(chunk: CanonicalChunk, dof: str) -> float:
    return float(chunk.angle[0, DOF_INDEX[dof]])


def status(chunk: CanonicalChunk, dof: str) -> Status:
    return Status(chunk.angle_status[0, DOF_INDEX[dof]])


def segment(chunk: CanonicalChunk, name: str) -> Status:
    return Status(chunk.segment_status[0, SEGMENT_INDEX[name]])


def blocks(name: str, **columns: Any) -> dict[str, bytes]:
    """A message of one frame in blocks; columns that are not named are zero."""
    return {
        field["name"]: np.asarray(
            columns.get(field["name"], np.zeros((1, field["columns"]))), field["dtype"]
        ).tobytes()
        for field in make.vendor(name).schema.document["fields"]
    }


def joints(name: str, **values: float) -> np.ndarray:
    """One frame of native values, zero where not named."""
    row = np.zeros((1, len(make.vendor(name).profile.channel_names)))
    for joint, value in values.items():
        row[0, make.vendor(name).profile.channel_names.index(joint)] = value
    return row


class TestReachy2:
    """Degrees; Reachy's elbow bends towards negative angles."""

    def test_an_elbow_of_ninety_degrees_is_a_right_angle_and_lifts_the_left_hand(self) -> None:
        chunk = canonical("pollen", make.reachy_value(l_arm=[[0, 0, 0, -90.0, 0, 0, 0]]))
        assert angle(chunk, "left_elbow_flexion") == pytest.approx(RIGHT_ANGLE, abs=1e-6)
        assert angle(chunk, "right_elbow_flexion") == pytest.approx(0, abs=1e-6)
        assert chunk.hand_pose is not None
        left, right = chunk.hand_pose[0]
        assert left[Y] > 0 > right[Y]
        assert left[X] > right[X] + 0.3, "the forearm points forward"
        assert left[Z] > right[Z] + 0.3

    def test_a_gripper_measures_the_index_and_imputes_the_other_fingers(self) -> None:
        chunk = canonical("pollen", make.reachy_value(l_hand=[100.0], r_hand=[25.0]))
        assert angle(chunk, "left_index_flexion") == 0.0
        assert angle(chunk, "right_index_flexion") == pytest.approx(0.75)
        assert angle(chunk, "right_little_flexion") == pytest.approx(0.75)
        assert status(chunk, "right_index_flexion") is Status.MEASURED
        assert status(chunk, "right_little_flexion") is Status.IMPUTED
        assert status(chunk, "right_thumb_rotation") is Status.ABSENT

    def test_a_wheeled_robot_has_no_legs_at_all(self) -> None:
        chunk = canonical("pollen", make.reachy_value())
        assert math.isnan(angle(chunk, "left_knee_flexion"))
        assert segment(chunk, "left_shank") is Status.ABSENT

    def test_antennas_are_kept_natively_in_radians(self) -> None:
        chunk = canonical("pollen", make.reachy_value(l_antenna=[-10.0]))
        column = make.vendor("pollen").profile.channel_names.index("antenna_left")
        assert chunk.position[0, column] == pytest.approx(math.radians(-10))


class TestUnitreeG1:
    """Arms and Inspire hands; the stream holds neither waist nor legs."""

    def value(self, **state: float) -> dict[str, bytes]:
        row = joints("unitree", **state)
        row[0, 14:] = np.where(row[0, 14:] == 0, 1.0, row[0, 14:])  # hands open
        return blocks("unitree", observation_state=row, action=row)

    def test_zero_is_a_bent_elbow_and_open_hands(self) -> None:
        chunk = canonical("unitree", self.value())
        for side in ("left", "right"):
            assert angle(chunk, f"{side}_elbow_flexion") == pytest.approx(1.43, abs=0.02)
            assert angle(chunk, f"{side}_index_flexion") == 0.0

    def test_the_left_elbow_moves_the_left_arm_alone(self) -> None:
        rest = canonical("unitree", self.value())
        bent = canonical("unitree", self.value(left_elbow_joint=-0.5))
        turned = angle(rest, "left_elbow_flexion") - angle(bent, "left_elbow_flexion")
        assert abs(turned) == pytest.approx(0.5, abs=0.02)
        assert angle(bent, "right_elbow_flexion") == angle(rest, "right_elbow_flexion")

    def test_inspire_channels_run_from_the_little_finger_to_the_thumb(self) -> None:
        row = np.ones((1, 26))
        row[0, 17] = 0.0  # kLeftHandIndex, closed
        row[0, 24] = 0.25  # kRightHandThumbBend
        chunk = canonical("unitree", blocks("unitree", observation_state=row, action=row))
        assert angle(chunk, "left_index_flexion") == 1.0
        assert angle(chunk, "left_middle_flexion") == 0.0
        assert angle(chunk, "right_thumb_flexion") == pytest.approx(0.75)

    def test_missing_legs_leave_feet_imputed_and_never_nan(self) -> None:
        chunk = canonical("unitree", self.value())
        assert math.isnan(angle(chunk, "left_hip_flexion"))
        assert status(chunk, "left_hip_flexion") is Status.ABSENT
        assert segment(chunk, "left_foot") is Status.IMPUTED
        assert segment(chunk, "left_hand") is Status.IMPUTED, "the waist is not in the stream"
        assert chunk.foot_pose is not None
        assert np.isfinite(chunk.foot_pose).all()
        left, right = chunk.foot_pose[0]
        assert left[Y] > 0 > right[Y]
        assert left[Z] < -0.5


class TestFourierGr1:
    """44 anonymous motors; the numbers are those of the maker's own layout."""

    @pytest.mark.parametrize(
        ("motor", "value", "dof", "expected"),
        [
            (3, -1.0, "left_elbow_flexion", 1.0),
            (25, -1.0, "right_elbow_flexion", 1.0),
            (16, 0.7, "left_knee_flexion", 0.7),
            (38, 0.7, "right_knee_flexion", 0.7),
            (41, 0.3, "waist_yaw", 0.3),
            (19, 0.3, "neck_yaw", 0.3),
        ],
    )
    def test_motor(self, motor: int, value: float, dof: str, expected: float) -> None:
        rest = canonical("fourier", make.gr1_value(np.zeros((1, 44)), np.zeros(1)))
        position = np.zeros((1, 44))
        position[0, motor] = value
        chunk = canonical("fourier", make.gr1_value(position, np.zeros(1)))
        assert angle(chunk, dof) == pytest.approx(expected, abs=0.01)
        assert status(chunk, dof) is Status.MEASURED
        limb = dof.rsplit("_", 2)[0] if "knee" in dof or "elbow" in dof else dof
        others = [d for d in DOF_INDEX if not d.startswith(limb.split("_")[0])]
        moved = [d for d in others if abs(angle(chunk, d) - angle(rest, d)) > 0.01]
        assert moved == []

    def test_every_dof_of_the_body_is_there(self) -> None:
        chunk = canonical("fourier", make.gr1_value(np.zeros((1, 44)), np.zeros(1)))
        assert not (chunk.angle_status == Status.ABSENT).any()


class TestIcub:
    """Faces −x, knees bend towards negative angles, no wrists in the stream."""

    def test_knee_and_sides(self) -> None:
        position = joints("iit", l_knee=-0.6)
        chunk = canonical(
            "iit", blocks("iit", estimatorJointsPos=position, estimatorJointsTime=[[1.0]])
        )
        assert angle(chunk, "left_knee_flexion") == pytest.approx(0.6, abs=0.01)
        assert angle(chunk, "right_knee_flexion") == pytest.approx(0.0, abs=0.01)
        assert chunk.foot_pose is not None
        left, right = chunk.foot_pose[0]
        assert left[Y] > 0 > right[Y]
        assert left[X] < right[X] - 0.1, "a bent knee brings the foot back"

    def test_the_wrist_is_absent_and_the_hand_imputed(self) -> None:
        chunk = canonical("iit", blocks("iit"))
        assert status(chunk, "left_wrist_flexion") is Status.ABSENT
        assert segment(chunk, "left_hand") is Status.IMPUTED
        assert segment(chunk, "left_forearm") is Status.MEASURED

    def test_base_and_imu_are_carried(self) -> None:
        turn = [[0.0, 0.0, RIGHT_ANGLE]]  # roll, pitch, yaw
        chunk = canonical("iit", blocks("iit", linkBaseRot=turn, imuAcc=[[0, 0, 9.8]]))
        half = math.sqrt(0.5)
        np.testing.assert_allclose(chunk.base_quaternion, [[half, 0, 0, half]], atol=1e-6)
        np.testing.assert_allclose(chunk.base_acceleration, [[0, 0, 9.8]], rtol=1e-6)


class TestTienKungLite:
    """Rows of 52 numbers; no clock, no waist, no neck, no wrists."""

    def value(self, frames: int = 1, **values: float) -> dict[str, Any]:
        row = [0.0] * 52
        row[6:26] = joints("xhumanoid", **values)[0].tolist()
        row[2] = 0.9
        return {"FrameDuration": 0.033, "Frames": [row] * frames}

    def test_hip_knee_and_elbow(self) -> None:
        value = self.value(hip_pitch_l_joint=-0.3, knee_pitch_r_joint=0.5, elbow_l_joint=-0.8)
        chunk = canonical("xhumanoid", value)
        assert angle(chunk, "left_hip_flexion") == pytest.approx(0.3, abs=0.01)
        assert angle(chunk, "right_knee_flexion") == pytest.approx(0.5, abs=0.01)
        assert angle(chunk, "left_elbow_flexion") == pytest.approx(0.8, abs=0.01)
        assert chunk.foot_pose is not None
        left, right = chunk.foot_pose[0]
        assert left[Y] > 0 > right[Y]
        assert left[X] > 0.1 > 0 > right[X]

    def test_time_is_the_frame_index_over_the_rate(self) -> None:
        chunk = canonical("xhumanoid", self.value(3), 3)
        assert chunk.t_source is None
        np.testing.assert_array_equal(chunk.t_ns - chunk.t_ns[0], [0, 33_000_000, 66_000_000])
        assert chunk.base_position is not None
        assert chunk.base_position[0, Z] == pytest.approx(0.9)


class TestKbot:
    """Sparse, by CAN id, in degrees; no description, so no geometry."""

    def frame(self, **degrees: float) -> dict[str, Any]:
        states = [
            {
                "actuator_id": int(name.removeprefix("can")), "online": True, "position": value,
                "velocity": 0.0, "torque": 0.0, "temperature": 21.0, "voltage": None,
                "current": None,
            }
            for name, value in degrees.items()
        ]  # fmt: skip
        return {
            "real_timestamp": 10**18,
            "video_timestamp": 0,
            "video_frame_number": 0,
            "inference_step": 0,
            "actuator_states": states,
            "actuator_commands": [],
        }

    def test_what_did_not_answer_is_absent_and_not_zero(self) -> None:
        chunk = canonical("kscale", {"frames": [self.frame(can31=-30.0)]})
        column = make.vendor("kscale").profile.channel_names.index("actuator_31")
        assert chunk.position[0, column] == pytest.approx(math.radians(-30))
        assert np.isnan(np.delete(chunk.position[0], column)).all()
        assert status(chunk, "left_hip_flexion") is Status.MEASURED
        assert abs(angle(chunk, "left_hip_flexion")) == pytest.approx(math.radians(30))
        assert status(chunk, "right_hip_flexion") is Status.ABSENT
        assert math.isnan(angle(chunk, "right_hip_flexion"))
        assert not chunk.flags[0] & np.uint64(1 << 4), "absent is not non-finite"

    def test_an_empty_frame_is_a_frame(self) -> None:
        chunk = canonical("kscale", {"frames": [self.frame(can31=1.0), self.frame()]}, 2)
        assert np.isnan(chunk.position[1]).all()
        assert chunk.frames == 2

    def test_without_geometry_there_are_no_poses(self) -> None:
        chunk = canonical("kscale", {"frames": [self.frame(can31=1.0)]})
        assert chunk.hand_pose is None
        assert chunk.foot_pose is None
        assert (chunk.segment_status == Status.ABSENT).all()

    def test_an_unknown_device_is_refused_by_name(self) -> None:
        record = make.chunk("kscale", {"frames": [self.frame(can99=1.0)]}, 1)
        (letter,) = make.dead_letters(make.run([record])[1])
        assert "device 99" in letter.detail
