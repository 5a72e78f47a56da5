"""Ends a worker that has stopped making progress while records wait for it.

A Faust consumer can die slowly: the process lives, heartbeats go on, nothing is fetched. Only the
broker's own ends of the partitions tell that from a quiet night.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.publisher import crash

PATIENCE_S = 45.0
LOOK_EVERY_S = 10.0
TIMEOUT_S = 10.0
STANDSTILL = "nothing was taken"
"""What it says before it ends a worker."""

Positions = Mapping[tuple[str, int], int]
"""Next offset by topic and partition."""


def stalled(idle_s: float, positions: Positions, ends: Positions) -> tuple[str, int] | None:
    """A partition whose records wait although nothing was taken for 45 s, if there is one."""
    if idle_s < PATIENCE_S:
        return None
    return next((place for place, at in positions.items() if ends.get(place, 0) > at), None)


class Watchdog:
    """Looks at a worker every ten seconds, from a thread of its own.

    Args:
        bootstrap: the broker.
        progress: when the worker last took something (monotonic seconds), and its positions.
        blame: called before the process ends.
    """

    def __init__(
        self,
        bootstrap: str,
        progress: Callable[[], tuple[float, Positions]],
        blame: Callable[[], None],
    ) -> None:
        self._progress = progress
        self._blame = blame
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "streams-watchdog"})
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            last, positions = self._progress()
            idle_s = time.monotonic() - last
            if idle_s >= PATIENCE_S:
                place = stalled(idle_s, positions, self._ends(positions))
                if place is not None:
                    self._blame()
                    crash(f"{STANDSTILL} for {idle_s:.0f} s while {place} has records")

    def _ends(self, positions: Positions) -> Positions:
        """Where the partitions end; empty while the broker does not answer."""
        try:
            return {
                place: self._consumer.get_watermark_offsets(
                    TopicPartition(*place), timeout=TIMEOUT_S
                )[1]
                for place in positions
            }
        except KafkaException:
            return {}
