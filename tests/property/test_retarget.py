"""Laws of retargeting that hold for every robot; tried on some of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.body import MIRROR_DOF, MIRROR_SEGMENT, MIRROR_SIGN, SEGMENT_INDEX, Status, mirror_name
from schemas.embodiment import Embodiment, load_embodiment
from streams.body_plan import CanonicalBody, canonicalise, compile_plan
from streams.kernels.frames import rotation_of_quat
from streams.retarget_limbs import UNKNOWN_SPEED
from streams.retarget_plan import (
    Retargeted,
    RetargetState,
    TargetPlan,
    compile_target,
    limb_makes,
    retarget,
    start_retarget,
)
from tests.make import SAMPLE

PERIOD_NS = 20_000_000
PLANS = {name: compile_target(load_embodiment(name)) for name in SAMPLE}
OWN = {
    name: compile_target(load_embodiment(name), shown_by=limb_makes(load_embodiment(name)))
    for name in SAMPLE
}


@dataclass
class Motion:
    """The three arrays that retargeting reads."""

    angle: np.ndarray
    status: np.ndarray
    segment_quat: np.ndarray


def motors(robot: Embodiment) -> list[str]:
    return [joint.name for joint in robot.joints if joint.mimic is None]


def smooth_motion(name: str, frames: int, seed: int, share: float = 0.5) -> np.ndarray:
    """Sines about the neutral pose, within `share` of the way to the limits."""
    robot, plan = load_embodiment(name), PLANS[name]
    rng = np.random.default_rng(seed)
    lower, upper, rest = plan.motors.lower, plan.motors.upper, plan.motors.rest
    rest = np.clip(rest, lower + 0.1 * (upper - lower), upper - 0.1 * (upper - lower))
    room = np.minimum(upper - rest, rest - lower)
    time = np.arange(frames)[:, None] * PERIOD_NS * 1e-9
    rate, phase = rng.uniform(0.5, 2.0, len(rest)), rng.uniform(0, 6.3, len(rest))
    moved: np.ndarray = rest + share * room * np.sin(rate * time + phase)
    assert len(motors(robot)) == moved.shape[1]
    return moved


def on_body(name: str, position: np.ndarray) -> CanonicalBody:
    names = motors(load_embodiment(name))
    return canonicalise(
        compile_plan(load_embodiment(name), names, [None] * len(names), {}), position, None
    )


def stamps(frames: int) -> np.ndarray:
    return 1_700_000_000_000_000_000 + np.arange(frames, dtype=np.int64) * PERIOD_NS


def cut(body: CanonicalBody, part: slice) -> Motion:
    return Motion(body.angle[part], body.status[part], body.segment_quat[part])


def run(plan: TargetPlan, body: CanonicalBody, t_ns: np.ndarray) -> Retargeted:
    return retarget(plan, start_retarget(plan), body, t_ns)[1]


def same(one: Retargeted, other: Retargeted, part: slice = slice(None)) -> None:
    for field in Retargeted.__dataclass_fields__:
        expected = np.ascontiguousarray(getattr(one, field)[part])
        assert expected.tobytes() == np.ascontiguousarray(getattr(other, field)).tobytes(), field


@pytest.mark.parametrize("name", SAMPLE)
def test_a_robots_own_motion_gives_its_joints_back(name: str) -> None:
    """In limbs of six joints and more; another could show the same with its knee bent back."""
    position = smooth_motion(name, 600, seed=3)
    plan = OWN[name]
    out = run(plan, on_body(name, position), stamps(600))
    for limb in plan.limbs:
        if limb.has is None and len(limb.joint) < 6:
            continue
        error = np.abs(out.position_rad[:, limb.joint] - position[:, limb.joint]).max(axis=1)
        assert np.percentile(error, 99) <= 1e-5, limb.name
    assert out.reachable.all()
    assert not out.velocity_limited.any()
    if plan.fingers.joint.size:
        ends = np.stack([plan.fingers.rule[:, 0], plan.fingers.rule.sum(axis=1)])
        known = np.clip(position[:, plan.fingers.joint], ends.min(axis=0), ends.max(axis=0))
        np.testing.assert_allclose(out.position_rad[:, plan.fingers.joint], known, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLE)
def test_any_pose_within_the_limits_is_reached(name: str) -> None:
    plan = OWN[name]
    rng = np.random.default_rng(11)
    position = rng.uniform(plan.motors.lower, plan.motors.upper, (300, len(plan.joint_names)))
    out = run(plan, on_body(name, position), np.arange(300) * 10**10)
    assert out.reachable.mean() >= 0.98
    assert not out.velocity_limited.any()


@pytest.mark.parametrize("source", ["unitree_h1", "pollen_reachy2"])
@pytest.mark.parametrize("target", SAMPLE)
def test_limits_and_velocity_limits_are_never_violated(source: str, target: str) -> None:
    plan = PLANS[target]
    # Every tenth frame jumps to another pose, and some stamps repeat or go back.
    position = smooth_motion(source, 300, seed=5, share=0.95)
    position[::10] = smooth_motion(source, 30, seed=6, share=0.95)
    t_ns = stamps(300)
    t_ns[40] = t_ns[39]
    t_ns[80] = t_ns[70]
    out = run(plan, on_body(source, position), t_ns).position_rad
    assert (out >= plan.motors.lower).all()
    assert (out <= plan.motors.upper).all()
    passed = np.diff(np.maximum.accumulate(t_ns)) * 1e-9
    assert (np.abs(np.diff(out, axis=0)) <= plan.motors.speed * passed[:, None]).all()


def test_unknown_velocity_limits_are_ten_radians_a_second() -> None:
    robot = load_embodiment("iit_icub")
    unknown = [joint.velocity is None for joint in robot.joints]
    assert (PLANS["iit_icub"].motors.speed[unknown] == UNKNOWN_SPEED).all()
    assert any(unknown)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(SAMPLE),
    st.sampled_from(SAMPLE),
    st.sets(st.integers(1, 59)),
    st.integers(0, 99),
)
def test_the_result_does_not_depend_on_the_chunks(
    source: str, target: str, cuts: set[int], seed: int
) -> None:
    plan, t_ns = PLANS[target], stamps(60)
    body = on_body(source, smooth_motion(source, 60, seed, 0.9))
    t_ns[30:] += plan.gap_ns
    body.segment_quat[20:23] = np.nan
    whole = run(plan, body, t_ns)
    state: RetargetState = start_retarget(plan)
    edges = [0, *sorted(cuts), 60]
    for first, last in pairwise(edges):
        part = slice(first, last)
        state, piece = retarget(plan, state, cut(body, part), t_ns[part])
        same(whole, piece, part)
    same(whole, run(plan, body, t_ns))


@pytest.mark.parametrize("target", SAMPLE)
def test_a_limb_does_not_depend_on_the_limbs_beside_it(target: str) -> None:
    """Limbs are solved side by side: each of them alone gives the same bits."""
    robot, t_ns = load_embodiment(target), stamps(60)
    body = on_body("unitree_g1_29dof", smooth_motion("unitree_g1_29dof", 60, 11, 0.95))
    whole = run(PLANS[target], body, t_ns)
    for row, limb in enumerate(PLANS[target].limb_names):
        alone = compile_target(robot, [limb])
        own = alone.limbs[0].joint
        moved = run(alone, body, t_ns)
        assert moved.position_rad[:, own].tobytes() == whole.position_rad[:, own].tobytes()
        assert moved.residual_pct[:, 0].tobytes() == whole.residual_pct[:, row].tobytes()


def test_a_gap_forgets_what_was_before() -> None:
    plan, t_ns = PLANS["fourier_gr1t2_inspire"], stamps(40)
    body = on_body("unitree_g1_29dof", smooth_motion("unitree_g1_29dof", 40, 8))
    t_ns[20:] += plan.gap_ns + 1
    whole = run(plan, body, t_ns)
    same(whole, run(plan, cut(body, slice(20, 40)), t_ns[20:]), slice(20, 40))  # type: ignore[arg-type]


def mirrored(body: CanonicalBody) -> Motion:
    quat = body.segment_quat[:, MIRROR_SEGMENT] * np.array([1.0, -1.0, 1.0, -1.0])
    angle = (body.angle[:, MIRROR_DOF] * MIRROR_SIGN).astype(np.float32)
    return Motion(angle, body.status[:, MIRROR_DOF], quat)


@pytest.mark.parametrize("source", ["unitree_g1_29dof", "pollen_reachy2", "unitree_h1"])
def test_a_mirrored_motion_is_retargeted_to_the_mirrored_pose(source: str) -> None:
    """H1 is symmetric to 1e-6; what it does beyond a nearly straight limb goes by its history."""
    plan = PLANS["unitree_h1"]
    body, t_ns = on_body(source, smooth_motion(source, 200, 4, 0.3)), stamps(200)
    one = run(plan, body, t_ns)
    other = retarget(plan, start_retarget(plan), mirrored(body), t_ns)[1]
    swap = [plan.limb_names.index(mirror_name(limb)) for limb in plan.limb_names]
    assert (one.reachable[:, swap] == other.reachable).mean() >= 0.98
    left = np.stack([one.residual_pct[:, swap], other.residual_pct]).max(axis=0)
    settled = (left <= 1e-5) & ~(one.velocity_limited[:, swap] | other.velocity_limited)
    compared = 0
    for limb in (limb for limb in plan.limbs if limb.name.endswith("_arm")):
        exact = settled[:, plan.limb_names.index(limb.name)]
        compared += int(exact.sum())
        mirror_of = next(other for other in plan.limbs if other.name == mirror_name(limb.name))
        for to, at in zip(limb.joint, mirror_of.joint, strict=True):
            name = plan.joint_names[to]
            sign = -1.0 if "roll" in name or "yaw" in name else 1.0
            off = one.position_rad[exact, at] - sign * other.position_rad[exact, to]
            assert (np.abs(off) <= 1e-4).mean() >= 0.7, name
    assert compared >= 100


LIMB = {
    "arm": ("torso", ("upper_arm", "forearm", "hand")),
    "leg": ("pelvis", ("thigh", "shank", "foot")),
}


@pytest.mark.parametrize("source", SAMPLE)
@pytest.mark.parametrize("target", ["unitree_g1_29dof", "fourier_gr1t2_inspire"])
def test_the_end_is_where_the_sources_directions_put_it(source: str, target: str) -> None:
    """Measured on the target's own canonical body, by other code than the solver's."""
    plan = PLANS[target]
    out = run(plan, on_body(source, smooth_motion(source, 200, 9, 0.3)), stamps(200))
    there = on_body(target, out.position_rad)
    here = on_body(source, smooth_motion(source, 200, 9, 0.3)).segment_quat
    length = load_embodiment(target).limb_length_m
    for k, limb in enumerate(plan.limb_names):
        side, kind = limb.split("_")
        base, parts = LIMB[kind]
        upper, fore, end = (SEGMENT_INDEX[f"{side}_{part}"] for part in parts)
        metres = [length[f"{side}_{part}"] for part in parts[:2]]
        for t in np.flatnonzero(out.reachable[:, k] & ~out.velocity_limited[:, k])[::10]:
            of_source, of_target = (
                rotation_of_quat(quat[t, SEGMENT_INDEX[base]]).T
                for quat in (here, there.segment_quat)
            )
            wanted = of_source @ sum(
                -metre * rotation_of_quat(here[t, s])[:, 2]
                for metre, s in zip(metres, (upper, fore), strict=True)
            )
            at = of_target @ (there.key_position_m[t, end] - there.key_position_m[t, upper])
            distance = 100 * np.linalg.norm(at - wanted) / sum(metres)
            assert distance == pytest.approx(out.residual_pct[t, k], abs=1e-4)
            assert distance <= 1.0


def test_what_the_source_has_not_rests_in_the_neutral_pose() -> None:
    plan = PLANS["unitree_g1_29dof"]
    out = run(plan, on_body("pollen_reachy2", smooth_motion("pollen_reachy2", 20, 2)), stamps(20))
    legs = [i for i, name in enumerate(plan.joint_names) if "hip" in name or "knee" in name]
    assert (out.status[:, legs] == Status.IMPUTED).all()
    np.testing.assert_array_equal(
        out.position_rad[:, legs], np.tile(plan.motors.rest[legs], (20, 1))
    )
    leg = plan.limb_names.index("left_leg")
    assert np.isnan(out.residual_pct[:, leg]).all()
    assert not out.reachable[:, leg].any()
    arm = plan.joint_names.index("left_elbow_joint")
    assert (out.status[:, arm] == Status.DERIVED).all()
