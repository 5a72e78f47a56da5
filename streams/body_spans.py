"""Which canonical DoFs a robot's joints span, found by moving each joint and looking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.body import COMPLEXES, DOF_INDEX, DOFS, SEGMENT_INDEX, SEGMENTS, Status
from streams.body_tree import LAYOUT, SIGN, BodyTree
from streams.kernels.chunk import raw_angles

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

_POSES = 16
_SPREAD_RAD = 1.0
_SWING_RAD = 0.4
# Truncated constants in descriptions (3.141592) couple axes by 1e-6 rad: that is no dependence.
_MOVED_RAD = 1e-5
_SPANNED = 0.05


def angles_at(tree: BodyTree, value: F64) -> F64:
    """Angles [N, 14, 3] of all complexes for joint values [N, B], absent joints disregarded."""
    out = np.empty((len(value), len(COMPLEXES), 3))
    raw_angles(
        value, tree.parent, tree.prismatic, tree.fixed, tree.seg_body, tree.seg_q, LAYOUT, SIGN, out
    )
    return out


def span_dofs(tree: BodyTree, neutral: F64) -> tuple[U8, U8]:
    """What each DoF depends on, and its status when every joint is in the stream.

    A complex with as many joints as DoFs measures them all. With fewer, as many DoFs as there are
    independent joints are measured (those the joints turn most at the neutral pose); what else
    moves with them is derived, and what never moves is absent.

    Args:
        tree: The robot.
        neutral: [B] joint values of the neutral pose.

    Returns:
        base [44] `Status`; needs [44, B] 1 where the DoF depends on the joint.
    """
    joints = len(tree.joints)
    base = np.full(len(DOFS), Status.ABSENT, dtype=np.uint8)
    needs = np.zeros((len(DOFS), joints), dtype=np.uint8)
    if joints == 0:
        return base, needs
    spread = np.random.default_rng(0).uniform(-_SPREAD_RAD, _SPREAD_RAD, (_POSES, joints))
    swung = _swing(tree, neutral + spread, _SWING_RAD)
    slope = _swing(tree, neutral[None, :], 1e-4)[:, 0] / 1e-4
    for k, c in enumerate(COMPLEXES):
        moved = np.abs(swung[:, :, k, : len(c.dofs)]).max(axis=1) > _MOVED_RAD
        measured = _pivots(np.nan_to_num(slope[:, k, : len(c.dofs)].T))
        for i, dof in enumerate(c.dofs):
            needs[DOF_INDEX[dof]] = moved[:, i]
            if moved[:, i].any():
                base[DOF_INDEX[dof]] = Status.MEASURED if i in measured else Status.DERIVED
    return base, needs


def segment_base(tree: BodyTree) -> U8:
    """Status [15] of each segment when every joint is in the stream: rigid ones are derived."""
    base = np.full(len(SEGMENTS), Status.ABSENT, dtype=np.uint8)
    for name, s in SEGMENT_INDEX.items():
        if tree.seg_body[s] < 0:
            continue
        parents = [SEGMENT_INDEX[c.parent] for c in COMPLEXES if c.child == name]
        rigid = any(tree.seg_body[s] == tree.seg_body[p] for p in parents)
        base[s] = Status.DERIVED if rigid else Status.MEASURED
    return base


def _swing(tree: BodyTree, value: F64, by: float) -> F64:
    """Change of all angles when each joint in turn moves: [B, N, 14, 3], wrapped, NaN = absent."""
    joints = value.shape[1]
    moved = value[None, :, :] + by * np.eye(joints)[:, None, :]
    after = angles_at(tree, moved.reshape(-1, joints)).reshape(joints, len(value), -1, 3)
    change: F64 = np.angle(np.exp(1j * (after - angles_at(tree, value)[None])))
    return change


def _pivots(slope: F64) -> set[int]:
    """Rows of [DoFs, B] that are independent, largest first (Gram-Schmidt with pivots)."""
    left, chosen = slope.copy(), set[int]()
    for _ in range(len(slope)):
        size = np.linalg.norm(left, axis=1)
        row = int(np.argmax(size))
        if size[row] < _SPANNED:
            break
        chosen.add(row)
        unit = left[row] / size[row]
        left -= np.outer(left @ unit, unit)
    return chosen
