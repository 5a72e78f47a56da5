"""Opens a recording with its vendor's reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from producers.recordings.frame_rows import read_frame_rows
from producers.recordings.json_columns import read_json_columns
from producers.recordings.krec_frames import read_krec
from producers.recordings.lerobot import read_lerobot
from producers.recordings.matlab import read_matlab
from producers.recordings.recording import Recording, RecordingError, Take, frames_per_chunk
from producers.sdk.form import Form
from schemas.registry import Schema

READERS: Mapping[str, Callable[[Path, Schema, int], Take]] = {
    "unitree": read_lerobot,
    "fourier": read_lerobot,
    "pollen": read_json_columns,
    "iit": read_matlab,
    "xhumanoid": read_frame_rows,
    "kscale": read_krec,
}


def open_recording(recording: Recording, form: Form) -> Take:
    """Open a recording in its vendor's form, cut into chunks of about 100 ms."""
    reader = READERS.get(recording.vendor)
    if reader is None:
        raise RecordingError(f"no reader for {recording.vendor}; there are {', '.join(READERS)}")
    rate_hz = recording.rate_hz or form.profile.rate_hz
    return reader(recording.path, form.schema, frames_per_chunk(rate_hz))
