"""MJCF: several top bodies, ball joints, connections on sites, equalities as mimic rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.onboarding.description import DescriptionError
from producers.onboarding.read import read_description

HINGE = '<body name="{n}" pos="0 0 -0.2">{inner}<joint name="{n}_j" axis="{a}"/></body>'


def chain(side: str, count: int) -> str:
    text = ""
    for i in reversed(range(count)):
        text = HINGE.format(n=f"{side}{i}", a="0 1 0" if i % 2 else "1 0 0", inner=text)
    return text


def read(tmp_path: Path, world: str, rest: str = ""):  # type: ignore[no-untyped-def]
    file = tmp_path / "robot.xml"
    text = f'<mujoco model="m"><worldbody>{world}</worldbody>{rest}</mujoco>'
    file.write_text(text, encoding="utf-8")
    return read_description(file)


def test_arms_bolted_to_the_world_are_one_robot(tmp_path: Path) -> None:
    arms = (
        f'<body name="L" pos="0 0.2 1">{chain("left", 5)}</body>'
        f'<body name="R" pos="0 -0.2 1">{chain("right", 5)}</body>'
        '<body name="button" pos="1 0 0"><joint type="slide"/></body>'
    )
    robot = read(tmp_path, arms)
    assert robot.root == "world"
    assert len(robot.joints) == 10
    assert robot.frames["L"][1][1, 3] == 0.2


def test_loose_things_beside_the_robot_are_left_out(tmp_path: Path) -> None:
    world = (
        f'<body name="base"><freejoint/>{chain("left", 3)}{chain("right", 3)}</body>'
        '<body name="cup" pos="1 0 0"><freejoint/></body>'
    )
    robot = read(tmp_path, world)
    assert robot.root == "base"
    assert "cup" not in robot.frames


def test_ball_joints_are_rigid_and_said(tmp_path: Path) -> None:
    rod = '<body name="rod"><joint name="rod_ball" type="ball"/></body>'
    robot = read(tmp_path, f'<body name="base">{chain("left", 3)}{rod}</body>')
    assert [j.name for j in robot.joints] == ["left0_j", "left1_j", "left2_j"]
    assert robot.notes == ("rod_ball: a ball joint, taken as rigid",)
    assert robot.frames["rod"][0] == "base"


def test_connections_on_sites_do_not_stop_it(tmp_path: Path) -> None:
    world = f'<body name="base"><site name="s"/>{chain("left", 3)}<body name="x"><site name="t"/>'
    rest = '<equality><connect site1="s" site2="t"/>{}</equality>'
    tie = '<joint joint1="left2_j" joint2="left1_j" polycoef="0 0.5 0 0 0"/>'
    robot = read(tmp_path, world + "</body></body>", rest.format(tie))
    mimic = robot.joint("left2_j").mimic
    assert mimic is not None
    assert (mimic.joint, mimic.multiplier) == ("left1_j", 0.5)


MESH = '<geom name="g" type="mesh" mesh="m" material="nowhere"/>'
# What stands beside the bodies, in them, and what is noted of it.
AROUND = {
    "a mesh named twice": ('<asset><mesh name="m" file="a.stl"/><mesh name="m"/></asset>', ""),
    "a texture that is not there": ('<asset><texture name="t" file="t.png"/></asset>', ""),
    "an element of another version": ('<fancy/><option collision="all"/>', ""),
    "a plugin": ('<extension><plugin plugin="mujoco.pid"/></extension>', ""),
    "motors of other joints": ('<actuator><motor joint="other"/></actuator>', ""),
    "a keyframe of another robot": ('<keyframe><key qpos="1 2 3"/></keyframe>', ""),
    "ties of other joints": ('<equality><joint joint1="x" joint2="y"/></equality>', ""),
    "an include that is not there": ('<include file="assets.xml"/>', "'assets.xml' is to be"),
}


@pytest.mark.parametrize("case", AROUND)
def test_what_says_nothing_of_joints_may_be_broken(case: str, tmp_path: Path) -> None:
    rest, note = AROUND[case]
    world = chain("left", 3).replace("<joint", f"{MESH}<joint")
    robot = read(tmp_path, f'<body name="base">{world}</body>', rest)
    assert [j.name for j in robot.joints] == ["left0_j", "left1_j", "left2_j"]
    assert [robot.joint("left1_j").axis, robot.joint("left0_j").axis] == [(0, 1, 0), (1, 0, 0)]
    assert [n.startswith(note) for n in robot.notes] == [True] * bool(note)


def test_a_class_that_is_not_there_is_said(tmp_path: Path) -> None:
    world = chain("left", 3).replace("<joint", '<joint class="big"')
    robot = read(tmp_path, f'<body name="base">{world}</body>')
    assert len(robot.joints) == 3
    assert [n for n in robot.notes if "class 'big' is not there" in n] == list(robot.notes)


def test_defaults_and_bodies_of_included_files_count(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    default = '<default class="tilted"><joint axis="0 0 1" range="-1 2"/></default>'
    (tmp_path / "parts/defaults.xml").write_text(
        f"<mujocoinclude><default>{default}</default></mujocoinclude>", encoding="utf-8"
    )
    inner = '<body name="b"><joint name="b_j" class="tilted"/></body>'
    (tmp_path / "parts/arm.xml").write_text(
        f'<mujoco><include file="defaults.xml"/><worldbody>{inner}</worldbody></mujoco>',
        encoding="utf-8",
    )
    angle = '<compiler angle="radian"/>'
    robot = read(tmp_path, "", f'{angle}<include file="parts/arm.xml"/>')
    assert robot.joint("b_j").axis == (0, 0, 1)
    assert (robot.joint("b_j").lower, robot.joint("b_j").upper) == (-1, 2)


def test_a_part_that_others_include_is_read_alone(tmp_path: Path) -> None:
    file = tmp_path / "part.xml"
    file.write_text(f"<mujocoinclude>{chain('left', 4)}</mujocoinclude>", encoding="utf-8")
    assert len(read_description(file).joints) == 4


def test_a_circle_of_includes_is_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.xml").write_text(
            f'<mujoco><include file="{other}.xml"/></mujoco>', encoding="utf-8"
        )
    with pytest.raises(DescriptionError, match="includes itself"):
        read_description(tmp_path / "a.xml")
