"""Every robot that is known by name: its attribution, and its simulated motion on the body."""

from __future__ import annotations

import numpy as np
import pytest

from producers.fleet.joint_map import drives
from producers.fleet.made_vendors import write_robots
from producers.fleet.motion import build_motion
from producers.onboarding.ship import PASSED_ON, ROOT
from schemas.body import DOF_INDEX, SIDES, Status
from schemas.embodiment import embodiment_names, load_embodiment
from schemas.vendors import Vendor, load_vendors
from streams.body_plan import canonicalise, compile_plan
from streams.kernels.chunk import canonicalise_chunk

NAMES = embodiment_names()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vendor]:
    """A vendor for every shipped robot, by its name."""
    folder = tmp_path_factory.mktemp("profiles")
    write_robots(folder, NAMES, rate_hz=20.0)
    loaded = load_vendors(folder).by_profile.values()
    return {v.profile.embodiment: v for v in loaded if v.profile.vendor.startswith("sim-")}


@pytest.mark.parametrize("name", NAMES)
def test_its_source_and_licence_are_named(name: str) -> None:
    robot = load_embodiment(name)
    assert robot.licence in PASSED_ON
    assert robot.maker
    assert robot.source
    for listed in ("NOTICE", "docs/robots.md"):
        words = (ROOT / listed).read_text(encoding="utf-8").replace("`", "").split()
        assert name in words


@pytest.mark.parametrize("name", NAMES)
def test_its_simulated_motion_comes_out_on_the_body(
    name: str, simulated: dict[str, Vendor]
) -> None:
    vendor, robot = simulated[name], load_embodiment(name)
    motion = build_motion(vendor, 1, vendor.profile.rate_hz, 5)
    joints = list(vendor.profile.channel_names)
    plan = compile_plan(robot, joints, [None] * len(joints), {})
    body = canonicalise(plan, motion.position, None)
    assert np.isfinite(body.segment_quat[body.segment_status == Status.MEASURED]).all()
    for drive in drives(robot):
        hinge = drive.dof.endswith(("elbow_flexion", "knee_flexion"))
        if hinge and body.status[0, DOF_INDEX[drive.dof]] == Status.MEASURED:
            sent = (motion.position[:, joints.index(drive.joint)] - drive.at_zero) / drive.scale
            seen = body.angle[:, DOF_INDEX[drive.dof]]
            apart = np.angle(np.exp(1j * (seen - sent)))
            assert np.abs(apart).max() < 0.05, drive
    for side in SIDES:
        if f"{side}_hand" in robot.segments:
            assert np.isfinite(body.hand_pose[:, SIDES.index(side)]).all()


def test_kernels_are_compiled_once_for_all_robots(simulated: dict[str, Vendor]) -> None:
    for name in NAMES:
        robot, joints = load_embodiment(name), simulated[name].profile.channel_names
        plan = compile_plan(robot, joints, [None] * len(joints), {})
        canonicalise(plan, np.zeros((2, len(joints))), None)
    assert len(canonicalise_chunk.signatures) == 1
