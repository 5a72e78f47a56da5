"""What a run that nothing disturbs makes of the same raw log: the pure steps, in this process."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import Mock

from confluent_kafka import Message
from obstore.store import LocalStore, ObjectStore

from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES
from schemas.vendors import load_vendors
from sinks.lake.__main__ import names_of_profiles
from sinks.lake.sink import LakeSink
from sinks.objects import list_keys, read_object
from sinks.record import Place, Record
from streams.checkpoint import empty_partition
from streams.chunk import compile_all
from streams.messages import plain_record
from streams.process import process_fold
from streams.records import Output

T = TypeVar("T")
FOLD = 200
_LOG_APPEND_TIME = 2


class Patient:
    """The sinks' patience where nothing is ever away."""

    def attempt(self, _what: str, action: Callable[[], T], _transient: object) -> T:
        """The action's result."""
        return action()


class Uninterrupted:
    """Every output of the workers, and every object of the lake sink."""

    def __init__(self, settings: Settings) -> None:
        only = [name for name in settings.vendors.split(",") if name]
        vendors = load_vendors(settings.profiles_dir, only)
        self._processors = compile_all(vendors)
        self._partitions = settings.partitions
        self._channel_names = names_of_profiles(settings)

    def outputs(self, raw: Iterable[Message], topic: str, partition: int) -> Iterator[Output]:
        """What the workers write for one raw partition, in order."""
        state = empty_partition(topic, partition, self._partitions)
        records = map(plain_record, raw)
        while fold := list(islice(records, FOLD)):
            state, folded = process_fold(state, fold, self._processors)
            yield from folded.outputs

    def objects(self, outputs: Iterable[Output]) -> dict[str, str]:
        """SHA-256 of every object that the canonical ones among some outputs become, by key."""
        with tempfile.TemporaryDirectory(prefix="kinebus-chaos-") as folder:
            store = LocalStore(Path(folder, "lake"), mkdir=True)
            patient: Any = Patient()
            spill_dir = Path(folder, "spill")
            sink = LakeSink(store, self._channel_names, Mock(), patient, spill_dir)
            offset = 0
            for output in outputs:
                if output.topic == CANONICAL_FRAMES:
                    place = Place(output.topic, output.partition)
                    sink.take(
                        Record(place, offset, _LOG_APPEND_TIME, 0, output.key, None, output.value)
                    )
                    offset += 1
            sink.settle(final=True)
            return hashes(store)


def hashes(store: ObjectStore) -> dict[str, str]:
    """SHA-256 of every object of the lake, by key."""
    keys = [key for key, _ in list_keys(store, "episodes")]
    return {key: hashlib.sha256(read_object(store, key)).hexdigest() for key in keys}
