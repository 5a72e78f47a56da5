"""Reads motion text: JSON with a frame duration and rows of numbers, no stamps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from producers.recordings.recording import RecordedChunk, RecordingError, Take, spans
from schemas.registry import Schema


def read_frame_rows(path: Path, schema: Schema, chunk_frames: int) -> Take:
    """Open a file; it is named after what the robot does in it."""
    document = orjson.loads(path.read_bytes())
    absent = [name for name in schema.document["required"] if name not in document]
    if absent:
        raise RecordingError(f"{path}: lacks {', '.join(absent)}")
    rows, duration = document["Frames"], document["FrameDuration"]
    return Take(path.stem, len(rows), _chunks(rows, duration, chunk_frames))


def _chunks(
    rows: list[list[float]], duration_s: float, chunk_frames: int
) -> Iterator[RecordedChunk]:
    for start, stop in spans(len(rows), chunk_frames):
        value = {"FrameDuration": duration_s, "Frames": rows[start:stop]}
        yield RecordedChunk(value, stop - start, (stop - 1) * duration_s)
