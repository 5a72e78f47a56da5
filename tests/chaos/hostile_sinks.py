"""What hostile input left, in the sinks' encoders: rows, segments, manifests, the archive."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from obstore.store import MemoryStore

from schemas.canonical import decode_canonical
from schemas.topics import CANONICAL_FRAMES
from schemas.vendors import Vendor
from sinks.archive.table import decode_range, encode_range
from sinks.clickhouse.block import Block
from sinks.lake.segmenter import Close, Seal, Segmenter
from sinks.lake.spill import Spill
from sinks.lake.store import put_manifest, put_segment, segments_in
from sinks.objects import list_keys
from sinks.patience import Patience
from sinks.record import Place, Record
from streams.records import Output, PlainRecord

BLOCK_RECORDS = 500


class Sinks:
    """A block, the open segments, and a range of the archive, without broker or database."""

    def __init__(self, vendors: Sequence[Vendor]) -> None:
        self._names = {v.profile.id: v.profile.channel_names for v in vendors}
        self._store = MemoryStore()
        self._folder = tempfile.TemporaryDirectory(prefix="kinebus-spill-")
        spill = Spill(Path(self._folder.name), Patience("lake", time.sleep))
        self._segmenter = Segmenter(
            lambda region: segments_in(self._store, region), spill, max_open_bytes=8 << 20
        )
        self._block = Block()
        self._raw: dict[Place, list[Record]] = {}
        self._offset = 0
        self._count = 0

    def take(self, raw: PlainRecord, outputs: Sequence[Output]) -> None:
        """A raw record and what came of it."""
        place = Place(raw.topic, raw.partition)
        kept = Record(
            place, raw.offset, 1, raw.timestamp, raw.key, list(raw.headers) or None, raw.value
        )
        self._raw.setdefault(place, []).append(kept)
        for output in outputs:
            self._offset += 1
            at = Place(output.topic, 0)
            record = Record(at, self._offset, 1, raw.timestamp, output.key, None, output.value)
            if output.topic != "streams.state":
                self._block.add(record)
            if output.topic == CANONICAL_FRAMES:
                self._segment(record)
        self._count += 1
        if self._count % BLOCK_RECORDS == 0:
            self.flush()

    def flush(self) -> None:
        """Encode what has gathered; raises where something cannot be encoded."""
        self._block.tables()
        self._block = Block()
        for records in self._raw.values():
            assert list(decode_range(encode_range(records))) == records
        self._raw.clear()
        for key, _ in list_keys(self._store, "episodes"):
            assert ".." not in key.split("/"), key
            assert key.isprintable(), key

    def _segment(self, record: Record) -> None:
        fact = decode_canonical(record.value or b"")
        for action in self._segmenter.take(
            record.place, record.offset, record.timestamp_ms, fact, len(record.value or b"")
        ):
            if isinstance(action, Seal):
                facts = put_segment(self._store, action.segment, self._names.__getitem__)
                self._segmenter.at_rest(action.segment.region, facts)
            elif isinstance(action, Close):
                found = self._segmenter.segments(action)
                put_manifest(self._store, action.region, action.boundary, found)
