"""What the fleet sends comes out of the pipeline as the motion it was made of."""

from __future__ import annotations

import numpy as np
import pytest

from producers.fleet.joint_map import drives
from producers.fleet.motion import build_motion
from producers.fleet.vendor_form import chunk_value, vendor_loop
from schemas.body import DOF_INDEX
from schemas.marks import MarkKind
from schemas.vendors import load_vendors
from tests.make import chunk, chunks, findings, mark, run

PROFILES = load_vendors().by_profile
FRAMES = 5
HINGES = tuple(f"{s}_{d}" for s in ("left", "right") for d in ("elbow_flexion", "knee_flexion"))


def moved(profile, seed=1, frames=900):
    """Canonical angles [T, 44] of a simulated robot, its motion, and what the checks found."""
    vendor = PROFILES[profile]
    motion = build_motion(vendor, seed, vendor.profile.rate_hz, FRAMES)
    loop = vendor_loop(vendor, motion, seed)
    name = vendor.profile.vendor
    records = [mark(name, MarkKind.SESSION_START)]
    for start in range(0, min(frames, motion.frames), FRAMES):
        n = len(records)
        stop = start + FRAMES
        value = chunk_value(loop, start, stop, start, 1_700_000_000_000_000_000)
        records.append(
            chunk(name, value, FRAMES, offset=n, sequence=n, first_frame=start, log_ms=n)
        )
    outputs = run(records)[1]
    canonical = chunks(outputs)
    assert len(canonical) == len(records) - 1
    return np.concatenate([c.angle for c in canonical]), motion, findings(outputs)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_hinges_come_out_as_they_were_put_in(profile):
    vendor = PROFILES[profile]
    angle, motion, _ = moved(profile)
    joints = vendor.profile.channel_joints
    seen = 0
    for drive in drives(vendor.embodiment):
        if drive.dof in HINGES and drive.joint in joints:
            column = motion.position[: len(angle), joints.index(drive.joint)]
            expected = (column - drive.at_zero) / drive.scale
            found = angle[:, DOF_INDEX[drive.dof]]
            reported = np.isfinite(found)
            assert reported.mean() > 0.9
            np.testing.assert_allclose(found[reported], expected[reported], atol=0.05)
            seen += 1
    assert seen >= 2


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_the_checks_find_no_fault_in_time_or_limits(profile):
    _, _, found = moved(profile)
    ids = {finding.check for finding in found}
    assert not ids & {"gap", "out_of_order", "duplicate_stamp", "non_finite", "joint_limit"}


def seeds_with(profile, skill):
    vendor = PROFILES[profile]
    for seed in range(20):
        motion = build_motion(vendor, seed, vendor.profile.rate_hz, FRAMES)
        for span in motion.spans:
            if span.name == skill and span.stop <= 900:
                return seed, span
    raise AssertionError(f"no seed of 20 makes {profile} {skill}")


@pytest.mark.parametrize("profile", ["fourier-gr1@1", "xhumanoid-tienkung-lite@1"])
def test_a_walking_robot_alternates_its_legs(profile):
    seed, span = seeds_with(profile, "walk")
    angle, _, _ = moved(profile, seed)
    walk = angle[span.start : span.stop]
    left, right = (walk[:, DOF_INDEX[f"{side}_knee_flexion"]] for side in ("left", "right"))
    assert left.max() > 0.3
    assert right.max() > 0.3
    assert np.corrcoef(left, right)[0, 1] < -0.2


@pytest.mark.parametrize(
    "profile",
    ["fourier-gr1@1", "pollen-reachy2@1", "unitree-g1-inspire@1", "xhumanoid-tienkung-lite@1"],
)
def test_a_waving_robot_lifts_its_right_arm(profile):
    seed, span = seeds_with(profile, "wave")
    angle, _, _ = moved(profile, seed)
    middle = (span.start + span.stop) // 2
    right = angle[middle, DOF_INDEX["right_shoulder_abduction"]]
    left = angle[middle, DOF_INDEX["left_shoulder_abduction"]]
    assert right > 1.0
    assert left < 0.4
