"""Reads segments back as the canonical chunks they were made of.

Canonical velocities are not stored (they are derived): a chunk read back has none, as [T, 0].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import ObjectStore

from schemas.canonical import CanonicalChunk
from sinks.lake.columns import matrix
from sinks.lake.keys import ROOT, SEGMENT_FRAMES, is_segment_key
from sinks.lake.table import FIXED, NATIVE
from sinks.objects import list_keys, read_object
from sinks.parquet import document_of

_TAILS = {"hand_pose": (2, 7), "foot_pose": (2, 7)}


def session_folders(store: ObjectStore) -> list[str]:
    """The folder of every session and processing that has a segment."""
    keys = (key for key, _ in list_keys(store, ROOT) if is_segment_key(key))
    return sorted({key.rsplit("/", 2)[0] for key in keys})


def read_chunks(store: ObjectStore, folder: str) -> Iterator[CanonicalChunk]:
    """The chunks of a session as one processing made them, each whole.

    A chunk that lies across two segments is put together: what may go on in the next one waits.
    """
    keys = [key for key, _ in list_keys(store, folder) if is_segment_key(key)]
    waiting: dict[int, CanonicalChunk] = {}
    for key in sorted(keys, key=lambda key: key.rsplit("/", 1)[1]):
        index = int(key.rsplit("-", 2)[1]) // SEGMENT_FRAMES
        for sequence in [s for s, c in waiting.items() if _last(c) // SEGMENT_FRAMES < index - 1]:
            yield waiting.pop(sequence)
        for piece in chunks_in(read_object(store, key)):
            before = waiting.pop(piece.sequence, None)
            whole = piece if before is None else _joined(before, piece)
            if (whole.first_frame + whole.frames) % SEGMENT_FRAMES == 0:
                waiting[piece.sequence] = whole
            else:
                yield whole
    yield from waiting.values()


def chunks_in(data: bytes) -> Iterator[CanonicalChunk]:
    """The chunks, or parts of chunks, of one segment's object, by frame."""
    file = pq.ParquetFile(pa.BufferReader(data))
    document = document_of(file.metadata)
    table = file.read(use_threads=False)
    signals = _signals(table, document["t_source_dtype"])
    sequence = table["sequence"].to_numpy()
    cuts = np.flatnonzero(np.diff(sequence)) + 1
    bounds = [0, *cuts.tolist(), len(sequence)]
    told = document["segment"]
    for start, stop in pairwise(bounds):
        span = slice(start, stop)
        arrays: dict[str, Any] = {
            name: None if a is None else a[span] for name, a in signals.items()
        }
        yield CanonicalChunk(
            robot=document["robot"],
            session=document["session"],
            sequence=int(sequence[start]),
            first_frame=table["frame"][start].as_py(),
            frames=stop - start,
            channels=signals["position"].shape[1],
            episode=document["episode"],
            profile=told["profile"],
            embodiment=told["embodiment"],
            embodiment_hash=told["embodiment_hash"],
            processing_id=document["processing_id"],
            source_topic=told["source_topic"],
            source_partition=told["source_partition"],
            source_offset=table["source_offset"][start].as_py(),
            published_ns=table["published_ns"][start].as_py(),
            log_ms=table["log_ms"][start].as_py(),
            angle_velocity=np.empty((stop - start, 0), np.float32),
            **arrays,
        )


def _signals(table: pa.Table, stamp_dtype: str) -> dict[str, Any]:
    """Every signal of a segment as [T, …]; None where the robot does not report it."""
    found: dict[str, Any] = {}
    for signal in (*NATIVE, *FIXED):
        found[signal] = None
        if signal in table.column_names:
            found[signal] = matrix(table[signal]).reshape(
                table.num_rows, *_TAILS.get(signal, (-1,))
            )
    found["t_ns"] = table["t_ns"].to_numpy()
    found["flags"] = table["flags"].to_numpy()
    found["angle_status"] = matrix(table["angle_status"], np.uint8)
    found["segment_status"] = matrix(table["segment_status"], np.uint8)
    found["t_source"] = _stamps(table, stamp_dtype)
    return found


def _stamps(table: pa.Table, dtype: str) -> npt.NDArray[Any] | None:
    if not dtype:
        return None
    column = table["t_source"]
    if pa.types.is_fixed_size_binary(column.type):
        return matrix(column, dtype).reshape(-1)
    stamps: npt.NDArray[Any] = column.to_numpy().astype(dtype)
    return stamps


def _last(chunk: CanonicalChunk) -> int:
    return chunk.first_frame + chunk.frames - 1


def _joined(first: CanonicalChunk, second: CanonicalChunk) -> CanonicalChunk:
    """Two parts of a chunk, the later frames behind the earlier ones."""
    changes: dict[str, Any] = {"frames": first.frames + second.frames}
    for part in fields(first):
        value = getattr(first, part.name)
        if isinstance(value, np.ndarray):
            changes[part.name] = np.concatenate([value, getattr(second, part.name)])
    return replace(first, **changes)
