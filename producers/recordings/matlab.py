"""Reads a MATLAB v7.3 file (HDF5): variables of shape (channel, time)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from producers.recordings.recording import RecordedChunk, RecordingError, Take, spans
from schemas.blocks import block_fields
from schemas.registry import Schema

STAMPS = "estimatorJointsTime"


def read_matlab(path: Path, schema: Schema, chunk_frames: int) -> Take:
    """Open a file; every variable the vendor's schema names must be there with its type."""
    arrays: dict[str, NDArray[Any]] = {}
    with h5py.File(path, "r") as file:
        for field, block in block_fields(schema.document).items():
            if field not in file:
                raise RecordingError(f"{path}: no variable {field}; there are {sorted(file)}")
            data = file[field][()]
            if data.dtype != block.dtype or data.ndim != 2 or data.shape[0] != block.columns:
                raise RecordingError(f"{path}: {field} is {data.dtype} {data.shape}, not {block}")
            arrays[field] = np.ascontiguousarray(data.T)
    return Take(path.stem, len(arrays[STAMPS]), _chunks(arrays, chunk_frames))


def _chunks(arrays: dict[str, NDArray[Any]], chunk_frames: int) -> Iterator[RecordedChunk]:
    stamps = arrays[STAMPS][:, 0]
    for start, stop in spans(len(stamps), chunk_frames):
        value = {name: array[start:stop].tobytes() for name, array in arrays.items()}
        yield RecordedChunk(value, stop - start, float(stamps[stop - 1] - stamps[0]))
