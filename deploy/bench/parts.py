"""What each part of the way costs by itself, by the frames of a chunk: wire, step, sinks.

No broker and no load: the same records go through one part after the other on one core. What the
pipeline costs above the sum of these is Kafka's clients, waiting and sharing the machine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from deploy.bench.rest import in_archive, raw_records, sealed_segments, simulated
from deploy.clickhouse.service import prepare_clickhouse
from deploy.service import running
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.canonical import CanonicalChunk, decode_canonical, encode_chunk
from schemas.envelope import Envelope, parse_envelope
from schemas.topics import CANONICAL_FRAMES
from schemas.vendors import Vendors, load_vendors
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.frames_table import frames_table
from sinks.clickhouse.migrate import migrate
from sinks.lake.table import encode_segment
from streams.checkpoint import empty_partition
from streams.chunk import compile_processor
from streams.decode import decode_chunk
from streams.process import process_fold

Say = Callable[[str], None]
Costs = dict[str, float]

CHUNKS = (5, 25, 50)
ROUNDS = 5
_BLOCK_FRAMES = 10_000
_FOLD = 40


def bench_parts(frames: int, sizes: Sequence[int], say: Say) -> dict[str, Any]:
    """CPU seconds per million frames of each part, the best of five rounds, by chunk size.

    Args:
        frames: of the benchmark's 40-joint robot that go through.
        sizes: frames a chunk.
        say: progress.

    Returns:
        By chunk size: by part; and the line through them: seconds a frame and a chunk of the step.
    """
    found: dict[str, Costs] = {}
    with tempfile.TemporaryDirectory(prefix="kinebus-parts-") as folder:
        profiles = Path(folder, "profiles")
        write_bench_vendors(profiles, vendors=1, rate_hz=250.0)
        vendors = load_vendors(profiles)
        house = prepare_clickhouse(Path(folder, "clickhouse"))
        with running(house.service) as process:
            client = connect_created(house.url, "parts")
            migrate(client)
            server = psutil.Process(process.pid)
            for size in sizes:
                say(f"chunks of {size} frames")
                costs, chunks = _in_process(vendors, frames, size)
                tables = _tables(chunks)

                def insert(tables: Sequence[Any] = tables) -> None:
                    for table in tables:
                        client.insert_arrow("frames", table)

                before, began = _cpu_s(server), time.process_time()
                insert()
                millions = sum(chunk.frames for chunk in chunks) / 1e6
                costs["insert: client"] = (time.process_time() - began) / millions
                costs["insert: server"] = (_cpu_s(server) - before) / millions
                found[str(size)] = {name: round(cost, 2) for name, cost in costs.items()}
    return {"frames": frames, "cpu_s_per_million_frames": found}


def _in_process(vendors: Vendors, frames: int, size: int) -> tuple[Costs, list[CanonicalChunk]]:
    """The parts that run in this process, and the chunks they made."""
    take = simulated(vendors, frames, size)
    raw = list(raw_records(take))
    processor = compile_processor(take.vendor, vendors.registry)
    channels = take.vendor.profile.channel_names
    fold = {take.vendor.profile.id: processor}
    envelopes = [e for r in raw if isinstance(e := parse_envelope(r.headers), Envelope)]
    state = empty_partition(raw[0].topic, raw[0].partition)

    def step() -> list[bytes]:
        made, now = list[bytes](), state
        for at in range(0, len(raw), _FOLD):
            now, folded = process_fold(now, raw[at : at + _FOLD], fold)
            made += [o.value for o in folded.outputs if o.topic == CANONICAL_FRAMES]
        return made

    values = step()
    facts = [decode_canonical(value) for value in values]
    chunks = [fact for fact in facts if isinstance(fact, CanonicalChunk)]
    segments = list(sealed_segments(chunks))
    parts: dict[str, Callable[[], object]] = {
        "wire: decode raw": lambda: [
            decode_chunk(processor.decoder, vendors.registry, record.value, envelope)
            for record, envelope in zip(raw, envelopes, strict=True)
        ],
        "wire: encode canonical": lambda: [encode_chunk(chunk) for chunk in chunks],
        "wire: decode canonical": lambda: [decode_canonical(value) for value in values],
        "step: all of it": step,
        "lake: segments": lambda: [encode_segment(one, lambda _: channels) for one in segments],
        "clickhouse: table": lambda: _tables(chunks),
        "archive: ranges": lambda: in_archive(raw),
    }
    return {name: _best(run, frames) for name, run in parts.items()}, chunks


def _tables(chunks: Sequence[CanonicalChunk]) -> list[Any]:
    """Blocks of the size that the sink inserts."""
    rows = max(_BLOCK_FRAMES // chunks[0].frames, 1)
    return [frames_table(chunks[at : at + rows]) for at in range(0, len(chunks), rows)]


def _best(run: Callable[[], object], frames: int) -> float:
    """CPU seconds per million frames."""
    costs = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        costs.append(time.process_time() - began)
    return min(costs) / frames * 1e6


def _cpu_s(process: psutil.Process) -> float:
    """Of a process and of whatever it started: the leash in between is one."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)
