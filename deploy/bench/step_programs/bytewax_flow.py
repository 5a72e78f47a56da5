"""The step in Bytewax: its Kafka source, a batch at a time, its Kafka sink."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main

from deploy.bench.step_programs.work import BATCH, Asked, Work
from schemas.topics import CANONICAL_FRAMES, MAX_RECORD_BYTES
from streams.publisher import producer_config
from streams.records import PlainRecord

_OFFSETS = {"earliest": -2, "latest": -1}


def main() -> None:
    """Run until the work has seen enough."""
    asked = Asked.of_command()
    work = Work(asked)

    def step(messages: list[KafkaSourceMessage]) -> Iterable[KafkaSinkMessage]:
        for output in work([plain(message) for message in messages]):
            yield KafkaSinkMessage(
                output.key, output.value, topic=output.topic, partition=output.partition
            )

    fetching = {
        "fetch.min.bytes": str(512 * 1024),
        "fetch.wait.max.ms": "30",
        "fetch.message.max.bytes": str(MAX_RECORD_BYTES),
    }
    brokers = [work.bootstrap]
    flow = Dataflow("step")
    source = KafkaSource(
        brokers,
        work.topics,
        starting_offset=_OFFSETS[asked.start],
        batch_size=BATCH,
        add_config=fetching,
    )
    made = op.flat_map_batch("step", op.input("raw", flow, source), step)
    sending = {name: str(value) for name, value in producer_config(work.bootstrap).items()}
    op.output("canonical", made, KafkaSink(brokers, CANONICAL_FRAMES, add_config=sending))
    print("ready", flush=True)
    run_main(flow, epoch_interval=timedelta(seconds=1))


def plain(message: KafkaSourceMessage) -> PlainRecord:
    """A consumed message as the pure steps see it."""
    return PlainRecord(
        message.topic,
        message.partition,
        message.offset,
        message.timestamp[1],
        message.key,
        message.value,
        message.headers,
    )


if __name__ == "__main__":
    main()
