"""Opens the columns of a segment's table: a signal as a matrix, or as a column a component."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

F32 = npt.NDArray[np.float32]


def matrix(column: pa.ChunkedArray, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """A column of fixed-size bytes as numbers, without copying them. Returns [T, K]."""
    kind = np.dtype(dtype)
    joined = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    width = joined.type.byte_width
    data = joined.buffers()[1]
    if data is None or not len(joined):
        return np.empty((0, width // kind.itemsize), kind)
    count = len(joined) * width // kind.itemsize
    flat = np.frombuffer(data, kind, count, joined.offset * width)
    return flat.reshape(len(joined), -1)


def signal(table: pa.Table, name: str) -> F32 | None:
    """A signal as [K, T], each component's values behind each other; None where it is not told."""
    if name not in table.column_names:
        return None
    return np.ascontiguousarray(matrix(table[name]).T)


def by_component(table: pa.Table) -> pa.Table:
    """A segment's table, as read, with a float column for each component of each signal.

    Their names are in the file's own document: `position.l_elbow_pitch`, `left_hand.x`.
    """
    columns: dict[str, pa.Array] = {}
    names: dict[str, list[str]] = orjson.loads(table.schema.metadata[b"kinebus"])["columns"]
    for column in table.column_names:
        own = signal(table, column) if column in names else None
        if own is None:
            columns[column] = table[column]
        else:
            columns |= {n: pa.array(plane) for n, plane in zip(names[column], own, strict=True)}
    return pa.table(columns)
