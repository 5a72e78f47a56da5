"""What every runner does with a batch of raw records, and the CPU it is asked for."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from schemas.codec import decode, encode
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, raw_topic
from schemas.vendors import load_vendors
from streams.checkpoint import PartitionState, empty_partition
from streams.chunk import compile_all
from streams.process import process_fold
from streams.records import Output, PlainRecord
from streams.warm import warm

FULL, TRIVIAL = "full", "trivial"
BATCH = 200
"""Records a poll gives at most, as the worker's own."""

BLOCK = "position"


class Asked(NamedTuple):
    """A runner's arguments: which step, from where in the log, frames before and in the window."""

    step: str
    start: str
    warm_frames: int
    frames: int
    group: str

    @classmethod
    def of_command(cls) -> Asked:
        """The arguments of this process."""
        step, start, warm_frames, frames, group = sys.argv[1:]
        return cls(step, start, int(warm_frames), int(frames), group)


class Work:
    """The step over batches of records of any partitions, and the meter beside it.

    `full`: decode, canonicalise, all checks, state and snapshots, encode: `process_fold` itself.
    `trivial`: decode, one signal multiplied by a constant, encode.
    """

    def __init__(self, asked: Asked) -> None:
        settings = Settings()
        self.bootstrap = settings.require_kafka()
        vendors = load_vendors(settings.profiles_dir, settings.vendors.split(","))
        self.topics = [raw_topic(name) for name in vendors.names]
        self._registry = vendors.registry
        self._partitions = settings.partitions
        self._full = asked.step == FULL
        self._processors = compile_all(vendors)
        self._states: dict[tuple[str, int], PartitionState] = {}
        self._asked = asked
        self._frames = 0
        self._began: tuple[float, int] | None = None
        warm()

    def __call__(self, records: Sequence[PlainRecord]) -> list[Output]:
        """The outputs of a batch, snapshots behind them; ends the process past the last frame."""
        outputs = self._process(records) if self._full else self._trivial(records)
        self._count(records)
        return outputs

    def _process(self, records: Sequence[PlainRecord]) -> list[Output]:
        folds: dict[tuple[str, int], list[PlainRecord]] = defaultdict(list)
        for record in records:
            folds[record.topic, record.partition].append(record)
        outputs: list[Output] = []
        for place, own in folds.items():
            state = self._states.get(place) or empty_partition(*place, self._partitions)
            self._states[place], folded = process_fold(state, own, self._processors)
            outputs += folded.outputs
            if folded.checkpoint is not None:
                outputs += folded.checkpoint.snapshots
        return outputs

    def _trivial(self, records: Sequence[PlainRecord]) -> list[Output]:
        outputs = []
        for record in records:
            if record.value and _frames(record):
                schema, message = decode(record.value, self._registry)
                if BLOCK in message:
                    scaled = np.frombuffer(message[BLOCK], np.float32) * np.float32(1.5)
                    message[BLOCK] = scaled.tobytes()
                value = encode(schema, message)
                key = record.key or b""
                outputs.append(Output(CANONICAL_FRAMES, record.partition, key, value))
        return outputs

    def _count(self, records: Sequence[PlainRecord]) -> None:
        for record in records:
            self._frames += _frames(record)
        if self._began is None:
            if self._frames >= self._asked.warm_frames:
                self._began = time.process_time(), self._frames
        elif self._frames - self._began[1] >= self._asked.frames:
            cpu_s, frames = time.process_time() - self._began[0], self._frames - self._began[1]
            print(json.dumps({"cpu_s": cpu_s, "frames": frames}), flush=True)
            os._exit(0)


def _frames(record: PlainRecord) -> int:
    """Frames that a record says it holds; marks and ticks hold none."""
    return next((int(value or 0) for name, value in record.headers if name == "frames"), 0)
