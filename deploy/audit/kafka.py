"""What the audit reads from Kafka: spans of topics, and how far each group has come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

import structlog
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from deploy.audit.raw import Place
from deploy.lag import committed, watermarks
from schemas.bad_batch import end_of_batch, is_bad_batch
from schemas.codec import CodecError
from schemas.events import DeadLetter, decode_dead_letter
from schemas.topics import MAX_RECORD_BYTES

TIMEOUT_S = 20.0
QUIET_S = 30.0
BATCH = 250

_log = structlog.get_logger()


class AuditReader:
    """Reads topics from offset to offset; takes part in no group and commits nothing.

    Attributes:
        skipped: by place, batches that no client can open: their offsets [first, end).
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.skipped: dict[Place, set[tuple[int, int]]] = {}
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "kinebus-audit",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.min.bytes": 1,
                "max.partition.fetch.bytes": MAX_RECORD_BYTES,
                "fetch.max.bytes": 4 * MAX_RECORD_BYTES,
                "receive.message.max.bytes": 5 * MAX_RECORD_BYTES,
                "queued.max.messages.kbytes": 16 * 1024,
            }
        )

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def places(self, prefix: str) -> list[Place]:
        """Every partition of the topics whose name begins so."""
        topics = self._admin.list_topics(timeout=TIMEOUT_S).topics
        return sorted(
            (name, partition)
            for name, meta in topics.items()
            if name.startswith(prefix)
            for partition in meta.partitions
        )

    def watermarks(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        """The first offset still there and the one behind the last."""
        return watermarks(self._admin, places)

    def since(self, places: Iterable[Place], at_ms: int) -> dict[Place, tuple[int, int]]:
        """From the first record of that time or later to the end."""
        marks = self.watermarks(places)
        asked = [TopicPartition(*place, at_ms) for place in marks]
        found = self._consumer.offsets_for_times(asked, timeout=TIMEOUT_S) if asked else []
        starts = {(p.topic, p.partition): p.offset for p in found if p.offset >= 0}
        return {p: (max(starts.get(p, high), low), high) for p, (low, high) in marks.items()}

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int]:
        """How far a group has come; 0 where it has committed nothing."""
        wanted = [TopicPartition(*place) for place in places]
        found = committed(self._bootstrap, group, wanted)
        return {(part.topic, part.partition): max(part.offset, 0) for part in found}

    def letters(
        self, spans: Mapping[Place, tuple[int, int]]
    ) -> Iterator[tuple[Message, DeadLetter]]:
        """The dead letters of these spans; what else somebody wrote there is logged."""
        for message in self.read(spans):
            try:
                letter = decode_dead_letter(message.value() or b"")
            except CodecError as error:
                at = f"{message.topic()}/{message.partition()}@{message.offset()}"
                _log.warning("no dead letter", at=at, reason=str(error))
                continue
            yield message, letter

    def read(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[Message]:
        """The records of these spans [start, stop), as far as they are there."""
        left = {place: stop for place, (start, stop) in spans.items() if start < stop}
        self._consumer.assign([TopicPartition(*place, spans[place][0]) for place in left])
        heard = time.monotonic()
        while left:
            # It waits for a whole batch as long as it may: the shorter, the sooner a small one.
            messages = self._consumer.consume(BATCH, 0.05)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > QUIET_S:
                raise TimeoutError(f"the broker gave nothing for {QUIET_S:.0f} s; is it up?")
            for message in messages:
                place = (message.topic(), message.partition())
                if place not in left:
                    continue
                error = message.error()
                offset = message.offset()
                if error is not None and is_bad_batch(error):
                    offset = self._step_over(place, offset) - 1
                elif error is None and offset < left[place]:
                    yield message
                if _is_end(error) or offset >= left[place] - 1:
                    del left[place]
                    self._consumer.incremental_unassign([TopicPartition(*place)])
        self._consumer.unassign()

    def _step_over(self, place: Place, first: int) -> int:
        """Go on behind a batch that no client can open; gives where it ends."""
        end = end_of_batch({"bootstrap.servers": self._bootstrap}, *place, first)
        self.skipped.setdefault(place, set()).add((first, end))
        self._consumer.seek(TopicPartition(*place, end))
        return end


def _is_end(error: KafkaError | None) -> bool:
    if error is None or is_bad_batch(error):
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    if error.retriable() or error.code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
        return False
    raise KafkaException(error)
