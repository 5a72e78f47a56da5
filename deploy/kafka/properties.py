"""The server properties of a single KRaft node on loopback."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
_MIB = 1024 * 1024
_LISTENERS = re.compile(rf"^listeners=PLAINTEXT://{HOST}:(\d+),CONTROLLER://{HOST}:(\d+)$", re.M)


@dataclass(frozen=True)
class Ports:
    """The two ports of a combined node, and the one that clients are told: 0 for the broker's."""

    broker: int
    controller: int
    advertised: int = 0


@dataclass(frozen=True)
class LogLimits:
    """What a partition may take on disk, and the largest record batch.

    Kafka deletes whole closed segments, so a partition takes up to a segment more than its bound.
    """

    retention_bytes: int = -1
    segment_bytes: int = 64 * _MIB
    message_bytes: int = 9 * _MIB


def server_properties(data: Path, ports: Ports, limits: LogLimits) -> dict[str, str]:
    """Kafka's settings for one node that is broker and controller."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        # Voters by address, not a stored voter set: the ports may change from start to start.
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{ports.broker},CONTROLLER://{HOST}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.advertised or ports.broker}",
        "log.dirs": str(data),
        # Every internal topic has one copy, for there is one node.
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(limits.message_bytes),
        "replica.fetch.max.bytes": str(limits.message_bytes),
        "log.retention.bytes": str(limits.retention_bytes),
        "log.segment.bytes": str(limits.segment_bytes),
        "log.retention.check.interval.ms": "10000",
        # A killed broker is let in again only after its old session has run out: 9 s by default.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        # The default of 128 MiB is a quarter of the bounded heap.
        "log.cleaner.dedupe.buffer.size": str(16 * _MIB),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def render(properties: dict[str, str]) -> str:
    """The properties as a file."""
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def ports_of(text: str) -> Ports | None:
    """The ports in a rendered file, so that a restart on the same data keeps its address."""
    match = _LISTENERS.search(text)
    return Ports(int(match.group(1)), int(match.group(2))) if match else None
