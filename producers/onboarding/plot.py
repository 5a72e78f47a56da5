"""`kinebus onboard --plot`: a robot and its canonical skeleton side by side, in two poses."""

from __future__ import annotations

from pathlib import Path

from producers.onboarding.picture import FRONT, SIDE, Panel, draw
from producers.onboarding.posed import body_at, canonical_figure, robot_figure
from schemas.embodiment import Embodiment

_PANEL_PX = 360


def plot(robot: Embodiment, file: Path) -> None:
    """Write a PNG with two rows, all joints at zero and the canonical neutral pose."""
    rows = []
    for pose, value in (("zero", {}), ("neutral", dict(robot.neutral))):
        own, body = robot_figure(robot, value), canonical_figure(body_at(robot, value))
        rows.append(
            [
                Panel(f"{pose}: {what}, {view.name}", figure, view, view is FRONT)
                for view in (FRONT, SIDE)
                for what, figure in (("robot", own), ("canonical", body))
            ]
        )
    head = (
        f"{robot.id}: faces {robot.forward}, up {robot.up} of its root   |   left blue, right "
        "orange; black: where head, chest, feet and thumbs point, and palms (short)"
    )
    draw(rows, _PANEL_PX, head, same_scale=True).save(file, format="PNG", optimize=True)
