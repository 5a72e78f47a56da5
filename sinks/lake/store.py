"""Segments and manifests in the object store: put once, looked up, checked when found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import structlog
from obstore.store import ObjectStore

from schemas.canonical import Boundary
from schemas.events import EpisodeEvent
from sinks.lake.keys import Region, folder, is_segment_key, manifest_key
from sinks.lake.manifest import encode_manifest, sealed
from sinks.lake.segment import Segment, SegmentFacts, facts_of
from sinks.lake.table import ChannelNames, encode_segment, facts_in
from sinks.objects import digest, list_keys, put_once, read_object
from sinks.parquet import read_footer

_log = structlog.get_logger()


class OtherSegmentError(RuntimeError):
    """A segment's key holds other frames: another sink cut them otherwise.

    What lies there counts. The sink starts again, finds it, and puts what it lacks elsewhere.
    """


def put_segment(store: ObjectStore, segment: Segment, names: ChannelNames) -> SegmentFacts:
    """Put a segment, or find it there; returns what lies in the store."""
    segment.load()
    data = encode_segment(segment, names)
    facts = facts_of(segment)
    stored = put_once(store, facts.key, data)
    if not stored.created and stored.sha256 != digest(data):
        there = facts_in(
            pq.read_metadata(pa.BufferReader(read_object(store, facts.key))), facts.key
        )
        if there != facts:
            raise OtherSegmentError(f"{facts.key} holds {there}, not {facts}")
        _log.error("same frames, other bytes: the stored object stays", key=facts.key)
    return replace(facts, bytes=stored.bytes, sha256=stored.sha256)


def put_manifest(
    store: ObjectStore, region: Region, boundary: Boundary, segments: Sequence[SegmentFacts]
) -> EpisodeEvent:
    """Put an episode's manifest, or find it there; returns the fact to announce."""
    known = [facts if facts.sha256 else _hashed(store, facts) for facts in segments]
    data = encode_manifest(boundary, known)
    stored = put_once(store, manifest_key(region), data)
    if not stored.created:
        data = read_object(store, stored.key)
    return sealed(boundary, data, stored)


def segments_in(store: ObjectStore, region: Region) -> list[SegmentFacts]:
    """The segments that lie in a region, by their own metadata; sizes and hashes come later."""
    found = sorted(item for item in list_keys(store, folder(region)) if is_segment_key(item[0]))
    return [facts_in(read_footer(store, key, size), key) for key, size in found]


def _hashed(store: ObjectStore, facts: SegmentFacts) -> SegmentFacts:
    data = read_object(store, facts.key)
    return replace(facts, bytes=len(data), sha256=digest(data))
