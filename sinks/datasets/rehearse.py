"""An episode in another robot's joints, and commands on the canonical body, frame by frame.

State starts anew with the episode, so that what is exported equals what is retargeted in flight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.vendors import Vendor
from sinks.datasets.episode import SealedFrames
from streams.body_plan import BodyPlan, CanonicalBody, canonicalise, compile_plan
from streams.retarget_plan import Retargeted, TargetPlan, following, retarget, start_retarget

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Played:
    """T frames in a target's J joints, with the solve record of its L limbs.

    Attributes:
        position: [J, T] rad.
        command: [J, T] the robot's commands, retargeted likewise; None where it sends none.
        residual_pct, residual_rad: [L, T] of the state.
        reachable: [L, T] of the state.
        limbs: [L] names.
    """

    position: F32
    command: F32 | None
    residual_pct: F64
    residual_rad: F64
    reachable: npt.NDArray[np.bool_]
    limbs: tuple[str, ...]


def body_plan(vendor: Vendor) -> BodyPlan:
    """How a vendor's channels drive its robot."""
    profile = vendor.profile
    return compile_plan(
        vendor.embodiment, profile.channel_joints, profile.channel_dofs, profile.assume
    )


def on_body(plan: BodyPlan, frames: SealedFrames) -> CanonicalBody:
    """An episode's frames on the canonical body, segments and key points too."""
    return canonicalise(plan, frames.position.T.astype(np.float64), None)


def canonical_command(plan: BodyPlan, frames: SealedFrames) -> F32 | None:
    """The robot's commands as canonical angles. Returns [44, T], None where it sends none."""
    if frames.action is None or not np.isfinite(frames.action).any():
        return None
    held = _held(frames.action, frames.position)
    return canonicalise(plan, held.T.astype(np.float64), None).angle.T


def play(plan: BodyPlan, target: TargetPlan, frames: SealedFrames) -> Played:
    """Retarget an episode's states, and its commands with a warm state of their own."""
    target = following(target, plan.embodiment)
    state = _joined(_retargeted(plan, target, frames.position, frames.t_ns))
    command = None
    if frames.action is not None and np.isfinite(frames.action).any():
        held = _held(frames.action, frames.position)
        parts = _retargeted(plan, target, held, frames.t_ns)
        command = np.concatenate([part.position_rad for part in parts]).T.astype(np.float32)
    return Played(
        position=state.position_rad.T.astype(np.float32),
        command=command,
        residual_pct=state.residual_pct.T,
        residual_rad=state.residual_rad.T,
        reachable=state.reachable.T,
        limbs=target.limb_names,
    )


def _retargeted(
    plan: BodyPlan, target: TargetPlan, position: F32, t_ns: npt.NDArray[np.int64]
) -> list[Retargeted]:
    state, parts = start_retarget(target), []
    for start in range(0, len(t_ns), _CHUNK):
        piece = slice(start, start + _CHUNK)
        body = canonicalise(plan, position[:, piece].T.astype(np.float64), None)
        state, part = retarget(target, state, body, t_ns[piece])
        parts.append(part)
    return parts


def _joined(parts: list[Retargeted]) -> Retargeted:
    names = Retargeted.__slots__
    return Retargeted(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _held(command: F32, position: F32) -> F32:
    """Commands with the last one holding; a joint that is never commanded is where it stands."""
    frame = np.arange(command.shape[1])
    latest = np.maximum.accumulate(np.where(np.isfinite(command), frame, -1), axis=1)
    held = np.take_along_axis(command, np.maximum(latest, 0), axis=1)
    return np.where(latest >= 0, held, position)
