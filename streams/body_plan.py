"""Native joint values onto the canonical body: compile a plan per stream, run it on any chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.body import DOF_INDEX, DOFS, HAND_DOF_START, POLE_RAD, SIDES
from schemas.embodiment import Embodiment, load_embodiment
from schemas.embodiment_parts import Joint
from streams.body_spans import segment_base, span_dofs
from streams.body_tree import (
    END_SEGMENT,
    LAYOUT,
    SIGN,
    BodyTree,
    build_tree,
    neutral_values,
    value_at,
)
from streams.kernels.chain import DERIVED, MEASURED, MISSING, NO_VELOCITY
from streams.kernels.chunk import canonicalise_chunk
from streams.kernels.chunk_tables import ChunkTables, pack
from streams.kernels.status import dof_status, segment_status

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


class CanonicalBody:
    """T frames on the canonical body, all geometry in the pelvis frame.

    Arrays are views into one array of each type, as `streams.kernels.chunk` fills them.
    """

    __slots__ = ("_frames", "_marks", "_narrow", "_wide", "_with_rate")

    def __init__(self, frames: int, with_rate: bool) -> None:
        """Room for T frames, not filled yet."""
        self._frames, self._with_rate = frames, with_rate
        self._narrow = np.empty(frames * (116 if with_rate else 72), np.float32)
        self._wide = np.empty(frames * 105)
        self._marks = np.empty(frames * 73, np.uint8)

    def fill(self, plan: BodyPlan, position: F64, velocity: F64) -> None:
        """Canonicalise native values [T, C]; velocity [T, 0] where there is none."""
        canonicalise_chunk(
            position, velocity, *plan.tables, POLE_RAD, HAND_DOF_START,
            self._narrow, self._wide, self._marks,
        )  # fmt: skip

    @property
    def angle(self) -> F32:
        """[T, 44] rad, hands 0 open .. 1 closed; NaN where absent."""
        return self._narrow[: 44 * self._frames].reshape(-1, 44)

    @property
    def angle_velocity(self) -> F32 | None:
        """[T, 44] per second; NaN where absent or not measured; None without velocity."""
        return self._narrow[72 * self._frames :].reshape(-1, 44) if self._with_rate else None

    @property
    def hand_pose(self) -> F32:
        """[T, 2, 7] left and right palm, xyz + wxyz; NaN where absent."""
        return self._narrow[44 * self._frames : 58 * self._frames].reshape(-1, 2, 7)

    @property
    def foot_pose(self) -> F32:
        """[T, 2, 7] left and right sole, xyz + wxyz; NaN where absent."""
        return self._narrow[58 * self._frames : 72 * self._frames].reshape(-1, 2, 7)

    @property
    def segment_quat(self) -> F64:
        """[T, 15, 4] wxyz, w >= 0, pelvis <- segment; NaN where absent."""
        return self._wide[: 60 * self._frames].reshape(-1, 15, 4)

    @property
    def key_position_m(self) -> F64:
        """[T, 15, 3] proximal joint centres; NaN where absent."""
        return self._wide[60 * self._frames :].reshape(-1, 15, 3)

    @property
    def status(self) -> U8:
        """[T, 44] `schemas.body.Status`."""
        return self._marks[: 44 * self._frames].reshape(-1, 44)

    @property
    def segment_status(self) -> U8:
        """[T, 15] `schemas.body.Status`."""
        return self._marks[44 * self._frames : 59 * self._frames].reshape(-1, 15)

    @property
    def near_pole(self) -> NDArray[np.bool_]:
        """[T, 14] by `schemas.body.COMPLEXES`: middle angle beyond 80 deg."""
        return self._marks[59 * self._frames :].reshape(-1, 14).view(np.bool_)


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """How one stream's channels drive one embodiment; made by `compile_plan`.

    Attributes:
        embodiment: The robot.
        channels: C, the width of the stream.
        tables: Constant arrays of the kernel, from `streams.kernels.chunk_tables.pack`.
    """

    embodiment: Embodiment
    channels: int
    tables: tuple[I32, F64, U8]


def compile_plan(
    embodiment: Embodiment,
    channel_joint: Sequence[str | None],
    channel_dof: Sequence[str | None],
    assume: Mapping[str, float],
) -> BodyPlan:
    """Bind a stream's channels to a robot.

    Args:
        embodiment: The robot.
        channel_joint: [C] model joint each channel reads (rad or m), or None.
        channel_dof: [C] finger DoF each channel reads (0 open .. 1 closed), or None.
        assume: Values of joints that are not in the stream.

    Returns:
        The plan, to be kept and used for every chunk.
    """
    _check(embodiment, channel_joint, channel_dof, assume)
    channel = {name: c for c, name in enumerate(channel_joint) if name is not None}
    tree = build_tree(embodiment)
    base, needs = span_dofs(tree, neutral_values(embodiment, tree))
    source, rule = _sources(embodiment, tree, channel, assume)
    read_dof, start, read_channel, read_rule, gripper = _readings(embodiment, channel, channel_dof)
    segments = segment_base(tree)
    usual, usual_dof, usual_known, usual_seg = _usual(source, base, needs, segments, tree.seg_path)
    tables = ChunkTables(
        source=source, parent=tree.parent, seg_body=tree.seg_body, point_body=tree.point_body,
        end_segment=END_SEGMENT, layout=LAYOUT, read_dof=read_dof, read_start=start,
        read_channel=read_channel, gripper=gripper, rule=rule, fixed=tree.fixed, seg_q=tree.seg_q,
        point=tree.point, sign=SIGN, read_rule=read_rule, prismatic=tree.prismatic, dof_base=base,
        dof_needs=needs, seg_base=segments, seg_path=tree.seg_path, usual=usual,
        usual_dof=usual_dof, usual_known=usual_known, usual_seg=usual_seg,
    )  # fmt: skip
    return BodyPlan(embodiment, len(channel_joint), pack(tables))


def canonicalise(plan: BodyPlan, position: F64, velocity: F64 | None) -> CanonicalBody:
    """Canonical body of each frame; frame t of the result depends on frame t alone.

    Args:
        plan: From `compile_plan`.
        position: [T, C] rad, m or 0..1; NaN = not present in that frame.
        velocity: [T, C] the same per second, or None where the robot reports none.
    """
    frames, channels = position.shape
    if channels != plan.channels or (velocity is not None and velocity.shape != position.shape):
        raise ValueError(f"{channels} channels, the plan has {plan.channels}")
    position = _plain(position)
    velocity = np.empty((frames, 0)) if velocity is None else _plain(velocity)
    body = CanonicalBody(frames, velocity.shape[1] > 0)
    body.fill(plan, position, velocity)
    return body


def warm() -> None:
    """Compile all kernels, or load them from numba's cache: seconds the first time, then 0.3 s."""
    robot = load_embodiment("unitree_g1_29dof")
    names = [joint.name for joint in robot.joints]
    plan = compile_plan(robot, names, [None] * len(names), {})
    zero = np.zeros((1, len(names)))
    canonicalise(plan, zero, zero)


def _plain(array: F64) -> F64:
    """Contiguous, writable float64: anything else would make numba compile a second kernel."""
    flags = array.flags
    if array.dtype == np.float64 and flags.c_contiguous and flags.writeable:
        return array
    return np.array(array, dtype=np.float64, order="C")


def _check(
    e: Embodiment,
    channel_joint: Sequence[str | None],
    channel_dof: Sequence[str | None],
    assume: Mapping[str, float],
) -> None:
    if len(channel_joint) != len(channel_dof):
        raise ValueError(f"{len(channel_joint)} channel joints, {len(channel_dof)} channel DoFs")
    for names, known, what in (
        (channel_joint, set(e.joint_index), f"joint of {e.id}"),
        (channel_dof, set(DOFS[HAND_DOF_START:]), "finger DoF"),
    ):
        given = [name for name in names if name is not None]
        if len(given) != len(set(given)) or not set(given) <= known:
            raise ValueError(f"not one channel per {what}: {sorted(set(given) - known) or given}")
    if unknown := set(assume) - set(e.joint_index):
        raise ValueError(f"assumed, but no joint of {e.id}: {sorted(unknown)}")


def _sources(
    e: Embodiment, tree: BodyTree, channel: Mapping[str, int], assume: Mapping[str, float]
) -> tuple[I32, F64]:
    """The tables `source` [B, 2] and `rule` [B, 4] of `streams.kernels.chain.read_joints`."""
    source = np.full((len(tree.joints), 2), -1, dtype=np.int32)
    rule = np.zeros((len(tree.joints), 4))
    for b, joint in enumerate(tree.joints):
        mimic_channel, multiplier, offset = _mimic_channel(e, joint, channel)
        source[b] = channel.get(joint.name, -1), mimic_channel
        rule[b] = tree.reverse[b], multiplier, offset, value_at(e, joint, assume)
    return source, rule


def _usual(source: I32, base: U8, needs: U8, seg_base: U8, seg_path: U8) -> tuple[U8, U8, U8, U8]:
    """State of the joints where every channel is there, and what follows from it."""
    state = np.where(
        source[:, 0] >= 0, MEASURED, np.where(source[:, 1] >= 0, DERIVED, MISSING + NO_VELOCITY)
    ).astype(np.uint8)
    dof, known = np.empty(len(base), np.uint8), np.empty(len(base), np.uint8)
    segment = np.empty(len(seg_base), np.uint8)
    dof_status(state, base, needs, dof, known)
    segment_status(state, seg_base, seg_path, segment)
    return state, dof, known, segment


def _mimic_channel(
    e: Embodiment, joint: Joint, channel: Mapping[str, int]
) -> tuple[int, float, float]:
    """Channel of the nearest joint up the mimic chain that is in the stream, and how it scales."""
    multiplier, offset = 1.0, 0.0
    for _ in e.joints:
        if joint.mimic is None:
            break
        offset += multiplier * joint.mimic.offset
        multiplier *= joint.mimic.multiplier
        joint = e.joints[e.joint_index[joint.mimic.joint]]
        if joint.name in channel:
            return channel[joint.name], multiplier, offset
    return -1, 1.0, 0.0


def _readings(
    e: Embodiment, channel: Mapping[str, int], channel_dof: Sequence[str | None]
) -> tuple[I32, I32, I32, F64, I32]:
    """Tables of `streams.kernels.readings.read_directly`, and the sides that are grippers."""
    found = [(dof, c, 1.0, 0.0) for c, dof in enumerate(channel_dof) if dof is not None]
    for hand in e.hands.values():
        for f in hand.joints:
            if f.joint in channel:
                span = f.closed - f.open
                found.append((f.dof, channel[f.joint], 1.0 / span, -f.open / span))
    for m in e.measures:
        if m.joint in channel:
            found.append((m.dof, channel[m.joint], m.sign, m.offset_rad))
    found.sort(key=lambda reading: DOF_INDEX[reading[0]])
    dofs, counts = np.unique([DOF_INDEX[dof] for dof, *_ in found], return_counts=True)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    read = {dof for dof, *_ in found}
    gripper = [DOF_INDEX[f"{side}_thumb_rotation"] for side in SIDES if _is_gripper(e, side, read)]
    return (
        dofs.astype(np.int32),
        start,
        np.array([c for _, c, _, _ in found], dtype=np.int32),
        np.array([[gain, bias] for _, _, gain, bias in found], dtype=np.float64).reshape(-1, 2),
        np.array(gripper, dtype=np.int32),
    )


def _is_gripper(e: Embodiment, side: str, read: set[str]) -> bool:
    """Said by the embodiment; a hand it does not know is one if only its index is read."""
    if side in e.hands:
        return e.hands[side].kind == "gripper"
    return {dof for dof in read if dof in DOFS[HAND_DOF_START:] and dof.startswith(side)} == {
        f"{side}_index_flexion"
    }
