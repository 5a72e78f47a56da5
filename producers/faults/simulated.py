"""A simulated robot's take in its vendor's form, to put faults into."""

from __future__ import annotations

import numpy as np

from producers.faults.take import RawTake, raw_take
from producers.fleet.motion import build_motion
from producers.fleet.vendor_form import chunk_value, vendor_loop
from producers.recordings.recording import RecordedChunk, frames_per_chunk
from schemas.vendors import Vendor

STARTED_NS = 1_750_000_000_000_000_000


def simulated_take(vendor: Vendor, seconds: float, seed: int = 0) -> RawTake:
    """A robot at work for some seconds: its motion loop, round and round if need be."""
    rate_hz = vendor.profile.rate_hz
    size = frames_per_chunk(rate_hz)
    motion = build_motion(vendor, seed, rate_hz, size)
    loop = vendor_loop(vendor, motion, seed)
    wanted = max(size, round(seconds * rate_hz / size) * size)
    chunks = []
    for first in range(0, wanted, size):
        at = first % loop.frames
        value = chunk_value(loop, at, at + size, first, STARTED_NS)
        chunks.append(RecordedChunk(value, size, (first + size) / rate_hz))
    take = raw_take(vendor, chunks)
    assert take.frames == wanted
    assert np.all(np.diff(take.index) == 1)
    return take
