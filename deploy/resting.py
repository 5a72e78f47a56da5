"""Which vendors rest after too many refusals, as the workers' own metrics tell."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterable

from deploy.stack_file import ProcessRecord
from schemas.metrics import WORKER_PAUSED

ANSWER_WITHIN_S = 1.0
_LINE = re.compile(rf'^{WORKER_PAUSED}\{{topic="([^"]+)"\}} 1\.0$', re.MULTILINE)


def resting(processes: Iterable[ProcessRecord]) -> dict[str, list[str]]:
    """Raw topics that rest, by worker; one that does not answer has none."""
    found = {}
    for process in processes:
        if process.name.startswith("worker") and process.pid and process.metrics_port:
            topics = topics_at_rest(_metrics(process.metrics_port))
            if topics:
                found[process.name] = topics
    return found


def topics_at_rest(metrics: str) -> list[str]:
    """The topics that a worker's metrics call paused."""
    return sorted(_LINE.findall(metrics))


def _metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_WITHIN_S
        ) as answer:
            return str(answer.read().decode())
    except (OSError, urllib.error.URLError):
        return ""
