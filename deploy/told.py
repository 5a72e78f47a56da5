"""What processes of a stack tell of themselves: who waits for what, and what the audit found."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from deploy.audit.running import read_last
from deploy.retention import ALERT_AT
from deploy.stack_file import StackRecord
from schemas.metrics import SINK_DISK_FULL, SINK_WAITING

TIMEOUT_S = 1.0
_WORDS = {SINK_WAITING: "waits for its store or the broker", SINK_DISK_FULL: "disk full"}


def waiting(stack: StackRecord) -> dict[str, str]:
    """Why processes wait, by name; one that cannot be asked is left out."""
    found = {}
    for process in stack.processes:
        if process.pid is not None and process.metrics_port:
            reasons = _reasons(process.metrics_port)
            if reasons:
                found[process.name] = _WORDS[max(reasons, key=[*_WORDS].index)]
    return found


def told_lines(home: Path, waits: dict[str, str]) -> list[str]:
    """The same for a person."""
    lines = [f"{name}: {why}" for name, why in waits.items()]
    last = read_last(home)
    if last is None:
        return lines
    age_s = time.time() - last["judged_to_s"]
    kinds = ", ".join(f"{one['kind']} {one['count']}" for one in last["problems"])
    flight = last["records"]["in_flight"]
    lines.append(
        f"audit: {kinds or 'nothing missing, nothing twice'}; judged up to {age_s:.0f} s ago, "
        f"{flight} records on their way"
    )
    for topic in last["archive"]:
        if topic["used"] >= ALERT_AT:
            lines.append(
                f"archive: {topic['topic']} has used {topic['used']:.0%} of Kafka's retention"
            )
    return lines


def _reasons(port: int) -> list[str]:
    try:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            text = answer.read().decode()
    except OSError:
        return []
    return [
        sample.name
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in _WORDS and sample.value
    ]
