"""A data set's features: which there are, their names, and the numbers of one episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from schemas.body import DOFS, HAND_DOF_START, Status
from sinks.datasets.episode import BASE, SealedFrames
from sinks.datasets.grid import (
    Grid,
    angular,
    in_force,
    linear,
    next_state,
    rotations,
)
from sinks.datasets.rehearse import Played, canonical_command
from streams.body_plan import BodyPlan

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

STATE = "observation.state"
ACTION = "action"
ENVIRONMENT = "observation.environment_state"
VALID = "observation.state_valid"
FLAGS = "quality.flags"

_SIX = ("r11", "r21", "r31", "r12", "r22", "r32")
_VECTORS = {"base_position": "xyz", "base_angular_velocity": "xyz", "base_acceleration": "xyz"}


class Space(StrEnum):
    """Whose joints a data set is in."""

    NATIVE = "native"
    CANONICAL = "canonical"


class ActionKind(StrEnum):
    """What `action` holds.

    `command`: the absolute target in force at the end of the step. `next-state`: the state one step
    on, for robots that send no command. `delta`: the command less the state.
    """

    COMMAND = "command"
    NEXT_STATE = "next-state"
    DELTA = "delta"


@dataclass(frozen=True)
class Feature:
    """One column of vectors. `names` are flat and unique within it; `counted`: has statistics."""

    name: str
    dtype: str
    names: tuple[str, ...]
    counted: bool = True


@dataclass(frozen=True)
class SignalPlan:
    """What every episode of a data set is turned into.

    Attributes:
        space: whose joints.
        state: names of the state's (and the action's) components, in their order.
        commanded: those whose action is a command; the others' is the next state.
        action: what `action` holds.
        environment: names of the base signals and end poses that every episode has.
        full: canonical space: keep absent DoFs as 0 beside `observation.state_valid`.
        limbs: limbs with a solve record, where the data set is retargeted.
    """

    space: Space
    state: tuple[str, ...]
    commanded: frozenset[str]
    action: ActionKind
    environment: tuple[str, ...]
    full: bool = False
    limbs: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[Feature, ...]:
        """Columns in their order."""
        found = [Feature(STATE, "float32", self.state), Feature(ACTION, "float32", self.state)]
        if self.environment:
            names = tuple(n for part in self.environment for n in environment_names(part))
            found.append(Feature(ENVIRONMENT, "float32", names))
        if self.full:
            found.append(Feature(VALID, "bool", self.state, counted=False))
        for record, dtype in _SOLVE.items():
            if self.limbs:
                found.append(Feature(f"retarget.{record}", dtype, self.limbs, dtype == "float32"))
        found.append(Feature(FLAGS, "int64", ("flags",)))
        return tuple(found)


_SOLVE = {"residual_pct": "float32", "residual_rad": "float32", "reachable": "bool"}


def environment_names(part: str) -> tuple[str, ...]:
    """Names of a part's components; rotations are the first two columns of their matrix (6D)."""
    if part in _VECTORS:
        return tuple(f"{part}.{axis}" for axis in _VECTORS[part])
    if part == "base_quaternion":
        return tuple(f"base_rotation.{name}" for name in _SIX)
    return (*(f"{part}.{axis}" for axis in "xyz"), *(f"{part}.{name}" for name in _SIX))


def present_dofs(frames: SealedFrames) -> frozenset[str]:
    """Canonical DoFs that an episode has a number for."""
    there = np.logical_or.reduce(np.isfinite(frames.angle), axis=1)
    return frozenset(dof for dof, found in zip(DOFS, there, strict=True) if found)


def needed(plan: SignalPlan) -> frozenset[str]:
    """What must be read of an episode, beside its times, positions and flags."""
    ends = {part.split("_")[1] for part in plan.environment if part not in BASE}
    wanted = {f"{end}_pose" for end in ends} | {part for part in plan.environment if part in BASE}
    if plan.action is not ActionKind.NEXT_STATE:
        wanted.add("action")
    if plan.space is Space.CANONICAL:
        wanted.add("angle")
    if plan.full:
        wanted.add("angle_status")
    return frozenset(wanted)


def signals_of(
    plan: SignalPlan, frames: SealedFrames, grid: Grid, body: BodyPlan, played: Played | None
) -> dict[str, npt.NDArray[np.generic]]:
    """The features of one episode.

    Args:
        plan: of the data set.
        frames: of the episode, T of them.
        grid: N steps over them.
        body: how the robot's channels drive its body.
        played: the episode in the target's joints, where the data set is retargeted.

    Returns:
        By feature: [S, N], in the dtype of the feature.
    """
    state, command = _motion(plan, frames, grid, body, played)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    if plan.full:
        status = frames.angle_status.T[:, grid.low]
        columns[VALID] = status != Status.ABSENT
    action = next_state(state)
    if plan.action is not ActionKind.NEXT_STATE and command is not None:
        sent = np.array([name in plan.commanded for name in plan.state])
        action[sent] = in_force(grid, command[sent], state[sent])
    if plan.action is ActionKind.DELTA:
        action -= state
    columns[STATE] = state.astype(np.float32)
    # A DoF that is absent (`full`) has no command either.
    columns[ACTION] = (
        np.nan_to_num(action).astype(np.float32) if plan.full else action.astype(np.float32)
    )
    if plan.environment:
        parts = [_environment(part, frames, grid) for part in plan.environment]
        columns[ENVIRONMENT] = np.concatenate(parts).astype(np.float32)
    if played is not None:
        limbs = [played.limbs.index(limb) for limb in plan.limbs]
        for record, dtype in _SOLVE.items():
            own = getattr(played, record)[limbs][:, grid.low]
            columns[f"retarget.{record}"] = own.astype(dtype)
    columns[FLAGS] = frames.flags[grid.low].astype(np.int64)[None]
    return {feature.name: columns[feature.name] for feature in plan.features}


def _motion(
    plan: SignalPlan, frames: SealedFrames, grid: Grid, body: BodyPlan, played: Played | None
) -> tuple[F64, F32 | None]:
    """The state at the steps [S, N], and the commands at the frames [S, T]."""
    if played is not None:
        return linear(grid, played.position, "joint"), played.command
    if plan.space is Space.NATIVE:
        index = [frames.channels.index(name) for name in plan.state]
        command = None if frames.action is None else frames.action[index]
        return linear(grid, frames.position[index], "channel"), command
    index = [DOFS.index(name) for name in plan.state]
    angle = np.zeros((len(index), grid.steps))
    there = np.isfinite(frames.angle[index]).any(axis=1)
    turns = np.array(index) < HAND_DOF_START
    for rows, interpolate in ((there & turns, angular), (there & ~turns, linear)):
        if rows.any():
            angle[rows] = interpolate(grid, frames.angle[index][rows], "DoF")
    command = canonical_command(body, frames) if plan.commanded else None
    return angle, None if command is None else command[index]


def _environment(part: str, frames: SealedFrames, grid: Grid) -> F64:
    """One part of the environment state. Returns [K, N]."""
    if part in _VECTORS:
        return linear(grid, frames.base[part], part)
    if part in BASE:
        return six(rotations(grid, frames.base[part], part))
    side, end = part.split("_")
    poses = frames.hand_pose if end == "hand" else frames.foot_pose
    if poses is None:
        raise ValueError(f"the episode has no pose of a {end}")
    pose = poses[("left", "right").index(side)]
    return np.concatenate([linear(grid, pose[:3], part), six(rotations(grid, pose[3:], part))])


def six(quaternion: F64) -> F64:
    """The first two columns of each rotation's matrix, one below the other.

    After Zhou et al., On the Continuity of Rotation Representations in Neural Networks (2019).
    quaternion: [4, N] wxyz, unit. Returns [6, N].
    """
    w, x, y, z = quaternion
    return np.stack(
        [
            1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y),
            2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x),
        ]
    )  # fmt: skip


def common(parts: Sequence[frozenset[str]], order: Sequence[str]) -> tuple[str, ...]:
    """What all of the sets hold, in the given order."""
    return tuple(name for name in order if all(name in part for part in parts))


def names_by_feature(plan: SignalPlan) -> Mapping[str, tuple[str, ...]]:
    """Component names of each feature."""
    return {feature.name: feature.names for feature in plan.features}
