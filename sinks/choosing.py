"""Which chunks of a stream meet a condition, by what is known of an episode while it runs.

What a chunk itself does not say, such as its task, its episode's start said on another topic, and
that may come a little later: the chunks wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.canonical import CanonicalChunk
from schemas.events import EpisodeEvent, EventKind
from sinks.where.columns import OF_CHUNK, OF_OPENING
from sinks.where.match import meets
from sinks.where.tree import Node, columns_in
from sinks.where.words import WhereError

MAX_WAITING = 10_000
"""Chunks that may wait for their episodes' starts."""

Key = tuple[str, str]


class Chooser:
    """Lets chunks through that meet a condition; remembers the starts of episodes it needs."""

    def __init__(self, where: Node) -> None:
        asked = columns_in(where)
        unknown = sorted(asked - {*OF_CHUNK, *OF_OPENING})
        if unknown:
            raise WhereError(
                f"{unknown[0]} is known when an episode has ended; of frames in flight there are "
                f"{', '.join((*OF_CHUNK, *OF_OPENING))}"
            )
        self.asks_episodes = not asked <= set(OF_CHUNK)
        self._where = where
        self._openings: dict[Key, Mapping[str, Any]] = {}
        self._waiting: dict[Key, list[CanonicalChunk]] = {}

    def offered(self, chunk: CanonicalChunk) -> list[CanonicalChunk]:
        """A chunk; it is returned if it meets the condition and all is known."""
        row = {name: getattr(chunk, name) for name in OF_CHUNK if name != "vendor"}
        row["vendor"] = chunk.robot.split("/", 1)[0]
        if self.asks_episodes and chunk.episode is not None:
            key = (chunk.episode, chunk.processing_id)
            opening = self._openings.get(key)
            if opening is None:
                self._wait(key, chunk)
                return []
            row |= opening
        return [chunk] if meets(self._where, row) else []

    def opened(self, event: EpisodeEvent) -> list[CanonicalChunk]:
        """What is told of an episode; returns the chunks that waited for it and are chosen."""
        if event.kind is not EventKind.OPENED:
            return []
        key = (event.episode, event.processing_id)
        self._openings[key] = {name: getattr(event, name) for name in OF_OPENING}
        return [own for chunk in self._waiting.pop(key, ()) for own in self.offered(chunk)]

    def _wait(self, key: Key, chunk: CanonicalChunk) -> None:
        self._waiting.setdefault(key, []).append(chunk)
        if sum(map(len, self._waiting.values())) > MAX_WAITING:
            raise LookupError(
                f"{MAX_WAITING} chunks wait for the starts of {len(self._waiting)} episodes, such "
                f"as {key[0]}: `episodes` does not hold them"
            )
