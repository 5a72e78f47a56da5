"""Reads a krec file (protobuf): sparse frames, each with the actuators that answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import krec

from producers.recordings.recording import RecordedChunk, Take, spans
from schemas.registry import Schema

_STATE = (
    "actuator_id", "online", "position", "velocity", "torque", "temperature", "voltage", "current",
)  # fmt: skip
_COMMAND = ("actuator_id", "position", "velocity", "torque")


def read_krec(path: Path, schema: Schema, chunk_frames: int) -> Take:
    """Open a file; its header names the task."""
    record = krec.KRec.load(str(path))
    frames = [_frame(frame) for frame in record]
    return Take(record.header.task or None, len(frames), _chunks(frames, chunk_frames))


def _frame(frame: Any) -> dict[str, Any]:
    return {
        "real_timestamp": frame.real_timestamp,
        "video_timestamp": frame.video_timestamp,
        "video_frame_number": frame.video_frame_number,
        "inference_step": frame.inference_step,
        "actuator_states": [
            {name: getattr(state, name) for name in _STATE} for state in frame.get_actuator_states()
        ],
        "actuator_commands": [
            {name: getattr(command, name) for name in _COMMAND}
            for command in frame.get_actuator_commands() or ()
        ],
    }


def _chunks(frames: list[dict[str, Any]], chunk_frames: int) -> Iterator[RecordedChunk]:
    for start, stop in spans(len(frames), chunk_frames):
        passed_ns = frames[stop - 1]["real_timestamp"] - frames[0]["real_timestamp"]
        yield RecordedChunk({"frames": frames[start:stop]}, stop - start, passed_ns / 1e9)
