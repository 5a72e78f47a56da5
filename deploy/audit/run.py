"""Runs an audit: evidence first from the log, then from the stores, then the judgement.

The order matters while the system runs. How far each group has come is asked before the stores are
read, so what is called missing was promised to be there before it was looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from clickhouse_connect.driver.client import Client
from obstore.store import ObjectStore

from deploy.audit import collect
from deploy.audit.clickhouse import (
    closed_episodes,
    frames_of_episodes,
    knows_sequence,
    lineage,
    open_clickhouse,
)
from deploy.audit.compare import Flags, Flight, Outcome, judge
from deploy.audit.deep import compare_values
from deploy.audit.kafka import AuditReader
from deploy.audit.lake import (
    SegmentFile,
    audited_store,
    by_folder,
    manifests,
    objects,
    segments,
)
from deploy.audit.manifests import check_episodes, check_hashes
from deploy.audit.raw import Kind, Place, RawBuilder, RawLog
from deploy.audit.report import AuditReport
from deploy.audit.sessions import FORGET_MS
from deploy.audit.tails import Tails
from deploy.audit.tally import by_vendor, frames_by_episode, mismatches
from deploy.audit.watermark import Watermark, added, load_watermark, save_watermark
from schemas.settings import Settings
from schemas.topics import RAW_PREFIX

_CLOCK_SKEW_MS = 60_000
_LOOKED_UP = 10_000
_STREAMS = 50_000
"""Sessions after which the window is read anew, so that it does not remember them for ever."""


def run_audit(settings: Settings, deep: bool = False, since: bool = False) -> AuditReport:
    """Audit a running or settled system.

    Args:
        settings: where broker, ClickHouse and lake are; the watermark lies in `home`.
        deep: compare the values of both stores and the hashes of all segments, too.
        since: only what came after the last audit; what that one left behind stays told.
    """
    mark = load_watermark(settings.home) if since else Watermark()
    auditor = Auditor(settings)
    try:
        report, after, _ = auditor.audit(mark, deep)
    finally:
        auditor.close()
    if report.ok:
        save_watermark(settings.home, after)
    return replace(report, problems=added(mark.standing, report.problems))


class Audited(NamedTuple):
    """What an audit found, and what the next may leave behind.

    Attributes:
        report: the judgement.
        after: behind everything that was judged.
        outcomes: raw records before these offsets, by outcome.
    """

    report: AuditReport
    after: Watermark
    outcomes: Callable[[Mapping[Place, int]], dict[str, int]]


class Auditor:
    """Connections, and what one audit can use of what another has read."""

    def __init__(self, settings: Settings) -> None:
        self.reader = AuditReader(settings.require_kafka())
        self._client = open_clickhouse(settings.require_clickhouse(), settings.clickhouse_database)
        self._store = audited_store(settings.require_lake())
        self._window: RawBuilder | None = None
        self._segments: dict[str, SegmentFile] = {}
        self.tails = Tails()

    def close(self) -> None:
        """Leave broker and ClickHouse."""
        self.reader.close()
        self._client.close()

    def audit(self, mark: Watermark, deep: bool = False) -> Audited:
        """Audit what lies behind a watermark."""
        begun_s = time.time()
        audit = _Audit(self, mark)
        report = audit.report(deep)
        return Audited(report, audit.after(begun_s), audit.outcomes)

    def raw(self, spans: Mapping[Place, tuple[int, int]]) -> RawLog:
        """The raw records of these spans; what the audit before this one read is kept."""
        window = self._window
        if window is None or window.spans.keys() != spans.keys() or len(window.streams) > _STREAMS:
            begins = {place: (start, start) for place, (start, _) in spans.items()}
            window = self._window = RawBuilder(begins)
        unread = window.advance(spans)
        collect.read_raw(self.reader, self._store, unread, window)
        return window.build()

    def segments(self, wanted: dict[str, int]) -> list[SegmentFile]:
        """The segments among these objects; an object never changes, so none is read twice."""
        missing = {key: size for key, size in wanted.items() if key not in self._segments}
        known = {key: file for key, file in self._segments.items() if key in wanted}
        known |= {file.key: file for file in segments(self._store, missing)}
        self._segments = known
        return list(known.values())

    @property
    def client(self) -> Client:
        """ClickHouse."""
        return self._client

    @property
    def store(self) -> ObjectStore:
        """The lake."""
        return self._store


class _Audit:
    """The evidence of one audit, gathered in the order that makes it conclusive."""

    def __init__(self, auditor: Auditor, mark: Watermark) -> None:
        reader, client, store = auditor.reader, auditor.client, auditor.store
        self._client, self._store, self._mark = client, store, mark
        places = reader.places(RAW_PREFIX)
        self._committed = reader.committed(collect.WORKERS, places)
        self._since_ms = mark.since_ms
        self._closed = closed_episodes(client, self._since_ms)
        to_clickhouse, to_lake = auditor.tails.read(reader)
        ends = reader.watermarks(places)
        spans = {place: (mark.offsets.get(place, 0), ends[place][1]) for place in places}
        self._raw = auditor.raw(spans)
        self._skipped = sum(
            end - first
            for place, (start, _) in spans.items()
            for first, end in reader.skipped.get(place, ())
            if first >= start
        )
        after_ms = max(self._since_ms - _CLOCK_SKEW_MS, 0)
        self._letters = collect.read_letters(reader, after_ms)
        self._rows = lineage(client, self._since_ms)
        self._numbers: dict[str, int] = {}
        self._clickhouse = collect.clickhouse_at_rest(self._raw, self._rows, self._numbers)
        self._coming = to_clickhouse.episodes | to_lake.episodes
        self._sizes, modified = self._objects()
        wanted = _recent(self._sizes, modified, after_ms / 1000)
        self._files = auditor.segments(wanted)
        self._manifests = manifests(store, wanted)
        self._lake = collect.lake_at_rest(self._raw, self._files, self._numbers)
        self._flight = Flight(
            unread=collect.unread(self._raw, self._committed),
            to_clickhouse=self._flags(to_clickhouse.origins),
            to_lake=self._flags(to_lake.origins),
            seen_before=self._seen_before(),
        )
        mark.ledger.add(self._raw, self._begins_ms())

    def report(self, deep: bool) -> AuditReport:
        """The judgement of the evidence."""
        raw = self._raw
        told = collect.told(raw, self._letters)
        judged = judge(raw, self._clickhouse, self._lake, told, self._flight)
        self._outcome = judged.outcome
        episodes = check_episodes(
            self._manifests,
            self._sizes,
            by_folder(self._files),
            self._episode_frames(),
            self._closed,
            self._coming | self._begun(),
        )
        seen, gaps = self._mark.ledger.audit()
        found = [*judged.problems, *mismatches(raw, self._rows), *gaps]
        if deep:
            check_hashes(episodes, self._manifests, self._store)
            found += compare_values(self._client, self._store, self._files)
        vendors = by_vendor(raw, judged, self._letters.last)
        for vendor, count in episodes.complete.items():
            vendors[vendor].episodes = count
        return AuditReport(
            vendors=vendors,
            records={**_counts(judged.outcome), "skipped_batch": self._skipped},
            offsets_without_record=sum(b - a for a, b in raw.spans.values())
            - len(raw.key)
            - self._skipped,
            sessions=seen,
            problems=tuple(found + episodes.problems()),
            deep=deep,
        )

    def outcomes(self, before: Mapping[Place, int]) -> dict[str, int]:
        """Raw records before these offsets, by outcome."""
        raw = self._raw
        stops = np.array([before.get(place, 0) for place in raw.places], np.int64)
        return _counts(self._outcome[raw.offset() < stops[raw.place_number()]])

    def after(self, begun_s: float) -> Watermark:
        """Behind everything that was judged: nothing before it was on its way."""
        flight, raw = self._flight, self._raw
        coming = np.flatnonzero(flight.unread | flight.to_clickhouse | flight.to_lake)
        reached = {place: stop for place, (_, stop) in raw.spans.items()}
        numbers, offsets = raw.place_number()[coming], raw.offset()[coming]
        for number, offset in zip(numbers.tolist(), offsets.tolist(), strict=True):
            place = raw.places[number]
            reached[place] = min(reached[place], offset)
        starts = np.array([reached[place] for place in raw.places], np.int64)
        left: Flags = raw.offset() >= starts[raw.place_number()]
        since_ms = int(raw.log_ms[left].min(initial=int(begun_s * 1000)))
        self._mark.ledger.forget(int(begun_s * 1000))
        return Watermark(reached, begun_s, since_ms, self._mark.ledger, self._mark.standing)

    def _begins_ms(self) -> int:
        """Sessions opened before need not be known from their first record on."""
        return int(self._mark.at_s * 1000) - FORGET_MS if self._mark.at_s else 0

    def _objects(self) -> tuple[dict[str, int], dict[str, float]]:
        """Objects of the sessions that the window knows; of all where it begins at nothing."""
        if not self._mark.at_s:
            return objects(self._store, "episodes")
        made = {*self._numbers, *(processing for _, processing in self._coming)}
        sizes: dict[str, int] = {}
        modified: dict[str, float] = {}
        for processing in sorted(made):
            for robot, session in self._raw.streams:
                found = objects(self._store, f"episodes/{processing}/{robot}/{session}")
                sizes |= found[0]
                modified |= found[1]
        return sizes, modified

    def _flags(self, origins: Iterable[tuple[str, int, int]]) -> Flags:
        return collect.flags_of(self._raw, collect.rows_of_origins(self._raw, origins))

    def _seen_before(self) -> Flags:
        """Chunks that no store names, but that ClickHouse knows from before the watermark."""
        raw = self._raw
        flags = np.zeros(len(raw.key), bool)
        if self._mark.at_s:
            named = collect.flags_of(raw, self._clickhouse.row) | self._flags(self._letters.last)
            unknown = np.flatnonzero(~named & (raw.kind == Kind.CHUNK) & (raw.stream >= 0))
            for row in unknown[:_LOOKED_UP]:
                robot, session = raw.streams[raw.stream[row]]
                flags[row] = knows_sequence(self._client, robot, session, int(raw.sequence[row]))
        return flags

    def _episode_frames(self) -> dict[tuple[str, str, str], int]:
        """Frames in ClickHouse of every episode that has a manifest here."""
        if not self._mark.at_s:
            return frames_by_episode(self._rows)
        episodes = sorted({str(manifest["episode"]) for manifest in self._manifests.values()})
        return frames_of_episodes(self._client, episodes)

    def _begun(self) -> set[tuple[str, str]]:
        """Episodes with a manifest whose end the workers had not committed."""
        ends = [(one["boundary"], one) for one in self._manifests.values()]
        return {
            (str(one["episode"]), str(one["processing_id"]))
            for end, one in ends
            if end["source_offset"]
            >= self._committed.get((end["source_topic"], end["source_partition"]), 0)
        }


def _counts(outcome: npt.NDArray[np.uint8]) -> dict[str, int]:
    counts = np.bincount(outcome, minlength=len(Outcome)).tolist()
    return {kind.name.lower(): counts[kind] for kind in Outcome}


def _recent(sizes: dict[str, int], modified: Mapping[str, float], after_s: float) -> dict[str, int]:
    """Objects put after a time, and of an episode that was sealed since then all."""
    sealed = {
        key.rsplit("/", 1)[0]
        for key in sizes
        if modified[key] >= after_s and key.endswith("/manifest.json")
    }
    return {
        key: size
        for key, size in sizes.items()
        if modified[key] >= after_s or key.rsplit("/", 1)[0] in sealed
    }
