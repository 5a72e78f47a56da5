"""A wall of many makers' robots in one canonical pose: what one of them does, all the others do.

`python -m producers.onboarding.wall OUT.png [EMBODIMENT...]`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from producers.fleet.joint_map import drives
from producers.onboarding.picture import OBLIQUE, Panel, draw
from producers.onboarding.posed import body_at, canonical_figure, robot_figure
from schemas.embodiment import Embodiment, load_embodiment
from streams.body_plan import CanonicalBody
from streams.retarget_plan import compile_target, retarget, start_retarget

# Greeting with the right arm, the left hand held out, one step forward with the left leg, rad.
POSE: Final = {
    "right_shoulder_abduction": 1.35, "right_shoulder_flexion": 0.1, "right_elbow_flexion": 1.2,
    "right_shoulder_rotation": -1.4, "left_shoulder_flexion": 0.5, "left_shoulder_abduction": 0.25,
    "left_elbow_flexion": 1.1, "left_hip_flexion": 0.75, "left_knee_flexion": 0.75,
    "right_hip_flexion": -0.25, "right_knee_flexion": 0.2, "neck_yaw": -0.5,
}  # fmt: skip
MODEL: Final = "fourier_gr1t2_inspire"
ROBOTS: Final = (
    "abb_yumi", "apptronik_draco3", "booster_t1_29dof", "boston_dynamics_atlas_v4_robotiq",
    "dexmate_vega_1", "dobot_atom", "engineai_pm01", MODEL, "iit_ergocub_sn002", "jsk_jaxon",
    "limx_oli_hu_d04", "openloong_azureloong", "pal_talos_mjcf", "pndbotics_adam_lite",
    "pollen_reachy2", "rainbow_rby1a", "robotis_op3", "softbank_nao_v50", "unitree_g1_29dof",
    "willow_garage_pr2",
)  # fmt: skip
_COLUMNS: Final = 7
_PANEL_PX: Final = 250
# A step as long as a gap: the pose is taken without the limits of speed.
_STEP_NS: Final = 10**9
_SETTLING: Final = 5


def posed_body() -> CanonicalBody:
    """The pose on the canonical body, as the model robot takes it."""
    robot = load_embodiment(MODEL)
    value = dict(robot.neutral)
    for drive in drives(robot):
        value[drive.joint] = drive.at_zero + drive.scale * POSE.get(drive.dof, 0.0)
    return body_at(robot, value)


def take_pose(robot: Embodiment, body: CanonicalBody) -> dict[str, float]:
    """Joint values of a robot that does what one canonical frame says, as well as it can."""
    plan = compile_target(robot)
    state = start_retarget(plan)
    for k in range(_SETTLING):
        state, made = retarget(plan, state, body, np.array([k * _STEP_NS]))
    return dict(zip(plan.joint_names, made.position_rad[0].tolist(), strict=True))


def main(
    out: Annotated[Path, typer.Argument(help="PNG to write.")],
    embodiments: Annotated[list[str] | None, typer.Argument(help="Robots; default: 20.")] = None,
) -> None:
    """Draw robots in one canonical pose, the canonical body's own picture first."""
    body = posed_body()
    panels = [
        Panel(
            "the canonical body\n(black: where head, hands, feet point)",
            canonical_figure(body),
            OBLIQUE,
            words=False,
        )
    ]
    for name in embodiments or ROBOTS:
        robot = load_embodiment(name)
        figure = robot_figure(robot, take_pose(robot, body))
        panels.append(Panel(f"{robot.maker}\n{name}", figure, OBLIQUE, words=False))
    rows = [panels[i : i + _COLUMNS] for i in range(0, len(panels), _COLUMNS)]
    head = "One canonical pose in the joints of many robots   |   left blue, right orange"
    draw(rows, _PANEL_PX, head, same_scale=False).save(out, format="PNG", optimize=True)
    typer.echo(f"{out}: {len(panels) - 1} robots")


if __name__ == "__main__":
    typer.run(main)
