"""The metrics the dashboard serves of itself."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from schemas.metrics import (
    DASHBOARD_PAGES,
    DASHBOARD_ROBOTS,
    DASHBOARD_SKIPS,
    DASHBOARD_UNREADABLE,
)

PAGES = Gauge(DASHBOARD_PAGES, "Pages that are open")
ROBOTS = Gauge(DASHBOARD_ROBOTS, "Robots it holds")
SKIPS = Counter(DASHBOARD_SKIPS, "Times it fell behind and went on at the log's end")
UNREADABLE = Counter(DASHBOARD_UNREADABLE, "Records it could not read")
