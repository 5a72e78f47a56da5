"""An embodiment as a URDF that other programs read: moving joints, held ones, and named frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.body_tree import BodyTree
from streams.kernels.frames import frame, rotation_about, rotation_of_quat

F64 = NDArray[np.float64]
Z = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class NamedFrame:
    """A frame fixed in a body; `t_body_frame` is [4, 4]."""

    name: str
    body: int
    t_body_frame: F64


def body_frames(tree: BodyTree, value: F64) -> list[F64]:
    """T_pelvis_body [4, 4] of every body for joint values [B], in the kernels' sign."""
    placed = [np.eye(4)]
    for j, parent in enumerate(tree.parent):
        placed.append(placed[parent] @ _moved(tree, j, value[j]))
    return placed


def urdf(
    tree: BodyTree,
    held: Mapping[int, float],
    limits: Mapping[int, tuple[float, float]],
    frames: Sequence[NamedFrame],
) -> str:
    """The bodies that carry `frames`, as URDF.

    Args:
        tree: The robot.
        held: Joints that stand still, by their place in `tree.joints`, with their value.
        limits: Bounds of those that move, likewise.
        frames: What shall be read; links of their own, fixed in the bodies.

    Returns:
        The text. Its joints are named as the robot's; values are in the kernels' sign.
    """
    needed = set[int]()
    for wanted in frames:
        b = wanted.body
        while b > 0:
            needed.add(b)
            b = int(tree.parent[b - 1])
    lines = [_link("body_0")]
    for b in sorted(needed):
        j = b - 1
        at = _moved(tree, j, held.get(j, 0.0))
        lines += [_link(f"body_{b}"), *_joint(tree, j, at, limits.get(j))]
    for wanted in frames:
        lines += [f'<link name="{wanted.name}"/>', f'<joint name="at_{wanted.name}" type="fixed">']
        lines += [f'<parent link="body_{wanted.body}"/><child link="{wanted.name}"/>']
        lines += [_origin(wanted.t_body_frame), "</joint>"]
    # MuJoCo would otherwise fold fixed frames away, and refuse links without mass.
    compiler = '<mujoco><compiler fusestatic="false" boundmass="1" boundinertia="0.01"/></mujoco>'
    return "\n".join(['<robot name="peer">', compiler, *lines, "</robot>\n"])


def _moved(tree: BodyTree, j: int, value: float) -> F64:
    """T_parent_body [4, 4] of the body that joint j moves."""
    at = frame(rotation_of_quat(tree.fixed[j, 3:]), tree.fixed[j, :3])
    if tree.prismatic[j]:
        return at @ frame(np.eye(3), [0.0, 0.0, value])
    return at @ frame(rotation_about(Z, value), np.zeros(3))


def _link(name: str) -> str:
    return (
        f'<link name="{name}"><inertial><mass value="1"/>'
        '<inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>'
    )


def _joint(tree: BodyTree, j: int, at: F64, limits: tuple[float, float] | None) -> list[str]:
    kind, limit = "fixed", ""
    if limits is not None:
        kind = "prismatic" if tree.prismatic[j] else "revolute"
        limit = f'<limit lower="{limits[0]!r}" upper="{limits[1]!r}" effort="1" velocity="10"/>'
    return [
        f'<joint name="{tree.joints[j].name}" type="{kind}">',
        f'<parent link="body_{tree.parent[j]}"/><child link="body_{j + 1}"/>',
        f'{_origin(at)}<axis xyz="0 0 1"/>{limit}</joint>',
    ]


def _origin(t: F64) -> str:
    """Position and fixed-axis roll, pitch, yaw of a frame."""
    r = t[:3, :3]
    pitch = math.atan2(-r[2, 0], math.hypot(r[0, 0], r[1, 0]))
    if math.hypot(r[0, 0], r[1, 0]) < 1e-9:
        roll, yaw = math.atan2(-r[1, 2], r[1, 1]), 0.0
    else:
        roll, yaw = math.atan2(r[2, 1], r[2, 2]), math.atan2(r[1, 0], r[0, 0])
    xyz = " ".join(repr(float(v)) for v in t[:3, 3])
    return f'<origin xyz="{xyz}" rpy="{roll!r} {pitch!r} {yaw!r}"/>'
