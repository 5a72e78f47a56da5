"""Records gathered for the next inserts: a block mixes robots and is cut by size and age."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import pyarrow as pa

from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk, decode_canonical
from schemas.codec import CodecError
from schemas.events import (
    DeadLetter,
    EventKind,
    QualityReport,
    decode_dead_letter,
    decode_event,
    decode_label,
    decode_report,
)
from schemas.rejected import Reason
from schemas.topics import (
    CANONICAL_FRAMES,
    DEAD_LETTER_PREFIX,
    EPISODE_LABELS,
    EPISODES,
    QUALITY_REPORTS,
)
from sinks.clickhouse.fact_tables import (
    At,
    boundaries_table,
    events_table,
    findings_table,
    labels_table,
    letters_table,
    processings_table,
)
from sinks.clickhouse.frames_table import frames_table
from sinks.record import Place, Record

MAX_FRAMES = 50_000
MAX_BYTES = 96 * 1024 * 1024


@dataclass(slots=True)
class Block:
    """What was read since the last insert, by the table it goes to."""

    chunks: list[CanonicalChunk] = field(default_factory=list)
    boundaries: list[At] = field(default_factory=list)
    events: list[At] = field(default_factory=list)
    reports: list[QualityReport] = field(default_factory=list)
    letters: list[At] = field(default_factory=list)
    labels: list[At] = field(default_factory=list)
    spans: dict[Place, tuple[int, int]] = field(default_factory=dict)
    """For each partition the first offset in the block and the one after the last."""
    opened_ms: list[tuple[str, int]] = field(default_factory=list)
    """When an episode was opened, on the log: the processing, and the time of that record."""
    oldest_ms: int | None = None
    frames: int = 0
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the next record belongs into another block."""
        return self.frames >= MAX_FRAMES or self.bytes >= MAX_BYTES

    def add(self, record: Record) -> CodecError | None:
        """Take one record; one that is not what its topic holds is kept as a dead letter.

        Returns what is wrong with it.
        """
        place, offset = record.place, record.offset
        first = self.spans.get(place, (offset, offset))[0]
        self.spans[place] = (first, offset + 1)
        self.oldest_ms = min(self.oldest_ms or record.timestamp_ms, record.timestamp_ms)
        value = record.value
        if value is None:
            # A tombstone of a compacted topic: the fact it takes back was superseded.
            return None
        self.bytes += len(value)
        try:
            self._add(record)
        except CodecError as error:
            self.letters.append(At(place, offset, _foreign(record, error)))
            return error
        return None

    def _add(self, record: Record) -> None:
        place, offset, topic = record.place, record.offset, record.place.topic
        value = record.value or b""
        if topic == CANONICAL_FRAMES:
            self._add_canonical(record, decode_canonical(value))
        elif topic == QUALITY_REPORTS:
            self.reports.append(decode_report(value))
        elif topic == EPISODES:
            event = decode_event(value)
            self.events.append(At(place, offset, event))
            if event.kind is EventKind.OPENED:
                self.opened_ms.append((event.processing_id, record.timestamp_ms))
        elif topic == EPISODE_LABELS:
            self.labels.append(At(place, offset, decode_label(value)))
        elif topic.startswith(DEAD_LETTER_PREFIX):
            self.letters.append(At(place, offset, decode_dead_letter(value)))
        else:
            raise ValueError(f"{topic} is none of this sink's topics")

    def _add_canonical(self, record: Record, fact: CanonicalChunk | Boundary) -> None:
        if isinstance(fact, Boundary):
            self.boundaries.append(At(record.place, record.offset, fact))
            return
        self.add_chunk(fact)

    def add_chunk(self, chunk: CanonicalChunk) -> None:
        """Take one canonical chunk."""
        self.chunks.append(chunk)
        self.frames += chunk.frames

    def tables(self) -> dict[str, pa.Table]:
        """The rows to insert, by table; tables without rows are left out."""
        tables = {}
        if self.chunks:
            tables["frames"] = frames_table(self.chunks)
        if self.boundaries:
            tables["boundaries"] = boundaries_table([at.fact for at in self.boundaries])
        if self.events:
            tables["episode_events"] = events_table(self.events)
        if self.opened_ms:
            tables["processings"] = processings_table(self.opened_ms)
        if self.reports:
            tables["findings"] = findings_table(self.reports)
        if self.letters:
            tables["dead_letters"] = letters_table(self.letters)
        if self.labels:
            tables["episode_labels"] = labels_table(self.labels)
        return {name: table for name, table in tables.items() if table.num_rows}

    def ended_episodes(self) -> list[tuple[int, Boundary]]:
        """The ends of episodes in this block, each with its partition."""
        return [
            (at.place.partition, at.fact)
            for at in self.boundaries
            if at.fact.kind is BoundaryKind.EPISODE_END
        ]

    def token(self) -> str:
        """Names the block by where it was read and by what it holds.

        Where alone would not do: topics that were made anew count from zero again.
        """
        names = hashlib.sha256()
        for place, (first, last) in sorted(self.spans.items()):
            names.update(f"{place}:{first}-{last};".encode())
        for chunk in self.chunks:
            names.update(f"{chunk.session}:{chunk.sequence}:{chunk.processing_id};".encode())
        for at in (*self.boundaries, *self.events, *self.letters):
            names.update(f"{at.fact.log_ms};".encode())
        for at in self.labels:
            names.update(f"{at.fact.episode}:{at.fact.said_ms};".encode())
        return names.hexdigest()


def _foreign(record: Record, error: CodecError) -> DeadLetter:
    """A record of one of our own topics that none of our processes wrote."""
    place = record.place
    return DeadLetter(
        place.topic, place.partition, record.offset, record.timestamp_ms, Reason.UNDECODABLE,
        str(error), 0, 1, record.key, record.headers or [], record.value,
    )  # fmt: skip
