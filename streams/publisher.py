"""Outputs to Kafka: one idempotent producer, delivery reports counted per batch."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence

import structlog
from confluent_kafka import KafkaError, Message, Producer

from schemas.topics import MAX_RECORD_BYTES
from streams.records import Output

EXIT_CRASHED = 70
_FULL_QUEUE_SLEEP_S = 0.005

log = structlog.get_logger()


def producer_config(bootstrap: str) -> dict[str, str | int | bool]:
    """Settings of librdkafka: nothing is given up, requests are few."""
    return {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "acks": "all",
        "message.timeout.ms": 0,
        "reconnect.backoff.max.ms": 1_000,
        "linger.ms": 20,
        "batch.size": 1024 * 1024,
        "message.max.bytes": MAX_RECORD_BYTES + 64 * 1024,
        "queue.buffering.max.kbytes": 128 * 1024,
        "queue.buffering.max.messages": 100_000,
    }


class _Batch:
    """Counts down the delivery reports of one batch; runs on the polling thread alone."""

    __slots__ = ("done", "left")

    def __init__(self, count: int, done: Callable[[], None]) -> None:
        self.left = count
        self.done = done

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            crash(f"{message.topic()}/{message.partition()} was not acknowledged: {error}")
        self.left -= 1
        if self.left == 0:
            self.done()


class Publisher:
    """Writes batches of outputs; each tells the event loop when all of it is acknowledged."""

    def __init__(self, bootstrap: str, loop: asyncio.AbstractEventLoop) -> None:
        self._producer = Producer(producer_config(bootstrap))
        self._loop = loop
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="delivery-reports", daemon=True)
        self._thread.start()

    async def publish(self, outputs: Sequence[Output], done: Callable[[], None]) -> None:
        """Queue outputs in order; `done` is called on the loop once all are acknowledged."""
        if not outputs:
            done()
            return

        def report() -> None:
            self._loop.call_soon_threadsafe(done)

        batch = _Batch(len(outputs), report)
        for output in outputs:
            while True:
                try:
                    self._producer.produce(
                        output.topic,
                        output.value,
                        output.key,
                        output.partition,
                        on_delivery=batch,
                    )
                    break
                except BufferError:
                    await asyncio.sleep(_FULL_QUEUE_SLEEP_S)

    def close(self) -> None:
        """Wait for what is queued, up to five seconds, and stop."""
        self._producer.flush(5.0)
        self._stopped.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stopped.is_set():
            self._producer.poll(0.05)


def crash(reason: str) -> None:
    """End the process at once: what is not committed is read again by its successor."""
    log.error("worker ends", reason=reason)
    os._exit(EXIT_CRASHED)
