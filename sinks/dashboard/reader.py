"""Reads what the dashboard shows, by an assigned consumer without a group that may skip.

It commits nothing and nobody waits for it. Where it falls behind it goes on at the log's end: what
it skips was display data, the records stay where they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Event

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from schemas.bad_batch import is_bad_batch
from schemas.topics import (
    CANONICAL_FRAMES,
    DEAD_LETTER_PREFIX,
    EPISODES,
    MAX_RECORD_BYTES,
    QUALITY_REPORTS,
)
from sinks.consumer import broker_may_recover, step_over
from sinks.dashboard.board import Board
from sinks.dashboard.measure import SKIPS
from sinks.record import Place, record_of

SKIP_BEHIND = 20_000
"""Records: ten seconds of 200 robots."""

BATCH = 500
POLL_S = 0.1
TOPICS_EVERY_S = 15.0
METADATA_TIMEOUT_S = 10.0

SINCE_S = {CANONICAL_FRAMES: 0, QUALITY_REPORTS: 60, EPISODES: 3_600, DEAD_LETTER_PREFIX: 600}
"""How far back each topic is read at the start; 0 = from its end."""

log = structlog.get_logger()


class Reader:
    """A consumer of all partitions of the topics that are shown."""

    def __init__(self, bootstrap: str, board: Board, stop: Event) -> None:
        self._settings = reader_settings(bootstrap)
        self._board = board
        self._stop = stop
        self._consumer = Consumer(self._settings)
        self._assigned: set[Place] = set()
        self._reached: dict[Place, int] = {}

    def run(self) -> None:
        """Read until told to stop; the broker may be away for any time."""
        look_at = 0.0
        try:
            while not self._stop.is_set():
                if time.monotonic() >= look_at:
                    self._look_for_topics()
                    look_at = time.monotonic() + (TOPICS_EVERY_S if self._assigned else 1.0)
                self._turn()
        finally:
            self._consumer.close()

    def _turn(self) -> None:
        if not self._assigned:
            self._stop.wait(POLL_S)
            return
        records = []
        for message in self._consumer.consume(BATCH, POLL_S):
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif is_bad_batch(error):
                place = Place(message.topic(), message.partition())
                step_over(self._consumer, self._settings, place, message.offset())
            elif not broker_may_recover(error):
                raise KafkaException(error)
        self._board.take(records)
        self._reached.update((record.place, record.offset) for record in records)
        self._skip_if_behind()

    def _look_for_topics(self) -> None:
        try:
            topics = self._consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics
        except KafkaException as error:
            log.warning("broker", error=str(error))
            return
        places = {
            Place(name, partition)
            for name, meta in topics.items()
            if name in SINCE_S or name.startswith(DEAD_LETTER_PREFIX)
            for partition in meta.partitions
        }
        new = places - self._assigned
        if new:
            self._consumer.incremental_assign(self._starts(sorted(new)))
            self._assigned |= new
            log.info("reading", topics=sorted({place.topic for place in self._assigned}))

    def _starts(self, places: Iterable[Place]) -> list[TopicPartition]:
        now_ms = int(time.time() * 1_000)
        starts: list[TopicPartition] = []
        asked: list[TopicPartition] = []
        for topic, partition in places:
            since_s = SINCE_S.get(topic, SINCE_S[DEAD_LETTER_PREFIX])
            at = OFFSET_END if since_s == 0 else now_ms - since_s * 1_000
            (starts if since_s == 0 else asked).append(TopicPartition(topic, partition, at))
        for found in self._consumer.offsets_for_times(asked, timeout=METADATA_TIMEOUT_S):
            at = found.offset if found.offset >= 0 else OFFSET_END
            starts.append(TopicPartition(found.topic, found.partition, at))
        return starts

    def _skip_if_behind(self) -> None:
        """Go on at the end where more waits than anybody would want to see."""
        frames = [place for place in self._assigned if place.topic == CANONICAL_FRAMES]
        if sum(self._behind(place) for place in frames) < SKIP_BEHIND:
            return
        SKIPS.inc()
        for topic, partition in frames:
            self._consumer.seek(TopicPartition(topic, partition, OFFSET_END))
            self._reached.pop(Place(topic, partition), None)
        log.warning("too far behind: goes on at the end of the log", topic=CANONICAL_FRAMES)

    def _behind(self, place: Place) -> int:
        """Records of a partition that wait at the broker, as far as its last answer told."""
        if place not in self._reached:
            return 0
        _, end = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        return max(int(end) - self._reached[place] - 1, 0)


def reader_settings(bootstrap: str) -> dict[str, str | int | bool]:
    """The consumer's settings: few, bounded fetches."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "kinebus-dashboard",
        "group.id": "kinebus-dashboard",
        "enable.auto.commit": False,
        "auto.offset.reset": "latest",
        "allow.auto.create.topics": False,
        "reconnect.backoff.max.ms": 1_000,
        "fetch.min.bytes": 100_000,
        "fetch.wait.max.ms": 100,
        "fetch.max.bytes": MAX_RECORD_BYTES,
        "max.partition.fetch.bytes": 1_048_576,
        "receive.message.max.bytes": 2 * MAX_RECORD_BYTES,
        "queued.max.messages.kbytes": 8 * 1_024,
        "queued.min.messages": 1_000,
    }
