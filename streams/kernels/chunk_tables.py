"""What canonicalising must know of a stream and a robot, packed into three arrays.

A kernel's call costs time for every array it is given, as much as a frame's whole arithmetic.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


class ChunkTables(NamedTuple):
    """Constant arrays of `streams.kernels.chunk`, which says what each is."""

    source: I32
    parent: I32
    seg_body: I32
    point_body: I32
    end_segment: I32
    layout: I32
    read_dof: I32
    read_start: I32
    read_channel: I32
    gripper: I32
    rule: F64
    fixed: F64
    seg_q: F64
    point: F64
    sign: F64
    read_rule: F64
    prismatic: U8
    dof_base: U8
    dof_needs: U8
    seg_base: U8
    seg_path: U8
    usual: U8
    usual_dof: U8
    usual_known: U8
    usual_seg: U8


# Whole numbers before the arrays: bodies, DoFs, directly read DoFs, readings, grippers.
_HEAD: Final = 5
_WHOLE, _FLOAT = 10, 16


def pack(tables: ChunkTables) -> tuple[I32, F64, U8]:
    """All tables of each type one after the other, the whole numbers behind their sizes."""
    head = np.array(
        [
            len(tables.parent), len(tables.dof_base), len(tables.read_dof),
            len(tables.read_channel), len(tables.gripper),
        ]
    )  # fmt: skip
    parts = [np.ravel(table) for table in tables]
    return (
        np.concatenate([head, *parts[:_WHOLE]]).astype(np.int32),
        np.concatenate(parts[_WHOLE:_FLOAT]).astype(np.float64),
        np.concatenate(parts[_FLOAT:]).astype(np.uint8),
    )


@njit(cache=True)
def unpack(whole: I32, floats: F64, octets: U8) -> ChunkTables:
    """The tables as views."""
    b, d, r = int(whole[0]), int(whole[1]), int(whole[2])
    n, g = int(whole[3]), int(whole[4])
    w, at = whole[_HEAD:], 0
    source, at = w[at : at + 2 * b].reshape(b, 2), at + 2 * b
    parent, at = w[at : at + b], at + b
    seg_body, at = w[at : at + 15], at + 15
    point_body, at = w[at : at + 19], at + 19
    end_segment, at = w[at : at + 4], at + 4
    layout, at = w[at : at + 70].reshape(14, 5), at + 70
    read_dof, at = w[at : at + r], at + r
    read_start, at = w[at : at + r + 1], at + r + 1
    read_channel, at = w[at : at + n], at + n
    gripper, at = w[at : at + g], 0
    rule, at = floats[at : at + 4 * b].reshape(b, 4), at + 4 * b
    fixed, at = floats[at : at + 7 * b].reshape(b, 7), at + 7 * b
    seg_q, at = floats[at : at + 60].reshape(15, 4), at + 60
    point, at = floats[at : at + 57].reshape(19, 3), at + 57
    sign, at = floats[at : at + 42].reshape(14, 3), at + 42
    read_rule, at = floats[at : at + 2 * n].reshape(n, 2), 0
    prismatic, at = octets[at : at + b], at + b
    dof_base, at = octets[at : at + d], at + d
    dof_needs, at = octets[at : at + d * b].reshape(d, b), at + d * b
    seg_base, at = octets[at : at + 15], at + 15
    seg_path, at = octets[at : at + 15 * b].reshape(15, b), at + 15 * b
    usual, at = octets[at : at + b], at + b
    usual_dof, at = octets[at : at + d], at + d
    usual_known, at = octets[at : at + d], at + d
    usual_seg = octets[at : at + 15]
    return ChunkTables(
        source, parent, seg_body, point_body, end_segment, layout, read_dof, read_start,
        read_channel, gripper, rule, fixed, seg_q, point, sign, read_rule, prismatic, dof_base,
        dof_needs, seg_base, seg_path, usual, usual_dof, usual_known, usual_seg,
    )  # fmt: skip
