"""MJCF: several top bodies, ball joints, connections on sites, equalities as mimic rules."""

from __future__ import annotations

from pathlib import Path

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
