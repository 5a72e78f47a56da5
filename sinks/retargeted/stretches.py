"""Where retargeting begins anew: stretches of one robot's frames, known from their first one on.

Retargeting is warm: a frame depends on those before it. So that every run makes the same bytes, it
begins anew at an episode's start, at its end, and between episodes with each chunk that holds a
multiple of a frame index. A process commits no offset behind the beginning of a stretch that goes
on: whoever comes next reads it from there and finds the same state. Frames of a stretch whose
beginning was not seen are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk
from sinks.lake.intervals import Intervals

BLOCK_FRAMES = 2048
"""Between episodes a stretch begins with a chunk that holds a multiple of this frame index."""

SILENT_MS = 60_000
"""A stretch without a record for so long, by the log, is over."""

Stream = tuple[str, str, str]
"""Robot, session, processing."""


@dataclass
class Stretch:
    """Frames that are retargeted one after the other.

    Attributes:
        key: the episode, or the block between episodes.
        offset: of the record it begins with.
        log_ms: of its newest record.
        sequences: the chunks that came.
        states: by target, what retargeting goes on from.
    """

    key: str | int
    offset: int
    log_ms: int
    sequences: Intervals = field(default_factory=Intervals)
    states: dict[str, Any] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """One past the highest sequence that came."""
        ranges = self.sequences.ranges()
        return ranges[-1][1] if ranges else 0


@dataclass
class _Known:
    """Of one stream: its stretch, or where the mark is behind which the next one begins."""

    stretch: Stretch | None = None
    fresh_from: int | None = None
    log_ms: int = 0


class Stretches:
    """The stretches of one partition."""

    def __init__(self) -> None:
        self._streams: dict[Stream, _Known] = {}
        self._newest_ms = 0
        self._next = 0

    def mark(self, boundary: Boundary, offset: int, log_ms: int) -> None:
        """A start or an end."""
        self._seen(offset, log_ms)
        stream = (boundary.robot, boundary.session, boundary.processing_id)
        if boundary.kind is BoundaryKind.SESSION_END:
            self._streams.pop(stream, None)
            return
        known = self._streams.setdefault(stream, _Known())
        known.log_ms = log_ms
        own = known.stretch.key if known.stretch else None
        if boundary.kind is BoundaryKind.SESSION_START:
            known.fresh_from = offset
        elif boundary.kind is BoundaryKind.EPISODE_START and own != boundary.episode:
            known.stretch = Stretch(boundary.episode or "", offset, log_ms)
            known.fresh_from = None
        elif boundary.kind is BoundaryKind.EPISODE_END and own in (None, boundary.episode):
            known.stretch, known.fresh_from = None, offset

    def of(self, chunk: CanonicalChunk, offset: int, log_ms: int) -> Stretch | None:
        """The stretch a chunk belongs to; None if its beginning was not seen, or it is too late."""
        self._seen(offset, log_ms)
        stream = (chunk.robot, chunk.session, chunk.processing_id)
        known = self._streams.setdefault(stream, _Known())
        if log_ms - known.log_ms > SILENT_MS:
            known.stretch, known.fresh_from = None, None
        known.log_ms = log_ms
        if chunk.episode is not None:
            found = known.stretch
            if found is None or found.key != chunk.episode:
                return None
        else:
            found = _between(known, chunk, offset)
        if found is not None:
            found.log_ms = log_ms
        return found

    def needed(self) -> int:
        """The smallest offset that the next process must read."""
        open_ = (k for k in self._streams.values() if self._newest_ms - k.log_ms <= SILENT_MS)
        offsets = [
            at
            for known in open_
            for at in (known.stretch.offset if known.stretch else None, known.fresh_from)
            if at is not None
        ]
        return min([self._next, *offsets])

    def trim(self) -> None:
        """Forget streams that fell silent."""
        self._streams = {
            stream: known
            for stream, known in self._streams.items()
            if self._newest_ms - known.log_ms <= SILENT_MS
        }

    def _seen(self, offset: int, log_ms: int) -> None:
        self._next = offset + 1
        self._newest_ms = max(self._newest_ms, log_ms)


def _between(known: _Known, chunk: CanonicalChunk, offset: int) -> Stretch | None:
    """The stretch of a chunk between episodes."""
    block = (chunk.first_frame + chunk.frames - 1) // BLOCK_FRAMES
    begins = chunk.first_frame == 0 or (chunk.first_frame - 1) // BLOCK_FRAMES != block
    held = known.stretch
    if held is not None and isinstance(held.key, str):
        return None
    if known.fresh_from is not None:
        known.stretch = Stretch(block, known.fresh_from, known.log_ms)
        known.fresh_from = None
    elif begins and (held is None or (isinstance(held.key, int) and block > held.key)):
        known.stretch = Stretch(block, offset, known.log_ms)
    elif held is None or held.key != block:
        return None
    return known.stretch
