"""What a consumer has read, and what of it the broker knows to be at rest."""

from __future__ import annotations

from collections.abc import Mapping

from sinks.record import Place


class Offsets:
    """Positions of the partitions a consumer holds: next to read, at rest, confirmed."""

    def __init__(self) -> None:
        self._next: dict[Place, int] = {}
        self._at_rest: dict[Place, int] = {}
        self._confirmed: dict[Place, int] = {}

    def forget(self) -> None:
        """Partitions changed hands: whoever holds them begins at what was committed."""
        self._next.clear()
        self._at_rest.clear()
        self._confirmed.clear()

    def read(self, place: Place, offset: int) -> int:
        """Note that a record was read; returns how many offsets before it never came."""
        if place not in self._next:
            self._next[place] = self._at_rest[place] = self._confirmed[place] = offset
        skipped = offset - self._next[place]
        self._next[place] = offset + 1
        return max(skipped, 0)

    def rest(self, positions: Mapping[Place, int]) -> dict[Place, int]:
        """Everything before these positions is at rest. A position never goes back.

        Returns how many records that is more than before.
        """
        more = {}
        for place, position in positions.items():
            # A sink may still name a partition that it has just lost.
            if place in self._next and position > self._at_rest[place]:
                more[place] = position - self._at_rest[place]
                self._at_rest[place] = position
        return more

    def unconfirmed(self) -> dict[Place, int]:
        """What is at rest and the broker has not confirmed."""
        return {
            place: position
            for place, position in self._at_rest.items()
            if self._confirmed[place] != position
        }

    def confirm(self, place: Place, position: int) -> None:
        """The broker has this commit."""
        if self._at_rest.get(place, -1) >= position:
            self._confirmed[place] = position
