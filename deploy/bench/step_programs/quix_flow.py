"""The step in Quix Streams: a dataframe a topic, a message at a time, as it offers it."""

from __future__ import annotations

from typing import Any

from quixstreams import Application, message_context

from deploy.bench.step_programs.work import Asked, Work
from schemas.topics import MAX_RECORD_BYTES
from streams.publisher import producer_config
from streams.records import PlainRecord


def main() -> None:
    """Run until the work has seen enough."""
    asked = Asked.of_command()
    work = Work(asked)
    sending = producer_config(work.bootstrap)
    app = Application(
        broker_address=work.bootstrap,
        consumer_group=asked.group,
        auto_offset_reset=asked.start,
        auto_create_topics=False,
        commit_interval=1.0,
        loglevel="ERROR",
        consumer_extra_config={
            "fetch.min.bytes": 512 * 1024,
            "fetch.wait.max.ms": 30,
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        },
        producer_extra_config={n: v for n, v in sending.items() if n != "bootstrap.servers"},
    )
    producer = app.get_producer()

    def step(value: bytes, key: Any, timestamp: int, headers: Any) -> None:
        at = message_context()
        record = PlainRecord(
            at.topic, at.partition, at.offset, timestamp, key, value, headers or []
        )
        for output in work([record]):
            producer.produce(
                output.topic, value=output.value, key=output.key, partition=output.partition
            )

    for name in work.topics:
        topic = app.topic(name, key_deserializer="bytes", value_deserializer="bytes")
        app.dataframe(topic).update(step, metadata=True)
    print("ready", flush=True)
    app.run()


if __name__ == "__main__":
    main()
