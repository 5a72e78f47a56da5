"""Laws of the kernels that hold for every robot; tried on some of each kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.body import (
    COMPLEXES,
    DOF_INDEX,
    HAND_DOF_START,
    MIRROR_DOF,
    MIRROR_SIGN,
    SEGMENT_INDEX,
    mirror_name,
)
from schemas.embodiment import Embodiment, load_embodiment
from streams.body_plan import BodyPlan, CanonicalBody, canonicalise, compile_plan
from streams.kernels.angles import half_twist_y, yxz, zxy
from streams.kernels.frames import quat_of_rotation, rotation_about, rotation_of_quat
from streams.kernels.trig import LARGEST, arctangents, half_angles
from tests.make import SAMPLE

ANGLE = st.floats(-3.1, 3.1)
MIDDLE = st.floats(-1.55, 1.55)
X, Y, Z = np.eye(3)
FIELDS = [name for name, kind in vars(CanonicalBody).items() if isinstance(kind, property)]


def twist_y(quat: np.ndarray) -> float:
    return 2 * float(np.arctan2(*half_twist_y(quat[0], quat[2])))


def full_stream(name: str) -> tuple[Embodiment, list[str], BodyPlan]:
    robot = load_embodiment(name)
    names = [joint.name for joint in robot.joints if joint.mimic is None]
    return robot, names, compile_plan(robot, names, [None] * len(names), {})


def random_poses(robot: Embodiment, names: list[str], count: int, spread: float) -> np.ndarray:
    neutral = np.array([robot.neutral.get(name, 0.0) for name in names])
    poses: np.ndarray = neutral + np.random.default_rng(7).uniform(
        -spread, spread, (count, len(names))
    )
    return poses


@given(ANGLE, MIDDLE, ANGLE)
def test_angles_are_those_the_rotation_was_made_of(a: float, b: float, c: float) -> None:
    for order, solve in ((((Z, X, Y)), zxy), ((Y, X, Z), yxz)):
        turned = rotation_about(order[0], a) @ rotation_about(order[1], b)
        quat = quat_of_rotation(turned @ rotation_about(order[2], c))
        for sign in (1.0, -1.0):
            terms = np.array(solve(*(sign * quat)))
            np.testing.assert_allclose(np.arctan2(terms[::2], terms[1::2]), (a, b, c), atol=1e-9)


@given(ANGLE, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_twist_is_what_a_hinge_turns_and_ignores_a_swing_after_it(
    turn: float, x: float, z: float
) -> None:
    quat = quat_of_rotation(rotation_about(Y, turn))
    assert twist_y(quat) == pytest.approx(turn, abs=1e-12)
    swing = quat_of_rotation(rotation_about(X, x) @ rotation_about(Z, z))
    swing = np.array([swing[0], swing[1], 0.0, swing[3]])
    swung = quat_of_rotation(rotation_about(Y, turn) @ rotation_of_quat(swing))
    assert np.cos(twist_y(swung) - turn) == pytest.approx(1.0, abs=1e-12)


@given(st.lists(st.floats(-LARGEST, LARGEST), min_size=1, max_size=40))
def test_half_angles_are_those_of_libm(angles: list[float]) -> None:
    angle = np.array(angles)
    cos, sin = np.empty_like(angle), np.empty_like(angle)
    half_angles(angle, cos, sin)
    np.testing.assert_allclose(cos, np.cos(angle / 2), rtol=0, atol=4e-16)
    np.testing.assert_allclose(sin, np.sin(angle / 2), rtol=0, atol=4e-16)


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=40))
def test_arctangents_are_those_of_libm(points: list[tuple[float, float]]) -> None:
    y, x = np.array(points).T.copy() + 0.0
    out = np.empty_like(y)
    arctangents(y, x, out)
    known = np.arctan2(y, x)
    known[(x == 0) & (y == 0)] = 0.0
    np.testing.assert_allclose(out, known, rtol=0, atol=9e-16)


@pytest.mark.parametrize("name", SAMPLE)
def test_neutral_pose_gives_zeros(name: str) -> None:
    robot, names, plan = full_stream(name)
    position = np.array([[robot.neutral.get(n, 0.0) for n in names]])
    angle = canonicalise(plan, position, None).angle[0, :HAND_DOF_START]
    kept = [DOF_INDEX[dof] for dof in robot.offset_rad]
    angle = np.delete(angle, kept)
    assert np.nanmax(np.abs(angle)) <= 1e-6


@pytest.mark.parametrize("name", SAMPLE)
def test_a_frame_depends_on_itself_alone(name: str) -> None:
    robot, names, plan = full_stream(name)
    position = random_poses(robot, names, 12, 1.0)
    position[3, ::5] = np.nan
    position[7, 1::3] = np.nan
    whole = canonicalise(plan, position, position[::-1])
    for cut in ((0, 5), (5, 6), (6, 12)):
        part = canonicalise(plan, position[slice(*cut)], position[::-1][slice(*cut)])
        for field in FIELDS:
            one, other = getattr(whole, field)[slice(*cut)], getattr(part, field)
            assert one.tobytes() == other.tobytes(), field


@pytest.mark.parametrize("name", SAMPLE)
def test_velocity_is_the_directional_derivative(name: str) -> None:
    robot, names, plan = full_stream(name)
    position = random_poses(robot, names, 40, 0.6)
    velocity = np.random.default_rng(8).uniform(-1, 1, position.shape)
    step = 1e-3
    ahead = canonicalise(plan, position + step * velocity, None).angle.astype(np.float64)
    behind = canonicalise(plan, position - step * velocity, None).angle.astype(np.float64)
    slope = np.angle(np.exp(1j * (ahead - behind)))[:, :HAND_DOF_START] / (2 * step)
    given_rate = canonicalise(plan, position, velocity).angle_velocity
    assert given_rate is not None
    rate = given_rate[:, :HAND_DOF_START]
    assert np.array_equal(np.isnan(rate), np.isnan(slope))
    np.testing.assert_allclose(rate, slope, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize(("name", "tolerance"), [("unitree_h1", 1e-6), ("unitree_g1_29dof", 2e-4)])
def test_mirrored_pose_is_mirrored_canonical(name: str, tolerance: float) -> None:
    """G1's figures are mirror images to 1e-4 only."""
    robot, names, plan = full_stream(name)
    position = random_poses(robot, names, 50, 0.7)
    mirrored = np.empty_like(position)
    for i, joint in enumerate(names):
        # Both makers' axes are +x, +y or +z at zero on both sides: roll and yaw change sign.
        turns_sagittal = "pitch" in joint or joint.split("_")[1] in ("knee", "elbow", "ankle")
        if joint.endswith("roll_joint"):
            turns_sagittal = False
        sign = 1.0 if turns_sagittal else -1.0
        mirrored[:, names.index(mirror_name(joint))] = sign * position[:, i]
    one = canonicalise(plan, position, None).angle[:, MIRROR_DOF] * MIRROR_SIGN
    other = canonicalise(plan, mirrored, None).angle
    difference = np.angle(np.exp(1j * (one - other)))
    assert np.nanmax(np.abs(difference)) <= tolerance


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_angles_rebuild_the_segments(seed: int) -> None:
    """Composing the angles of a ball complex gives its child's orientation back."""
    _, names, plan = full_stream("unitree_g1_29dof")
    rng = np.random.default_rng(seed)
    body = canonicalise(plan, rng.uniform(-1.5, 1.5, (1, len(names))), None)
    axes = {"X": X, "Y": Y, "Z": Z}
    for c in COMPLEXES:
        if len(c.dofs) != 3 or c.name == "neck":
            continue
        parent, child = (
            rotation_of_quat(body.segment_quat[0, SEGMENT_INDEX[s]]) for s in (c.parent, c.child)
        )
        rebuilt = np.eye(3)
        for letter, sign, dof in zip(c.order, c.signs, c.dofs, strict=True):
            angle = float(body.angle[0, DOF_INDEX[dof]])
            rebuilt = rebuilt @ rotation_about(axes[letter], sign * angle)
        np.testing.assert_allclose(parent @ rebuilt, child, atol=1e-6)
