"""The audit's judgement: each raw record has exactly one outcome. Arrays in, arrays out.

A chunk is known by its robot, session and sequence; records that share them are one chunk that came
several times. It is canonical where a store names one of these records as its origin, in both
stores for each processing, every frame once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from deploy.audit.raw import I64, Kind, RawLog
from deploy.audit.report import Problem, problem

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


class Outcome(IntEnum):
    """What became of a raw record."""

    CANONICAL = 0
    MARK = 1
    TICK = 2
    DEAD_LETTER = 3
    DUPLICATE = 4
    IN_FLIGHT = 5
    MISSING = 6


@dataclass(frozen=True)
class AtRest:
    """Chunks in ClickHouse by the raw row they come from.

    Attributes:
        row: rows of the raw log. [M]
        processing: numbers of processing ids. [M]
    """

    row: I64
    processing: I64


@dataclass(frozen=True)
class FramesAtRest(AtRest):
    """Frames in object storage, in runs of those that follow each other.

    Attributes:
        first_frame: index in its session of each run's first. [M]
        frames: how many. [M]
    """

    first_frame: I64
    frames: I64


@dataclass(frozen=True)
class Told:
    """What the dead letters say, as rows of the raw log.

    Attributes:
        refused: origins whose last outcome is a refusal.
        settled: origins that a redriven record has settled.
        again: redriven records that were refused again, under their origin's name.
        astray: redriven records that were refused under their own name.
    """

    refused: I64
    settled: I64
    again: I64
    astray: I64


@dataclass(frozen=True)
class Flight:
    """What is still on its way, and what came before the log begins.

    Attributes:
        unread: the workers have not committed the record. [N]
        to_clickhouse: its canonical record lies behind what the ClickHouse sink committed. [N]
        to_lake: the same for the lake sink. [N]
        seen_before: its chunk is known from before the log begins. [N]
    """

    unread: Flags
    to_clickhouse: Flags
    to_lake: Flags
    seen_before: Flags


@dataclass(frozen=True)
class Judgement:
    """The outcome of every raw record, and what must not be.

    Attributes:
        outcome: see `Outcome`. [N]
        in_clickhouse: the chunk is there. [N]
        in_lake: the chunk is there, whole. [N]
        problems: empty when all is well.
    """

    outcome: npt.NDArray[np.uint8]
    in_clickhouse: Flags
    in_lake: Flags
    problems: list[Problem]


def judge(
    raw: RawLog, clickhouse: AtRest, lake: FramesAtRest, told: Told, flight: Flight
) -> Judgement:
    """Judge every raw record.

    Args:
        raw: the raw log, N records.
        clickhouse: a row per chunk.
        lake: a row per run of frames.
        told: what the dead letters say.
        flight: what is on its way.
    """
    count = len(raw.key)
    first = first_of_chunk(raw)
    processings = 1 + max(clickhouse.processing.max(initial=0), lake.processing.max(initial=0))
    in_clickhouse, doubled_rows = _chunks_once(first, clickhouse, processings)
    named = _named(first, clickhouse, lake)
    whole, doubled_frames, strays = _frames_once(raw, first, named, lake, processings)

    problems = []
    problems += problem(
        "doubled_in_clickhouse", "A chunk has more than one row.",
        raw.names(doubled_rows),
    )  # fmt: skip
    problems += problem(
        "doubled_in_lake", "A frame has more than one row.",
        raw.names(doubled_frames),
    )  # fmt: skip
    problems += problem(
        "foreign_frames_in_lake", "Rows name a chunk that does not hold their frame.",
        raw.names(strays),
    )  # fmt: skip
    # What the workers have not committed may be in the store that was read last.
    coming = (
        _of_chunk(first, flight.unread | flight.to_clickhouse),
        _of_chunk(first, flight.unread | flight.to_lake),
    )
    problems += _only_in_one(raw, in_clickhouse, whole, processings, coming)

    named = named[first]
    have_clickhouse, have_lake = np.zeros(count, bool), np.zeros(count, bool)
    have_clickhouse[in_clickhouse // processings] = True
    have_lake[whole // processings] = True
    have_clickhouse, have_lake = have_clickhouse[first], have_lake[first]
    refused, settled = _flags(count, told.refused), _flags(count, told.settled)

    rows = np.arange(count)
    is_named = (named == rows) & (raw.kind == Kind.CHUNK)
    on_its_way = flight.unread | flight.to_clickhouse | flight.to_lake
    again = flight.seen_before | (named < count) | _earlier(first, on_its_way)
    again &= raw.kind == Kind.CHUNK
    again |= _flags(count, told.again) | (settled & (raw.kind == Kind.MARK))
    outcome = np.full(count, Outcome.MISSING, np.uint8)
    outcome[settled & _of_chunk(first, on_its_way)[first]] = Outcome.IN_FLIGHT
    outcome[on_its_way] = Outcome.IN_FLIGHT
    outcome[(raw.kind == Kind.MARK) & ~refused] = Outcome.MARK
    outcome[again] = Outcome.DUPLICATE
    outcome[refused] = Outcome.DEAD_LETTER
    outcome[is_named & on_its_way] = Outcome.IN_FLIGHT
    outcome[is_named & ~on_its_way] = Outcome.MISSING
    outcome[is_named & have_clickhouse & have_lake] = Outcome.CANONICAL
    outcome[raw.kind == Kind.TICK] = Outcome.TICK

    nowhere = np.flatnonzero((outcome == Outcome.MISSING) & ~is_named)
    problems += problem(
        "nowhere", "A record is neither canonical nor refused nor a duplicate.",
        raw.names(nowhere),
    )  # fmt: skip
    both = np.flatnonzero(is_named & refused)
    problems += problem(
        "refused_and_canonical", "A record has a dead letter and canonical frames.",
        raw.names(both),
    )  # fmt: skip
    # A letter of its own says that the redrive header of a record is not true.
    redriven = is_named & ~on_its_way & ~settled & ~refused
    origins = raw.rows_of(raw.origin)
    twice = np.flatnonzero(redriven & (origins >= 0) & refused[origins])
    problems += problem(
        "redriven_and_refused", "A redriven record is canonical; its origin counts as refused.",
        raw.names(twice),
    )  # fmt: skip
    problems += problem(
        "refused_twice", "A redriven record was refused under its own name, not its origin's.",
        raw.names(told.astray),
    )  # fmt: skip
    return Judgement(outcome, have_clickhouse & is_named, have_lake & is_named, problems)


def first_of_chunk(raw: RawLog) -> I64:
    """For each record the first one of the same robot, session and sequence. [N]."""
    first = np.arange(len(raw.key))
    rows = np.flatnonzero((raw.kind == Kind.CHUNK) & (raw.stream >= 0))
    if len(rows):
        ordered = rows[np.lexsort((rows, raw.sequence[rows], raw.stream[rows]))]
        stream, sequence = raw.stream[ordered], raw.sequence[ordered]
        begins = np.ones(len(ordered), bool)
        begins[1:] = (stream[1:] != stream[:-1]) | (sequence[1:] != sequence[:-1])
        first[ordered] = ordered[begins][np.cumsum(begins) - 1]
    return first


def _named(first: I64, clickhouse: AtRest, lake: AtRest) -> I64:
    """On the first record of a chunk the one that the stores name; N where they name none. [N].

    Where they name several, the first of them. It need not be the chunk's first: that one may have
    been refused, and said something else.
    """
    named = np.full(len(first), len(first))
    np.minimum.at(named, first[clickhouse.row], clickhouse.row)
    np.minimum.at(named, first[lake.row], lake.row)
    return named


def _chunks_once(first: I64, rest: AtRest, processings: int) -> tuple[I64, Rows]:
    """Codes (chunk · P + processing) of chunks in ClickHouse, and chunks with two rows."""
    codes, counts = np.unique(first[rest.row] * processings + rest.processing, return_counts=True)
    return codes, codes[counts > 1] // processings


def _frames_once(
    raw: RawLog, first: I64, named: I64, rest: FramesAtRest, processings: int
) -> tuple[I64, Rows, Rows]:
    """Codes of chunks that lie whole in the lake, chunks with a frame twice, and with a stray."""
    count = len(first)
    says = np.where(named < count, named, np.arange(count))
    first_frame, frames = raw.first_frame[says], raw.frames[says]
    starts = np.concatenate(([0], np.cumsum(frames)))
    chunk = first[rest.row]
    within = rest.first_frame - first_frame[chunk]
    behind = within + rest.frames
    strays = np.unique(chunk[(within < 0) | (behind > frames[chunk])])
    within, behind = (starts[chunk] + np.clip(at, 0, frames[chunk]) for at in (within, behind))
    codes, doubled = [], []
    for number in range(processings):
        own = rest.processing == number
        steps = np.zeros(int(starts[-1]) + 1, np.int32)
        np.add.at(steps, within[own], 1)
        np.add.at(steps, behind[own], -1)
        held = np.cumsum(steps[:-1])
        present = np.concatenate(([0], np.cumsum(held > 0)))
        frames_held = present[starts[1:]] - present[starts[:-1]]
        rows = np.flatnonzero((frames > 0) & (frames_held == frames))
        codes.append(rows * processings + number)
        twice = np.flatnonzero(held > 1)
        doubled.append(np.searchsorted(starts, twice, side="right") - 1)
    return np.sort(np.concatenate(codes)), np.unique(np.concatenate(doubled)), strays


def _only_in_one(
    raw: RawLog, in_clickhouse: I64, in_lake: I64, processings: int, coming: tuple[Flags, Flags]
) -> list[Problem]:
    to_clickhouse, to_lake = coming
    found = []
    for kind, meaning, have, lack, on_its_way in (
        ("missing_in_lake", "A chunk in ClickHouse is not whole in object storage.",
         in_clickhouse, in_lake, to_lake),
        ("missing_in_clickhouse", "A chunk in object storage is not in ClickHouse.",
         in_lake, in_clickhouse, to_clickhouse),
    ):  # fmt: skip
        rows = np.setdiff1d(have, lack) // processings
        rows = np.unique(rows[~on_its_way[rows]])
        found += problem(kind, meaning, raw.names(rows))
    return found


def _flags(count: int, rows: I64) -> Flags:
    """A flag on these of N rows. [N]."""
    flags = np.zeros(count, bool)
    flags[rows] = True
    return flags


def _earlier(first: I64, flags: Flags) -> Flags:
    """Whether an earlier record of the same chunk has the flag. [N]."""
    count = len(first)
    earliest = np.full(count, count)
    rows = np.flatnonzero(flags)
    np.minimum.at(earliest, first[rows], rows)
    found: Flags = earliest[first] < np.arange(count)
    return found


def _of_chunk(first: I64, flags: Flags) -> Flags:
    """A flag of any record of a chunk, on its first one. [N]."""
    lifted = np.zeros(len(first), bool)
    lifted[first[flags]] = True
    return lifted
