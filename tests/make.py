"""Raw records as robots would publish them, made by hand for the tests of pure steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from schemas.canonical import Boundary, CanonicalChunk, decode_canonical
from schemas.codec import encode
from schemas.envelope import Envelope, Kind, envelope_headers, tick_headers
from schemas.events import (
    DeadLetter,
    EpisodeEvent,
    decode_dead_letter,
    decode_event,
    decode_report,
)
from schemas.marks import Mark, MarkKind
from schemas.vendors import Vendor, Vendors, load_vendors
from streams.checkpoint import PartitionState, empty_partition
from streams.chunk import Processor, compile_all
from streams.process import process_fold
from streams.records import Output, PlainRecord

SAMPLE = (
    "fourier_gr1t2_inspire",
    "iit_icub",
    "pollen_reachy2",
    "unitree_g1_29dof",
    "unitree_g1_inspire",
    "unitree_h1",
    "xhumanoid_tienkung_lite",
)
"""Robots that suites of costly laws run over, each with something of its own; benches take all."""
SESSION = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
LATER_SESSION = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
PUBLISHED_NS = 1_700_000_000_000_000_000
LOG_MS = 1_700_000_000_000


PROFILES: Path | None = None
"""A folder of profiles beside the packaged ones; set before the first use, by benchmarks."""


@cache
def vendors() -> Vendors:
    return load_vendors(PROFILES)


@cache
def processors() -> Mapping[str, Processor]:
    return compile_all(vendors())


def vendor(name: str) -> Vendor:
    return vendors().newest(name)


def gr1_value(
    position: np.ndarray, stamps: np.ndarray, action: np.ndarray | None = None
) -> dict[str, Any]:
    """A Fourier GR1 message of T frames: position [T, 44] rad, stamps [T] s."""
    told = {"observation_state": position, "timestamp": stamps}
    told["action"] = position if action is None else action
    return {
        field["name"]: np.asarray(
            told.get(field["name"], np.zeros((len(position), field["columns"]))), field["dtype"]
        ).tobytes()
        for field in vendor("fourier").schema.document["fields"]
    }


def reachy_value(frames: int = 1, **fields: Any) -> dict[str, Any]:
    """A Reachy 2 message of T samples at rest; fields replace whole columns."""
    return {
        "time": [i / 30 for i in range(frames)],
        "l_arm": [[0.0] * 7] * frames,
        "r_arm": [[0.0] * 7] * frames,
        "head": [[0.0] * 3] * frames,
        "l_hand": [0.0] * frames,
        "r_hand": [0.0] * frames,
        "l_antenna": [0.0] * frames,
        "r_antenna": [0.0] * frames,
        **fields,
    }


def envelope(name: str, frames: int, **changes: Any) -> Envelope:
    return replace(
        Envelope(
            kind=Kind.CHUNK,
            robot=f"{name}/unit-1",
            session=SESSION,
            sequence=0,
            first_frame=0,
            frames=frames,
            published_ns=PUBLISHED_NS,
            profile=vendor(name).profile.id,
        ),
        **changes,
    )


def chunk(
    name: str, value: Any, frames: int, *, offset: int = 0, log_ms: int = LOG_MS, **changes: Any
) -> PlainRecord:
    """A raw record; `value` is a message, or bytes as they are."""
    if not isinstance(value, bytes):
        value = encode(vendor(name).schema, value)
    return record(name, envelope(name, frames, **changes), value, offset, log_ms)


def mark(
    name: str,
    kind: MarkKind,
    *,
    offset: int = 0,
    log_ms: int = LOG_MS,
    fields: Mapping[str, Any] | None = None,
    **changes: Any,
) -> PlainRecord:
    value = Mark(mark=kind, **(fields or {})).to_json()
    made = envelope(name, 0, kind=Kind.MARK, **changes)
    return record(name, made, value, offset, log_ms)


def tick(name: str, offset: int, log_ms: int) -> PlainRecord:
    return PlainRecord(f"raw.{name}", 0, offset, log_ms, b"", b"", tick_headers(log_ms * 10**6))


def record(name: str, made: Envelope, value: bytes | None, offset: int, log_ms: int) -> PlainRecord:
    key = made.robot.encode()
    return PlainRecord(f"raw.{name}", 0, offset, log_ms, key, value, envelope_headers(made))


def run(
    records: Sequence[PlainRecord], state: PartitionState | None = None
) -> tuple[PartitionState, list[Output]]:
    """Process records of one partition as one fold."""
    if state is None:
        state = empty_partition(records[0].topic, 0)
    state, folded = process_fold(state, records, processors())
    return state, folded.outputs


def canonical(outputs: Iterable[Output]) -> list[CanonicalChunk | Boundary]:
    return [decode_canonical(o.value) for o in outputs if o.topic == "canonical.frames"]


def chunks(outputs: Iterable[Output]) -> list[CanonicalChunk]:
    return [c for c in canonical(outputs) if isinstance(c, CanonicalChunk)]


def boundaries(outputs: Iterable[Output]) -> list[Boundary]:
    return [c for c in canonical(outputs) if isinstance(c, Boundary)]


def events(outputs: Iterable[Output]) -> list[EpisodeEvent]:
    return [decode_event(o.value) for o in outputs if o.topic == "episodes"]


def findings(outputs: Iterable[Output]) -> list[Any]:
    reports = [decode_report(o.value) for o in outputs if o.topic == "quality.reports"]
    return [finding for report in reports for finding in report.findings]


def dead_letters(outputs: Iterable[Output]) -> list[DeadLetter]:
    return [decode_dead_letter(o.value) for o in outputs if o.topic.startswith("dead-letter.")]
