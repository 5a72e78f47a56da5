"""The simulated fleet: limits hold, legs alternate, arms lift, formats explain themselves."""

from __future__ import annotations

import threading
from itertools import islice, pairwise

import numpy as np
import pytest

from producers.fleet.bench_vendors import write_bench_vendors
from producers.fleet.joint_map import drives
from producers.fleet.motion import build_motion, fit
from producers.fleet.plan import plan_fleet
from producers.fleet.robot import Chunk, EpisodeEnd, EpisodeStart, robot_events
from producers.fleet.run import run_fleet
from producers.fleet.skills import SKILLS, minimum_jerk, skill_angles
from producers.fleet.vary import varied
from producers.fleet.vendor_form import chunk_value, vendor_loop
from producers.sdk.form import Form
from schemas.blocks import block_array, block_fields
from schemas.body import DOF_INDEX, HAND_DOF_START
from schemas.embodiment import embodiment_names, load_embodiment
from schemas.vendors import load_vendors
from tests.fake_kafka import FakeKafka

VENDORS = load_vendors()
PROFILES = sorted(VENDORS.by_profile)


def motion_of(profile, seed=3, chunk_frames=5):
    vendor = VENDORS.by_profile[profile]
    return vendor, build_motion(vendor, seed, vendor.profile.rate_hz, chunk_frames)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(6))
def test_limits_hold(profile, seed):
    vendor, motion = motion_of(profile, seed)
    joints = {joint.name: joint for joint in vendor.embodiment.joints}
    for channel, name in enumerate(vendor.profile.channel_joints):
        if name is None:
            continue
        joint, position = joints[name], motion.position[:, channel]
        if joint.lower is not None and joint.upper is not None:
            assert joint.lower <= position.min() <= position.max() <= joint.upper
            assert joint.lower <= motion.action[:, channel].min()
            assert motion.action[:, channel].max() <= joint.upper
        if joint.velocity:
            assert np.abs(motion.velocity[:, channel]).max() <= joint.velocity + 0.06


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_seed_moves_the_same_way(profile):
    vendor, motion = motion_of(profile)
    again = build_motion(vendor, 3, vendor.profile.rate_hz, 5)
    other = build_motion(vendor, 4, vendor.profile.rate_hz, 5)
    assert motion.position.tobytes() == again.position.tobytes()
    assert motion.position[:50].tobytes() != other.position[:50].tobytes()


@pytest.mark.parametrize("name", sorted(SKILLS))
def test_skills_begin_and_end_at_rest_and_never_jump(name):
    angles = skill_angles(SKILLS[name], 600, 100.0)
    rest = skill_angles(SKILLS["reach"], 600, 100.0)[0]
    np.testing.assert_allclose(angles[[0, -1]], [rest, rest], atol=1e-12)
    assert np.abs(np.diff(angles, axis=0)).max() * 100.0 < 8.0


def test_a_walking_robot_alternates_its_legs():
    angles = skill_angles(SKILLS["walk"], 800, 100.0)
    left, right = (angles[:, DOF_INDEX[f"{side}_knee_flexion"]] for side in ("left", "right"))
    assert left.max() > 0.5
    assert right.max() > 0.5
    assert np.minimum(left, right).max() < 1e-9
    lifted = np.sign(left - right)[np.abs(left - right) > 0.3]
    assert np.count_nonzero(np.diff(lifted)) >= 8


def test_a_waving_robot_lifts_its_arm_and_swings_it():
    angles = skill_angles(SKILLS["wave"], 600, 100.0)[150:480]
    assert angles[:, DOF_INDEX["right_shoulder_abduction"]].min() > 1.3
    swing = angles[:, DOF_INDEX["right_shoulder_rotation"]]
    assert np.count_nonzero(np.diff(np.sign(swing - swing.mean()))) >= 4
    assert np.ptp(angles[:, DOF_INDEX["left_shoulder_abduction"]]) == 0.0


@pytest.mark.parametrize("name", embodiment_names())
def test_every_joint_drives_one_dof_at_most_and_sides_do_not_cross(name):
    embodiment = load_embodiment(name)
    found = drives(embodiment)
    body = [d for d in found if DOF_INDEX[d.dof] < HAND_DOF_START]
    assert len({d.joint for d in found}) == len(found)
    assert len({d.dof for d in body}) == len(body)
    for drive in found:
        for complex_name, chain in embodiment.complexes.items():
            if drive.joint in chain and complex_name.startswith(("left", "right")):
                assert drive.dof.startswith(complex_name.split("_")[0])


def test_g1s_joints_turn_the_way_its_makers_say():
    found = {d.dof: d for d in drives(load_embodiment("unitree_g1_29dof"))}
    assert (found["left_hip_flexion"].joint, found["left_hip_flexion"].scale) == (
        "left_hip_pitch_joint",
        -1.0,
    )
    assert found["left_knee_flexion"].scale == 1.0
    assert found["left_shoulder_abduction"].scale == 1.0
    assert found["right_shoulder_abduction"].scale == -1.0
    assert found["left_elbow_flexion"].scale == -1.0


def test_fit_moves_before_it_shrinks():
    values = np.array([-1.0, 0.0, 1.0])
    assert fit(values, None, 1.0) is values
    np.testing.assert_allclose(np.diff(fit(values, 0.0, 5.0)), [1.0, 1.0])
    shrunk = fit(values, -0.5, 0.5)
    assert -0.5 < shrunk[0] < shrunk[2] < 0.5


def test_minimum_jerk_is_smooth_and_whole():
    share = np.linspace(0, 1, 101)
    way = minimum_jerk(share)
    assert (way[0], way[-1], way[50]) == pytest.approx((0.0, 1.0, 0.5))
    assert np.all(np.diff(way) >= 0)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_vendors_form_is_encoded_by_its_schema(profile):
    vendor, motion = motion_of(profile)
    loop = vendor_loop(vendor, motion, 3)
    form = Form(vendor.profile, vendor.schema)
    assert len(form.encode(chunk_value(loop, 0, 5, 0, 10**18))) <= form.max_bytes


def test_g1_writes_radians_open_hands_as_one_and_seconds():
    vendor, motion = motion_of("unitree-g1-inspire@1")
    loop = vendor_loop(vendor, motion, 3)
    blocks = block_fields(vendor.schema.document)
    value = chunk_value(loop, 10, 15, 300, 10**18)
    state = block_array(blocks["observation_state"], value["observation_state"])
    np.testing.assert_allclose(state[:, :14], motion.position[10:15, :14], atol=1e-6)
    np.testing.assert_allclose(state[:, 14:], 1.0 - motion.position[10:15, 14:], atol=1e-6)
    stamps = block_array(blocks["timestamp"], value["timestamp"])
    np.testing.assert_allclose(stamps, np.arange(300, 305) / 30.0, atol=0.01)
    assert np.all(np.diff(stamps) > 0)


def test_reachy_writes_degrees_and_percent():
    vendor, motion = motion_of("pollen-reachy2@1")
    value = chunk_value(vendor_loop(vendor, motion, 3), 0, 5, 0, 10**18)
    np.testing.assert_allclose(np.deg2rad(value["l_arm"]), motion.position[:5, :7], atol=1e-6)
    hand = vendor.profile.channel_names.index("left_index_flexion")
    expected = 100.0 * (1.0 - motion.position[:5, hand])
    np.testing.assert_allclose(value["l_hand"], expected, atol=1e-5)


def test_kbot_leaves_out_who_did_not_answer():
    vendor, motion = motion_of("kscale-kbot@1")
    loop = vendor_loop(vendor, motion, 3)
    frames = chunk_value(loop, 0, 60, 0, 10**18)["frames"]
    counts = {len(frame["actuator_states"]) for frame in frames}
    assert min(counts) < 22
    state = frames[0]["actuator_states"][0]
    channel = vendor.profile.groups[0].ids.index(state["actuator_id"])
    assert np.deg2rad(state["position"]) == pytest.approx(motion.position[0, channel])
    stamps = [frame["real_timestamp"] for frame in frames]
    assert stamps == sorted(stamps)
    assert stamps[0] == pytest.approx(10**18, abs=5e7)


def test_chunks_cover_the_loop_and_episodes_come_in_pairs():
    vendor, motion = motion_of("pollen-reachy2@1")
    (plan,) = plan_fleet([vendor], 1, chunk_frames=5).robots
    events = list(islice(robot_events(motion.frames, motion.spans, plan), 2_000))
    chunks = [event for event in events if isinstance(event, Chunk)]
    for before, after in pairwise(chunks):
        assert after.first_frame == before.first_frame + before.stop - before.start
        assert after.start == before.stop % motion.frames
    marks = [type(event) for event in events if not isinstance(event, Chunk)]
    assert marks[: len(marks) // 2 * 2] == [EpisodeStart, EpisodeEnd] * (len(marks) // 2)
    ends = [event.success for event in events if isinstance(event, EpisodeEnd)]
    assert True in ends
    assert False in ends


def test_a_fleet_reaches_the_rate_asked_for():
    plan = plan_fleet(list(VENDORS.by_profile.values()), 12, frames_per_second=9_000.0)
    assert plan.frames_per_second == pytest.approx(9_000.0)
    assert len({robot.robot for robot in plan.robots}) == 12


def test_a_vendor_needs_no_code(tmp_path):
    names = write_bench_vendors(tmp_path)
    loaded = load_vendors(tmp_path, only=names)
    assert loaded.names == tuple(names)
    assert len(names) == 12
    for vendor in loaded.by_profile.values():
        assert len(vendor.profile.channel_joints) == 40
        motion = build_motion(vendor, 0, 250.0, 25)
        value = chunk_value(vendor_loop(vendor, motion, 0), 0, 25, 0, 10**18)
        assert len(Form(vendor.profile, vendor.schema).encode(value)) < 64 * 1024


def test_a_fleet_publishes_what_it_counts(monkeypatch):
    kafka = FakeKafka()
    monkeypatch.setattr("producers.fleet.run.Link", lambda *_, **__: kafka.link())
    plan = plan_fleet(list(VENDORS.by_profile.values()), 7, seconds=1.0, seed=5)
    counts = run_fleet(plan, "fake", threading.Event())
    frames = sum(int(headers["frames"]) for *_, headers in kafka.log)
    assert sum(own.frames for own in counts.vendors.values()) == frames
    assert sum(own.acknowledged_frames for own in counts.vendors.values()) == frames
    assert sum(own.robots for own in counts.vendors.values()) == 7
    sessions: dict[str, list[int]] = {}
    for session, sequence in kafka.sequences():
        sessions.setdefault(session, []).append(sequence)
    assert len(sessions) == 7
    assert all(own == list(range(len(own))) for own in sessions.values())


@pytest.mark.parametrize("name", ["fourier", "iit", "kscale", "pollen", "xhumanoid"])
def test_rounds_of_a_loop_differ_in_one_number(name: str) -> None:
    own = load_vendors().newest(name)
    motion = build_motion(own, 0, own.profile.rate_hz, 5)
    value = chunk_value(vendor_loop(own, motion, 0), 0, 5, 0, 10**18)
    blocks = block_fields(own.schema.document)
    again, once_more = (varied(value, own.profile, blocks, rounds) for rounds in (1, 2))
    forms = [Form(own.profile, own.schema).encode(v) for v in (value, again, once_more)]
    assert len(set(forms)) == 3
    changed = [field for field in value if value[field] != again[field]]
    assert len(changed) == 1
