"""Rounds of an audit that never ends: what stands after a second look is told, and left behind."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Gauge

from deploy.audit.report import AuditReport
from deploy.audit.run import Auditor
from deploy.audit.watermark import Watermark, added, load_watermark, save_watermark
from deploy.retention import ALERT_AT, archive_headroom
from schemas import metrics
from schemas.settings import Settings

LAST = "audit-last.json"
FROM_LEDGER = "sequence_gap"
"""A problem that the ledger of sessions tells anew in every round."""

RECORDS = Counter(metrics.AUDIT_RECORDS, "Raw records judged", ["outcome"])
PROBLEMS = Gauge(metrics.AUDIT_PROBLEMS, "What must not be", ["kind"])
AGE = Gauge(metrics.AUDIT_AGE_SECONDS, "Age of the oldest record that is not judged")
IN_FLIGHT = Gauge(metrics.AUDIT_IN_FLIGHT, "Raw records on their way")
RETENTION = Gauge(metrics.ARCHIVE_RETENTION_USED, "Share of retention not archived", ["topic"])

log = structlog.get_logger()


class RunningAudit:
    """The watermark in memory, and what the round before this one found."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._auditor: Auditor | None = None
        self._doubts: set[str] = set()

    def round(self) -> dict[str, Any]:
        """One round; what it found, as plain data."""
        if self._auditor is None:
            self._auditor = Auditor(self._settings)
        mark = load_watermark(self._settings.home)
        report, after = self._auditor.audit(mark)
        found = [problem for problem in report.problems if problem.kind != FROM_LEDGER]
        told = {f"{one.kind}:{one.count}:{one.examples}" for one in found}
        if found and not told <= self._doubts:
            # Once may be the moment: looked at again before it is told.
            self._doubts = told
            return self._tell(report, mark)
        self._doubts = set()
        after = replace(after, standing=added(mark.standing, found))
        save_watermark(self._settings.home, after)
        for outcome, count in report.records.items():
            if outcome != "in_flight":
                RECORDS.labels(outcome).inc(count)
        return self._tell(report, after)

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
        headroom = archive_headroom(self._settings.require_kafka())
        for topic in headroom:
            RETENTION.labels(topic.topic).set(topic.used)
            if topic.used >= ALERT_AT:
                log.error("the archive falls behind Kafka's retention", **asdict(topic))
        return {
            "at_s": mark.at_s,
            "judged_to_s": mark.since_ms / 1000,
            "records": dict(report.records),
            "sessions": asdict(report.sessions),
            "problems": [asdict(one) for one in problems],
            "in_doubt": len(self._doubts),
            "archive": [asdict(topic) for topic in headroom],
        }


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
