"""The step in a plain confluent-kafka loop: a batch a poll, commits each second."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, Producer

from deploy.bench.step_programs.work import BATCH, Asked, Work
from schemas.topics import MAX_RECORD_BYTES
from streams.messages import plain_record
from streams.publisher import producer_config
from streams.records import Output


def main() -> None:
    """Run until the work has seen enough."""
    asked = Asked.of_command()
    work = Work(asked)
    producer = Producer(producer_config(work.bootstrap))
    consumer = Consumer(
        {
            "bootstrap.servers": work.bootstrap,
            "group.id": asked.group,
            "enable.auto.commit": False,
            "auto.offset.reset": asked.start,
            "fetch.min.bytes": 512 * 1024,
            "fetch.wait.max.ms": 30,
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    consumer.subscribe(work.topics, on_assign=lambda *_: print("ready", flush=True))
    committed_s = time.monotonic()
    while True:
        messages = consumer.consume(BATCH, timeout=0.02)
        if messages:
            send(producer, work([plain_record(message) for message in messages]))
        if time.monotonic() - committed_s > 1.0:
            producer.flush()
            consumer.commit(asynchronous=True)
            committed_s = time.monotonic()


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


if __name__ == "__main__":
    main()
