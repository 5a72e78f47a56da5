"""Gathers the evidence: the raw log, the letters, what is on its way, what lies in the stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from obstore.store import ObjectStore

from deploy.audit.compare import AtRest, Flags, FramesAtRest, Told
from deploy.audit.kafka import AuditReader
from deploy.audit.lake import SegmentFile, archived
from deploy.audit.raw import I64, OFFSET_BITS, Place, RawBuilder, RawLog, keys_of
from schemas.events import DeadLetter, LetterOutcome
from schemas.headers import headers_of
from schemas.redrive import Origin, last_outcomes
from schemas.topics import DEAD_LETTER_PREFIX

WORKERS = "streams"


def read_raw(
    reader: AuditReader,
    store: ObjectStore,
    spans: Mapping[Place, tuple[int, int]],
    builder: RawBuilder,
) -> None:
    """The raw log: from the topics, and from the archive what their retention has dropped.

    Retention goes on meanwhile: what a topic was to give and did not is looked for there, too.
    """
    lows = {place: low for place, (low, _) in reader.watermarks(spans).items()}
    for place, (start, stop) in spans.items():
        if start < lows[place]:
            for record in archived(store, place, start, min(lows[place], stop)):
                builder.add(place, *record)
    there = {place: (max(start, lows[place]), stop) for place, (start, stop) in spans.items()}
    position = {place: start for place, (start, _) in there.items()}
    dropped: list[tuple[Place, int, int]] = []
    for message in reader.read(there):
        place, offset = (message.topic(), message.partition()), message.offset()
        log_ms = message.timestamp()[1]
        builder.add(place, offset, headers_of(message), message.value(), log_ms)
        if offset > position[place]:
            dropped.append((place, position[place], offset))
        position[place] = offset + 1
    dropped += [(place, position[place], stop) for place, (_, stop) in there.items()]
    for place, start, stop in dropped:
        if start < stop:
            for record in archived(store, place, start, stop):
                builder.add(place, *record)


@dataclass(frozen=True)
class Letters:
    """The dead letters, their bytes dropped.

    Attributes:
        last: the outcome that counts, by origin.
        again: redriven records that were refused again.
        own: records that were refused under their own name.
    """

    last: Mapping[Origin, DeadLetter]
    again: frozenset[Origin]
    own: frozenset[Origin]


def read_letters(reader: AuditReader, since_ms: int) -> Letters:
    """What every letter says that was written then or later."""
    spans = reader.since(reader.places(DEAD_LETTER_PREFIX), since_ms)
    letters = [replace(letter, headers=[], value=None) for _, letter in reader.letters(spans)]
    last = last_outcomes(letters)
    refused = [one for one in letters if one.outcome is LetterOutcome.REFUSED]
    again = {_record(one) for one in refused if not one.is_first}
    return Letters(
        last,
        frozenset(again - last.keys()),
        frozenset(_record(one) for one in refused if one.is_first),
    )


def told(raw: RawLog, letters: Letters) -> Told:
    """What the letters say of the records of a raw log."""
    refused = [o for o, one in letters.last.items() if one.outcome is LetterOutcome.REFUSED]
    settled = [o for o, one in letters.last.items() if one.outcome is not LetterOutcome.REFUSED]
    own = rows_of_origins(raw, letters.own)
    return Told(
        rows_of_origins(raw, refused),
        rows_of_origins(raw, settled),
        rows_of_origins(raw, letters.again),
        own[raw.origin[own] >= 0],
    )


def _record(letter: DeadLetter) -> Origin:
    """Where the record stood that a letter is about."""
    offset = letter.source_offset if letter.is_first else letter.at_offset
    return letter.source_topic, letter.source_partition, offset


def rows_of_origins(raw: RawLog, origins: Iterable[tuple[str, int, int]]) -> I64:
    """Rows of the raw log of those origins that are in it."""
    listed = list(origins)
    keys = keys_of(
        raw.places,
        [topic for topic, _, _ in listed],
        np.array([partition for _, partition, _ in listed], np.int64),
        np.array([offset for _, _, offset in listed], np.int64),
    )
    rows = raw.rows_of(keys)
    return rows[rows >= 0]


def flags_of(raw: RawLog, rows: I64) -> Flags:
    """A flag on these rows. [N]."""
    flags = np.zeros(len(raw.key), bool)
    flags[rows] = True
    return flags


def unread(raw: RawLog, committed: Mapping[Place, int]) -> Flags:
    """Records that the workers have not committed. [N]."""
    limits = np.array([committed.get(place, 0) for place in raw.places], np.int64)
    flags: Flags = raw.offset() >= limits[raw.place_number()]
    return flags


def clickhouse_at_rest(raw: RawLog, table: pa.Table, numbers: dict[str, int]) -> AtRest:
    """Rows of ClickHouse that come from the raw log."""
    keys = keys_of(
        raw.places,
        table["source_topic"].to_pylist(),
        table["source_partition"].to_numpy().astype(np.int64),
        table["source_offset"].to_numpy().astype(np.int64),
    )
    rows = raw.rows_of(keys)
    ids = table["processing_id"].to_pylist()
    processing = np.array([numbers.setdefault(name, len(numbers)) for name in ids], np.int64)
    return AtRest(rows[rows >= 0], processing[rows >= 0])


def lake_at_rest(
    raw: RawLog, files: Iterable[SegmentFile], numbers: dict[str, int]
) -> FramesAtRest:
    """Frames of the lake that come from the raw log."""
    places = {place: i for i, place in enumerate(raw.places)}
    keys, runs, processings = [_NONE], [_NO_RUNS], [_NONE]
    for file in files:
        place = places.get(file.place)
        if place is None:
            continue
        keys.append((place << OFFSET_BITS) | file.runs[:, 0])
        runs.append(file.runs)
        number = numbers.setdefault(file.processing_id, len(numbers))
        processings.append(np.full(len(file.runs), number, np.int64))
    rows = raw.rows_of(np.concatenate(keys))
    known = rows >= 0
    held = np.concatenate(runs)[known]
    return FramesAtRest(rows[known], np.concatenate(processings)[known], held[:, 1], held[:, 2])


_NONE: I64 = np.empty(0, np.int64)
_NO_RUNS: I64 = np.empty((0, 3), np.int64)
