"""Pictures of a robot and its canonical skeleton: left is left, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from deploy.cli.app import app
from producers.onboarding.picture import COLOURS, FRONT, Panel, draw
from producers.onboarding.posed import Figure, body_at, canonical_figure, robot_figure
from producers.onboarding.wall import ROBOTS, posed_body, take_pose
from schemas.embodiment import load_embodiment
from tests import onboarding_robots as robots


def ends(figure: Figure, part: str) -> np.ndarray:
    """[K, 3] where a part's lines end."""
    return np.array([line.end for line in figure.lines if line.part == part])


@pytest.mark.parametrize(
    "name", ["unitree_h1", "iit_icub", "kawada_nextage_open", "softbank_nao_v50"]
)
def test_left_is_left_and_both_figures_hang_together(name: str) -> None:
    robot = load_embodiment(name)
    for value in ({}, dict(robot.neutral)):
        own, body = robot_figure(robot, value), canonical_figure(body_at(robot, value))
        for figure in (own, body):
            assert ends(figure, "left")[:, 1].min() > 0
            assert ends(figure, "right")[:, 1].max() < 0
        assert len(own.dots) == len(robot.joints)
        for hand in ("left", "right"):
            last = [line for line in own.lines if line.part == hand]
            tips = np.array([line.end for line in body.lines if line.part == hand])
            # The palm is an end in both.
            assert min(np.linalg.norm(tips - line.end, axis=1).min() for line in last) < 1e-4


def test_the_picture_shows_left_on_the_right_from_the_front() -> None:
    robot = load_embodiment("unitree_h1")
    panel = Panel("", robot_figure(robot, {}), FRONT, words=False)
    pixels = np.asarray(draw([[panel]], 200, "", same_scale=True)).astype(int)
    columns = {
        side: np.nonzero((np.abs(pixels - COLOURS[side]).sum(axis=2) < 60).any(axis=0))[0]
        for side in ("left", "right")
    }
    assert columns["left"].min() > columns["right"].max()


def test_onboard_draws_what_it_found(tmp_path: Path) -> None:
    file = robots.humanoid(hand="fingers").write(tmp_path)
    picture = tmp_path / "made.png"
    given = ["onboard", str(file), "--out", str(tmp_path / "made.json"), "--plot", str(picture)]
    run = CliRunner().invoke(app, given)
    assert run.exit_code == 0, run.output
    with Image.open(picture) as image:
        assert image.size == (1440, 750)


def test_robots_without_arms_or_legs_are_drawn(tmp_path: Path) -> None:
    file = robots.hand_alone().write(tmp_path)
    given = ["onboard", str(file), "--out", str(tmp_path / "e.json"), "--plot"]
    assert CliRunner().invoke(app, [*given, str(tmp_path / "e.png")]).exit_code == 0
    away = CliRunner().invoke(app, [*given, str(tmp_path / "no" / "e.png")])
    assert away.exit_code == 1


def test_the_walls_robots_are_of_as_many_makers_and_take_the_pose() -> None:
    assert len({load_embodiment(name).maker for name in ROBOTS}) == len(ROBOTS) == 20
    body = posed_body()
    robot = load_embodiment("unitree_g1_29dof")
    own = robot_figure(robot, take_pose(robot, body))
    right, left = ends(own, "right"), ends(own, "left")
    # The right hand greets above all of the left arm.
    assert right[:, 2].max() > left[:, 2].max()
