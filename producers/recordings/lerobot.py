"""Reads one episode of a LeRobot v2 data set (Parquet): columns whose dots become underscores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from producers.recordings.recording import RecordedChunk, RecordingError, Take, spans
from schemas.blocks import Block, block_fields
from schemas.registry import Schema


def read_lerobot(path: Path, schema: Schema, chunk_frames: int) -> Take:
    """Open an episode; every column the vendor's schema names must be there with its type."""
    table = pq.read_table(path)
    columns = {name.replace(".", "_"): name for name in table.column_names}
    arrays: dict[str, NDArray[Any]] = {}
    for field, block in block_fields(schema.document).items():
        if field not in columns:
            raise RecordingError(f"{path}: no column for {field}; there are {sorted(columns)}")
        arrays[field] = _column(table.column(columns[field]), block, f"{path}: {field}")
    task = _task(path, int(arrays["task_index"][0, 0]))
    return Take(task, table.num_rows, _chunks(arrays, chunk_frames))


def _column(column: pa.ChunkedArray, block: Block, where: str) -> NDArray[Any]:
    """A column as [T] or [T, K], in the file's own type."""
    flat = column.combine_chunks()
    if not pa.types.is_primitive(flat.type):
        flat = flat.flatten()
    numbers = flat.to_numpy(zero_copy_only=False)
    if numbers.dtype != block.dtype or len(numbers) != len(column) * block.columns:
        raise RecordingError(
            f"{where}: {len(numbers)} {numbers.dtype} in {len(column)} rows, "
            f"not {block.columns} {block.dtype} a row"
        )
    return np.ascontiguousarray(numbers).reshape(len(column), block.columns)


def _chunks(arrays: dict[str, NDArray[Any]], chunk_frames: int) -> Iterator[RecordedChunk]:
    stamps = arrays["timestamp"][:, 0]
    for start, stop in spans(len(stamps), chunk_frames):
        value = {name: array[start:stop].tobytes() for name, array in arrays.items()}
        yield RecordedChunk(value, stop - start, float(stamps[stop - 1] - stamps[0]))


def _task(path: Path, index: int) -> str | None:
    """The text of a task index, from the data set's `meta/tasks.jsonl`."""
    for folder in path.parents[:3]:
        tasks = folder / "meta" / "tasks.jsonl"
        if tasks.exists():
            rows = (json.loads(line) for line in tasks.read_text().splitlines() if line)
            return next((row["task"] for row in rows if row["task_index"] == index), None)
    return None
