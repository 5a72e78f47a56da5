"""Runs an audit: evidence first from the log, then from the stores, then the judgement.

The order matters while the system runs. How far each group has come is asked before the stores are
read, so what is called missing was promised to be there before it was looked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import numpy as np
from clickhouse_connect.driver.client import Client

from deploy.audit import collect
from deploy.audit.clickhouse import (
    frames_of_episodes,
    knows_sequence,
    lineage,
    open_clickhouse,
)
from deploy.audit.compare import Flags, Flight, Outcome, judge
from deploy.audit.deep import compare_values
from deploy.audit.kafka import AuditReader
from deploy.audit.lake import audited_store, by_folder, manifests, objects, segments
from deploy.audit.manifests import check_episodes, check_hashes
from deploy.audit.raw import Kind, Place
from deploy.audit.report import AuditReport
from deploy.audit.tally import by_vendor, frames_by_episode, mismatches, sessions
from deploy.audit.watermark import Watermark, load_watermark, save_watermark
from schemas.settings import Settings
from schemas.topics import RAW_PREFIX

_CLOSED = "SELECT episode, processing_id FROM episode_states WHERE is_closed"
_CLOCK_SKEW_S = 60.0
_LOOKED_UP = 10_000


def run_audit(settings: Settings, deep: bool = False, since: bool = False) -> AuditReport:
    """Audit a running or settled system.

    Args:
        settings: where broker, ClickHouse and lake are; the watermark lies in `home`.
        deep: compare the values of both stores and the hashes of all segments, too.
        since: only what came after the last audit that found nothing wrong.
    """
    begun_s = time.time()
    mark = load_watermark(settings.home) if since else Watermark()
    reader = AuditReader(settings.require_kafka())
    client = open_clickhouse(settings.require_clickhouse(), settings.clickhouse_database)
    try:
        audit = _Audit(settings, reader, client, mark)
        report = audit.report(deep)
    finally:
        reader.close()
        client.close()
    if report.ok:
        save_watermark(settings.home, Watermark(audit.reached(), begun_s))
    return report


class _Audit:
    """The evidence of one audit, gathered in the order that makes it conclusive."""

    def __init__(
        self, settings: Settings, reader: AuditReader, client: Client, mark: Watermark
    ) -> None:
        self._client = client
        self._mark = mark
        self._store = audited_store(settings.require_lake())
        places = reader.places(RAW_PREFIX)
        self._committed = reader.committed(collect.WORKERS, places)
        to_clickhouse, to_lake = collect.read_tails(reader)
        ends = reader.watermarks(places)
        spans = {place: (mark.offsets.get(place, 0), ends[place][1]) for place in places}
        self._raw = collect.read_raw(reader, self._store, spans)
        self._skipped = sum(
            end - first for place in places for first, end in reader.skipped.get(place, ())
        )
        self._letters = collect.read_letters(reader)
        self._rows = lineage(client, min(mark.offsets.values(), default=0))
        self._numbers: dict[str, int] = {}
        self._clickhouse = collect.clickhouse_at_rest(self._raw, self._rows, self._numbers)
        self._sizes, modified = objects(self._store, "episodes")
        wanted = _recent(self._sizes, modified, mark.at_s - _CLOCK_SKEW_S)
        self._files = list(segments(self._store, wanted))
        self._manifests = manifests(self._store, wanted)
        self._lake, self._frame = collect.lake_at_rest(self._raw, self._files, self._numbers)
        self._coming = to_clickhouse.episodes | to_lake.episodes
        self._flight = Flight(
            unread=collect.unread(self._raw, self._committed),
            to_clickhouse=self._flags(to_clickhouse.origins),
            to_lake=self._flags(to_lake.origins),
            seen_before=self._seen_before(),
        )

    def report(self, deep: bool) -> AuditReport:
        """The judgement of the evidence."""
        raw = self._raw
        told = collect.told(raw, self._letters)
        judged = judge(raw, self._clickhouse, self._lake, self._frame, told, self._flight)
        episodes = check_episodes(
            self._manifests,
            self._sizes,
            by_folder(self._files),
            self._episode_frames(),
            self._closed(),
            self._coming,
        )
        seen, gaps = sessions(raw, from_start=not self._mark.at_s)
        found = [*judged.problems, *mismatches(raw, self._rows), *gaps]
        if deep:
            check_hashes(episodes, self._manifests, self._store)
            found += compare_values(self._client, self._store, self._files)
        vendors = by_vendor(raw, judged, self._letters.last)
        for vendor, count in episodes.complete.items():
            vendors[vendor].episodes = count
        outcomes = np.bincount(judged.outcome, minlength=len(Outcome)).tolist()
        return AuditReport(
            vendors=vendors,
            records={
                **{kind.name.lower(): outcomes[kind] for kind in Outcome},
                "skipped_batch": self._skipped,
            },
            offsets_without_record=sum(b - a for a, b in raw.spans.values())
            - len(raw.key)
            - self._skipped,
            sessions=seen,
            problems=tuple(found + episodes.problems()),
            deep=deep,
        )

    def reached(self) -> dict[Place, int]:
        """Up to where everything was accounted for: no further than the workers have committed."""
        flight = self._flight
        coming = np.flatnonzero(flight.unread | flight.to_clickhouse | flight.to_lake)
        reached = {place: stop for place, (_, stop) in self._raw.spans.items()}
        numbers, offsets = self._raw.place_number()[coming], self._raw.offset()[coming]
        for number, offset in zip(numbers.tolist(), offsets.tolist(), strict=True):
            place = self._raw.places[number]
            reached[place] = min(reached[place], offset)
        return reached

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

    def _closed(self) -> list[tuple[str, str]]:
        if self._mark.at_s:
            return []
        return [(str(e), str(p)) for e, p in self._client.query(_CLOSED).result_rows]


def _recent(sizes: dict[str, int], modified: Mapping[str, float], after_s: float) -> dict[str, int]:
    """Objects put after a time, and all others of their folders."""
    folders = {key.rsplit("/", 1)[0] for key in sizes if modified[key] >= after_s}
    return {key: size for key, size in sizes.items() if key.rsplit("/", 1)[0] in folders}
