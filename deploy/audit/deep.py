"""Values of ClickHouse and of object storage, bit for bit: every signal of every frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from obstore.store import ObjectStore

from deploy.audit.clickhouse import signals
from deploy.audit.lake import SegmentFile, read_segment
from deploy.audit.report import Problem, problem

SIGNALS = ["position", "velocity", "effort", "action", "angle"]


def compare_values(
    client: Client, store: ObjectStore, files: Iterable[SegmentFile]
) -> list[Problem]:
    """Read every segment whole, and its chunks from ClickHouse."""
    different = [name for file in files for name in _differences(client, store, file)]
    return problem(
        "different_values",
        "A chunk's numbers are not the same in ClickHouse and in object storage.",
        different,
    )


def _differences(client: Client, store: ObjectStore, file: SegmentFile) -> list[str]:
    """Chunks of a segment whose numbers differ between the stores."""
    told, rows = read_segment(store, file.key, file.size)
    sequence = rows["sequence"].to_numpy()
    frame = rows["frame"].to_numpy()
    stream = (told["robot"], told["session"], told["processing_id"])
    span = (int(sequence.min()), int(sequence.max()))
    chunks = signals(client, stream, span, SIGNALS)
    in_lake = {name: _signal(rows, name) for name in SIGNALS}
    different = []
    for number in np.unique(sequence).tolist():
        own = np.flatnonzero(sequence == number)
        chunk = chunks.get(number)
        # A chunk that is not there at all is another problem's.
        if chunk is not None and not all(
            _same_bits(chunk[name], in_lake[name], frame[own] - chunk["first_frame"], own)
            for name in SIGNALS
        ):
            different.append(f"{file.key} sequence {number}")
    return different


def _signal(rows: pa.Table, signal: str) -> npt.NDArray[np.float32]:
    """A signal's rows of bytes as [T, width]; width 0 where it is not reported."""
    if signal not in rows.column_names:
        return np.empty((rows.num_rows, 0), np.float32)
    told = b"".join(rows[signal].to_pylist())
    return np.frombuffer(told, np.float32).reshape(rows.num_rows, -1)


def _same_bits(
    in_clickhouse: npt.NDArray[np.float32],
    in_lake: npt.NDArray[np.float32],
    within: npt.NDArray[np.int64],
    own: npt.NDArray[np.intp],
) -> bool:
    if in_clickhouse.size == 0 or in_lake.shape[1] == 0:
        return in_clickhouse.size == 0 and in_lake.shape[1] == 0
    ours = np.ascontiguousarray(in_clickhouse[within]).view(np.uint32)
    theirs = np.ascontiguousarray(in_lake[own]).view(np.uint32)
    return ours.shape == theirs.shape and bool((ours == theirs).all())
