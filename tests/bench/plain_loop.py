"""The same pure step in a plain confluent-kafka loop: the peer that the Faust worker is held to.

    python tests/bench/plain_loop.py SECONDS

It reads every raw topic with one consumer, runs `process_fold` on what each poll brought, and
writes and commits exactly as much as the Faust worker does: outputs, snapshots behind them, then
the offset. Prints its CPU seconds and what it processed as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from schemas.settings import Settings
from schemas.topics import MAX_RECORD_BYTES, raw_topic
from schemas.vendors import load_vendors
from streams.checkpoint import PartitionState, empty_partition
from streams.chunk import compile_all
from streams.process import process_fold
from streams.publisher import producer_config
from streams.records import Output, PlainRecord
from streams.warm import warm


def main(seconds: float) -> None:
    """Process for so many seconds, then say what it cost."""
    settings = Settings()
    bootstrap = settings.require_kafka()
    only = [name for name in settings.vendors.split(",") if name]
    vendors = load_vendors(settings.profiles_dir, only)
    processors = compile_all(vendors)
    warm()
    producer = Producer(producer_config(bootstrap))
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-plain",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.min.bytes": 256 * 1024,
            "fetch.wait.max.ms": 25,
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    consumer.subscribe([raw_topic(name) for name in vendors.names])
    states: dict[tuple[str, int], PartitionState] = {}
    counts: dict[str, int] = defaultdict(int)
    print("ready", flush=True)
    deadline = time.monotonic() + seconds
    cpu = time.process_time()
    while time.monotonic() < deadline:
        folds: dict[tuple[str, int], list[PlainRecord]] = defaultdict(list)
        for message in consumer.consume(200, timeout=0.02):
            folds[message.topic(), message.partition()].append(plain(message))
        commits = []
        snapshots: list[Output] = []
        for place, records in folds.items():
            state = states.get(place) or empty_partition(*place)
            states[place], folded = process_fold(state, records, processors)
            for outcome, number in folded.counts.items():
                counts[outcome] += number
            send(producer, folded.outputs)
            if folded.checkpoint is not None:
                snapshots += folded.checkpoint.snapshots
                commits.append(TopicPartition(*place, folded.checkpoint.offset))
        if commits:
            producer.flush()
            send(producer, snapshots)
            producer.flush()
            consumer.commit(offsets=commits, asynchronous=True)
    used = time.process_time() - cpu
    print(json.dumps({"cpu_s": used, "counts": counts, "seconds": seconds}))


def send(producer: Producer, outputs: list[Output]) -> None:
    """Queue outputs; wait while librdkafka's queue is full."""
    for output in outputs:
        while True:
            try:
                producer.produce(output.topic, output.value, output.key, output.partition)
                break
            except BufferError:
                producer.poll(0.01)
    producer.poll(0)


def plain(message: Message) -> PlainRecord:
    """A consumed message as the pure steps see it."""
    return PlainRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers() or [],
    )


if __name__ == "__main__":
    main(float(sys.argv[1]))
