"""What an audit found: counts by vendor, sessions, and every kind of problem with examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

EXAMPLES = 10


@dataclass(frozen=True)
class Problem:
    """One kind of thing that must not be.

    Attributes:
        kind: a short name, such as `missing_in_lake`.
        meaning: one sentence.
        count: how many.
        examples: the first few, by topic/partition/offset or key.
        names: all of them, as far as they are known.
    """

    kind: str
    meaning: str
    count: int
    examples: tuple[str, ...]
    names: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "meaning": self.meaning,
            "count": self.count,
            "examples": self.examples,
        }


def problem(kind: str, meaning: str, found: Iterable[str]) -> list[Problem]:
    """A problem where there is one, else nothing."""
    names = tuple(found)
    return [Problem(kind, meaning, len(names), names[:EXAMPLES], names)] if names else []


@dataclass
class VendorAudit:
    """One vendor's frames, each counted once.

    Attributes:
        read: in chunks of the raw topic.
        canonical: of chunks that are canonical in either store.
        clickhouse: of chunks found in ClickHouse.
        object_storage: of chunks found whole in object storage.
        rejected: by the reason of their dead letter.
        duplicates: in chunks that came again.
        in_flight: in chunks that are on their way.
        missing: in chunks that are nowhere they should be.
        episodes: with a manifest, and the same frames in ClickHouse.
    """

    read: int = 0
    canonical: int = 0
    clickhouse: int = 0
    object_storage: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    in_flight: int = 0
    missing: int = 0
    episodes: int = 0


@dataclass(frozen=True)
class SessionAudit:
    """Robot to raw: the sequence numbers of all sessions.

    Attributes:
        sessions: seen in the raw topics.
        complete: begun at 0 and ended by a mark that names the last sequence, nothing missing.
        unknown_tail: without such a mark; more may have been lost than can be seen.
        missing: sequence numbers that never came.
    """

    sessions: int = 0
    complete: int = 0
    unknown_tail: int = 0
    missing: int = 0


@dataclass(frozen=True)
class AuditReport:
    """The outcome of an audit.

    Attributes:
        vendors: frames by vendor.
        records: raw records by outcome (canonical, mark, tick, dead_letter, duplicate, in_flight,
            missing), and offsets in batches that no client can open (skipped_batch).
        offsets_without_record: other offsets that hold nothing (control records, retention).
        sessions: robot to raw.
        problems: what must not be; empty when `ok`.
        deep: whether values and hashes were compared, too.
    """

    vendors: Mapping[str, VendorAudit]
    records: Mapping[str, int]
    offsets_without_record: int
    sessions: SessionAudit
    problems: tuple[Problem, ...]
    deep: bool

    @property
    def ok(self) -> bool:
        """Nothing is missing, doubled or different. What is in flight is none of these."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        problems = [one.document() for one in self.problems]
        return {"ok": self.ok, **asdict(self), "problems": problems}
