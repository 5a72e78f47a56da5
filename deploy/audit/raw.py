"""The raw side of the audit: every record of the raw topics as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from schemas.envelope import Envelope, is_tick, parse_envelope
from schemas.envelope import Kind as EnvelopeKind
from schemas.marks import Mark, MarkKind, parse_mark
from schemas.redrive import redrive_of
from schemas.topics import vendor_of

I64 = npt.NDArray[np.int64]
Headers = Sequence[tuple[str, bytes | None]] | None
Place = tuple[str, int]
"""Topic and partition."""

OFFSET_BITS = 44
"""A key is the place's number above, the offset below these bits."""


class Kind(IntEnum):
    """What a raw record is, as far as its headers tell."""

    CHUNK = 0
    MARK = 1
    TICK = 2
    UNREADABLE = 3


@dataclass(frozen=True)
class RawLog:
    """Raw records in the order of their keys; columns of equal length N.

    Attributes:
        places: topics and partitions by number.
        spans: for each place the offsets that were asked for, [start, stop).
        key: place and offset in one number. [N]
        kind: see `Kind`. [N]
        stream: number of (robot, session) in `streams`; -1 where unknown. [N]
        sequence: [N]
        first_frame: [N]
        frames: [N]
        origin: key of the refused record that a redriven one names; -1 of any other. [N]
        log_ms: when the broker appended it. [N]
        streams: robot and session by number.
        last_sequences: stream → the last sequence its end mark names.
    """

    places: tuple[Place, ...]
    spans: Mapping[Place, tuple[int, int]]
    key: I64
    kind: npt.NDArray[np.uint8]
    stream: I64
    sequence: I64
    first_frame: I64
    frames: I64
    origin: I64
    log_ms: I64
    streams: tuple[tuple[str, str], ...]
    last_sequences: Mapping[int, int]

    def place_number(self) -> I64:
        """Number of the place of each record. [N]."""
        return self.key >> OFFSET_BITS

    def offset(self) -> I64:
        """Offset of each record. [N]."""
        return self.key & ((1 << OFFSET_BITS) - 1)

    def vendors(self) -> list[str]:
        """The vendor of each place."""
        return [vendor_of(topic) for topic, _ in self.places]

    def names(self, rows: npt.NDArray[np.intp]) -> Iterator[str]:
        """Records as topic/partition/offset."""
        for key in self.key[rows].tolist():
            topic, partition = self.places[key >> OFFSET_BITS]
            yield f"{topic}/{partition}/{key & ((1 << OFFSET_BITS) - 1)}"

    def rows_of(self, keys: I64) -> I64:
        """The rows of keys; -1 where a key is not in the log."""
        if not len(self.key):
            return np.full(len(keys), -1)
        rows = np.searchsorted(self.key, keys)
        rows[rows == len(self.key)] = 0
        rows[self.key[rows] != keys] = -1
        return rows


@dataclass
class RawBuilder:
    """Collects raw records; each may come once, places in any order."""

    spans: Mapping[Place, tuple[int, int]]
    rows: list[tuple[int, int, int, int, int, int, int, int]] = field(default_factory=list)
    streams: dict[tuple[str, str], int] = field(default_factory=dict)
    last_sequences: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = {place: i for i, place in enumerate(sorted(self.spans))}

    def advance(self, spans: Mapping[Place, tuple[int, int]]) -> dict[Place, tuple[int, int]]:
        """Go on to later spans of the same places; returns what of them is not read yet."""
        unread = {p: (max(spans[p][0], self.spans[p][1]), spans[p][1]) for p in spans}
        self.spans = spans
        starts = np.array([spans[place][0] for place in sorted(spans)], np.int64)
        mask = (1 << OFFSET_BITS) - 1
        self.rows = [r for r in self.rows if (r[0] & mask) >= starts[r[0] >> OFFSET_BITS]]
        return unread

    def add(
        self,
        place: Place,
        offset: int,
        headers: Headers,
        value: bytes | None,
        log_ms: int = 0,
    ) -> None:
        """One record; of the value only a mark's is looked at."""
        number = self._numbers[place] << OFFSET_BITS
        key = number | offset
        if is_tick(headers):
            self.rows.append((key, Kind.TICK, -1, 0, 0, 0, -1, log_ms))
            return
        again = redrive_of(headers, *place, offset)
        origin = number | again.origin_offset if again else -1
        envelope = parse_envelope(headers)
        if not isinstance(envelope, Envelope):
            self.rows.append((key, Kind.UNREADABLE, -1, 0, 0, 0, origin, log_ms))
            return
        if envelope.kind is EnvelopeKind.STATION_MARK:
            # Outside the session's sequence.
            self.rows.append((key, Kind.MARK, -1, 0, 0, 0, origin, log_ms))
            return
        name = (envelope.robot, envelope.session)
        stream = self.streams.setdefault(name, len(self.streams))
        kind = Kind.CHUNK if envelope.kind is EnvelopeKind.CHUNK else Kind.MARK
        if kind is Kind.MARK:
            self._mark(stream, parse_mark(value))
        place_in = (envelope.sequence, envelope.first_frame, envelope.frames)
        self.rows.append((key, kind, stream, *place_in, origin, log_ms))

    def build(self) -> RawLog:
        """The log."""
        table = np.array(sorted(self.rows), np.int64).reshape(-1, 8)
        return RawLog(
            places=tuple(self._numbers),
            spans=self.spans,
            key=table[:, 0],
            kind=table[:, 1].astype(np.uint8),
            stream=table[:, 2],
            sequence=table[:, 3],
            first_frame=table[:, 4],
            frames=table[:, 5],
            origin=table[:, 6],
            log_ms=table[:, 7],
            streams=tuple(self.streams),
            last_sequences=self.last_sequences,
        )

    def _mark(self, stream: int, mark: Mark | object) -> None:
        if isinstance(mark, Mark) and mark.mark is MarkKind.SESSION_END:
            last = mark.last_sequence
            if last is not None:
                self.last_sequences[stream] = last


def keys_of(places: Sequence[Place], topics: Sequence[str], partitions: I64, offsets: I64) -> I64:
    """Keys of origins; -1 where the place is none of the log's."""
    numbers = {place: i for i, place in enumerate(places)}
    pairs = zip(topics, partitions.tolist(), strict=True)
    known: dict[Place, int] = {}
    place = np.fromiter(
        (known.setdefault(pair, numbers.get(pair, -1)) for pair in pairs), np.int64, len(topics)
    )
    return np.where(place < 0, -1, (place << OFFSET_BITS) | offsets)
