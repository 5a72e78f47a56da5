"""The finder on robots made by hand: every shape and zero pose, with known complexes."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from producers.onboarding.find import find_body
from producers.onboarding.found import Found
from producers.onboarding.read import read_description
from tests import onboarding_robots as robots
from tests.bench.variants import VARIANTS

POSES = ("arms-down", "T-pose", "arms-forward", "elbows-bent")


def found(made, tmp_path: Path) -> Found:  # type: ignore[no-untyped-def]
    return find_body(read_description(made.write(tmp_path)))


def assert_right(made, tmp_path: Path, forward: str = "+x") -> Found:  # type: ignore[no-untyped-def]
    seen = found(made, tmp_path)
    assert {k: list(v) for k, v in seen.complexes.items()} == made.complexes
    assert (seen.forward, seen.up) == (forward, "+z")
    assert set(seen.lift_or_wheels) == set(made.other["lift_or_wheels"])
    for side in ("left", "right"):
        assert set(seen.hand_joints[side]) == set(made.other[side])
    return seen


@pytest.mark.parametrize("pose", POSES)
def test_zero_poses(pose: str, tmp_path: Path) -> None:
    assert assert_right(robots.humanoid(pose), tmp_path).zero_pose == pose


@pytest.mark.parametrize("pose", POSES)
def test_numbered_arms(pose: str, tmp_path: Path) -> None:
    """Names tell the side and nothing else: geometry divides the arm."""
    assert_right(robots.humanoid(pose, named=False), tmp_path)


@pytest.mark.parametrize(
    ("yaw", "forward"), [(math.pi, "-x"), (math.pi / 2, "+y"), (-math.pi / 2, "-y")]
)
def test_facing(yaw: float, forward: str, tmp_path: Path) -> None:
    assert_right(robots.humanoid(yaw=yaw), tmp_path, forward)


def test_opposed_axes(tmp_path: Path) -> None:
    assert_right(robots.humanoid(opposed=True), tmp_path)


def test_torso_rooted_waist_is_listed_from_the_pelvis(tmp_path: Path) -> None:
    assert_right(robots.torso_rooted(), tmp_path)


@pytest.mark.parametrize("hand", ["", "gripper", "fingers"])
def test_wheels_and_lift(hand: str, tmp_path: Path) -> None:
    assert_right(robots.wheeled(hand), tmp_path)


@pytest.mark.parametrize("hand", ["gripper", "fingers"])
def test_hands(hand: str, tmp_path: Path) -> None:
    seen = assert_right(robots.humanoid(hand=hand), tmp_path)
    if hand == "fingers":
        assert "left_thumb_1" in seen.ignored


@pytest.mark.parametrize("wrist", [0, 1, 2])
def test_fewer_wrist_joints(wrist: int, tmp_path: Path) -> None:
    assert_right(robots.humanoid(wrist=wrist), tmp_path)


def test_two_shoulder_joints(tmp_path: Path) -> None:
    assert_right(robots.only("arms", wrist=0, proximal=2), tmp_path)


def test_clavicle(tmp_path: Path) -> None:
    assert_right(robots.humanoid(clavicle=True), tmp_path)


def test_a_slide_that_carries_an_arm_is_a_lift(tmp_path: Path) -> None:
    made = robots.on_rails()
    assert_right(made, tmp_path)


def test_a_hand_is_no_robot_with_limbs(tmp_path: Path) -> None:
    seen = found(robots.hand_alone(), tmp_path)
    assert not any(seen.complexes.values())
    assert any("no arms and no legs" in note for note in seen.confirm)


def test_legs_only(tmp_path: Path) -> None:
    assert_right(robots.only("legs"), tmp_path)


def test_arms_only(tmp_path: Path) -> None:
    assert_right(robots.only("arms"), tmp_path)


@pytest.mark.parametrize("yaw", [0.0, math.pi, math.pi / 2, -math.pi / 2])
def test_without_names_feet_and_knees_tell_the_facing(yaw: float, tmp_path: Path) -> None:
    made = robots.humanoid(yaw=yaw)
    alias: dict[str, str] = {}

    made.text = [
        re.sub(r'(?<=name=)"(\w+)"|(?<=link=)"(\w+)"', lambda m: rename_any(m, alias), line)
        for line in made.text
    ]
    seen = found(made, tmp_path)
    back = {new: old for old, new in alias.items()}
    named = {k: [back[j] for j in v] for k, v in seen.complexes.items()}
    assert named == made.complexes
    assert any("names do not tell" in note for note in seen.confirm)


def rename_any(match: re.Match[str], alias: dict[str, str]) -> str:
    name = match[1] or match[2]
    return f'"{alias.setdefault(name, f"m{len(alias)}")}"'


def test_the_document_has_the_agreed_keys(tmp_path: Path) -> None:
    document = found(robots.humanoid(), tmp_path).document()
    assert list(document) == [
        "id", "forward", "up", "complexes", "lift_or_wheels", "hand_joints", "ignored",
        "zero_pose", "confidence_by_complex", "confirm",
    ]  # fmt: skip
    assert len(document["complexes"]) == len(document["confidence_by_complex"]) == 14
    assert all(0.0 <= c <= 1.0 for c in document["confidence_by_complex"].values())


def test_legs_that_end_on_wheels_have_no_ankle(tmp_path: Path) -> None:
    made = robots.only("legs")
    for side in ("left", "right"):
        for part in ("pitch", "roll"):
            made.complexes[f"{side}_ankle"].remove(f"{side}_ankle_{part}")
    text = "".join(made.text).replace("ankle_roll", "wheel")
    file = tmp_path / "made.urdf"
    file.write_text(f'<robot name="made">{text}</robot>', encoding="utf-8")
    seen = find_body(read_description(file))
    assert set(seen.lift_or_wheels) == {"left_wheel", "right_wheel"}
    assert seen.complexes["left_ankle"] == ("left_ankle_pitch",)
    assert any("stands on a wheel" in note for note in seen.confirm)


def test_a_spine_above_legs_alone_is_a_waist(tmp_path: Path) -> None:
    made = robots.only("legs")
    made.joint("spine_yaw", "base", np.array((0.0, 0.0, 0.1)), robots.Z, centre=(0.0, 0.0, 0.2))
    made.complexes["waist"] = ["spine_yaw"]
    assert_right(made, tmp_path)


def quadruped() -> robots.Made:
    """Four legs of hip and knee; nothing else."""
    made = robots.Made()
    made.link("base", np.zeros(3), (0.0, 0.0, 0.0))
    for end, x in (("F", 0.2), ("H", -0.2)):
        for side, y in (("L", 0.1), ("R", -0.1)):
            parent = "base"
            for i, (part, axis) in enumerate(
                (("HAA", robots.X), ("HFE", robots.Y), ("KFE", robots.Y))
            ):
                at = np.array((x, y, -0.2 * max(i - 1, 0)))
                name = f"{end}{side}_{part}"
                parent = made.joint(name, parent, at, axis, centre=(0.0, 0.0, -0.2))
    return made


def test_four_legs_are_not_a_humans_and_it_is_said(tmp_path: Path) -> None:
    seen = found(quadruped(), tmp_path)
    assert not any(seen.complexes.values())
    assert any(note.startswith("legs: there are four") for note in seen.confirm)


def test_an_unnamed_arm_on_four_legs_is_an_arm_to_confirm(tmp_path: Path) -> None:
    made = quadruped()
    parent, at = "base", np.array((0.1, 0.0, 0.1))
    steps = (
        (0, robots.Z),
        (0.05, robots.Y),
        (0.3, robots.Y),
        (0.1, robots.X),
        (0.2, robots.Y),
        (0.05, robots.X),
    )
    for i, (length, axis) in enumerate(steps, 1):
        at = at + np.array((length, 0.0, 0.0))
        parent = made.joint(f"joint{i}", parent, at, axis, centre=(0.05, 0.0, 0.0))
    seen = found(made, tmp_path)
    assert seen.complexes["neck"] == ()
    assert len([j for part, joints in seen.complexes.items() for j in joints]) == 6
    assert any("a single arm; confirm its side" in note for note in seen.confirm)


def test_an_arm_that_reaches_by_sliding_has_a_wrist_alone(tmp_path: Path) -> None:
    made = robots.Made()
    made.link("base", np.zeros(3), (0.0, 0.0, 0.0))
    parent = made.joint(
        "joint_lift", "base", np.array((0.0, 0.0, 0.2)), robots.Z, (0, 1), "prismatic"
    )
    for i in range(4):
        at = np.array((0.0, -0.1 - 0.05 * i, 0.3))
        parent = made.joint(f"joint_arm_{i}", parent, at, (0.0, -1.0, 0.0), (0, 0.1), "prismatic")
    for name, axis in (("yaw", robots.Z), ("pitch", robots.X), ("roll", robots.Y)):
        at = np.array((0.0, -0.35, 0.3))
        parent = made.joint(f"joint_wrist_{name}", parent, at, axis, centre=(0.0, -0.1, 0.0))
    seen = found(made, tmp_path)
    wrists = seen.complexes["left_wrist"] + seen.complexes["right_wrist"]
    assert wrists == ("joint_wrist_yaw", "joint_wrist_pitch", "joint_wrist_roll")
    assert len(seen.lift_or_wheels) == 5
    assert any("reaches by sliding" in note for note in seen.confirm)


@pytest.mark.parametrize("told", sorted(VARIANTS))
def test_the_same_body_told_otherwise(told: str, tmp_path: Path) -> None:
    """Other languages, other styles, no names at all, another root: the same complexes."""
    made = robots.humanoid(hand="fingers")
    variant = VARIANTS[told](read_description(made.write(tmp_path)))
    want = variant.truth(
        {
            "forward": "+x",
            "up": "+z",
            "complexes": made.complexes,
            "hand_joints": {side: made.other[side] for side in ("left", "right")},
            "lift_or_wheels": [],
        }
    )
    seen = find_body(variant.description)
    assert {k: list(v) for k, v in seen.complexes.items()} == want["complexes"]
    assert (seen.forward, seen.up) == (want["forward"], want["up"])


@pytest.mark.parametrize("lying", ["y up", "upside down"])
@pytest.mark.parametrize("made", [robots.wheeled, robots.on_rails])
def test_a_body_without_legs_shows_which_way_is_up(made, lying: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    body = made()
    told = VARIANTS[lying](read_description(body.write(tmp_path)))
    seen = find_body(told.description)
    want = told.truth({"forward": "+x", "up": "+z", "complexes": body.complexes, "hand_joints": {},
                       "lift_or_wheels": []})  # fmt: skip
    assert (seen.forward, seen.up) == (want["forward"], want["up"])
    assert {k: list(v) for k, v in seen.complexes.items()} == body.complexes
    assert any(note.startswith("up: its trunk") for note in seen.confirm)


def test_arms_that_do_not_show_it_are_up_by_rule_and_doubted(tmp_path: Path) -> None:
    body = robots.only("arms")
    seen = find_body(VARIANTS["upside down"](read_description(body.write(tmp_path))).description)
    assert seen.up in ("-z", "+z")
    assert any(note.startswith("up:") for note in seen.confirm)


def test_a_lift_on_a_driven_base_is_a_lift(tmp_path: Path) -> None:
    """Base joints written out, and wheels on fixed frames of its link, hide nothing."""
    r = robots.Made()
    r.link("world", np.zeros(3))
    at = np.zeros(3)
    link = r.joint("root_x", "world", at, robots.X, (-10, 10), "prismatic")
    link = r.joint("root_y", link, at, robots.Y, (-10, 10), "prismatic")
    base = r.joint("root_turn", link, at, robots.Z, None)
    r.text.append(
        f'<link name="left_wheel"/><joint name="f" type="fixed"><parent link="{base}"/>'
        '<child link="left_wheel"/></joint>'
    )
    torso = r.joint("height", base, at, robots.Z, (0, 1.5), "prismatic", centre=(0, 0, 0.4))
    for side in ("left", "right"):
        robots.arm(r, torso, side)
    seen = found(r, tmp_path)
    assert {k: list(v) for k, v in seen.complexes.items()} == r.complexes
    assert seen.lift_or_wheels == ("height",)
    assert set(seen.ignored) == {"root_x", "root_y", "root_turn"}


def test_slides_that_follow_one_another_are_a_telescope(tmp_path: Path) -> None:
    r = robots.Made()
    r.link("base", np.zeros(3), (0.0, 0.0, 0.1))
    link = r.joint("lift", "base", np.array((0.0, 0.0, 0.3)), robots.Z, (0, 1), "prismatic")
    at = np.array((0.0, -0.1, 0.3))
    follow = '<mimic joint="arm_0"/>'
    for i in range(4):
        name, extra = f"arm_{i}", follow if i else ""
        link = r.joint(name, link, at, (0.0, -1.0, 0.0), (0, 0.1), "prismatic", extra=extra)
        at = at + np.array((0.0, -0.1, 0.0))
    for name, axis in (
        ("wrist_yaw", robots.Z),
        ("wrist_pitch", robots.Y),
        ("wrist_roll", robots.X),
    ):
        link = r.joint(name, link, at, axis, centre=(0.0, -0.05, 0.0))
        at = at + np.array((0.0, -0.03, 0.0))
    seen = found(r, tmp_path)
    assert seen.complexes["right_wrist"] == ("wrist_yaw", "wrist_pitch", "wrist_roll")
    assert not seen.complexes["right_shoulder"]
    assert not seen.complexes["right_elbow"]


def test_of_two_pairs_of_arms_alike_the_upper_one_counts(tmp_path: Path) -> None:
    r = robots.Made()
    r.link("base", np.zeros(3), (0.0, 0.0, 0.1))
    lifted = r.joint("lift", "base", np.array((0, 0, 0.7)), robots.Z, (0, 1), "prismatic")
    for level, height, link in (("low", 0.0, "base"), ("high", 0.7, lifted)):
        for side, y in (("left", 0.2), ("right", -0.2)):
            at, parent = np.array((0.0, y, height + 0.6)), link
            axes = (robots.Y, robots.X, robots.Z, robots.Y, robots.Z, robots.X)
            for i, axis in enumerate(axes):
                parent = r.joint(f"{level}_{side}_arm_{i}", parent, at, axis)
                at = at - np.array((0, 0, 0.3 if i in (2, 3) else 0))
    seen = found(r, tmp_path)
    assert all(j.startswith("high") for j in seen.complexes["left_shoulder"])
    assert seen.complexes["left_shoulder"]
    assert seen.lift_or_wheels == ("lift",)
