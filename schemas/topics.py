"""Kafka's topics: names, keys and settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CANONICAL_FRAMES = "canonical.frames"
QUALITY_REPORTS = "quality.reports"
EPISODES = "episodes"
EPISODE_LABELS = "episodes.labels"
STREAMS_STATE = "streams.state"

RAW_PREFIX = "raw."
DEAD_LETTER_PREFIX = "dead-letter."
RETARGETED_PREFIX = "retargeted."

MAX_RAW_BYTES = 8 * 1024 * 1024
"""What a raw topic accepts. A chunk that decodes must be far smaller: see `schemas.limits`."""

MAX_RECORD_BYTES = MAX_RAW_BYTES + 256 * 1024
"""What any other topic accepts: a dead letter carries its whole raw record and its origin."""

READERS: Mapping[str, tuple[str, ...]] = {
    "streams": (RAW_PREFIX,),
    "sink-clickhouse": (CANONICAL_FRAMES, QUALITY_REPORTS, EPISODES),
    "sink-lake": (CANONICAL_FRAMES,),
    "sink-archive": (RAW_PREFIX,),
}
"""Consumer groups of a running system, and the topics (or prefixes) they read."""

_VENDOR = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def is_vendor(name: str) -> bool:
    """Whether a name may stand in a topic: lower case, digits, hyphens, 1 to 63 characters."""
    return _VENDOR.fullmatch(name) is not None


def raw_topic(vendor: str) -> str:
    """The topic a vendor's robots publish to."""
    return RAW_PREFIX + vendor


def dead_letter_topic(vendor: str) -> str:
    """The topic that keeps what could not be decoded of a vendor's records."""
    return DEAD_LETTER_PREFIX + vendor


def retargeted_topic(embodiment: str) -> str:
    """The topic of all frames in an embodiment's joints, where it is configured."""
    return RETARGETED_PREFIX + embodiment


def vendor_of(topic: str) -> str:
    """The vendor of a raw or dead-letter topic."""
    return topic.split(".", 1)[1]


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it is created: its name, partitions and Kafka settings."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


def all_topics(
    vendors: Iterable[str],
    partitions: int,
    retention_bytes: int = -1,
    targets: Iterable[str] = (),
) -> tuple[TopicSpec, ...]:
    """Every topic of a system with these vendors.

    Args:
        vendors: vendor names, one raw and one dead-letter topic each.
        partitions: the same number for all topics, so that a robot keeps its partition number.
        retention_bytes: what a partition of raw or canonical data may take; -1 for no bound.
        targets: embodiments that everything is retargeted to in flight.
    """
    bulk = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "retention.bytes": str(retention_bytes),
    }
    raw = {**bulk, "max.message.bytes": str(MAX_RAW_BYTES)}
    wide = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    compacted = {**wide, "cleanup.policy": "compact"}
    specs = []
    for vendor in vendors:
        specs.append(TopicSpec(raw_topic(vendor), partitions, raw))
        specs.append(
            TopicSpec(dead_letter_topic(vendor), partitions, {**wide, "retention.ms": "-1"})
        )
    return (
        *specs,
        *(TopicSpec(retargeted_topic(one), partitions, {**bulk, **wide}) for one in targets),
        TopicSpec(CANONICAL_FRAMES, partitions, {**bulk, **wide}),
        TopicSpec(QUALITY_REPORTS, partitions, {**bulk, **wide}),
        TopicSpec(EPISODES, partitions, compacted),
        TopicSpec(EPISODE_LABELS, partitions, {**wide, "retention.ms": "-1"}),
        TopicSpec(STREAMS_STATE, partitions, compacted),
    )
