"""The audit's sums: frames by vendor and outcome, episodes, sessions, lineage that is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from deploy.audit import collect
from deploy.audit.compare import Judgement, Outcome
from deploy.audit.raw import OFFSET_BITS, Kind, RawLog, keys_of
from deploy.audit.report import Problem, VendorAudit, problem
from schemas.events import DeadLetter
from schemas.topics import vendor_of


def frames_by_episode(rows: pa.Table) -> dict[tuple[str, str, str], int]:
    """Frames that ClickHouse holds, by robot, episode and processing."""
    grouped = rows.group_by(["robot", "episode", "processing_id"]).aggregate([("frames", "sum")])
    return {
        (row["robot"], row["episode"], row["processing_id"]): row["frames_sum"]
        for row in grouped.to_pylist()
    }


def mismatches(raw: RawLog, rows: pa.Table) -> list[Problem]:
    """Rows of ClickHouse that are not what the raw record they name says it is."""
    keys = keys_of(
        raw.places,
        rows["source_topic"].to_pylist(),
        rows["source_partition"].to_numpy().astype(np.int64),
        rows["source_offset"].to_numpy().astype(np.int64),
    )
    at = raw.rows_of(keys)
    known = np.flatnonzero(at >= 0)
    at = at[known]
    numbers = {stream: i for i, stream in enumerate(raw.streams)}
    pairs = zip(rows["robot"].to_pylist(), rows["session"].to_pylist(), strict=True)
    stream = np.array([numbers.get(pair, -2) for pair in pairs], np.int64)[known]
    wrong = stream != raw.stream[at]
    for name in ("sequence", "first_frame", "frames"):
        wrong |= rows[name].to_numpy()[known] != getattr(raw, name)[at]
    return problem(
        "wrong_lineage",
        "A row of ClickHouse names a raw record of another robot, session, sequence or length.",
        raw.names(at[wrong]),
    )


def by_vendor(
    raw: RawLog, judged: Judgement, letters: Mapping[tuple[str, int, int], DeadLetter]
) -> dict[str, VendorAudit]:
    """Frames by vendor and outcome; of a record without an envelope, what its letter claims."""
    place_vendors = raw.vendors()
    vendors: dict[str, VendorAudit] = defaultdict(VendorAudit)
    number = raw.place_number()
    for i, vendor in enumerate(place_vendors):
        own, audit = number == i, vendors[vendor]
        frames = np.where(own & (raw.kind == Kind.CHUNK), raw.frames, 0)
        audit.read += int(frames.sum())
        audit.clickhouse += int(frames[judged.in_clickhouse].sum())
        audit.object_storage += int(frames[judged.in_lake].sum())
        audit.canonical += int(frames[judged.outcome == Outcome.CANONICAL].sum())
        audit.duplicates += int(frames[judged.outcome == Outcome.DUPLICATE].sum())
        audit.in_flight += int(frames[judged.outcome == Outcome.IN_FLIGHT].sum())
        audit.missing += int(frames[judged.outcome == Outcome.MISSING].sum())
    _add_refused(vendors, raw, judged, letters)
    return dict(vendors)


def _add_refused(
    vendors: dict[str, VendorAudit],
    raw: RawLog,
    judged: Judgement,
    letters: Mapping[tuple[str, int, int], DeadLetter],
) -> None:
    rows = collect.rows_of_origins(raw, letters)
    for row in rows[judged.outcome[rows] == Outcome.DEAD_LETTER].tolist():
        topic, partition = raw.places[raw.key[row] >> OFFSET_BITS]
        letter = letters[topic, partition, int(raw.offset()[row])]
        audit = vendors[vendor_of(topic)]
        claimed = int(raw.frames[row])
        if raw.kind[row] == Kind.UNREADABLE:
            claimed = letter.frames
            audit.read += claimed
        audit.rejected[letter.reason] = audit.rejected.get(letter.reason, 0) + claimed
