"""Rounds of an audit that never ends: what stands after a second look is told, and left behind."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Gauge

from deploy.audit.report import AuditReport, Problem, problem
from deploy.audit.run import Auditor
from deploy.audit.watermark import Watermark, added, load_watermark, save_watermark
from deploy.retention import ALERT_AT, Headroom, archive_headroom
from schemas import metrics
from schemas.settings import Settings

LAST = "audit-last.json"
HEADROOM_EVERY_S = 60.0
FROM_LEDGER = "sequence_gap"
"""A problem that the ledger of sessions tells anew in every round."""

RECORDS = Counter(metrics.AUDIT_RECORDS, "Raw records judged", ["outcome"])
PROBLEMS = Gauge(metrics.AUDIT_PROBLEMS, "What must not be", ["kind"])
AGE = Gauge(metrics.AUDIT_AGE_SECONDS, "Age of the oldest record that is not judged")
IN_FLIGHT = Gauge(metrics.AUDIT_IN_FLIGHT, "Raw records on their way")
RETENTION = Gauge(metrics.ARCHIVE_RETENTION_USED, "Share of retention not archived", ["topic"])

log = structlog.get_logger()


class RunningAudit:
    """The watermark in memory, and what the rounds before this one found.

    A round that finds nothing leaves behind all that it judged. One that finds something looks at
    it again in the next, beside what came meanwhile: what both have found stands and is told. So
    everything is judged twice where anything is in doubt, and never held longer than two rounds.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._auditor: Auditor | None = None
        self._doubts: frozenset[tuple[str, str]] = frozenset()
        self._told: frozenset[tuple[str, str]] = frozenset()
        self._next: Watermark | None = None
        self._headroom: list[Headroom] = []
        self._looked = -math.inf

    def round(self) -> dict[str, Any]:
        """One round; what it found, as plain data."""
        if self._auditor is None:
            self._auditor = Auditor(self._settings)
        mark = load_watermark(self._settings.home)
        report, after, outcomes = self._auditor.audit(mark)
        problems = [problem for problem in report.problems if problem.kind != FROM_LEDGER]
        found = frozenset((one.kind, name) for one in problems for name in one.names)
        standing = (found & self._doubts) - self._told
        left = after if not found else self._next or mark
        told = added(mark.standing, _only(problems, standing))
        left = replace(left, ledger=after.ledger, standing=told)
        # What the next round cannot find again need not be remembered.
        self._told = (self._told | standing) & found
        self._doubts = found
        self._next = after if found else None
        save_watermark(self._settings.home, left)
        for outcome, count in outcomes(left.offsets).items():
            RECORDS.labels(outcome).inc(count)
        return self._tell(report, left)

    def close(self) -> None:
        """Drop the connections; the next round makes them anew."""
        if self._auditor is not None:
            self._auditor.close()
            self._auditor = None

    def _tell(self, report: AuditReport, mark: Watermark) -> dict[str, Any]:
        gaps = [problem for problem in report.problems if problem.kind == FROM_LEDGER]
        problems = [*mark.standing, *gaps]
        PROBLEMS.clear()
        for one in problems:
            PROBLEMS.labels(one.kind).set(one.count)
        IN_FLIGHT.set(report.records["in_flight"])
        age_s = max(time.time() - mark.since_ms / 1000, 0.0) if mark.since_ms else 0.0
        AGE.set(age_s)
        if time.monotonic() - self._looked >= HEADROOM_EVERY_S:
            self._headroom = archive_headroom(self._settings.require_kafka())
            self._looked = time.monotonic()
        for topic in self._headroom:
            RETENTION.labels(topic.topic).set(topic.used)
            if topic.used >= ALERT_AT:
                log.error("the archive falls behind Kafka's retention", **asdict(topic))
        return {
            "at_s": mark.at_s,
            "judged_to_s": mark.since_ms / 1000,
            "records": dict(report.records),
            "sessions": asdict(report.sessions),
            "problems": [one.document() for one in problems],
            "in_doubt": len(self._doubts - self._told),
            "archive": [asdict(topic) for topic in self._headroom],
        }


def _only(problems: Iterable[Problem], names: Container[tuple[str, str]]) -> Iterator[Problem]:
    """Problems with these names alone."""
    for one in problems:
        kept = [name for name in one.names if (one.kind, name) in names]
        yield from problem(one.kind, one.meaning, kept)


def write_last(home: Path, told: dict[str, Any]) -> None:
    """What the last round found, for `kinebus status`."""
    fresh = home / f"{LAST}.new"
    fresh.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    fresh.replace(home / LAST)


def read_last(home: Path) -> dict[str, Any] | None:
    """What the last round found; None where there was none."""
    path = home / LAST
    if not path.exists():
        return None
    told: dict[str, Any] = orjson.loads(path.read_bytes())
    return told
