"""Embodiments of hand-made robots: neutral pose, limb lengths, where limbs go when they move."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from producers.onboarding.onboard import onboard
from schemas.body import DOF_INDEX, SEGMENT_INDEX
from schemas.embodiment import Embodiment
from streams.body_plan import canonicalise, compile_plan
from tests import onboarding_robots as robots

# A joint moved from neutral so that its canonical angle grows, and where its limb's end then goes.
MOVES = [
    ("shoulder_pitch", "shoulder_flexion", "hand", 0, 1.0),
    ("elbow", "elbow_flexion", "hand", 0, 1.0),
    ("hip_pitch", "hip_flexion", "foot", 0, 1.0),
    ("knee", "knee_flexion", "foot", 0, -1.0),
    ("hip_roll", "hip_abduction", "foot", 1, None),
]


@pytest.mark.parametrize("yaw", [0.0, math.pi, math.pi / 2])
@pytest.mark.parametrize("pose", list(robots.POSES))
def test_neutral_is_zero_where_the_joints_reach_it(pose: str, yaw: float, tmp_path: Path) -> None:
    embodiment = onboard(robots.humanoid(pose, yaw=yaw).write(tmp_path)).embodiment
    assert not {dof: v for dof, v in embodiment.offset_rad.items() if abs(v) > 1e-6}
    assert set(embodiment.segments) >= {"left_hand", "right_foot", "head", "torso"}
    assert embodiment.limb_length_m["left_upper_arm"] == pytest.approx(0.3, abs=1e-9)
    assert embodiment.limb_length_m["right_forearm"] == pytest.approx(0.25, abs=1e-9)
    assert embodiment.limb_length_m["right_shank"] == pytest.approx(0.4, abs=1e-9)


def test_torso_rooted_robots_keep_pelvis_and_torso_apart(tmp_path: Path) -> None:
    embodiment = onboard(robots.torso_rooted().write(tmp_path)).embodiment
    assert embodiment.segments["torso"].link == "torso"
    assert embodiment.segments["pelvis"].link == "waist_yaw_link"
    assert embodiment.segments["torso"].key_link == "waist_yaw_link"


@pytest.mark.parametrize("made_robot", [robots.only("legs"), robots.only("arms"), robots.wheeled()])
def test_robots_without_all_limbs_are_built(made_robot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    embodiment = onboard(made_robot.write(tmp_path)).embodiment
    arms, legs = (any(k.endswith(p) for k in embodiment.segments) for p in ("hand", "foot"))
    assert arms or legs


@pytest.mark.parametrize("opposed", [False, True])
@pytest.mark.parametrize("yaw", [0.0, math.pi, -math.pi / 2])
@pytest.mark.parametrize("side", ["left", "right"])
def test_limbs_go_where_the_words_say(side: str, yaw: float, opposed: bool, tmp_path: Path) -> None:
    e = onboard(robots.humanoid(yaw=yaw, opposed=opposed).write(tmp_path)).embodiment
    for joint, dof, segment, axis, sign in MOVES:
        by = _growing(e, f"{side}_{joint}", f"{side}_{dof}")
        went = _place(e, {f"{side}_{joint}": by}, segment, side) - _place(e, {}, segment, side)
        outward = 1.0 if side == "left" else -1.0
        assert went[axis] * (outward if sign is None else sign) > 0.03, (joint, went)


def _names(e: Embodiment) -> list[str]:
    return [j.name for j in e.joints if j.mimic is None]


def _at(e: Embodiment, moved: dict[str, float]):  # type: ignore[no-untyped-def]
    names = _names(e)
    plan = compile_plan(e, names, [None] * len(names), {})
    pose = np.array([[e.neutral.get(n, 0.0) + moved.get(n, 0.0) for n in names]])
    return canonicalise(plan, pose, None)


def _growing(e: Embodiment, joint: str, dof: str) -> float:
    """+0.4 or -0.4 rad, whichever makes the canonical angle grow by as much."""
    before = _at(e, {}).angle[0, DOF_INDEX[dof]]
    for by in (0.4, -0.4):
        if _at(e, {joint: by}).angle[0, DOF_INDEX[dof]] - before > 0.3:
            return by
    raise AssertionError(f"{joint} does not move {dof}")


def _place(e: Embodiment, moved: dict[str, float], segment: str, side: str) -> np.ndarray:
    place: np.ndarray = _at(e, moved).key_position_m[0, SEGMENT_INDEX[f"{side}_{segment}"]]
    return place


@pytest.mark.parametrize("pose", ["arms-down", "T-pose", "elbows-bent"])
@pytest.mark.parametrize("hinge", ["elbow", "knee"])
@pytest.mark.parametrize("limits", ['lower="-2.4" upper="2.4"', 'lower="-2.4" upper="0.0"'])
def test_both_sides_flex_alike_whatever_one_sides_limits_say(
    pose: str, hinge: str, limits: str, tmp_path: Path
) -> None:
    """A range about straight says nothing, one on the wrong side is outvoted by its partner's."""
    file = robots.humanoid(pose).write(tmp_path)
    plain = onboard(file).embodiment
    text = file.read_text(encoding="utf-8")
    start = text.index("<limit", text.index(f'<joint name="left_{hinge}"'))
    end = text.index("/>", start)
    file.write_text(f"{text[:start]}<limit {limits}{text[end:]}", encoding="utf-8")
    told = onboard(file).embodiment
    assert told.segments == plain.segments


@pytest.mark.parametrize("pose", ["arms-down", "T-pose", "arms-forward"])
def test_elbows_without_limits_flex_the_forearm_forward(pose: str, tmp_path: Path) -> None:
    file = robots.humanoid(pose).write(tmp_path)
    plain = onboard(file).embodiment
    text = file.read_text(encoding="utf-8")
    for side in ("left", "right"):
        start = text.index("<limit", text.index(f'<joint name="{side}_elbow"'))
        text = text[:start] + text[text.index("/>", start) + 2 :]
    file.write_text(text, encoding="utf-8")
    told = onboard(file).embodiment
    assert told.segments == plain.segments
    assert any("left_elbow: limits do not tell" in note for note in told.confirm)
