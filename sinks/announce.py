"""Sends a sink's own facts about episodes and returns only when the broker has them."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import EpisodeEvent, encode_event
from schemas.topics import EPISODES
from sinks.patience import Patience
from sinks.publisher import Outgoing, Publisher


class Announcer:
    """A producer of episode events.

    An event that is sent twice has the same key and the same bytes: compaction keeps one.
    """

    def __init__(self, bootstrap: str, sink: str, patience: Patience) -> None:
        self._publisher = Publisher(bootstrap, f"sink-{sink}-events", patience)

    def send(self, events: Sequence[tuple[int, EpisodeEvent]]) -> None:
        """Send events, each to its partition, and wait until they are acknowledged."""
        self._publisher.send(
            [Outgoing(EPISODES, place, event.key, encode_event(event)) for place, event in events]
        )
