"""Reads a JSON file of columns: every field is a list with one entry a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from producers.recordings.recording import RecordedChunk, RecordingError, Take, spans
from schemas.registry import Schema


def read_json_columns(path: Path, schema: Schema, chunk_frames: int) -> Take:
    """Open a file; it is named after what the robot does in it."""
    document = orjson.loads(path.read_bytes())
    names = schema.document["properties"]
    absent = [name for name in schema.document["required"] if name not in document]
    lengths = {len(column) for name, column in document.items() if name in names}
    if absent or len(lengths) != 1:
        raise RecordingError(f"{path}: lacks {absent}, columns of length {sorted(lengths)}")
    columns = {name: document[name] for name in names if name in document}
    return Take(path.stem, lengths.pop(), _chunks(columns, chunk_frames))


def _chunks(columns: Mapping[str, list[Any]], chunk_frames: int) -> Iterator[RecordedChunk]:
    stamps = columns["time"]
    for start, stop in spans(len(stamps), chunk_frames):
        value = {name: column[start:stop] for name, column in columns.items()}
        yield RecordedChunk(value, stop - start, stamps[stop - 1] - stamps[0])
