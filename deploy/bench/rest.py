"""Bytes at rest: what a frame takes in each store, its native signals and what is derived apart.

No broker: the stream's own steps, the sinks' own encoders, and an embedded ClickHouse. What comes
back is compared bit for bit with what went in.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client
from ulid import ULID

from deploy.clickhouse.service import running_clickhouse
from producers.fleet.bench_vendors import write_bench_vendors
from producers.fleet.motion import build_motion
from producers.fleet.vendor_form import chunk_value, vendor_loop
from producers.recordings.find import find_recordings
from producers.recordings.read import open_recording
from producers.sdk.form import Form
from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk, Cause, decode_canonical
from schemas.envelope import Envelope, Kind, envelope_headers
from schemas.topics import CANONICAL_FRAMES, raw_topic
from schemas.vendors import Vendor, Vendors, load_vendors
from sinks.archive.table import decode_range, encode_range
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.frames_table import frames_table
from sinks.clickhouse.migrate import migrate
from sinks.lake.read import chunks_in
from sinks.lake.segment import Segment
from sinks.lake.segmenter import Seal, Segmenter
from sinks.lake.table import encode_segment
from sinks.record import Place, Record
from streams.checkpoint import empty_partition
from streams.chunk import compile_processor
from streams.process import process_fold
from streams.records import PlainRecord

Say = Callable[[str], None]

NATIVE = (
    "position", "velocity", "effort", "action",
    "base_position", "base_quaternion", "base_angular_velocity", "base_acceleration",
)  # fmt: skip
DERIVED = ("angle", "hand_pose", "foot_pose", "angle_status", "segment_status", "flags")
FLEET_HZ, FLEET_CHUNK = 250.0, 25
FULL_FRAME_BYTES = 528
"""Of 40 joints with position, velocity and effort, and an IMU."""
_PARTITION = 0


@dataclass(frozen=True)
class Take:
    """Frames of one robot: raw values with their number of frames, as its maker writes them."""

    name: str
    vendor: Vendor
    values: Sequence[tuple[bytes, int]]
    played: int = 1
    """How often the same frames come: repetition that lies near enough is compressed, too."""


def bench_rest(frames: int, recordings: Path | None, say: Say) -> dict[str, Any]:
    """Bytes a frame of a simulated robot and of each maker's first recording, looped.

    Args:
        frames: of each, at least.
        recordings: a folder with an INDEX.csv; None leaves real motion out.
        say: progress.
    """
    found = {}
    with tempfile.TemporaryDirectory(prefix="kinebus-rest-") as folder:
        own = Path(folder, "profiles")
        write_bench_vendors(own, vendors=1, rate_hz=FLEET_HZ)
        vendors = load_vendors(own)
        takes = chain(
            [simulated(vendors, frames)],
            _recorded(vendors, recordings, frames) if recordings else (),
        )
        with running_clickhouse(Path(folder, "clickhouse")) as url:
            client = connect_created(url, "rest")
            migrate(client)
            for take in takes:
                say(f"{take.name}: {sum(count for _, count in take.values):,} frames")
                found[take.name] = _measure(vendors, take, client)
    return found


def _measure(vendors: Vendors, take: Take, client: Client) -> dict[str, Any]:
    raw = list(raw_records(take))
    chunks = _canonical(vendors, take, raw)
    frames = sum(chunk.frames for chunk in chunks)
    given = sum(_native_bytes(chunk) for chunk in chunks) / frames
    channels = take.vendor.profile.channel_names
    lake, lake_back = _in_lake(chunks, channels)
    house, house_back = _in_clickhouse(client, chunks)
    archive = in_archive(raw)
    archive_back = [record.value for record in decode_range(archive)]
    native_back = [[_native(c) for c in back] for back in (chunks, lake_back, house_back)]
    return {
        "frames": frames,
        "played": take.played,
        "channels": len(channels),
        "native_input": round(given, 1),
        "raw_input": round(sum(len(r.value or b"") for r in raw) / frames, 1),
        "lake": _told(lake, frames, given),
        "clickhouse": _told(house, frames, given),
        "archive": round(len(archive) / frames, 1),
        "lossless": {
            "lake": native_back[0] == native_back[1],
            "clickhouse": native_back[0] == native_back[2],
            "archive": archive_back == [r.value for r in raw],
        },
    }


def _told(sizes: Mapping[str, int], frames: int, given: float) -> dict[str, float]:
    native = sum(sizes.get(name, 0) for name in NATIVE) / frames
    derived = sum(sizes.get(name, 0) for name in DERIVED) / frames
    return {
        "native": round(native, 1),
        "native_per_528": round(native / given * FULL_FRAME_BYTES, 1),
        "derived": round(derived, 1),
        "times_and_lineage": round(sum(sizes.values()) / frames - native - derived, 1),
    }


def simulated(vendors: Vendors, frames: int, chunk_frames: int = FLEET_CHUNK) -> Take:
    """A robot of the first made vendor, with the noise that `producers.fleet.motion` states."""
    vendor = next(v for v in vendors.by_profile.values() if v.profile.vendor == "bench01")
    motion = build_motion(vendor, 0, FLEET_HZ, chunk_frames)
    loop = vendor_loop(vendor, motion, 0)
    form = Form(vendor.profile, vendor.schema)
    values, at, first = list[tuple[bytes, int]](), 0, 0
    while first < frames:
        stop = min(at + chunk_frames, loop.frames)
        values.append((form.encode(chunk_value(loop, at, stop, first, 0)), stop - at))
        first += stop - at
        at = stop % loop.frames
    return Take("simulated, 40 joints", vendor, values)


def _recorded(vendors: Vendors, folder: Path, frames: int) -> Iterator[Take]:
    """The first recording of each maker, played again and again."""
    seen = set()
    for recording in find_recordings(folder):
        if recording.vendor in seen:
            continue
        seen.add(recording.vendor)
        vendor = vendors.newest(recording.vendor)
        form = Form(vendor.profile, vendor.schema)
        chunks = list(open_recording(recording, form).chunks)
        once = [(form.encode(chunk.value), chunk.frames) for chunk in chunks]
        times = -(-frames // sum(count for _, count in once))
        yield Take(f"{recording.vendor}, {recording.serial}", vendor, once * times, times)


def raw_records(take: Take) -> Iterator[PlainRecord]:
    """One session of the take."""
    topic, session = raw_topic(take.vendor.profile.vendor), str(ULID())
    robot, first = f"{take.vendor.profile.vendor}/rest", 0
    for number, (value, count) in enumerate(take.values):
        sent_ns = int(1.78e18 + first * 1e9 / take.vendor.profile.rate_hz)
        envelope = Envelope(
            Kind.CHUNK, robot, session, number, first, count, sent_ns, take.vendor.profile.id
        )
        headers = envelope_headers(envelope)
        key = robot.encode()
        yield PlainRecord(topic, _PARTITION, number, sent_ns // 10**6, key, value, headers)
        first += count


def _canonical(vendors: Vendors, take: Take, raw: Sequence[PlainRecord]) -> list[CanonicalChunk]:
    processor = compile_processor(take.vendor, vendors.registry)
    state = empty_partition(raw[0].topic, _PARTITION)
    _, folded = process_fold(state, raw, {take.vendor.profile.id: processor})
    facts = [decode_canonical(o.value) for o in folded.outputs if o.topic == CANONICAL_FRAMES]
    return [fact for fact in facts if isinstance(fact, CanonicalChunk)]


def _native(chunk: CanonicalChunk) -> tuple[bytes | None, ...]:
    """The native signals' bits."""
    arrays = (getattr(chunk, name) for name in NATIVE)
    return tuple(None if a is None else np.ascontiguousarray(a).tobytes() for a in arrays)


def _native_bytes(chunk: CanonicalChunk) -> int:
    return sum(len(bits) for bits in _native(chunk) if bits is not None)


def _in_lake(
    chunks: Sequence[CanonicalChunk], channels: tuple[str, ...]
) -> tuple[Counter[str], list[CanonicalChunk]]:
    """Sizes of the columns of all segments, and the chunks read back from them."""
    sizes, pieces = Counter[str](), list[CanonicalChunk]()
    for segment in sealed_segments(chunks):
        data = encode_segment(segment, lambda _: channels)
        group = pq.read_metadata(pa.BufferReader(data)).row_group(0)
        for column in map(group.column, range(group.num_columns)):
            sizes[column.path_in_schema] += column.total_compressed_size
        pieces += chunks_in(data)
    return sizes, list(_whole(pieces))


def sealed_segments(chunks: Sequence[CanonicalChunk]) -> Iterator[Segment]:
    """The segments that the lake sink makes of one session's chunks."""
    place = Place(CANONICAL_FRAMES, _PARTITION)
    segmenter = Segmenter(lambda _: [], lambda _: None, max_open_bytes=1 << 40)
    facts: list[CanonicalChunk | Boundary] = [*chunks, _end(chunks[-1])]
    for offset, fact in enumerate(facts):
        for action in segmenter.take(place, offset, 0, fact, 1):
            if isinstance(action, Seal):
                yield action.segment


def _end(last: CanonicalChunk) -> Boundary:
    return Boundary(
        last.robot, last.session, last.sequence + 1, BoundaryKind.SESSION_END, Cause.SESSION_END,
        None, last.processing_id, 0, 0, 0, 0, 0, 0, last.source_topic, 0, 0, last.log_ms,
    )  # fmt: skip


def _whole(pieces: Iterable[CanonicalChunk]) -> Iterator[CanonicalChunk]:
    """Chunks that were cut between two segments, put together again."""
    before: CanonicalChunk | None = None
    for piece in pieces:
        if before is not None and before.sequence == piece.sequence:
            for name in NATIVE:
                one, other = getattr(before, name), getattr(piece, name)
                if one is not None:
                    setattr(before, name, np.concatenate([one, other]))
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


def _in_clickhouse(
    client: Client, chunks: Sequence[CanonicalChunk]
) -> tuple[Counter[str], list[CanonicalChunk]]:
    """Sizes of the columns, from a copy in wide parts, for compact ones do not tell them."""
    client.command("TRUNCATE TABLE frames")
    client.insert_arrow("frames", frames_table(chunks))
    client.command("DROP TABLE IF EXISTS apart")
    client.command("CREATE TABLE apart AS frames")
    client.command("ALTER TABLE apart MODIFY SETTING min_bytes_for_wide_part = 0")
    client.command("INSERT INTO apart SELECT * FROM frames")
    rows = client.query(
        "SELECT column, sum(column_data_compressed_bytes) FROM system.parts_columns "
        "WHERE table = 'apart' AND database = currentDatabase() AND active GROUP BY column"
    ).result_rows
    return Counter({str(name): int(size) for name, size in rows}), list(_read_back(client, chunks))


def _read_back(client: Client, chunks: Sequence[CanonicalChunk]) -> Iterator[CanonicalChunk]:
    """The chunks with the native signals that ClickHouse gives for them."""
    query = f"SELECT {', '.join(NATIVE)} FROM frames FINAL ORDER BY sequence"
    table = client.query_arrow(query)
    for row, chunk in enumerate(chunks):
        back = {}
        for name in NATIVE:
            flat = table[name][row].values.to_numpy(zero_copy_only=False)
            back[name] = flat.reshape(-1, chunk.frames).T if len(flat) else None
        yield _with(chunk, back)


def _with(chunk: CanonicalChunk, arrays: Mapping[str, Any]) -> CanonicalChunk:
    held = {name: getattr(chunk, name) for name in CanonicalChunk.__slots__}
    return CanonicalChunk(**{**held, **arrays})


def in_archive(raw: Sequence[PlainRecord]) -> bytes:
    """The records as one object of the archive."""
    place = Place(raw[0].topic, _PARTITION)
    return encode_range(
        [Record(place, r.offset, 1, r.timestamp, r.key, list(r.headers), r.value) for r in raw]
    )
