"""How late each stage is, over the last minute: a bounded sample of every second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SECONDS = 60
PER_SECOND = 200

STAGES = (
    "publish to raw log",
    "raw log to canonical",
    "end mark to verdict",
    "end mark to ClickHouse",
    "end mark to object storage",
)
"""In the order of the data's way."""


@dataclass(slots=True)
class Delays:
    """Measurements in ms, by stage and second."""

    stages: dict[str, deque[tuple[int, list[float]]]] = field(
        default_factory=lambda: {stage: deque(maxlen=SECONDS) for stage in STAGES}
    )

    def add(self, stage: str, at_ms: int, delay_ms: float) -> None:
        """One measurement; a second that has enough takes no more."""
        kept, second = self.stages[stage], at_ms // 1_000
        if not kept or kept[-1][0] < second:
            kept.append((second, []))
        if len(kept[-1][1]) < PER_SECOND:
            kept[-1][1].append(delay_ms)

    def document(self, now_ms: int) -> list[dict[str, Any]]:
        """Median, 99th percentile and worst of each stage over the last minute, ms."""
        since = now_ms // 1_000 - SECONDS
        told = []
        for stage, kept in self.stages.items():
            values = [value for second, own in kept if second > since for value in own]
            row: dict[str, Any] = {"stage": stage, "count": len(values)}
            if values:
                p50, p99 = np.percentile(values, [50, 99])
                row |= {"p50": round(p50, 1), "p99": round(p99, 1), "worst": round(max(values), 1)}
            told.append(row)
        return told
