"""Stand-ins for the arithmetic of a chunk and of a file: cheap, and sensitive to every mistake.

Tracker, state, ledger, worker, sender and sinks are the production code. What is replaced gives
bytes that depend on all frames before, so that a state that is lost, doubled or of another moment
shows in the very next record.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import structlog

import sinks.archive.read
import sinks.archive.writer
import sinks.clickhouse.block
import sinks.foreign
import sinks.lake.keys
import sinks.lake.segmenter
import sinks.lake.store
import streams.chunk
from schemas.canonical import DOF_COUNT, SEGMENT_COUNT, decode_canonical
from schemas.checks import CATALOGUE
from schemas.embodiment import Embodiment, load_embodiment
from schemas.events import Finding
from schemas.rejected import Reason, Rejected
from schemas.vendors import load_vendors
from sinks.lake.segment import SegmentFacts, facts_of
from streams.canonicalise import Motion
from streams.check import compile_checks, fresh_checks
from streams.chunk import Processor
from streams.decode import RawChunk
from streams.kernels.frame_checks import last_position
from streams.state import CheckState, MotionState, decode_snapshot

VENDOR = "sim"
FIRST, ADDED = "sim@1", "sim@2"
"""Profiles: one that workers know from the beginning, one that is added on the way."""

SEGMENT_FRAMES = 12
CHANNELS = 2


@cache
def processors(revision: int) -> dict[str, Processor]:
    """Processors of both profiles; another revision has another processing id."""
    base = load_vendors().newest("kscale")
    body: Embodiment = load_embodiment("kscale_kbot")
    made = {}
    for number, name in ((1, FIRST), (2, ADDED)):
        profile = base.profile.model_copy(
            update={
                "vendor": VENDOR, "name": "sim", "version": number, "title": f"revision {revision}"
            }
        )  # fmt: skip
        vendor = replace(base, profile=profile)
        nothing: Any = SimpleNamespace()
        checks = compile_checks(profile, body)
        made[name] = Processor(vendor, nothing, nothing, nothing, checks, False)
        assert vendor.embodiment == body
    return made


def decode_chunk(_decoder: Any, _registry: Any, value: bytes | None, envelope: Any) -> Any:
    """A value is a number, or refused."""
    if not value or not value.isdigit():
        return Rejected(Reason.TRUNCATED, "not a number", envelope.frames)
    frames = envelope.first_frame + np.arange(envelope.frames)
    position = np.full((envelope.frames, CHANNELS), float(value)) + frames[:, None]
    return RawChunk(frames * 0.05, frames * 50_000_000, position, None, None, None, None, {})


def move(
    _plan: Any, _geometry: Any, _period: float, state: MotionState, chunk: Any, t_ns: Any
) -> tuple[MotionState, Motion]:
    """Angles are a running sum over all frames so far."""
    start = 0.0 if np.isnan(state.angle[0]) else float(state.angle[0])
    rows = np.float32((start + np.cumsum(chunk.position[:, 0])) % 65_521)
    angle = np.repeat(rows[:, None], DOF_COUNT, axis=1)
    status = np.zeros((1, DOF_COUNT), np.uint8)
    near_pole = np.zeros((len(t_ns), 1), np.bool_)
    moved = Motion(
        angle, angle, status, np.zeros((1, SEGMENT_COUNT), np.uint8), None, None, {}, near_pole
    )
    return MotionState(int(t_ns[-1]), angle[-1].copy(), state.quaternions), moved


def check_chunk(
    _plan: Any, state: CheckState, chunk: Any, _near_pole: Any, first_frame: int, *_: Any
) -> tuple[CheckState, Any, list[Finding]]:
    """A finding in every fifth chunk."""
    flags = np.zeros(len(chunk.stamp_ns), np.uint64)
    findings = []
    if int(chunk.position[0, 0]) % 5 == 0:
        check = CATALOGUE[0]
        findings.append(
            Finding(check.id, check.severity.value, None, first_frame, first_frame + 1, 1, 1.0, 0.5)
        )
    last_ns = int(chunk.stamp_ns[-1])
    figures = state.figures.copy()
    last_position(figures, CHANNELS)[:] = chunk.position[-1]
    after = state._replace(stamp_ns=last_ns, figures=figures)
    return after, flags, findings


def encode_segment(segment: Any, _names: Any) -> bytes:
    """A segment's facts and a hash of its frames."""
    facts = asdict(facts_of(segment)) | {"key": ""}
    digest = hashlib.sha256()
    frames = []
    for piece in segment.in_order():
        chunk = piece.chunk
        digest.update(chunk.angle[piece.start : piece.stop].tobytes())
        digest.update(chunk.t_ns[piece.start : piece.stop].tobytes())
        digest.update(b"%d/%d" % (chunk.sequence, chunk.source_offset))
        first = chunk.first_frame
        frames += [(f, chunk.sequence) for f in range(first + piece.start, first + piece.stop)]
    return pickle.dumps((facts, tuple(segment.region), frames, digest.hexdigest()))


def facts_in(data: bytes, key: str) -> SegmentFacts:
    """The facts in a stand-in's bytes."""
    return SegmentFacts(**{**pickle.loads(data)[0], "key": key})


def read_whole(store: Any, key: str, _size: int) -> bytes:
    """Where a footer is read, the whole object."""
    return sinks.lake.store.read_object(store, key)


@lru_cache(16_384)
def decoded(value: bytes) -> Any:
    """A canonical record; nobody changes one, and many read the same."""
    return decode_canonical(value)


@lru_cache(16_384)
def snapshot(value: bytes) -> Any:
    """A snapshot; the stand-ins never change the arrays of a state."""
    return decode_snapshot(value)


@contextmanager
def cheap() -> Iterator[None]:
    """Put the stand-ins in place, and silence the log."""
    swaps = [
        (streams.chunk, "decode_chunk", decode_chunk),
        (streams.chunk, "move", move),
        (streams.chunk, "check_chunk", check_chunk),
        (streams.chunk, "fresh_checks_of", lambda _: fresh_checks(CHANNELS)),
        (sinks.lake.store, "encode_segment", encode_segment),
        (sinks.lake.store, "facts_in", facts_in),
        (sinks.lake.store, "read_footer", read_whole),
        (sinks.lake.store, "pq", SimpleNamespace(read_metadata=lambda data: data.read())),
        (sinks.archive.writer, "encode_range", pickle.dumps),
        (sinks.archive.writer, "decode_range", pickle.loads),
        (sinks.archive.read, "decode_range", pickle.loads),
        (sinks.archive.read, "last_offset", lambda data: pickle.loads(data)[-1].offset),
        (sinks.archive.read, "read_footer", read_whole),
        (sinks.foreign, "decode_canonical", decoded),
        (sinks.clickhouse.block, "decode_canonical", decoded),
        (sinks.lake.segmenter, "SEGMENT_FRAMES", SEGMENT_FRAMES),
        (sinks.lake.keys, "SEGMENT_FRAMES", SEGMENT_FRAMES),
    ]
    with ExitStack() as stack:
        for module, name, stand_in in swaps:
            stack.enter_context(patch.object(module, name, stand_in))
        sdk_log = logging.getLogger("kinebus.sdk")
        stack.enter_context(patch.object(sdk_log, "disabled", True))
        known = structlog.get_config()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        stack.callback(structlog.configure, **known)
        yield
